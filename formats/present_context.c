/*
 * present_context - what the relay itself knows (the envelope, the files), and
 * the texts that the payload has for some versions of its format.
 */
#include "formats/json.h"
#include "formats/present_priv.h"

#include <stdlib.h>
#include <string.h>

/* Compare "1.10.0" and "1.9": numbers between dots, the rest is left out. */
static int
version_compare(const char *a, const char *b)
{
	for (int i = 0; i < 3; i++) {
		char *a_end, *b_end;
		unsigned long x = strtoul(a, &a_end, 10);
		unsigned long y = strtoul(b, &b_end, 10);

		if (x != y)
			return x < y ? -1 : 1;
		a = *a_end == '.' ? a_end + 1 : "";
		b = *b_end == '.' ? b_end + 1 : "";
	}
	return 0;
}

static void
markdown_one(
    struct presenter *presenter, const json_t *spec, const json_t *version)
{
	struct span text;
	const json_t *value =
	    present_get(presenter, present_text(spec, "text"));
	const char *from = json_string_value(
	    present_get(presenter, present_text(spec, "from")));
	const char *to =
	    json_string_value(present_get(presenter, present_text(spec, "to")));
	const char *is = json_string_value(version);

	if (!json_is_string(value))
		return;
	/* shown or, by the interval, rightly not: accounted for either way */
	present_mark(presenter, present_text(spec, "text"));
	if (is != NULL && ((from != NULL && version_compare(is, from) < 0) ||
			      (to != NULL && version_compare(is, to) > 0)))
		return;
	text = span_of(json_string_value(value), json_string_length(value));
	present_begin(presenter);
	document_markdown(presenter->document, present_root(presenter), text);
}

void
present_markdown(struct presenter *presenter, const json_t *spec, int level)
{
	bool written;
	struct pending heading = present_pending(
	    presenter, level, present_text(spec, "markdown"), &written);
	const json_t *version =
	    json_pointer_get(presenter->payload, present_text(spec, "version"));
	size_t size = presenter->base.size;
	const json_t *back, *items;
	size_t below;

	if (!present_go(presenter, present_text(spec, "at"), &back))
		return;
	items = presenter->top;
	below = presenter->base.size;
	presenter->pending = &heading;
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_pointer_add_index(&presenter->base, i);
		presenter->top = json_array_get(items, i);
		markdown_one(presenter, spec, version);
		present_back(presenter, items, below);
	}
	presenter->pending = heading.above;
	present_back(presenter, back, size);
}

static void
fact(struct presenter *presenter, const char *word, const char *value)
{
	if (value != NULL && value[0] != '\0')
		present_row(presenter, present_word(presenter->spec, word),
		    span_text(value), SPAN_NONE, false);
}

static void
organisation(struct presenter *presenter, const char *word, const char *number,
    const char *name)
{
	struct buf text;

	buf_init(&text, 4 * KIB);
	if (name != NULL && name[0] != '\0')
		buf_add_text(&text, name);
	if (number != NULL && number[0] != '\0')
		buf_printf(&text, text.size ? " (%s)" : "%s", number);
	fact(presenter, word, buf_text(&text));
	buf_clear(&text);
}

void
present_envelope(struct presenter *presenter, const json_t *spec, int level)
{
	const struct render_context *context = presenter->context;
	bool written;
	struct pending heading = present_pending(
	    presenter, level, present_text(spec, "envelope"), &written);
	struct buf time;

	presenter->pending = &heading;
	presenter->table = NULL;
	organisation(
	    presenter, "sender", context->sender, context->sender_name);
	organisation(presenter, "recipient", context->recipient,
	    context->recipient_name);
	buf_init(&time, 64);
	present_instant(presenter->spec->manner, context->received_ms, &time);
	fact(presenter, "received", buf_text(&time));
	buf_clear(&time);
	fact(presenter, "reference", context->reference);
	fact(presenter, "message", context->message);
	presenter->table = NULL;
	presenter->pending = heading.above;
}

void
present_files(struct presenter *presenter, const json_t *spec, int level)
{
	const struct render_context *context = presenter->context;
	struct document_node *grid;
	bool written;
	struct pending heading = present_pending(
	    presenter, level, present_text(spec, "files"), &written);
	struct span cells[2] = {
	    span_text(present_word(presenter->spec, "fileName")),
	    span_text(present_word(presenter->spec, "fileSize"))};
	struct buf size;

	presenter->pending = &heading;
	present_begin(presenter);
	presenter->pending = heading.above;
	if (context->files_count == 0) {
		document_paragraph(presenter->document, present_root(presenter),
		    span_text(present_word(presenter->spec, "noFiles")));
		return;
	}
	grid = document_grid(
	    presenter->document, present_root(presenter), cells, 2);
	document_grid_numbers(presenter->document, grid, 1);
	buf_init(&size, 64);
	for (size_t i = 0; i < context->files_count; i++) {
		buf_reset(&size);
		present_size(
		    presenter->spec->manner, context->files[i].size, &size);
		cells[0] = span_text(context->files[i].name);
		cells[1] = buf_span(&size);
		document_grid_row(presenter->document, grid, cells, 2);
	}
	buf_clear(&size);
}
