/*
 * pdf_check - a document written as PDF, twice, and held against the rules of
 * pdf_rules.h and against its own text. For cmocka tests: what is wrong fails
 * the test that calls.
 */
#pragma once

#include "formats/document.h"
#include "formats/pdf.h"

/* The fonts, for all calls below; 0, or what pdf_fonts_open() says. */
int pdf_check_start(const struct limits *limits);
void pdf_check_stop(void);
struct pdf_fonts *pdf_check_fonts(void); /* lent */

/* An empty document; the caller frees it or gives it to pdf_check(). */
struct document *pdf_check_document(const struct limits *limits);

/* Frees the document. pdf is the caller's; NULL: it is not wanted. */
void pdf_check(struct document *take_document, struct buf *pdf);
