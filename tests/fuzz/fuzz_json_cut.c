/* Any JSON text with some of its values taken out: what is left is JSON, it is
 * what was left of the tree, and without cuts nothing changes. The first byte
 * chooses what goes. */
#include "formats/json.h"
#include "formats/json_cut.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

/* Pointers of one value in so many, and nothing below them; the same values
 * become the text "\x01" in the tree, to be swept. */
static void
pick(json_t *value, struct buf *pointer, unsigned *state, json_t *cuts)
{
	size_t back = pointer->size, i;
	const char *name;
	json_t *one;
	void *next;

	json_object_foreach_safe(value, next, name, one)
	{
		json_pointer_add(pointer, name);
		*state = *state * 1664525U + 1013904223U;
		if (*state >> 24 < 60) {
			json_object_set_new(
			    cuts, buf_text(pointer), json_true());
			json_object_del(value, name);
		} else {
			pick(one, pointer, state, cuts);
		}
		pointer->size = back;
	}
	json_array_foreach(value, i, one)
	{
		json_pointer_add_index(pointer, i);
		*state = *state * 1664525U + 1013904223U;
		if (*state >> 24 < 60) {
			json_object_set_new(
			    cuts, buf_text(pointer), json_true());
			json_array_set_new(value, i, NULL);
		} else {
			pick(one, pointer, state, cuts);
		}
		pointer->size = back;
	}
}

static void
expect(struct span text, const json_t *cuts, const json_t *expected)
{
	struct json_bounds bounds = {1 << 20, 64};
	json_t *back;
	struct why why;
	struct buf out;
	size_t count;

	buf_init(&out, 1 << 20);
	if (json_text_cut(text, cuts, &out, &count, &why) < 0 ||
	    json_text_read(buf_span(&out), &bounds, &back, &why) < 0)
		abort();
	if (expected != NULL && !json_equal(back, expected))
		abort();
	json_decref(back);
	buf_clear(&out);
}

/* Only objects lose members in the tree; arrays are cut in the text alone. */
static bool
has_array(const json_t *value)
{
	const char *name;
	json_t *one;

	if (json_is_array(value))
		return true;
	json_object_foreach((json_t *)(uintptr_t)value, name, one)
	{
		if (has_array(one))
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct json_bounds bounds = {1 << 20, 64};
	struct span text;
	struct buf pointer;
	struct why why;
	json_t *value, *cuts, *none;
	unsigned state;
	bool arrays;

	if (size == 0)
		return 0;
	text = span_of(at + 1, size - 1);
	if (json_text_read(text, &bounds, &value, &why) < 0)
		return 0;
	state = at[0];
	cuts = json_object();
	none = json_object();
	expect(text, none, value);
	arrays = has_array(value);
	buf_init(&pointer, 1 << 20);
	pick(value, &pointer, &state, cuts);
	expect(text, cuts, arrays ? NULL : value);
	buf_clear(&pointer);
	json_decref(value);
	json_decref(cuts);
	json_decref(none);
	return 0;
}
