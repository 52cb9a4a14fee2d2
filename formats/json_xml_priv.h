/*
 * json_xml_priv - strings of JSON as both directions of json_xml(7) see them. A
 * body is what stands between the quotation marks.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

/*
 * Append the text that a body means; U+FFFD for each character that XML cannot
 * hold. False when it is no body of JSON: then out is not the truth.
 */
bool json_xml_string_decode(struct span body, struct buf *out);

/*
 * True when the body follows from its text: XML holds every character, and only
 * those are escaped that must be, in the shortest form.
 */
bool json_xml_string_plain(struct span body);

/*
 * Append a body so that XML holds it: "\x" and the four hex digits, which no
 * body has, for U+FFFE and U+FFFF, the only ones that it cannot. And back:
 * false when it is none.
 */
void json_xml_body_hold(struct span body, struct buf *out);
bool json_xml_body_read(struct span held, struct buf *out);

/* Append the plain body of a text. */
void json_xml_body_add(struct buf *out, struct span text);
