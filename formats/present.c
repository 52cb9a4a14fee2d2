/*
 * present - the elements of a presentation, and the values that it forgot.
 *
 * SECURITY: reads values of unknown people. They go into the tree as texts of
 * nodes, never as markup; the one exception is CommonMark, which document.h
 * makes safe.
 */
#include "base/text.h"
#include "formats/json.h"
#include "formats/logo.h"
#include "formats/present_priv.h"

#include <stdlib.h>
#include <string.h>

static void elements(
    struct presenter *presenter, const json_t *content, int level);

const char *
present_text(const json_t *spec, const char *name)
{
	return json_string_value(json_object_get(spec, name));
}

struct document_node *
present_root(const struct presenter *presenter)
{
	return document_root(presenter->document);
}

/* Something will be written: the headings above it first. */
static void
flush(struct presenter *presenter, const struct pending *pending)
{
	if (pending == NULL || *pending->written)
		return;
	flush(presenter, pending->above);
	*pending->written = true;
	if (pending->text.at == NULL)
		return;
	document_heading(presenter->document, present_root(presenter),
	    pending->level, pending->text);
	presenter->table = NULL;
}

static void
begin(struct presenter *presenter)
{
	flush(presenter, presenter->pending);
}

void
present_begin(struct presenter *presenter)
{
	begin(presenter);
	presenter->table = NULL;
}

/* ---- rows ---- */

static struct document_node *
row_table(struct presenter *presenter)
{
	begin(presenter);
	if (presenter->table == NULL)
		presenter->table = document_table(
		    presenter->document, present_root(presenter));
	return presenter->table;
}

/* A value and, emphasised behind it, where it comes from. */
void
present_row(struct presenter *presenter, const char *label, struct span value,
    struct span note, bool struck)
{
	struct document *document = presenter->document;
	struct document_node *cell, *paragraph;

	if (note.size == 0 && !struck) {
		document_row(
		    document, row_table(presenter), span_text(label), value);
		return;
	}
	cell = document_row(
	    document, row_table(presenter), span_text(label), SPAN_NONE);
	if (memchr(value.at, '\n', value.size) != NULL || note.size == 0) {
		if (struck)
			document_free_struck(document, cell, value);
		else
			document_free_text(document, cell, value);
		if (note.size == 0)
			return;
		paragraph = document_paragraph(document, cell, SPAN_NONE);
	} else {
		paragraph = document_paragraph(document, cell, SPAN_NONE);
		if (struck)
			document_styled(
			    document, paragraph, DOCUMENT_STRUCK, value);
		else
			document_text(document, paragraph, value);
		document_text(document, paragraph, span_text(" "));
	}
	document_styled(document, paragraph, DOCUMENT_EMPHASIS, note);
}

/* "(hentet fra register)" */
static void
note_text(struct presenter *presenter, const json_t *spec, struct buf *out)
{
	const json_t *note = json_object_get(spec, "note");

	if (note == NULL)
		return;
	buf_add_byte(out, '(');
	if (present_value(presenter, note, out))
		buf_add_byte(out, ')');
	else
		buf_reset(out);
}

static void
element_row(struct presenter *presenter, const json_t *spec)
{
	struct buf value, note;
	bool any;

	present_text_init(&value);
	present_text_init(&note);
	any = present_value(presenter, spec, &value);
	note_text(presenter, spec, &note);
	if (!any && note.size > 0)
		buf_add_text(
		    &value, present_word(presenter->spec, "notAnswered"));
	if (any || note.size > 0)
		present_row(presenter, present_text(spec, "row"),
		    buf_span(&value), buf_span(&note),
		    any && present_is_struck(presenter->struck, spec));
	presenter->failed |= !buf_ok(&value) || !buf_ok(&note);
	buf_wipe(&value);
	buf_wipe(&note);
}

/* ---- blocks ---- */

struct pending
present_pending(const struct presenter *presenter, int level, const char *text,
    bool *written)
{
	*written = false;
	return (struct pending){
	    presenter->pending, level, span_text(text), written};
}

static void
element_text(struct presenter *presenter, const json_t *spec, int level)
{
	bool written;
	const char *name = present_text(spec, "text");
	struct pending heading =
	    present_pending(presenter, level, name[0] ? name : NULL, &written);
	struct buf value, note;

	present_text_init(&value);
	present_text_init(&note);
	if (present_value(presenter, spec, &value)) {
		presenter->pending = &heading;
		present_begin(presenter);
		presenter->pending = heading.above;
		note_text(presenter, spec, &note);
		if (present_is_struck(presenter->struck, spec))
			document_free_struck(presenter->document,
			    present_root(presenter), buf_span(&value));
		else
			document_free_text(presenter->document,
			    present_root(presenter), buf_span(&value));
		if (note.size > 0)
			document_styled(presenter->document,
			    document_paragraph(presenter->document,
				present_root(presenter), SPAN_NONE),
			    DOCUMENT_EMPHASIS, buf_span(&note));
	}
	presenter->failed |= !buf_ok(&value) || !buf_ok(&note);
	buf_wipe(&value);
	buf_wipe(&note);
}

/* Look at the value behind at while work() is done; false when there is none.
 */
bool
present_go(struct presenter *presenter, const char *at, const json_t **back)
{
	const json_t *value = present_get(presenter, at);

	*back = presenter->top;
	if (value == NULL)
		return false;
	buf_add_text(&presenter->base, at);
	presenter->top = value;
	return true;
}

void
present_back(struct presenter *presenter, const json_t *back, size_t size)
{
	presenter->base.size = size;
	presenter->top = back;
}

