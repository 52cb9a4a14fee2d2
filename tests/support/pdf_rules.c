#include "tests/support/pdf_rules_priv.h"

#include <ctype.h>
#include <libxml/parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
rule_broken(struct rules *rules, const char *format, ...)
{
	char line[300];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	rules->broken++;
	if (rules->broken <= 50) {
		buf_add_text(rules->report, line);
		buf_add_byte(rules->report, '\n');
	}
}

bool
rules_language_fits(struct span text)
{
	size_t first = 0;
	size_t run = 0;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.at[i];
		run = byte == '-' ? 0 : run + 1;
		if (run > 8 || (run == 0 && (i == 0 || text.at[i - 1] == '-')))
			return false;
		if (byte == '-' && first == 0)
			first = i;
		if (byte != '-' &&
		    !(first == 0 ? isalpha(byte) : isalnum(byte)))
			return false;
	}
	return run > 0 && (first == 0 ? text.size : first) >= 2;
}

/* In the value and all that stands in it. */
static void
check_banned(struct rules *rules, const struct pdf_value *value)
{
	static const char *const keys[] = {"AA", "OpenAction", "JavaScript",
	    "JS", "AcroForm", "XFA", "EmbeddedFiles", "EF", "Encrypt", "SMask",
	    "TR", "TR2", "Info", "Suspects", "OCProperties", "Group",
	    "ExtGState", "BM", "RoleMap"};
	for (size_t i = 0; i < value->count; i++)
		if (value->items[i]->type == PDF_DICT ||
		    value->items[i]->type == PDF_ARRAY)
			check_banned(rules, value->items[i]);
	if (value->type != PDF_DICT)
		return;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (pdf_raw(value, keys[i])->type != PDF_NULL &&
		    !(strcmp(keys[i], "Info") == 0 &&
			pdf_name_is(pdf_raw(value, "Type"), "OutputIntent")))
			rule_broken(rules, "key %s is not allowed", keys[i]);
	if (value->is_stream && pdf_raw(value, "F")->type != PDF_NULL)
		rule_broken(rules, "6.1.7.1-3: an external stream");
}

static void
check_picture(struct rules *rules, const struct pdf_value *object)
{
	const struct pdf_value *space =
	    pdf_get(rules->file, object, "ColorSpace");
	if (!pdf_name_is(pdf_raw(object, "Type"), "XObject"))
		return;
	if (!pdf_name_is(pdf_raw(object, "Subtype"), "Image"))
		rule_broken(rules, "6.2.9: XObject that is no image");
	else if (!pdf_name_is(space, "DeviceRGB") &&
		 !pdf_name_is(space, "DeviceGray"))
		rule_broken(rules, "6.2.4.3: colour space of a picture");
}

static void
check_intent(struct rules *rules)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *intent =
	    pdf_item(file, pdf_get(file, rules->catalog, "OutputIntents"), 0);
	const struct pdf_value *profile =
	    pdf_get(file, intent, "DestOutputProfile");
	struct span icc = profile->data;
	if (!pdf_name_is(pdf_get(file, intent, "S"), "GTS_PDFA1") ||
	    pdf_get(file, profile, "N")->number != 3 || icc.size < 200 ||
	    memcmp(icc.at + 12, "mntrRGB XYZ ", 12) != 0 ||
	    memcmp(icc.at + 36, "acsp", 4) != 0 ||
	    ((size_t)icc.at[2] << 8 | icc.at[3]) != icc.size)
		rule_broken(rules, "6.2.3: output intent");
}

