#include "base/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
(why_set)(struct why *why, int code, const char *format, ...)
{
	if (why == NULL)
		return code;
	va_list args;
	why->code = code;
	va_start(args, format);
	(void)vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return code;
}

int
(why_errno)(struct why *why, const char *format, ...)
{
	int saved = errno;
	if (why == NULL)
		return WHY_SYSTEM;
	va_list args;
	why->code = WHY_SYSTEM;
	va_start(args, format);
	int length = vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	if (length >= 0 && (size_t)length < sizeof why->text)
		(void)snprintf(why->text + length,
		    sizeof why->text - (size_t)length, ": %s", strerror(saved));
	errno = saved;
	return WHY_SYSTEM;
}

const char *
why_name(int code)
{
	switch (code) {
	case WHY_OK:
		return "ok";
	case WHY_NOMEM:
		return "no-memory";
	case WHY_SYSTEM:
		return "system";
	case WHY_BUSY:
		return "busy";
	case WHY_GONE:
		return "gone";
	case WHY_FULL:
		return "full";
	case WHY_DOUBT:
		return "in-doubt";
	case WHY_MALFORMED:
		return "malformed";
	case WHY_TOO_LARGE:
		return "too-large";
	case WHY_INVALID:
		return "invalid";
	case WHY_UNSUPPORTED:
		return "unsupported";
	case WHY_NOT_FOUND:
		return "not-found";
	case WHY_EXISTS:
		return "exists";
	case WHY_STATE:
		return "state";
	case WHY_DENIED:
		return "denied";
	case WHY_CRYPTO:
		return "crypto";
	case WHY_BUG:
		return "bug";
	default:
		return "unknown";
	}
}

bool
why_is_temporary(int code)
{
	return code <= WHY_NOMEM && code >= WHY_DOUBT;
}
