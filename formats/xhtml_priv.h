/* xhtml_priv - what the files of the XHTML writer share. */
#pragma once

#include "formats/document.h"

extern const char XHTML_STYLE[];

/* Append a picture as a PNG file (ISO/IEC 15948), 8-bit RGB. The same picture
 * gives the same bytes. */
void png_build(const struct document_picture *picture, struct buf *out);
