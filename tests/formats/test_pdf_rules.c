/*
 * The rules of tests/support/pdf_rules.h can fail: for each of the forty that a
 * writer like ours can break there are files that do, and the report says so.
 * The fortieth, that the tagged text is the document's and that twice the same
 * is written, is asked of every document in test_pdf.c.
 */
#include "formats/document.h"
#include "formats/pdf.h"

#include "tests/support/pdf_rewrite.h"
#include "tests/support/pdf_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULES 40

struct breach {
	int rule;
	const char *from, *to; /* in the file as pdf_rewrite() has it */
	const char *told;
};

static const struct breach OBJECTS[] = {
    {2, "/ID[<", "/IX[<", "6.1.3-1: ID"},
    {3, "/Size 59/W", "/Encrypt 1 0 R/Size 59/W", "key Encrypt"},
    {5, "/Subtype/Image", "/Filter/LZWDecode/Subtype/Image", "FlateDecode"},
    {5, "/Subtype/Image", "/F(x.png)/Subtype/Image", "an external stream"},
    {7, "/Lang (nb)/Viewer", "/Lang (nb)/AA<<>>/Viewer", "key AA"},
    {7, "/Lang (nb)/Viewer", "/Lang (nb)/OpenAction[4 0 R]/Viewer",
	"key OpenAction"},
    {7, "/Lang (nb)/Viewer", "/Lang (nb)/Names<</JavaScript 1 0 R>>/Viewer",
	"key JavaScript"},
    {7, "/Lang (nb)/Viewer", "/Lang (nb)/Names<</EmbeddedFiles 1 0 R>>/Viewer",
	"key EmbeddedFiles"},
    {7, "/Lang (nb)/Viewer", "/Lang (nb)/AcroForm<</XFA 1 0 R>>/Viewer",
	"key XFA"},
    {8, "/GTS_PDFA1", "/GTS_PDFX", "6.2.3: output intent"},
    {8, "/N 3", "/N 4", "6.2.3: output intent"},
    {8, "mntrRGB", "prtrRGB", "6.2.3: output intent"},
    {9, "0.086 0.196 0.31 rg\n", "0 0 0 1 k\n", "6.2.2: word k"},
    {9, "/ColorSpace/DeviceRGB", "/ColorSpace/DeviceCMYK",
	"colour space of a picture"},
    {10, "/Tabs/S", "/Tabs/S/Group<</S/Transparency>>", "key Group"},
    {10, "/Subtype/Image", "/Subtype/PS", "XObject that is no image"},
    {10, "/XObject <<", "/ExtGState<</G<</TR/X>>>>/XObject <<", "key TR"},
    {11, "BT\n", "BT\n1 w\n", "6.2.2: word w"},
    {11, "q 28.35",
	"q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q 28.35",
	"q and Q"},
    {11, " Do Q", " Do Q Q", "q and Q"},
    {12, "/Resources 2 0 R", "", "a page without resources"},
    {12, "/XObject <</I1", "/XObject <</I2", "picture I1 is no resource"},
    {12, "/Font <</F2", "/Font <</F9", "font F2 is no resource"},
    {13, "/FontFile2", "/FontFile3", "font is not embedded"},
    {14, "/Registry (Adobe)/Ordering (Identity)",
	"/Registry (Adobe)/Ordering (Japan1)", "6.2.11.3.1: CIDSystemInfo"},
    {14, "/Identity-H", "/Identity-V", "6.2.11.3.1: CIDSystemInfo"},
    {15, "/CIDToGIDMap/Identity", "", "6.2.11.3.2-1: CIDToGIDMap"},
    {16, "/W [1 [7", "/W [1 [8", "6.2.11.5-1: CID 1 is"},
    {16, "/W [1 [7", "/W [2 [7", "W does not fit the font"},
    {17, "[(", "[<0000>(", "CID 0 is shown"},
    {17, "[(", "[<00F0>(", "CID 240 is shown"},
    {18, "<0001><004E>\n", "", "CID 1 has no Unicode"},
    {19, "<0001><004E>", "<0001><0000>", "CID 1 maps to U+0000"},
    {19, "<0001><004E>", "<0001><FEFF>", "CID 1 maps to U+FEFF"},
    {19, "<0001><004E>", "<0001><FFFE>", "CID 1 maps to U+FFFE"},
    {20, "<0001><004E>", "<0001><E000>", "CID 1 maps to U+E000"},
    {21, "/BaseFont/", "/BaseFont/x", "subset tag or names"},
    {22, "/FontDescriptor/FontName", "/FontDescriptor/CIDSet 1 0 R/FontName",
	"6.2.11.4.2-2: CIDSet"},
    {23, "/Type/Metadata", "", "6.6.2.1: metadata stream"},
    {23, "<pdf:Producer>", "<pdf:Producers>", "metadata is no XML"},
    {23, "budstikke</pdf", "\xC3</pdf", "metadata is no XML"},
    {24, "<pdfaid:part>2", "<pdfaid:part>3", "metadata lacks <pdfaid:part>2"},
    {24, "conformance>A", "conformance>U",
	"metadata lacks <pdfaid:conformance>"},
    {25, "<pdfuaid:part>1", "<pdfuaid:part>2", "lacks <pdfuaid:part>1"},
    {25, "<pdfaExtension:schemas><rdf:Bag>",
	"<pdfaExtension:schemes/><pdfaExtension:other><rdf:Bag>",
	"metadata lacks <pdfaExtension:schemas>"},
    {26, "\"x-default\">Pr\u00F8ve", "\"x-default\">", "empty title"},
    {26, "\"x-default\"", "\"nb\"", "metadata lacks xml:lang"},
    {27, "/Size 59/W", "/Info<</Title(x)>>/Size 59/W", "key Info"},
    {28, "/Marked true", "/Marked false", "6.7.2.2: MarkInfo"},
    {28, "/Marked true", "/Marked true/Suspects true", "key Suspects"},
    {29, "/StructTreeRoot 3 0 R", "", "no structure tree"},
    {29, "/S/H2", "/S/Heading", "6.7.3.4-1: tag Heading"},
    {29, "/S/H2/P 25", "/S/H2/P 26", "P of an element is not its parent"},
    {30, "/MCID 0>>", "/MCID 1>>", "an MCID is used twice"},
    {30, "/Pg 4 0 R/K [2]", "/Pg 4 0 R/K [2 2]", "is 2 times in the tree"},
    {30, "/Pg 4 0 R/K [2]", "/Pg 4 0 R/K []", "is 0 times in the tree"},
    {30, "/Nums [0 [26 0 R", "/Nums [0 [27 0 R", "tree disagree on 0"},
    {30, " 47 0 R] 1 45 0 R]", "] 1 45 0 R]", "lacks a mark of a page"},
    {31, "EMC\n", "EMC\n0 0 9 9 re f\n", "drawn outside all marks"},
    {31, "/H1<</MCID 0>>BDC", "/H1<</Lang(nb)>>BDC", "a mark without MCID"},
    {32, "q 28.35", "/Artifact BMC EMC q 28.35", "marks inside one another"},
    {32, "/Artifact BMC ", "/Artifact BMC /P<</MCID 99>>BDC EMC ",
	"marks inside one another"},
    {33, "/Lang (nb)/Viewer", "/Lang (norsk bokm)/Viewer", "7.2-34: Lang"},
    {33, "/Lang (ar)", "/Lang ()", "7.2-29: Lang of an element"},
    {33, "/Lang (ar)", "/Lang (a_r)", "7.2-29: Lang of an element"},
    {34, "/DisplayDocTitle true", "/DisplayDocTitle false", "DisplayDocTitle"},
    {35, "/S/H1", "/S/H2", "H2 follows H0"},
    {35, "/S/H2", "/S/H3", "H3 follows H1"},
    {35, "/S/H2", "/S/H", "tag H"},
    {36, "/S/LI", "/S/P", "a child that does not fit"},
    {36, "/S/LBody", "/S/P", "a child that does not fit"},
    {36, "/ListNumbering/Decimal", "", "L without ListNumbering"},
    {37, "/S/TR", "/S/Div", "a child that does not fit"},
    {37, "/S/TD", "/S/P", "a child that does not fit"},
    {37, "/Scope/Column", "", "7.5-1: TH without Scope"},
    {37, "/K [35 0 R 36 0 R]", "/K [35 0 R]", "rows of 1 and 2 cells"},
    {38, "/Alt <", "/ActualText <", "Figure without Alt"},
    {39, "/S/Link", "/S/Span", "an annotation outside Link"},
    {39, "/Contents <FEFF", "/Kontents <FEFF", "a link without Contents"},
    {39, "/F 4/Border", "/F 6/Border", "6.3.2-2: F of an annotation"},
    {39, "/F 4/Border", "/Border", "6.3.2-2: F of an annotation"},
    {39, "/StructParent 1", "", "an annotation without StructParent"},
    {39, "/StructParent 1", "/StructParent 0", "leads from a link elsewhere"},
    {39, "/S/URI", "/S/Launch", "action other than URI"},
    {39, "/Tabs/S", "/Tabs/R", "UA 7.18.3-1: Tabs"},
    {39, " <</Type/OBJR/Pg 4 0 R/Obj 7 0 R>>", "",
	"annotations outside the tree"},
};

