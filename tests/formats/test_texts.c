/*
 * Texts that somebody made to do harm, and random ones: through the document
 * tree, and through all three writers. SOAK=1 takes two million through the
 * writers, too.
 */
#include "formats/document_priv.h"
#include "formats/xhtml.h"

#include "base/text.h"
#include "tests/support/commonmark_check.h"
#include "tests/support/pdf_check.h"
#include "tests/support/random_text.h"
#include "tests/support/xhtml_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IN_TREE 2000000
#define WRITTEN 20000
#define WRITTEN_SOAK 2000000
#define TOGETHER 8 /* texts of one document: 2,500 documents */

static struct limits limits;

static int
start(void **state)
{
	(void)state;
	limits_init(&limits);
	return pdf_check_start(&limits);
}

static int
stop(void **state)
{
	(void)state;
	pdf_check_stop();
	return 0;
}

/* ---- documents ---- */

static void
check_xhtml(const struct document *document)
{
	struct buf out;
	struct why why = {0};
	buf_init(&out, limits.document_bytes);
	if (xhtml_build(document, &out, &why) != 0)
		fail_msg("%s", why.text);
	struct buf report;
	buf_init(&report, 1 << 16);
	if (xhtml_rules_check(buf_span(&out), &report) > 0)
		fail_msg("%s", buf_text(&report));
	buf_clear(&report);
	buf_clear(&out);
}

static void
check_all(struct document *take_document)
{
	check_xhtml(take_document);
	commonmark_check(take_document);
	pdf_check(take_document, NULL);
}

static void
add_everywhere(struct document *document, struct span text)
{
	struct document_node *root = document_root(document);
	struct span cells[] = {text, text};
	document_heading(document, root, 1, text);
	document_free_text(document, root, text);
	document_row(document, document_table(document, root), text, text);
	document_item(document, document_list(document, root, true), text);
	document_grid_row(
	    document, document_grid(document, root, cells, 2), cells, 2);
	document_markdown(document, root, text);
}

static void
check_text(const char *text, size_t size)
{
	struct document *document = pdf_check_document(&limits);
	add_everywhere(document, span_of(text, size));
	check_all(document);
}

static void
hostile_texts_are_drawn_whole(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "emoji \xF0\x9F\x98\x80 family "
	    "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9 flag "
	    "\xF0\x9F\x87\xB3\xF0\x9F\x87\xB4",
	    "CJK 申請書 ひらがな 한국어",
	    "U+2028 a\xE2\x80\xA8"
	    "b\xE2\x80\xA9"
	    "c",
	    "PUA \xEE\x80\x80 nonchar \xEF\xBF\xBF \xEF\xB7\x90",
	    "soft\xC2\xADhyphen zwj a\xE2\x80\x8D"
	    "b zwnj a\xE2\x80\x8C"
	    "b bom \xEF\xBB\xBF lrm \xE2\x80\x8E rlo \xE2\x80\xAE"
	    "abc\xE2\x80\xAC",
	    "lone \xCC\x81 combining e\xCC\x81 "
	    "Z\xCC\x8D\xCC\x8A\xCC\x9B\xCC\x83 \xCC\x80\xCC\x81\xCC\x82",
	    "control \x1B[31m \x01\x02 \x7F \xC2\x9B", "हिन्दी क्षत्रिय र्क",
	    "ትግርኛ እየ", "ไทย ภาษา กำ", "தமிழ் கொ", "עברית עם נִקּוּד 123 abc",
	    "فارسی می‌خواهم گچپژ ۱۲۳", "پښتو ځای ښه",
	    "ﷺ لا لله لِلّٰهِ", "fi ffi ﬁ ½ € → ☐ ☑ ✓ ‰ № ™", "ẞ ǅ ŉ ĳ Ŀ ŀ",
	    "မြန်မာ ქართული Հայերեն ខ្មែរ ລາວ සිංහල বাংলা ગુજરાતી ਪੰਜਾਬੀ "
	    "བོད ދިވެހި",
	    "(paren) \\back\\ <hex> /Name % comment endstream endobj EMC ET Q",
	    "broken \xC3 \xED\xA0\x80 \xF4\x90\x80\x80 \xFF\xFE \xE2\x82",
	    "Davvisámegiella: Áhčči, eadni, ŧ ŋ đ š ž č Ǯǯ Ǧǧ Ǥǥ Ǩǩ ʹ ˈ",
	    "Щиро дякую — ґ, є, ї, і", "mixed عربي abc עברית 12,5 % (x) [ي]",
	    " ", "\n\n\n", "\r\n", "a\tb", "\xE2\x80\x8B", "\xCC\x81",
	    "\xE2\x80\x8D", ""};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		check_text(texts[i], strlen(texts[i]));
	check_text("nul\0inside", 10);
}

/* ---- too much of one thing ---- */

static void
check_free_text(char *text, size_t size)
{
	struct document *document = pdf_check_document(&limits);
	document_free_text(
	    document, document_root(document), span_of(text, size));
	check_all(document);
}

static void
a_word_of_1_mib_is_broken_not_dropped(void **state)
{
	(void)state;
	const size_t size = 1 << 20;
	char *text = malloc(size);
	assert_non_null(text);
	memset(text, 'W', size);
	check_free_text(text, size);
	struct document *document = pdf_check_document(&limits);
	struct document_node *root = document_root(document);
	document_row(document, document_table(document, root),
	    span_text("Navn"), span_of(text, size / 8));
	check_all(document);
	free(text);
}

