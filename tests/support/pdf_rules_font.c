#include "tests/support/pdf_rules_priv.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
u16_at(struct span file, size_t at)
{
	return at + 2 > file.size
		   ? 0
		   : (uint32_t)file.at[at] << 8 | file.at[at + 1];
}

static uint32_t
u32_at(struct span file, size_t at)
{
	return u16_at(file, at) << 16 | u16_at(file, at + 2);
}

static struct span
table(struct span file, const char *tag)
{
	for (size_t i = 0; i < u16_at(file, 4); i++) {
		size_t entry = 12 + 16 * i;
		size_t at = u32_at(file, entry + 8);
		size_t size = u32_at(file, entry + 12);
		if (entry + 16 <= file.size &&
		    memcmp(file.at + entry, tag, 4) == 0 && at <= file.size &&
		    size <= file.size - at)
			return span_of(file.at + at, size);
	}
	return SPAN_NONE;
}

/* W against hmtx (6.2.11.5), outlines inside glyf, parts that exist. */
static void
check_file(struct rules *rules, struct rule_font *font, struct span file,
    const struct pdf_value *widths)
{
	struct span hmtx = table(file, "hmtx");
	struct span loca = table(file, "loca");
	struct span glyf = table(file, "glyf");
	struct span head = table(file, "head");
	size_t count = u16_at(table(file, "maxp"), 4);
	double units = u16_at(head, 18);
	if (count == 0 || loca.size != 4 * (count + 1) ||
	    hmtx.size != 4 * count || units < 16 ||
	    u16_at(table(file, "hhea"), 34) != count) {
		rule_broken(rules, "6.2.11.4.1: font file is inconsistent");
		return;
	}
	font->signs = calloc(count, sizeof *font->signs);
	font->count = count;
	for (size_t i = 0; i < count; i++) {
		uint32_t from = u32_at(loca, 4 * i);
		uint32_t to = u32_at(loca, 4 * i + 4);
		buf_init(&font->signs[i].text, 4096);
		if (from > to || to > glyf.size)
			rule_broken(
			    rules, "6.2.11.4.1: glyph %zu outside glyf", i);
	}
	const struct pdf_value *list = pdf_item(rules->file, widths, 1);
	if (pdf_item(rules->file, widths, 0)->number != 1 ||
	    list->count >= count)
		rule_broken(rules, "6.2.11.5: W does not fit the font");
	for (size_t i = 0; i < list->count && i + 1 < count; i++) {
		double want = u16_at(hmtx, 4 * (i + 1)) * 1000 / units;
		double have = list->items[i]->number;
		if (have < want - 1 || have > want + 1)
			rule_broken(rules,
			    "6.2.11.5-1: CID %zu is %g wide, hmtx says %g",
			    i + 1, have, want);
	}
}

static void
check_target(
    struct rules *rules, struct rule_sign *sign, size_t cid, struct span units)
{
	for (size_t i = 0; i + 1 < units.size; i += 2) {
		uint32_t unit = u16_at(units, i);
		if (unit >= 0xD800 && unit < 0xDC00 && i + 3 < units.size) {
			unit = 0x10000 + ((unit & 0x3FF) << 10 |
					     (u16_at(units, i + 2) & 0x3FF));
			i += 2;
		}
		if (unit == 0 || unit == 0xFEFF || unit == 0xFFFE)
			rule_broken(rules,
			    "6.2.11.7.2-2: CID %zu maps to U+%04X", cid, unit);
		if (unit >= 0xE000 && unit < 0xF900)
			rule_broken(rules, "6.2.11.7.3: CID %zu maps to U+%04X",
			    cid, unit);
		utf8_add(&sign->text, unit);
	}
	if (units.size == 0)
		rule_broken(rules, "ToUnicode of CID %zu is empty", cid);
	sign->mapped = true;
}

