/*
 * http_head - what http_parse.c and http_head.c share, and nobody else.
 */
#pragma once

#include "relay/http_parse.h"

/* Cut reader->raw (a whole header, its empty line included; reader->lines is
 * the number of its lines) into reader->head. 0, or -1 after
 * http_reader_refuse(). */
int http_head_build(struct http_reader *reader);

/* Remember status and reason (static); always -1. */
int http_reader_refuse(
    struct http_reader *reader, unsigned status, const char *reason);

bool http_is_token(uint8_t byte); /* tchar, RFC 9110 section 5.6.2 */
