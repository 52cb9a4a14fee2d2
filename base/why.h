/*
 * why - the one catalogue of error codes, and the sentence that goes with one.
 *
 * Functions return 0, or a negative code from here. Each code is temporary
 * (the same call may succeed later) or permanent. The sentence travels in a
 * caller-owned struct why; it never holds a personal value, only which part,
 * which field and what was expected.
 */
#pragma once

#include <stdbool.h>

enum why_code {
	WHY_OK = 0,
	WHY_NOMEM = -1, /* temporary: no memory for something of input size */
	WHY_SYSTEM =
	    -2,         /* temporary: a system call failed; errno text inside */
	WHY_BUSY = -3,  /* temporary: a fair share or a queue is full */
	WHY_GONE = -4,  /* temporary: the role asked has died or is draining */
	WHY_FULL = -5,  /* temporary: no room in the store or file system */
	WHY_DOUBT = -6, /* temporary: a commit's outcome is unknown, ask again
			   with the same key */
	WHY_MALFORMED = -10, /* permanent: bytes that are not what they claim */
	WHY_TOO_LARGE = -11, /* permanent: a named limit is exceeded */
	WHY_INVALID = -12,   /* permanent: well-formed, but breaks a rule */
	WHY_UNSUPPORTED = -13, /* permanent: known, but not offered here */
	WHY_NOT_FOUND = -14,
	WHY_EXISTS = -15, /* same key, other content */
	WHY_STATE = -16,  /* the state does not allow it (already final ...) */
	WHY_DENIED = -17, /* the caller may not */
	WHY_CRYPTO = -18, /* decryption, signature or digest is wrong */
	WHY_BUG = -19,    /* permanent: this program broke its own rule */
};

#define WHY_TEXT_MAX 256

struct why {
	int code;
	char text[WHY_TEXT_MAX];
};

/* Record code and sentence (cut at WHY_TEXT_MAX); why may be NULL. Returns
 * code, so that "return why_set(why, WHY_INVALID, ...)" reads as it acts. */
int why_set(struct why *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As why_set() with WHY_SYSTEM; appends ": " and the text of errno. */
int why_errno(struct why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* An analyser sees only that an int comes back: show it which. */
#define why_set(why, code, ...) ((void)why_set(why, code, __VA_ARGS__), (code))
#define why_errno(why, ...) ((void)why_errno(why, __VA_ARGS__), WHY_SYSTEM)
#endif

/* The code's name for logs, e.g. "too-large". Static; never NULL. */
const char *why_name(int code);

/* True when the same call may succeed later. */
bool why_is_temporary(int code);
