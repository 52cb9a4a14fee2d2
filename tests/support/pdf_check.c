#include "tests/support/pdf_check.h"

#include "tests/support/pdf_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROOM (64u << 20)

static struct pdf_fonts *fonts;

int
pdf_check_start(const struct limits *limits)
{
	struct why why = {0};
	int code = pdf_fonts_open(NULL, limits, &fonts, &why);
	if (code != 0)
		print_message("%s\n", why.text);
	return code;
}

void
pdf_check_stop(void)
{
	pdf_fonts_close(fonts);
	fonts = NULL;
}

struct pdf_fonts *
pdf_check_fonts(void)
{
	return fonts;
}

struct document *
pdf_check_document(const struct limits *limits)
{
	const struct document_meta meta = {.title = "Prøve <&> \xE2\x80\x94 1",
	    .language = "nb",
	    .created_ms = INT64_C(1795286007000),
	    .footer = "Melding 1"};
	struct document *document = document_new(&meta, limits);
	assert_non_null(document);
	return document;
}

static void
build(const struct document *document, struct buf *pdf,
    struct document_notes *notes)
{
	struct why why = {0};
	buf_init(pdf, ROOM);
	if (pdf_build(fonts, document, pdf, notes, &why) != 0)
		fail_msg("%s", why.text);
	pdf_caches_clear(fonts);
}

static void
check_rules(const struct document *document, struct span pdf, size_t missing)
{
	struct buf report;
	struct buf drawn;
	struct buf source;
	char reason[200];
	buf_init(&report, 1 << 20);
	buf_init(&drawn, ROOM);
	buf_init(&source, ROOM);
	if (pdf_rules_check(pdf, &report, &drawn) > 0)
		fail_msg("%s", buf_text(&report));
	document_plain_text(document, &source);
	if (!pdf_text_same(
		buf_span(&source), buf_span(&drawn), missing, reason))
		fail_msg("%s", reason);
	buf_clear(&report);
	buf_clear(&drawn);
	buf_clear(&source);
}

void
pdf_check(struct document *take_document, struct buf *pdf)
{
	struct document_notes notes = {0};
	struct buf first;
	struct buf again;
	build(take_document, &first, &notes);
	build(take_document, &again, NULL);
	assert_true(span_equal(buf_span(&first), buf_span(&again)));
	check_rules(take_document, buf_span(&first), notes.missing);
	document_free(take_document);
	buf_clear(&again);
	if (pdf != NULL)
		*pdf = first;
	else
		buf_clear(&first);
}