static const struct breach FILES[] = {
    {1, "%PDF-1.7", "%PDF-1.4", "wrong header"},
    {1, "%\xE2", "%a", "wrong header"},
    {4, "\nstream\n", "\nstream\r", "stream without its frame"},
    {4, "\nendstream", " endstream", "stream without its frame"},
    {4, "/Length 3>>", "/Length 4>>", "stream without its frame"},
    {6, "%%EOF\n", "%%EOF\n\n", "no %%EOF at the very end"},
    {6, "%%EOF\n", "%%EOF\n%", "no %%EOF at the very end"},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct limits limits;
static struct document *document;
static struct buf pdf, changed, again, report, text;

/* One of each that the rules have an opinion on. */
static void
fill(struct document_node *root)
{
	static const uint8_t rgb[3] = {255, 128, 0};
	const struct document_picture picture = {
	    .width = 1, .height = 1, .width_mm = 10, .rgb = span_of(rgb, 3)};
	const struct span cells[] = {span_text("A"), span_text("B")};
	document_heading(document, root, 1, span_text("Prøve"));
	document_figure(document, root, &picture, span_text("Kommunevåpen"));
	document_heading(document, root, 2, span_text("Del"));
	document_row(document, document_table(document, root),
	    span_text("Navn"), span_text("Kari"));
	document_grid_row(
	    document, document_grid(document, root, cells, 2), cells, 2);
	document_item(
	    document, document_list(document, root, true), span_text("punkt"));
	document_link(document, document_paragraph(document, root, SPAN_NONE),
	    span_text("https://example.no/"), span_text("lenke"));
	document_free_text(document,
	    document_section(document, root, "ar", DOCUMENT_RTL),
	    span_text("نص"));
}

static int
write_document(void **state)
{
	const struct document_meta meta = {
	    .title = "Prøve", .language = "nb", .footer = "Melding 1"};
	struct pdf_fonts *fonts;
	struct why why = {0};
	(void)state;
	limits_init(&limits);
	if (pdf_fonts_open(NULL, &limits, &fonts, &why) != 0) {
		print_message("%s\n", why.text);
		return -1;
	}
	document = document_new(&meta, &limits);
	fill(document_root(document));
	buf_init(&pdf, limits.document_bytes);
	buf_init(&changed, limits.document_bytes);
	buf_init(&again, limits.document_bytes);
	buf_init(&report, 1 << 20);
	buf_init(&text, 1 << 20);
	int code = pdf_build(fonts, document, &pdf, NULL, &why);
	pdf_fonts_close(fonts);
	return code;
}

static int
forget_document(void **state)
{
	(void)state;
	document_free(document);
	buf_clear(&pdf);
	buf_clear(&changed);
	buf_clear(&again);
	buf_clear(&report);
	buf_clear(&text);
	return 0;
}

static size_t
look(struct span file)
{
	buf_reset(&report);
	buf_reset(&text);
	return pdf_rules_check(file, &report, &text);
}

static void
rewrite(const char *from, const char *to)
{
	buf_reset(&changed);
	if (!pdf_rewrite(buf_span(&pdf), from, to, &changed))
		fail_msg("%s is nowhere", from);
	assert_true(buf_ok(&changed));
}

static void
assert_told(const struct breach *breach, struct span file)
{
	if (look(file) == 0)
		fail_msg("rule %d: %s for %s goes unseen", breach->rule,
		    breach->to, breach->from);
	if (strstr(buf_text(&report), breach->told) == NULL)
		fail_msg("rule %d: \"%s\" was to be told of \"%s\", not\n%s",
		    breach->rule, breach->told, breach->to, buf_text(&report));
}

static void
what_is_only_written_anew_breaks_nothing(void **state)
{
	(void)state;
	rewrite(NULL, NULL);
	if (look(buf_span(&changed)) != 0)
		fail_msg("%s", buf_text(&report));
}

static void
what_breaks_a_rule_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(OBJECTS); i++) {
		rewrite(OBJECTS[i].from, OBJECTS[i].to);
		assert_told(&OBJECTS[i], buf_span(&changed));
	}
}