static void
check_metadata(struct rules *rules)
{
	static const char *const wanted[] = {"<pdfaid:part>2</pdfaid:part>",
	    "<pdfaid:conformance>A</pdfaid:conformance>",
	    "<pdfuaid:part>1</pdfuaid:part>", "<pdfaExtension:schemas>",
	    "xml:lang=\"x-default\">", "<dc:language>", "<?xpacket end="};
	const struct pdf_value *metadata =
	    pdf_get(rules->file, rules->catalog, "Metadata");
	struct span text = metadata->data;
	if (!pdf_name_is(pdf_raw(metadata, "Type"), "Metadata") ||
	    !pdf_name_is(pdf_raw(metadata, "Subtype"), "XML") ||
	    pdf_raw(metadata, "Filter")->type != PDF_NULL)
		rule_broken(rules, "6.6.2.1: metadata stream");
	xmlDocPtr tree =
	    xmlReadMemory((const char *)text.at, (int)text.size, NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (tree == NULL)
		rule_broken(rules, "6.6.2.1-4: metadata is no XML");
	xmlFreeDoc(tree);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (text.size == 0 || memmem(text.at, text.size, wanted[i],
					  strlen(wanted[i])) == NULL)
			rule_broken(rules, "6.6: metadata lacks %s", wanted[i]);
	if (text.size > 0 && memmem(text.at, text.size, "x-default\"></", 13))
		rule_broken(rules, "UA 7.1-9: empty title");
}

static void
check_catalog(struct rules *rules)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *catalog = rules->catalog;
	const struct pdf_value *trailer = pdf_file_trailer(file);
	const struct pdf_value *id = pdf_raw(trailer, "ID");
	if (id->count != 2 || id->items[0]->text.size != 16 ||
	    id->items[1]->text.size != 16)
		rule_broken(rules, "6.1.3-1: ID");
	if (pdf_get(file, pdf_get(file, catalog, "MarkInfo"), "Marked")
		->number != 1)
		rule_broken(rules, "6.7.2.2: MarkInfo");
	if (!rules_language_fits(pdf_get(file, catalog, "Lang")->text))
		rule_broken(rules, "6.7.4, UA 7.2-34: Lang");
	if (pdf_get(file, pdf_get(file, catalog, "ViewerPreferences"),
		"DisplayDocTitle")
		->number != 1)
		rule_broken(rules, "UA 7.1-10: DisplayDocTitle");
	check_intent(rules);
	check_metadata(rules);
}

static void
check_pages(struct rules *rules)
{
	size_t annotations = 0;
	for (size_t i = 1; i < pdf_file_size(rules->file); i++) {
		const struct pdf_value *object =
		    pdf_file_object(rules->file, i);
		check_banned(rules, object);
		check_picture(rules, object);
		if (!pdf_name_is(pdf_raw(object, "Type"), "Page"))
			continue;
		if (!pdf_name_is(pdf_raw(object, "Tabs"), "S"))
			rule_broken(rules, "UA 7.18.3-1: Tabs");
		annotations += pdf_raw(object, "Annots")->count;
		rules_check_contents(rules, object, i);
	}
	rules_check_shown(rules);
	rules_check_tree(rules);
	if (annotations != rules->annotations_in_tree)
		rule_broken(rules, "UA 7.18.1: annotations outside the tree");
}

static bool
rules_begin(struct rules *rules, struct span pdf)
{
	char error[200];
	rules->file = pdf_file_read(pdf, error);
	if (rules->file == NULL) {
		rule_broken(rules, "file: %s", error);
		return false;
	}
	rules->catalog =
	    pdf_get(rules->file, pdf_file_trailer(rules->file), "Root");
	return true;
}

static void
rules_end(struct rules *rules)
{
	for (size_t i = 0; i < rules->font_count; i++) {
		for (size_t j = 0; j < rules->fonts[i].count; j++)
			buf_clear(&rules->fonts[i].signs[j].text);
		free(rules->fonts[i].signs);
	}
	for (size_t i = 0; i < rules->mark_count; i++)
		buf_clear(&rules->marks[i].text);
	free(rules->fonts);
	free(rules->marks);
	pdf_file_free(rules->file);
}

size_t
pdf_rules_check(struct span pdf, struct buf *report, struct buf *text)
{
	struct rules rules = {.report = report, .text = text};
	if (!rules_begin(&rules, pdf))
		return rules.broken;
	check_catalog(&rules);
	rules_check_fonts(&rules);
	check_pages(&rules);
	rules_end(&rules);
	return rules.broken;
}

bool
pdf_rules_pages(struct span pdf, struct buf *text)
{
	struct buf report;
	buf_init(&report, 1 << 16);
	struct rules rules = {.report = &report};
	bool read = rules_begin(&rules, pdf);
	if (read)
		rules_check_fonts(&rules);
	for (size_t i = 1; read && i < pdf_file_size(rules.file); i++) {
		size_t before = rules.mark_count;
		const struct pdf_value *object = pdf_file_object(rules.file, i);
		if (!pdf_name_is(pdf_raw(object, "Type"), "Page"))
			continue;
		rules_check_contents(&rules, object, i);
		for (size_t j = before; j < rules.mark_count; j++) {
			buf_add_span(text, buf_span(&rules.marks[j].text));
			buf_add_byte(text, '\n');
		}
		buf_add_byte(text, '\f');
	}
	if (read)
		rules_end(&rules);
	buf_clear(&report);
	return read;
}
