/*
 * sniff_priv - the checkers behind sniff.c, for formats/sniff*.c only.
 */
#pragma once

#include "formats/sniff.h"

/* By the first bytes; SNIFF_TEXT when nothing speaks against it. */
enum sniff_type sniff_magic_type(struct span head);

struct sniff_pdf;

int sniff_pdf_new(struct sniff_pdf **out, struct why *why);
void sniff_pdf_free(struct sniff_pdf *pdf); /* NULL is fine */
int sniff_pdf_push(struct sniff_pdf *pdf, struct span bytes, struct why *why);
unsigned sniff_pdf_finish(struct sniff_pdf *pdf); /* reasons */

/*
 * One PDF name (ISO 32000-1, 7.3.5) as it streams by, "#xx" undone. A name that
 * is too long to matter becomes empty.
 */
#define SNIFF_NAME_MAX 24
struct sniff_names {
	bool open;   /* within a name */
	size_t size; /* of text; over SNIFF_NAME_MAX: too long to matter */
	char text[SNIFF_NAME_MAX + 1];
	unsigned escape; /* 0, or how many characters of "#xx" were read */
	char digits[2];
};

/* at points behind the '/'; returns how many bytes the name took. The name is
 * whole (open is false) when its delimiter was seen. */
size_t sniff_names_begin(
    struct sniff_names *names, const uint8_t *at, size_t size);
size_t sniff_names_go_on(
    struct sniff_names *names, const uint8_t *at, size_t size);
void sniff_names_end(struct sniff_names *names); /* the input has ended */
