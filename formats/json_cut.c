/*
 * json_cut - one pass over a text that is known to be JSON, copying all but
 * what is to go. A comma goes with the member or element before which it would
 * be left over.
 *
 * SECURITY: reads hostile bytes, which the strict reader has accepted; nesting
 * is bounded by it.
 */
#include "formats/json_cut.h"

#include "formats/json.h"

#include <string.h>

#define POINTER_MAX (16U << 20)

struct cutter {
	struct span text;
	size_t pos;
	const json_t *cuts;
	struct buf pointer;
	struct buf *out; /* NULL: nothing is copied now */
	size_t count;
	bool failed;
};

static int
peek(const struct cutter *cutter)
{
	return cutter->pos < cutter->text.size ? cutter->text.at[cutter->pos]
					       : -1;
}

static void
copy(struct cutter *cutter, size_t from, size_t to)
{
	if (cutter->out != NULL && to > from)
		buf_add(cutter->out, cutter->text.at + from, to - from);
}

static void
skip_space(struct cutter *cutter)
{
	while (peek(cutter) >= 0 && strchr(" \t\r\n", peek(cutter)) != NULL)
		cutter->pos++;
}

/* Over a string; pos is at its opening quote. */
static struct span
skip_string(struct cutter *cutter)
{
	size_t start = cutter->pos++;

	while (peek(cutter) >= 0 && peek(cutter) != '"')
		cutter->pos += peek(cutter) == '\\' ? 2 : 1;
	cutter->pos++;
	if (cutter->pos > cutter->text.size)
		cutter->pos = cutter->text.size;
	return span_of(cutter->text.at + start, cutter->pos - start);
}

static void
enter_name(struct cutter *cutter, struct span quoted)
{
	json_t *name = json_loadb(
	    (const char *)quoted.at, quoted.size, JSON_DECODE_ANY, NULL);

	if (json_is_string(name))
		json_pointer_add(&cutter->pointer, json_string_value(name));
	else
		cutter->failed = true;
	json_decref(name);
}

static void cut_value(struct cutter *cutter);

/* A member or element, from its first octet; whether it stays. */
static bool
cut_one(struct cutter *cutter, bool object, size_t index)
{
	size_t start = cutter->pos;
	struct buf *out = cutter->out;
	const char *pointer;
	bool goes;

	if (object) {
		enter_name(cutter, skip_string(cutter));
		skip_space(cutter);
		cutter->pos++; /* the colon */
		skip_space(cutter);
	} else {
		json_pointer_add_index(&cutter->pointer, index);
	}
	pointer = buf_text(&cutter->pointer);
	cutter->failed |= pointer == NULL;
	goes = pointer != NULL && json_object_get(cutter->cuts, pointer);
	if (goes)
		cutter->out = NULL;
	else
		copy(cutter, start, cutter->pos);
	cut_value(cutter);
	cutter->out = out;
	cutter->count += goes;
	return !goes;
}

/* pos is behind the opening bracket. */
static void
cut_container(struct cutter *cutter, bool object)
{
	size_t back = cutter->pointer.size, index = 0;
	bool begun = false; /* something stays already */

	while (!cutter->failed) {
		size_t gap = cutter->pos; /* white space before the next */
		size_t begin;
		struct buf *out = cutter->out;
		size_t kept = out ? out->size : 0;

		skip_space(cutter);
		if (peek(cutter) == '}' || peek(cutter) == ']' ||
		    peek(cutter) < 0) {
			copy(cutter, gap, cutter->pos + 1);
			cutter->pos++;
			return;
		}
		begin = cutter->pos;
		if (begun && out != NULL)
			buf_add_byte(out, ',');
		copy(cutter, gap, begin);
		if (cut_one(cutter, object, index++))
			begun = true;
		else if (out != NULL)
			out->size = kept;
		cutter->pointer.size = back;
		gap = cutter->pos;
		skip_space(cutter);
		if (peek(cutter) == ',') {
			cutter->pos++;
			continue;
		}
		cutter->pos = gap; /* it is the gap before the bracket */
	}
}

static void
cut_value(struct cutter *cutter)
{
	size_t start = cutter->pos;
	int c = peek(cutter);

	if (cutter->failed)
		return;
	if (c == '{' || c == '[') {
		cutter->pos++;
		copy(cutter, start, cutter->pos);
		cut_container(cutter, c == '{');
		return;
	}
	if (c == '"')
		skip_string(cutter);
	while (c != '"' && peek(cutter) >= 0 &&
	       strchr(" \t\r\n,}]", peek(cutter)) == NULL)
		cutter->pos++;
	copy(cutter, start, cutter->pos);
}

int
json_text_cut(struct span text, const json_t *cuts, struct buf *out,
    size_t *count, struct why *why)
{
	struct cutter cutter = {.text = text, .cuts = cuts, .out = out};
	size_t start;

	buf_init(&cutter.pointer, POINTER_MAX);
	skip_space(&cutter);
	start = cutter.pos;
	copy(&cutter, 0, start);
	cut_value(&cutter);
	if (cutter.pos < text.size)
		copy(&cutter, cutter.pos, text.size);
	*count = cutter.count;
	buf_wipe(&cutter.pointer);
	if (cutter.failed || !buf_ok(out))
		return why_set(why, WHY_NOMEM, "no memory to cut a text");
	return 0;
}
