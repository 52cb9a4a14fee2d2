#include "tools/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static bool as_json;

void
say_as_json(void)
{
	as_json = true;
}

bool
say_is_json(void)
{
	return as_json;
}

void
say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

int
say_usage(const struct verb *verb, const char *format, ...)
{
	char text[WHY_TEXT_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	say("budstikke %s: %s", verb->name, text);
	say("usage: budstikke %s %s", verb->name, verb->usage);
	if (as_json)
		say_object(
		    json_pack("{s:s,s:s}", "code", "usage", "detail", text));
	return LEAVE_USAGE;
}

void
say_result(const char *format, ...)
{
	va_list list;

	if (as_json)
		return;
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

void
say_object(json_t *take_object)
{
	if (as_json && take_object != NULL) {
		json_dumpf(take_object, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(take_object);
}

int
say_leave(int code)
{
	if (code == 0)
		return LEAVE_DONE;
	if (code == WHY_CRYPTO)
		return LEAVE_PROOF;
	if (code == WHY_BUG || code == WHY_SYSTEM || code == WHY_NOMEM)
		return LEAVE_INTERNAL;
	return why_is_temporary(code) ? LEAVE_TEMPORARY : LEAVE_REFUSED;
}

int
say_failure(const struct why *why)
{
	say("budstikke: %s (%s)", why->text, why_name(why->code));
	say_object(json_pack(
	    "{s:s,s:s}", "code", why_name(why->code), "detail", why->text));
	return say_leave(why->code);
}

const char *
say_clean(char *text, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from != '\0' && n + 1 < size; from++) {
		unsigned char c = (unsigned char)*from;

		text[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	text[n] = '\0';
	return text;
}

void
say_progress_begin(
    struct say_progress *progress, const char *what, uint64_t total)
{
	*progress = (struct say_progress){
	    .what = what,
	    .total = total,
	    .began_ms = clock_mono_ms(),
	    .shown = isatty(STDERR_FILENO) == 1,
	};
}

void
say_progress_at(struct say_progress *progress, uint64_t done)
{
	int64_t now_ms = clock_mono_ms();
	double mib = (double)done / (1024.0 * 1024.0);
	double seconds = (double)(now_ms - progress->began_ms) / 1000.0;

	/* what is over in half a second needs no line */
	if (!progress->shown || now_ms - progress->began_ms < 500 ||
	    now_ms - progress->drawn_ms < 100)
		return;
	progress->drawn_ms = now_ms;
	fprintf(stderr, "\r%s %.1f MiB", progress->what, mib);
	if (progress->total > 0)
		fprintf(stderr, " of %.1f (%.0f %%)",
		    (double)progress->total / (1024.0 * 1024.0),
		    100.0 * (double)done / (double)progress->total);
	fprintf(stderr, ", %.1f MiB/s\033[K", mib / seconds);
	fflush(stderr);
}

void
say_progress_end(struct say_progress *progress)
{
	if (progress->shown && progress->drawn_ms != 0)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
