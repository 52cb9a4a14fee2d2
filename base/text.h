/*
 * text - the few encodings that every room needs: hex, base64 (RFC 4648),
 * UTF-8 (RFC 3629), decimal numbers, RFC 3339 times.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower-case hex into text, which has room for 2 * size + 1. */
void hex_build(char *text, const void *at, size_t size);

/* 0 to 15 for a hex digit of either case; -1 for anything else. */
int hex_digit(char c);

/* Exactly 2 * size hex digits of either case; false otherwise. */
bool hex_parse(const char *text, void *at, size_t size);

/* Append base64 with padding (RFC 4648 section 4). */
void base64_build(struct buf *out, struct span bytes);
/* Strict: padding, no white space, no stray bits. False otherwise. */
bool base64_parse(struct buf *out, struct span text);

/* Append base64url without padding (RFC 4648 section 5, as RFC 7515 uses it).
 */
void base64url_build(struct buf *out, struct span bytes);
/* Strict and canonical. False otherwise. */
bool base64url_parse(struct buf *out, struct span text);

/* True when the bytes are UTF-8: shortest forms, no surrogates, <= U+10FFFF.
 * U+0000 is valid UTF-8; who minds NUL must ask for it. */
bool utf8_valid(struct span bytes);

/* Next code point at *pos (moved on), U+FFFD for a byte that is not UTF-8. */
uint32_t utf8_next(struct span bytes, size_t *pos);
void utf8_add(struct buf *out, uint32_t code_point);

/* Plain decimal digits, nothing else, value <= max; false otherwise. */
bool number_parse(struct span text, uint64_t max, uint64_t *value);

/* "2026-11-21T19:05:00.123Z" for milliseconds since 1970. */
#define TIME_TEXT_SIZE 25
void time_build(char text[TIME_TEXT_SIZE], int64_t wall_ms);
/* RFC 3339 with Z or an offset, seconds fraction optional; false otherwise. */
bool time_parse(const char *text, int64_t *wall_ms);

/* A Norwegian organisation number: nine digits, first 8 or 9, modulus 11. */
bool orgnr_valid(const char *text);
