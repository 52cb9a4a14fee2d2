/*
 * logo - the picture at the head of a message type's documents: who sends, or
 * whose relay this is. A file of the profile (profile(5)), read once at start.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/document.h"

#define LOGO_FILE_MAX (256u << 10) /* bytes of the PNG file */
#define LOGO_PIXELS_MAX                                                        \
	(256u << 10) /* width by height; each document has them */

struct logo {
	struct document_picture picture; /* its rgb is owned */
	char *alternative;               /* what it shows, in words */
};

/*
 * A PNG of any kind, made RGB on white. alternative is copied. *out is the
 * caller's. WHY_MALFORMED, WHY_TOO_LARGE (naming the limit), WHY_NOMEM.
 */
int logo_read(struct span png, const char *alternative, uint32_t width_mm,
    struct logo **out, struct why *why);
void logo_free(struct logo *logo); /* NULL is fine */
