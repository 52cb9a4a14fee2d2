/* pdf_rules_priv - what the files of pdf_rules share. */
#pragma once

#include "tests/support/pdf_reader.h"
#include "tests/support/pdf_rules.h"

struct rule_sign { /* a CID */
	bool shown, mapped;
	struct buf text; /* UTF-8 */
};

struct rule_font {
	size_t number; /* object */
	struct rule_sign *signs;
	size_t count; /* glyphs in the file, .notdef included */
};

struct rule_mark {           /* a marked content sequence */
	size_t page, number; /* page object, MCID */
	struct span tag;
	struct buf text;
	size_t in_tree;
	size_t owner; /* object of the element that has it */
};

struct rules {
	struct pdf_file *file;
	struct buf *report;
	struct buf *text;
	size_t broken;
	struct rule_font *fonts;
	size_t font_count;
	struct rule_mark *marks;
	size_t mark_count;
	const struct pdf_value *catalog;
	size_t annotations_in_tree;
	int last_heading;
};

void rule_broken(struct rules *rules, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A language tag by the grammar of BCP 47, as far as its outline goes. */
bool rules_language_fits(struct span text);

void rules_check_fonts(struct rules *rules);   /* pdf_rules_font.c */
void rules_check_shown(struct rules *rules);   /* after the contents */
void rules_check_contents(struct rules *rules, /* pdf_rules_content.c */
    const struct pdf_value *page, size_t page_number);
void rules_check_tree(struct rules *rules); /* pdf_rules_tree.c */
struct rule_font *rules_font(struct rules *rules, size_t object);
struct rule_mark *rules_mark(struct rules *rules, size_t page, size_t number);
