/*
 * id - UUID version 7 (RFC 9562 section 5.7): time-ordered, so that keys in the
 * store grow at one end. The id tells when it was made and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_SIZE 16
#define ID_TEXT_SIZE 37 /* 8-4-4-4-12 lower-case hex and the end mark */

struct id {
	uint8_t at[ID_SIZE];
};

/* A new id for the time given; ids made by one process never go back. */
struct id id_new(int64_t wall_ms);

void id_build(char text[ID_TEXT_SIZE], const struct id *id);
bool id_parse(const char *text, struct id *id); /* lower case only */
int64_t id_time_ms(const struct id *id);
bool id_equal(const struct id *a, const struct id *b);

/* Fill with bytes from the kernel's generator; ends the process if it cannot.
 */
void random_fill(void *at, size_t size);
