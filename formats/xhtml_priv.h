/* xhtml_priv - what the files of the XHTML writer share. */
#pragma once

#include "formats/document.h"

#include <cmark.h>
#include <stdbool.h>
#include <stdint.h>

extern const char XHTML_STYLE[];

/* Do the columns of a grid fit side by side without breaking a word? numbers
 * has a bit for each column of numbers, which stay on one line. */
bool xhtml_grid_has_room(cmark_node *grid, uint32_t numbers);

/* Append a picture as a PNG file (ISO/IEC 15948), 8-bit RGB. The same picture
 * gives the same bytes. */
void png_build(const struct document_picture *picture, struct buf *out);
