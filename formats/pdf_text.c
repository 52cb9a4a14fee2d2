/* The inlines of a paragraph as one text with spans of style. */
#include "formats/pdf_priv.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* How the text at hand looks, on the way down. */
struct look {
	enum font_style style;
	const char *address;
	bool struck;
};

void
pdf_text_clear(struct pdf_text *text)
{
	if (text->at != NULL)
		explicit_bzero(text->at, text->capacity * sizeof *text->at);
	free(text->at);
	free(text->spans);
	free(text->runs);
	memset(text, 0, sizeof *text);
}

static bool
reserve(struct pdf *pdf, struct pdf_text *text, size_t more)
{
	if (text->count + more <= text->capacity)
		return true;
	size_t capacity = text->capacity * 2 + more + 256;
	uint32_t *at = reallocarray(text->at, capacity, sizeof *at);
	if (at == NULL) {
		pdf_fail(pdf, WHY_NOMEM, "no memory for a paragraph");
		return false;
	}
	text->at = at;
	text->capacity = capacity;
	return true;
}

/* What follows looks so. */
static void
begin_span(struct pdf *pdf, struct pdf_text *text, const struct look *look)
{
	if (text->span_count > 0) {
		const struct text_span *last =
		    &text->spans[text->span_count - 1];
		const struct pdf_run *run = &text->runs[text->span_count - 1];
		if (last->style == look->style &&
		    run->address == look->address &&
		    run->struck == look->struck)
			return;
		if (last->first == text->count)
			text->span_count--;
	}
	struct text_span *spans = pdf_grow(pdf, text->spans, text->span_count,
	    &text->span_capacity, sizeof *spans);
	if (spans == NULL)
		return;
	text->spans = spans;
	struct pdf_run *runs = pdf_grow(pdf, text->runs, text->span_count,
	    &text->run_capacity, sizeof *runs);
	if (runs == NULL)
		return;
	text->runs = runs;
	spans[text->span_count] = (struct text_span){
	    (uint32_t)text->count, look->style, text->span_count};
	runs[text->span_count] =
	    (struct pdf_run){look->address, look->struck, -1};
	text->span_count++;
}

static void
add_text(struct pdf *pdf, struct pdf_text *text, struct span plain,
    const struct look *look)
{
	if (plain.size == 0 || !reserve(pdf, text, plain.size))
		return;
	begin_span(pdf, text, look);
	uint32_t *to = text->at + text->count;
	for (size_t pos = 0; pos < plain.size;) {
		if (plain.at[pos] < 0x80)
			*to++ = plain.at[pos++];
		else
			*to++ = utf8_next(plain, &pos);
	}
	text->count = (size_t)(to - text->at);
}

static void
gather(struct pdf *pdf, struct pdf_text *text, cmark_node *parent,
    const struct look *around)
{
	for (cmark_node *node = cmark_node_first_child(parent); node != NULL;
	     node = cmark_node_next(node)) {
		struct look look = *around;
		switch ((int)cmark_node_get_type(node)) {
		case CMARK_NODE_TEXT:
		case CMARK_NODE_CODE:
			add_text(pdf, text,
			    span_text(cmark_node_get_literal(node)), &look);
			continue;
		case CMARK_NODE_LINEBREAK:
			add_text(pdf, text, span_text("\n"), &look);
			continue;
		case CMARK_NODE_STRONG:
			look.style |= FONT_BOLD;
			break;
		case CMARK_NODE_EMPH:
			look.style |= FONT_ITALIC;
			break;
		case CMARK_NODE_LINK:
			look.address = cmark_node_get_url(node);
			break;
		case CMARK_NODE_CUSTOM_INLINE:
			look.struck = true;
			break;
		default:
			break;
		}
		gather(pdf, text, node, &look);
	}
}

static void
start(struct pdf_text *text)
{
	text->count = 0;
	text->span_count = 0;
}

/* The language picks letter forms (a Sámi Ŋ is not an African one). These have
 * none of their own in any font here, so they share the cache of words. */
static hb_language_t
shaping_language(const char *language)
{
	static const char *const alike[] = {"nb", "nn", "no", "en"};
	int size = (int)strcspn(language, "-");
	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
		if (size == 2 && strncasecmp(language, alike[i], 2) == 0)
			return hb_language_from_string("nb", -1);
	return hb_language_from_string(language, size);
}

static void
finish(struct pdf *pdf, struct pdf_text *text, const char *language,
    int direction, const struct look *look)
{
	if (text->span_count == 0)
		begin_span(pdf, text, look);
	if (language == NULL)
		language = pdf->document->language;
	text->text = (struct text){.at = text->at,
	    .count = text->count,
	    .spans = text->spans,
	    .span_count = text->span_count,
	    .language = shaping_language(language),
	    .direction = direction};
}

void
pdf_text_gather(struct pdf *pdf, struct pdf_text *text, cmark_node *node,
    enum font_style style, const char *language, int direction)
{
	struct look look = {.style = style};
	start(text);
	gather(pdf, text, node, &look);
	finish(pdf, text, language, direction, &look);
}

void
pdf_text_set(struct pdf *pdf, struct pdf_text *text, struct span plain)
{
	struct look look = {.style = FONT_REGULAR};
	start(text);
	add_text(pdf, text, plain, &look);
	finish(pdf, text, NULL, 0, &look);
}
