/*
 * multipart_priv - one part's header fields, for formats/multipart*.c only.
 */
#pragma once

#include "formats/multipart.h"

/* What the fields of one part said. Texts lie in storage. */
struct multipart_fields {
	struct buf storage;
	bool has_disposition;
	bool has_type;
	bool has_encoding;
	bool has_filename;
	size_t name_at; /* offsets into storage */
	size_t filename_at;
	size_t type_at;
};

void multipart_fields_reset(struct multipart_fields *fields);

/* One field, without its CRLF. */
int multipart_field_parse(struct multipart_fields *fields, struct span line,
    const struct multipart_limits *limits, struct why *why);

/* All fields were read: what they make. part points into fields. */
int multipart_fields_end(struct multipart_fields *fields,
    struct multipart_part *part, struct why *why);
