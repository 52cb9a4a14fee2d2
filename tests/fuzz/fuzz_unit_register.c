/* Documents of Enhetsregisteret: what is taken has numbers that are some, and
 * from each unit of a closed list the way up ends. Documents stand with NUL
 * between them. */
#include "formats/unit_register.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static void
way_up(const struct unit_list *list, const struct unit *unit)
{
	size_t steps = 0;

	while (unit != NULL) {
		assert(orgnr_valid(unit->number));
		assert(steps++ < list->count);
		unit = unit->parent[0] == '\0'
			   ? NULL
			   : unit_list_find(list, unit->parent);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct unit_list list = {0};
	struct why why = {0};

	while (size > 0) {
		const uint8_t *end = memchr(at, 0, size);
		size_t part = end ? (size_t)(end - at) : size;
		size_t before = list.count;
		int code = unit_list_add(&list, span_of(at, part), &why);
		assert(code == 0 || list.count == before);
		assert(code == 0 || why.text[0] != '\0');
		size -= end ? part + 1 : part;
		at += end ? part + 1 : part;
	}
	if (unit_list_close(&list, &why) == 0)
		for (size_t i = 0; i < list.count; i++)
			way_up(&list, &list.at[i]);
	unit_list_clear(&list);
	return 0;
}