static void
ten_thousand_marks_and_changes_of_direction_are_drawn(void **state)
{
	(void)state;
	static char text[60001];
	for (size_t i = 0; i < 20000; i += 2)
		memcpy(text + i, "\xCC\x81", 2);
	check_free_text(text, 20000);
	text[0] = 'a';
	text[1] = 'b';
	check_free_text(text, 20000);
	for (size_t i = 0; i < 60000; i += 3)
		memcpy(text + i, "1\xD7\x90", 3);
	check_free_text(text, 60000);
	for (size_t i = 0; i < 60000; i += 3) /* overrides: none is obeyed */
		memcpy(text + i, "\xE2\x80\xAE", 3);
	text[30000] = text[30001] = text[30002] = 'x';
	check_free_text(text, 60000);
}

/* Tables of 100,000 rows would be thousands of pages: the limit is named. */
static void
a_table_of_100000_rows_is_refused_by_its_limit(void **state)
{
	(void)state;
	struct document *document = pdf_check_document(&limits);
	struct document_node *root = document_root(document);
	struct document_node *table = document_table(document, root);
	struct buf out;
	struct why why = {0};
	for (int i = 0; i < 100000; i++)
		document_row(
		    document, table, span_text("navn"), span_text("verdi"));
	assert_int_equal(document_ok(document, &why), WHY_TOO_LARGE);
	assert_non_null(strstr(why.text, "document_nodes"));
	buf_init(&out, limits.document_bytes);
	assert_int_equal(xhtml_build(document, &out, &why), WHY_TOO_LARGE);
	assert_int_equal(
	    pdf_build(pdf_check_fonts(), document, &out, NULL, &why),
	    WHY_TOO_LARGE);
	assert_int_equal(out.size, 0);
	document_free(document);
}

/* ---- random texts ---- */

/* UTF-8 without controls and without what PDF/A forbids. */
static void
check_clean(struct span text, uint32_t seed)
{
	size_t pos = 0;
	while (pos < text.size) {
		size_t from = pos;
		uint32_t point = utf8_next(text, &pos);
		bool bad = point == 0xFFFD &&
			   (pos - from != 3 || text.at[from] != 0xEF);
		if (bad || (point < 0x20 && point != '\n') ||
		    (point >= 0x7F && point < 0xA0) || point == 0xFEFF ||
		    (point >= 0x202A && point <= 0x202E) ||
		    (point >= 0xE000 && point < 0xF900) ||
		    (point & 0xFFFE) == 0xFFFE)
			fail_msg("U+%04X went through, seed %u", point, seed);
	}
}

static void
two_million_random_texts_go_through_the_tree(void **state)
{
	(void)state;
	struct buf text;
	struct buf plain;
	uint32_t seed = 1;
	buf_init(&text, 1 << 16);
	buf_init(&plain, 1 << 20);
	for (uint32_t i = 0; i < IN_TREE;) {
		uint32_t first = seed;
		struct document *document = pdf_check_document(&limits);
		struct document_node *root = document_root(document);
		buf_reset(&plain);
		for (uint32_t j = 0; j < 100; j++, i++) {
			buf_reset(&text);
			random_text(&text, &seed, 24);
			if (i % 4 == 0)
				document_markdown(
				    document, root, buf_span(&text));
			else if (i % 4 == 1)
				document_paragraph(
				    document, root, buf_span(&text));
			else
				document_free_text(
				    document, root, buf_span(&text));
		}
		assert_int_equal(document_ok(document, NULL), 0);
		document_plain_text(document, &plain);
		check_clean(buf_span(&plain), first);
		document_free(document);
	}
	buf_clear(&text);
	buf_clear(&plain);
}

static void
random_texts_are_written_whole(void **state)
{
	(void)state;
	uint32_t rounds = getenv("SOAK") == NULL ? WRITTEN : WRITTEN_SOAK;
	struct buf text;
	uint32_t seed = 19;
	buf_init(&text, 1 << 16);
	for (uint32_t i = 0; i < rounds; i += TOGETHER) {
		struct document *document = pdf_check_document(&limits);
		struct document_node *root = document_root(document);
		for (uint32_t j = 0; j < TOGETHER; j++) {
			buf_reset(&text);
			random_text(&text, &seed, i % 1000 == 0 ? 300 : 24);
			struct span span = buf_span(&text);
			if (j == 0)
				add_everywhere(document, span);
			else if (j % 3 == 0)
				document_markdown(document, root, span);
			else if (j % 3 == 1)
				document_row(document,
				    document_table(document, root), span, span);
			else
				document_free_text(document, root, span);
		}
		check_all(document);
	}
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hostile_texts_are_drawn_whole),
	    cmocka_unit_test(a_word_of_1_mib_is_broken_not_dropped),
	    cmocka_unit_test(
		ten_thousand_marks_and_changes_of_direction_are_drawn),
	    cmocka_unit_test(a_table_of_100000_rows_is_refused_by_its_limit),
	    cmocka_unit_test(two_million_random_texts_go_through_the_tree),
	    cmocka_unit_test(random_texts_are_written_whole),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