static void
check_map(struct rules *rules, struct rule_font *font, struct span map)
{
	size_t pos = 0;
	const struct pdf_value *left = NULL;
	const struct pdf_value *token;
	bool inside = false;
	while ((token = pdf_token(rules->file, map, &pos)) != NULL) {
		if (token->type == PDF_OPERATOR) {
			if (span_is(token->text, "beginbfchar"))
				inside = true;
			if (span_is(token->text, "endbfchar"))
				inside = false;
			left = NULL;
			continue;
		}
		if (!inside || token->type != PDF_STRING)
			continue;
		if (left == NULL) {
			left = token;
			continue;
		}
		size_t cid = u16_at(left->text, 0);
		left = NULL;
		if (cid >= font->count || font->signs[cid].mapped)
			rule_broken(rules, "ToUnicode: odd CID %zu", cid);
		else
			check_target(
			    rules, &font->signs[cid], cid, token->text);
	}
}

static void
check_font(
    struct rules *rules, struct rule_font *font, const struct pdf_value *type0)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *descendant =
	    pdf_item(file, pdf_get(file, type0, "DescendantFonts"), 0);
	const struct pdf_value *descriptor =
	    pdf_get(file, descendant, "FontDescriptor");
	const struct pdf_value *system =
	    pdf_get(file, descendant, "CIDSystemInfo");
	const struct pdf_value *program =
	    pdf_get(file, descriptor, "FontFile2");
	struct span name = pdf_get(file, type0, "BaseFont")->text;
	if (!pdf_name_is(pdf_get(file, type0, "Encoding"), "Identity-H") ||
	    !span_is(pdf_get(file, system, "Registry")->text, "Adobe") ||
	    !span_is(pdf_get(file, system, "Ordering")->text, "Identity"))
		rule_broken(rules, "6.2.11.3.1: CIDSystemInfo");
	if (!pdf_name_is(pdf_get(file, descendant, "CIDToGIDMap"), "Identity"))
		rule_broken(rules, "6.2.11.3.2-1: CIDToGIDMap");
	if (!program->is_stream) {
		rule_broken(rules, "6.2.11.4.1-1: font is not embedded");
		return;
	}
	if (pdf_get(file, program, "Length1")->number !=
	    (double)program->data.size)
		rule_broken(rules, "Length1 is not the font's length");
	if (pdf_get(file, descriptor, "CIDSet")->type != PDF_NULL)
		rule_broken(rules, "6.2.11.4.2-2: CIDSet");
	bool tagged = name.size > 7 && name.at[6] == '+';
	for (size_t i = 0; i < 6 && tagged; i++)
		tagged = name.at[i] >= 'A' && name.at[i] <= 'Z';
	if (!tagged ||
	    !span_equal(name, pdf_get(file, descriptor, "FontName")->text) ||
	    !span_equal(name, pdf_get(file, descendant, "BaseFont")->text))
		rule_broken(rules, "subset tag or names of a font");
	check_file(rules, font, program->data, pdf_get(file, descendant, "W"));
	check_map(rules, font, pdf_get(file, type0, "ToUnicode")->data);
}

void
rules_check_fonts(struct rules *rules)
{
	size_t size = pdf_file_size(rules->file);
	rules->fonts = calloc(size, sizeof *rules->fonts);
	for (size_t i = 1; i < size; i++) {
		const struct pdf_value *value = pdf_file_object(rules->file, i);
		if (!pdf_name_is(pdf_raw(value, "Subtype"), "Type0"))
			continue;
		struct rule_font *font = &rules->fonts[rules->font_count++];
		font->number = i;
		check_font(rules, font, value);
	}
}

void
rules_check_shown(struct rules *rules)
{
	for (size_t i = 0; i < rules->font_count; i++)
		for (size_t j = 0; j < rules->fonts[i].count; j++) {
			const struct rule_sign *sign =
			    &rules->fonts[i].signs[j];
			if (sign->shown && !sign->mapped)
				rule_broken(rules,
				    "6.2.11.7.2-1: CID %zu has no Unicode", j);
			if (!sign->shown && sign->mapped)
				rule_broken(rules,
				    "CID %zu is mapped but never shown", j);
		}
}

struct rule_font *
rules_font(struct rules *rules, size_t object)
{
	for (size_t i = 0; i < rules->font_count; i++)
		if (rules->fonts[i].number == object)
			return &rules->fonts[i];
	return NULL;
}
