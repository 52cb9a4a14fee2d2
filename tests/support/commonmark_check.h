/*
 * commonmark_check - what commonmark.h writes, read by cmark: the same texts in
 * the same order, as many headings and links as in the tree, no HTML and no
 * code. For cmocka tests: what is wrong fails the test that calls.
 */
#pragma once

struct document;

void commonmark_check(const struct document *document);
