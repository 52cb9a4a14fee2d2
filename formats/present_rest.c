/*
 * present_rest - what the presentation does not name comes last, so that
 * nothing is lost.
 */
#include "formats/json.h"
#include "formats/present_priv.h"

#include <stdlib.h>
#include <string.h>

/* A star names any one step; what is below a named value is named too. */
static bool
pattern_names(const char *pattern, const char *pointer)
{
	while (*pattern != '\0') {
		if (*pattern == '*') {
			pattern++;
			pointer += strcspn(pointer, "/");
		} else if (*pattern++ != *pointer++) {
			return false;
		}
	}
	return *pointer == '\0' || *pointer == '/';
}

bool
present_is_technical(
    const struct presentation *presentation, const char *pointer)
{
	const json_t *list = json_object_get(presentation->spec, "technical");
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (pattern_names(present_text(one, "at"), pointer))
			return true;
	}
	return false;
}

/* "/data/x~1y/0" as "data › x/y › 1" */
static void
pointer_label(const char *pointer, struct buf *out)
{
	for (; *pointer != '\0'; pointer++) {
		if (*pointer == '/')
			buf_add_text(out, out->size ? " \xe2\x80\xba " : "");
		else if (*pointer == '~' && pointer[1] != '\0')
			buf_add_byte(out, *++pointer == '1' ? '/' : '~');
		else
			buf_add_byte(out, (uint8_t)*pointer);
	}
}

static void
rest_one(struct presenter *presenter, const json_t *value, size_t *count)
{
	const char *pointer = buf_text(&presenter->base);
	struct buf label, text;

	if (pointer == NULL) {
		presenter->failed = true;
		return;
	}
	if (json_object_get(presenter->shown, pointer) != NULL ||
	    present_is_technical(presenter->spec, pointer))
		return;
	buf_init(&label, 1 * MIB);
	present_text_init(&text);
	pointer_label(pointer, &label);
	present_scalar(presenter->spec, value, NULL, NULL, &text);
	present_row(presenter, buf_text(&label) ? buf_text(&label) : pointer,
	    buf_span(&text), SPAN_NONE, false);
	(*count)++;
	presenter->failed |= !buf_ok(&text) || !buf_ok(&label);
	buf_wipe(&label);
	buf_wipe(&text);
}

/* Each scalar under value that is not shown yet. */
static void
rest(struct presenter *presenter, const json_t *value, size_t *count)
{
	size_t back = presenter->base.size, i;
	const char *name;
	json_t *member;

	if (!json_is_object(value) && !json_is_array(value)) {
		rest_one(presenter, value, count);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		json_pointer_add(&presenter->base, name);
		rest(presenter, member, count);
		presenter->base.size = back;
	}
	json_array_foreach(value, i, member)
	{
		json_pointer_add_index(&presenter->base, i);
		rest(presenter, member, count);
		presenter->base.size = back;
	}
}

static size_t
count_scalars(const json_t *value)
{
	size_t i, count = 0;
	const char *name;
	json_t *member;

	if (!json_is_object(value) && !json_is_array(value))
		return 1;
	json_object_foreach((json_t *)(uintptr_t)value, name, member) count +=
	    count_scalars(member);
	json_array_foreach(value, i, member) count += count_scalars(member);
	return count;
}

void
present_rest(struct presenter *presenter, size_t *unknown)
{
	bool written;
	struct pending heading = present_pending(
	    presenter, 2, present_word(presenter->spec, "other"), &written);

	/* what was shown are pointers of scalars, each once: when they are as
	 * many as there are, none is left */
	if (json_object_size(presenter->shown) ==
	    count_scalars(presenter->payload))
		return;
	presenter->pending = &heading;
	presenter->table = NULL;
	buf_reset(&presenter->base);
	rest(presenter, presenter->payload, unknown);
	presenter->pending = NULL;
}
