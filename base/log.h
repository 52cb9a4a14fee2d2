/*
 * log - structured lines on standard error: time, level, event name, fields.
 *
 *   2026-11-21T19:05:00.123Z info spool message.accepted id=... bytes=1042
 *
 * Event names and their fields are fixed and listed in budstikked(8). A field
 * is an id, an organisation number, a time, a count, a code or a role: never a
 * person's name, address, number, file name or free text. Only relay/ and
 * tools/ log; the other rooms return struct why.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *name;  /* NULL ends the list */
	const char *value; /* NULL when number is meant */
	int64_t number;
};

#define LOGS(name, value)                                                      \
	{                                                                      \
		name, value, 0                                                 \
	}
#define LOGN(name, value)                                                      \
	{                                                                      \
		name, NULL, (int64_t)(value)                                   \
	}

/* Who speaks, e.g. "net"; the text must outlive the process. */
void log_start(const char *role, enum log_level least);

void log_write(
    enum log_level level, const char *event, const struct log_field *fields);

/* log_event(LOG_INFO, "message.accepted", LOGS("id", id), LOGN("bytes", n)); */
#ifdef __cppcheck__ /* it does not know __VA_OPT__ */
#define log_event(level, event, ...) log_write((level), (event), NULL)
#else
#define log_event(level, event, ...)                                           \
	log_write((level), (event),                                            \
	    (const struct log_field[]){                                        \
		__VA_ARGS__ __VA_OPT__(, ){NULL, NULL, 0}})
#endif
