/*
 * pdf_reader - reads back a PDF 1.7 file with cross-reference stream, strictly
 * as our writer promises to write it: anything else is an error, not repaired.
 * For tests.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pdf_type {
	PDF_NULL,
	PDF_BOOL,
	PDF_NUMBER,
	PDF_NAME,
	PDF_STRING,
	PDF_ARRAY,
	PDF_DICT,
	PDF_REF,
	PDF_OPERATOR, /* in contents only */
};

struct pdf_value {
	enum pdf_type type;
	double number;                  /* number, bool, ref */
	struct span text;               /* name, string, operator */
	const struct pdf_value **items; /* array; dict: names and values */
	size_t count;
	bool is_stream;
	struct span data; /* of a stream, unpacked */
};

struct pdf_file;

/* NULL, with the reason in error (caller's, 200 bytes), when it is broken. */
struct pdf_file *pdf_file_read(struct span bytes, char error[200]);
void pdf_file_free(struct pdf_file *file);

size_t pdf_file_size(const struct pdf_file *file); /* of the object table */
/* Object by number, NULL when there is none. */
const struct pdf_value *pdf_file_object(struct pdf_file *file, size_t number);
const struct pdf_value *pdf_file_trailer(struct pdf_file *file);

/* Value of a key, references followed; a NULL-typed value when absent. */
const struct pdf_value *pdf_get(
    struct pdf_file *file, const struct pdf_value *dict, const char *key);
const struct pdf_value *pdf_item(
    struct pdf_file *file, const struct pdf_value *array, size_t i);
/* The same without following: to compare references. */
const struct pdf_value *pdf_raw(const struct pdf_value *dict, const char *key);
const struct pdf_value *pdf_follow(
    struct pdf_file *file, const struct pdf_value *value);
bool pdf_name_is(const struct pdf_value *value, const char *name);

/* The next value or operator of a content stream; NULL at the end or at what is
 * no PDF (then *pos < data.size). */
const struct pdf_value *pdf_token(
    struct pdf_file *file, struct span data, size_t *pos);