static void
what_breaks_the_file_is_told(void **state)
{
	(void)state;
	rewrite(NULL, NULL);
	for (size_t i = 0; i < COUNT(FILES); i++) {
		buf_reset(&again);
		assert_true(span_change(
		    buf_span(&changed), FILES[i].from, FILES[i].to, &again));
		assert_told(&FILES[i], buf_span(&again));
	}
}

static void
no_rule_but_that_of_the_text_is_left_out(void **state)
{
	bool seen[RULES + 1] = {false};
	(void)state;
	for (size_t i = 0; i < COUNT(OBJECTS); i++)
		seen[OBJECTS[i].rule] = true;
	for (size_t i = 0; i < COUNT(FILES); i++)
		seen[FILES[i].rule] = true;
	for (int i = 1; i < RULES; i++)
		if (!seen[i])
			fail_msg("nothing breaks rule %d", i);
}

/* Rule 40: a letter mapped to another, and two elements that swap places. */
static void
another_text_or_order_is_seen(void **state)
{
	static const char *const changes[][2] = {
	    {"<0001><004E>", "<0001><0042>"},
	    {"/K [38 0 R 39 0 R]", "/K [39 0 R 38 0 R]"},
	    {"26 0 R 27 0 R 28 0 R", "28 0 R 27 0 R 26 0 R"}};
	struct buf source;
	char reason[200];
	(void)state;
	buf_init(&source, 1 << 20);
	document_plain_text(document, &source);
	look(buf_span(&pdf));
	assert_true(
	    pdf_text_same(buf_span(&source), buf_span(&text), 0, reason));
	for (size_t i = 0; i < COUNT(changes); i++) {
		rewrite(changes[i][0], changes[i][1]);
		look(buf_span(&changed));
		assert_false(pdf_text_same(
		    buf_span(&source), buf_span(&text), 0, reason));
	}
	buf_clear(&source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_only_written_anew_breaks_nothing),
	    cmocka_unit_test(what_breaks_a_rule_is_told),
	    cmocka_unit_test(what_breaks_the_file_is_told),
	    cmocka_unit_test(no_rule_but_that_of_the_text_is_left_out),
	    cmocka_unit_test(another_text_or_order_is_seen),
	};
	return cmocka_run_group_tests(tests, write_document, forget_document);
}
