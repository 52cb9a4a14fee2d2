#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define LINE_ROOM 320 /* of most lines */

static const char *log_role = "main";
static enum log_level log_least = LOG_INFO;

void
log_start(const char *role, enum log_level least)
{
	log_role = role;
	log_least = least;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-_.:/@+,%", c) != NULL);
}

static void
add_number(struct buf *line, int64_t number)
{
	char text[24];
	(void)snprintf(text, sizeof text, "%" PRId64, number);
	buf_add_text(line, text);
}

/* Bare when it is one plain word, else quoted with \" \\ and \xHH. */
static void
add_value(struct buf *line, const char *value)
{
	size_t plain = 0;
	while (is_plain(value[plain]))
		plain++;
	if (plain > 0 && value[plain] == '\0') {
		buf_add(line, value, plain);
		return;
	}
	buf_add_byte(line, '"');
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_printf(line, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7F)
			buf_printf(line, "\\x%02x", *p);
		else
			buf_add_byte(line, *p);
	}
	buf_add_byte(line, '"');
}

void
log_write(
    enum log_level level, const char *event, const struct log_field *fields)
{
	static const char *const names[] = {
	    "error", "warning", "info", "debug"};
	if (level > log_least)
		return;
	char stamp[TIME_TEXT_SIZE];
	time_build(stamp, clock_wall_ms());
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	(void)buf_room(&line, LINE_ROOM);
	const char *const words[] = {stamp, names[level], log_role, event};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (i > 0)
			buf_add_byte(&line, ' ');
		buf_add_text(&line, words[i]);
	}
	for (; fields->name != NULL; fields++) {
		buf_add_byte(&line, ' ');
		buf_add_text(&line, fields->name);
		buf_add_byte(&line, '=');
		if (fields->value != NULL)
			add_value(&line, fields->value);
		else
			add_number(&line, fields->number);
	}
	buf_add_byte(&line, '\n');
	/* one write, so that lines of several roles do not mix */
	ssize_t done = write(STDERR_FILENO, line.at, line.size);
	(void)done; /* nobody is left to tell */
	buf_clear(&line);
}
