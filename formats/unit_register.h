/*
 * unit_register - organisations as Enhetsregisteret publishes them (open data,
 * JSON): which there are, and to which other each belongs.
 *
 * A document is one unit, a page of a search (_embedded.enheter or
 * _embedded.underenheter), or an array of units. Read is what is needed here;
 * other members may be anything. SECURITY: the documents are foreign bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

#define UNIT_DOCUMENT_BYTES (32u << 20)
#define UNITS_MAX 100000u
#define UNIT_NUMBER_SIZE 10 /* nine digits and the end mark */
#define UNIT_NAME_SIZE 256
#define UNIT_FORM_SIZE 8

struct unit {
	char number[UNIT_NUMBER_SIZE];
	char parent[UNIT_NUMBER_SIZE]; /* "": it belongs to none */
	char form[UNIT_FORM_SIZE];     /* KOMM, ORGL, BEDR ...; "": no such */
	char name[UNIT_NAME_SIZE];     /* "": not said */
	bool is_gone;                  /* struck off */
};

/* Begins as {0}. */
struct unit_list {
	struct unit *at;
	size_t count;
	size_t room;
};

void unit_list_clear(struct unit_list *list);

/* Add a document's units: all of them, or none after an error. WHY_MALFORMED,
 * WHY_INVALID (a number that is none, one that is its own parent),
 * WHY_TOO_LARGE, WHY_NOMEM. */
int unit_list_add(
    struct unit_list *list, struct span document, struct why *why);

/* Order them by number. WHY_INVALID when one stands there twice, differently
 * placed, or when parents go round in a circle; the same twice is one. */
int unit_list_close(struct unit_list *list, struct why *why);

/* Of a closed list; NULL: it is not there. */
const struct unit *unit_list_find(
    const struct unit_list *list, const char *number);
