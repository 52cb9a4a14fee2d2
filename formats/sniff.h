/*
 * sniff - what a file really is, told by its bytes as they stream by, and
 * whether a recipient can open it without danger.
 *
 * SECURITY: reads hostile bytes; bounded memory whatever they say.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sniff_type {
	SNIFF_UNKNOWN,
	SNIFF_PDF, /* "%PDF-" within the first 1024 bytes */
	SNIFF_JPEG,
	SNIFF_PNG,
	SNIFF_GIF,
	SNIFF_TIFF,
	SNIFF_WEBP,
	SNIFF_HEIF,
	SNIFF_ZIP,
	SNIFF_OOXML, /* Office Open XML: docx, xlsx, pptx */
	SNIFF_ODF,   /* OpenDocument */
	SNIFF_OLE,   /* Office before 2007, or an encrypted new one */
	SNIFF_RTF,
	SNIFF_HTML,
	SNIFF_XML,
	SNIFF_ARCHIVE, /* 7z, rar, gzip, ... */
	SNIFF_PROGRAM, /* ELF, PE, Mach-O, a script with #! */
	SNIFF_TEXT,    /* UTF-8 without control characters, JSON too */
};

/* Why a file is refused; a set of bits. */
enum sniff_reason {
	SNIFF_EMPTY = 1 << 0,
	SNIFF_NOT_ALLOWED = 1 << 1, /* its media type is not on the list */
	SNIFF_MISMATCH = 1 << 2,    /* is not what it was declared to be */
	SNIFF_ENCRYPTED = 1 << 3,   /* opens only with a password */
	SNIFF_ACTIVE = 1 << 4,      /* scripts, launches, embedded files */
	SNIFF_TRUNCATED = 1 << 5,   /* its end is missing */
	SNIFF_UNCHECKABLE = 1
			    << 6, /* packed so that it cannot be looked into */
	SNIFF_INFECTED = 1 << 7,  /* the virus scanner says so */
};
#define SNIFF_REASONS 8

/* e.g. "encrypted": the rule's name in a finding. For one bit. */
const char *sniff_reason_name(enum sniff_reason reason);
/* A sentence for the sender: what is expected of the file. For one bit. */
const char *sniff_reason_text(enum sniff_reason reason);

const char *sniff_type_name(enum sniff_type type); /* "PDF", ... */

struct sniff;

int sniff_new(struct sniff **out, struct why *why);
void sniff_free(struct sniff *sniff); /* NULL is fine */

/* The file's next bytes. WHY_NOMEM only. */
int sniff_push(struct sniff *sniff, struct span bytes, struct why *why);

/* After the last byte: its type and the reasons found in the content (all but
 * NOT_ALLOWED, MISMATCH and INFECTED). 0 or WHY_NOMEM. */
int sniff_finish(struct sniff *sniff, enum sniff_type *type, unsigned *reasons,
    struct why *why);

/* True when bytes of this type may be declared as media_type (parameters and
 * case are ignored). */
bool sniff_type_is(enum sniff_type type, const char *media_type);