static void
element_section(struct presenter *presenter, const json_t *spec, int level)
{
	bool written;
	struct pending heading = present_pending(
	    presenter, level, present_text(spec, "section"), &written);
	const char *at = present_text(spec, "at");
	size_t size = presenter->base.size;
	const json_t *back;

	if (!present_go(presenter, at ? at : "", &back))
		return;
	presenter->pending = &heading;
	presenter->table = NULL;
	elements(presenter, json_object_get(spec, "content"), level + 1);
	presenter->table = NULL;
	presenter->pending = heading.above;
	present_back(presenter, back, size);
}

/* The heading of the n-th of a list: its own title, or a word and a number. */
static void
each_heading(struct presenter *presenter, const json_t *spec, size_t number,
    struct buf *out)
{
	const json_t *title = json_object_get(spec, "title");

	if (title != NULL && present_value(presenter, title, out))
		return;
	buf_printf(out, "%s %zu", present_text(spec, "one"), number);
}

static void
each_one(
    struct presenter *presenter, const json_t *spec, int level, size_t index)
{
	size_t size = presenter->base.size;
	const json_t *back, *around = presenter->struck;
	struct buf text;
	bool written = false;
	struct pending heading = {
	    presenter->pending, level, SPAN_NONE, &written};
	char at[24];

	snprintf(at, sizeof(at), "/%zu", index);
	if (!present_go(presenter, at, &back))
		return;
	present_text_init(&text);
	presenter->struck =
	    present_struck(presenter, json_object_get(spec, "struck"));
	if (json_is_object(presenter->top)) {
		each_heading(presenter, spec, index + 1, &text);
		heading.text = buf_span(&text);
		presenter->pending = &heading;
		present_begin(presenter);
		elements(
		    presenter, json_object_get(spec, "content"), level + 1);
		presenter->table = NULL;
		presenter->pending = heading.above;
	}
	presenter->struck = around;
	presenter->failed |= !buf_ok(&text);
	buf_wipe(&text);
	present_back(presenter, back, size);
}

static void
element_each(struct presenter *presenter, const json_t *spec, int level)
{
	bool written;
	const char *name = present_text(spec, "each");
	struct pending heading =
	    present_pending(presenter, level, name[0] ? name : NULL, &written);
	size_t size = presenter->base.size;
	const json_t *back;

	if (!present_go(presenter, present_text(spec, "at"), &back))
		return;
	presenter->pending = &heading;
	for (size_t i = 0; i < json_array_size(presenter->top); i++)
		each_one(presenter, spec, name[0] ? level + 1 : level, i);
	presenter->pending = heading.above;
	present_back(presenter, back, size);
}

/* ---- all ---- */

static void
elements(struct presenter *presenter, const json_t *content, int level)
{
	static const struct {
		const char *key;
		void (*write)(struct presenter *, const json_t *, int);
	} kinds[] = {{"section", element_section}, {"text", element_text},
	    {"each", element_each}, {"grid", present_grid},
	    {"markdown", present_markdown}, {"envelope", present_envelope},
	    {"files", present_files}};
	const json_t *one;
	size_t i;

	json_array_foreach(content, i, one)
	{
		if (json_object_get(one, "row") != NULL) {
			element_row(presenter, one);
			continue;
		}
		presenter->table = NULL;
		/* "markdown" has a member "text" that is not its kind */
		for (size_t k = sizeof(kinds) / sizeof(kinds[0]); k-- > 0;) {
			if (json_object_get(one, kinds[k].key) == NULL)
				continue;
			kinds[k].write(presenter, one, level);
			break;
		}
		presenter->table = NULL;
	}
}

static int
build(const struct presentation *presentation, const json_t *payload,
    const struct render_context *context, bool fell_back,
    const struct limits *limits, struct document **out, size_t *unknown,
    struct why *why)
{
	const char *title = present_text(presentation->spec, "title");
	struct document_meta meta = {.title = title,
	    .language = presentation->language,
	    .created_ms = context->received_ms,
	    .footer = context->message,
	    .author = context->sender_name};
	struct presenter presenter = {.spec = presentation,
	    .context = context,
	    .payload = payload,
	    .top = payload};
	int ret;

	*out = NULL;
	*unknown = 0;
	presenter.document = document_new(&meta, limits);
	presenter.shown = json_object();
	if (presenter.document == NULL || presenter.shown == NULL) {
		ret = why_set(why, WHY_NOMEM, "no memory for a document");
		goto out;
	}
	buf_init(&presenter.base, 16 * MIB);
	if (context->logo != NULL)
		document_figure(presenter.document, present_root(&presenter),
		    &context->logo->picture,
		    span_text(context->logo->alternative));
	document_heading(
	    presenter.document, present_root(&presenter), 1, span_text(title));
	if (fell_back && json_object_get(presentation->words, "fallback"))
		document_paragraph(presenter.document, present_root(&presenter),
		    span_text(present_word(presentation, "fallback")));
	elements(&presenter, json_object_get(presentation->spec, "content"), 2);
	present_rest(&presenter, unknown);
	ret = document_ok(presenter.document, why);
	if (ret == 0 && (presenter.failed || !buf_ok(&presenter.base)))
		ret = why_set(why, WHY_NOMEM, "no memory for a document");
	if (ret == 0) {
		*out = presenter.document;
		presenter.document = NULL;
	}
	buf_wipe(&presenter.base);
out:
	json_decref(presenter.shown);
	document_free(presenter.document);
	return ret;
}

int
presentation_document(const struct presentation *presentation,
    const json_t *payload, const struct render_context *context,
    const struct limits *limits, struct document **out, size_t *unknown,
    struct why *why)
{
	bool fell_back;

	presentation =
	    presentation_in(presentation, context->language, &fell_back);
	return build(presentation, payload, context, fell_back, limits, out,
	    unknown, why);
}
