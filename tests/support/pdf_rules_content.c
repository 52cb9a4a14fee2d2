#include "tests/support/pdf_rules_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define OPERANDS 16

struct content {
	struct rules *rules;
	const struct pdf_value *resources;
	size_t page;
	struct rule_font *font;
	struct rule_mark *mark; /* open, NULL none */
	bool artifact;          /* open */
	bool in_text;
	double rise; /* holds until it is changed, also over text objects */
	bool risen;  /* it was said on this line */
	int saved;
	const struct pdf_value *operands[OPERANDS];
	size_t count;
};

struct rule_mark *
rules_mark(struct rules *rules, size_t page, size_t number)
{
	for (size_t i = 0; i < rules->mark_count; i++)
		if (rules->marks[i].page == page &&
		    rules->marks[i].number == number)
			return &rules->marks[i];
	return NULL;
}

static void
begin_mark(struct content *content)
{
	struct rules *rules = content->rules;
	if (content->mark != NULL || content->artifact)
		rule_broken(rules, "UA 7.1-1/2: marks inside one another");
	if (content->in_text)
		rule_broken(rules, "a mark begins inside a text object");
	if (content->count < 1)
		return;
	if (pdf_name_is(content->operands[0], "Artifact")) {
		content->artifact = true;
		return;
	}
	const struct pdf_value *number =
	    content->count == 2 ? pdf_raw(content->operands[1], "MCID") : NULL;
	if (number == NULL || number->type != PDF_NUMBER) {
		rule_broken(rules, "UA 7.1-3: a mark without MCID");
		return;
	}
	if (rules_mark(rules, content->page, (size_t)number->number) != NULL)
		rule_broken(rules, "an MCID is used twice on a page");
	rules->marks = reallocarray(
	    rules->marks, rules->mark_count + 1, sizeof *rules->marks);
	content->mark = &rules->marks[rules->mark_count++];
	*content->mark = (struct rule_mark){.page = content->page,
	    .number = (size_t)number->number,
	    .tag = content->operands[0]->text};
	buf_init(&content->mark->text, 64u << 20);
}

static void
show(struct content *content, struct span codes)
{
	struct rule_font *font = content->font;
	if (font == NULL || codes.size % 2 != 0 || !content->in_text) {
		rule_broken(content->rules, "text without a font");
		return;
	}
	for (size_t i = 0; i < codes.size; i += 2) {
		size_t cid = (size_t)codes.at[i] << 8 | codes.at[i + 1];
		if (cid == 0 || cid >= font->count) {
			rule_broken(content->rules,
			    "6.2.11.4.1-2, 6.2.11.8: CID %zu is shown", cid);
			continue;
		}
		struct rule_sign *sign = &font->signs[cid];
		sign->shown = true;
		if (content->rise != 0 && !content->risen &&
		    sign->text.size == 1 && isalnum(sign->text.at[0]))
			rule_broken(content->rules, "a letter is raised");
		if (content->mark != NULL)
			buf_add_span(&content->mark->text,
			    buf_span(&font->signs[cid].text));
	}
}

static void
show_operands(struct content *content)
{
	const struct pdf_value *list = content->operands[0];
	if (content->count != 1 || list->type != PDF_ARRAY) {
		rule_broken(content->rules, "TJ without its array");
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->type == PDF_STRING)
			show(content, list->items[i]->text);
}

static void
set_font(struct content *content)
{
	char name[32] = "";
	const struct pdf_value *fonts =
	    pdf_get(content->rules->file, content->resources, "Font");
	struct span text = content->operands[0]->text;
	memcpy(name, text.at, text.size < 31 ? text.size : 31);
	const struct pdf_value *ref = pdf_raw(fonts, name);
	content->font = rules_font(content->rules, (size_t)ref->number);
	if (content->font == NULL || content->operands[1]->number <= 0)
		rule_broken(content->rules, "font %s is no resource", name);
}

static void
check_picture(struct content *content)
{
	char name[32] = "";
	struct span text = content->operands[0]->text;
	const struct pdf_value *pictures =
	    pdf_get(content->rules->file, content->resources, "XObject");
	memcpy(name, text.at, text.size < 31 ? text.size : 31);
	if (!pdf_get(content->rules->file, pictures, name)->is_stream)
		rule_broken(
		    content->rules, "6.2.2-2: picture %s is no resource", name);
}

static void
check_paint(struct content *content)
{
	if (content->mark == NULL && !content->artifact)
		rule_broken(content->rules,
		    "UA 7.1-3: something is drawn outside all marks");
}

static void
run(struct content *content, struct span word)
{
	static const char *const known[] = {"rg", "re", "f", "Td", "Ts", "cm",
	    "BT", "ET", "BDC", "BMC", "EMC", "Tf", "TJ", "q", "Q", "Do"};
	size_t i = 0;
	while (i < 16 && !span_is(word, known[i]))
		i++;
	if (i == 16)
		rule_broken(content->rules, "6.2.2: word %.*s", (int)word.size,
		    (const char *)word.at);
	if (span_is(word, "BT") || span_is(word, "ET")) {
		if (content->in_text == span_is(word, "BT"))
			rule_broken(content->rules, "BT and ET do not pair");
		content->in_text = span_is(word, "BT");
	} else if (span_is(word, "BDC") || span_is(word, "BMC")) {
		begin_mark(content);
	} else if (span_is(word, "EMC")) {
		if ((content->mark == NULL && !content->artifact) ||
		    content->in_text)
			rule_broken(content->rules, "EMC closes nothing");
		content->mark = NULL;
		content->artifact = false;
	} else if (span_is(word, "Tf")) {
		if (content->count == 2)
			set_font(content);
	} else if (span_is(word, "Ts")) {
		if (content->count == 1)
			content->rise = content->operands[0]->number;
		content->risen = true;
	} else if (span_is(word, "Td")) {
		content->risen = false;
	} else if (span_is(word, "TJ")) {
		check_paint(content);
		show_operands(content);
	} else if (span_is(word, "f") || span_is(word, "Do")) {
		check_paint(content);
		if (span_is(word, "Do") && content->count == 1)
			check_picture(content);
	} else if (span_is(word, "q")) {
		content->saved++;
	} else if (span_is(word, "Q")) {
		content->saved--;
	}
	if (content->saved < 0 || content->saved > 28)
		rule_broken(content->rules, "6.1.13-8: q and Q");
}

void
rules_check_contents(
    struct rules *rules, const struct pdf_value *page, size_t page_number)
{
	const struct pdf_value *list = pdf_get(rules->file, page, "Contents");
	struct content content = {.rules = rules,
	    .page = page_number,
	    .resources = pdf_get(rules->file, page, "Resources")};
	if (content.resources->type != PDF_DICT)
		rule_broken(rules, "6.2.2-2: a page without resources");
	for (size_t i = 0; i < list->count; i++) {
		struct span data = pdf_item(rules->file, list, i)->data;
		const struct pdf_value *token;
		size_t pos = 0;
		while ((token = pdf_token(rules->file, data, &pos)) != NULL) {
			if (token->type == PDF_OPERATOR) {
				run(&content, token->text);
				content.count = 0;
			} else if (content.count < OPERANDS) {
				content.operands[content.count++] = token;
			}
		}
		if (pos < data.size || content.count > 0)
			rule_broken(rules, "contents with odd bytes");
		if (content.mark != NULL || content.artifact ||
		    content.in_text || content.saved != 0)
			rule_broken(rules, "contents leave something open");
	}
}
