/*
 * SECURITY: error answers carry static texts, places and expectations only;
 * what came in is never put out again.
 */
#include "relay/problem.h"

#include "base/buf.h"
#include "relay/http.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_TYPE "application/problem+json"
#define PROBLEM_ERRORS_MOST 10000

struct problem {
	enum problem_code code;
	json_t *errors;
};

static const struct {
	const char *code;
	unsigned status;
	enum problem_party party;
	const char *title;
} problems[] = {
#define X(name, code, status, party, title)                                    \
	[PROBLEM_##name] = {code, status, PARTY_##party, title},
    PROBLEMS(X)
#undef X
};

const char *
problem_code_text(enum problem_code code)
{
	return problems[code].code;
}

unsigned
problem_code_status(enum problem_code code)
{
	return problems[code].status;
}

struct problem *
problem_new(enum problem_code code)
{
	struct problem *problem = calloc(1, sizeof(*problem));

	if (!problem)
		return NULL;
	problem->code = code;
	problem->errors = json_array();
	if (!problem->errors) {
		free(problem);
		return NULL;
	}
	return problem;
}

enum problem_code
problem_code_of(const struct problem *problem)
{
	return problem ? problem->code : PROBLEM_INTERNAL;
}

void
problem_recode(struct problem *problem, enum problem_code code)
{
	if (problem)
		problem->code = code;
}

void
problem_free(struct problem *problem)
{
	if (!problem)
		return;
	json_decref(problem->errors);
	free(problem);
}

static void
error_add(struct problem *problem, const char *part, const char *pointer,
    const char *expected)
{
	if (json_array_size(problem->errors) >= PROBLEM_ERRORS_MOST)
		return;
	/* without memory there is one error less, and still a refusal */
	(void)json_array_append_new(
	    problem->errors, json_pack("{s:s,s:s,s:s}", "part", part, "pointer",
				 pointer, "expected", expected));
}

static void __attribute__((format(printf, 4, 0)))
error_format(struct problem *problem, const char *part, const char *pointer,
    const char *format, va_list list)
{
	char expected[512];

	(void)vsnprintf(expected, sizeof(expected), format, list);
	error_add(problem, part, pointer, expected);
}

void
problem_error(struct problem *problem, const char *part, const char *pointer,
    const char *format, ...)
{
	va_list list;

	if (!problem)
		return;
	va_start(list, format);
	error_format(problem, part, pointer, format, list);
	va_end(list);
}

void
problem_findings(struct problem *problem, const struct findings *findings)
{
	if (!problem)
		return;
	for (size_t i = 0; i < findings->count; i++)
		error_add(problem, findings->at[i].part,
		    findings->at[i].pointer, findings->at[i].expected);
	if (findings->left_off > 0)
		problem_error(problem, "", "", "%zu more errors are not listed",
		    findings->left_off);
}

size_t
problem_errors(const struct problem *problem)
{
	return problem ? json_array_size(problem->errors) : 0;
}

static const char *
party_text(enum problem_party party, const char *path)
{
	static const char mailbox[] = "/v1/mailbox";

	switch (party) {
	case PARTY_SENDER:
		return "sender";
	case PARTY_RECIPIENT:
		return "recipient";
	case PARTY_RELAY:
		return "relay";
	case PARTY_CALLER:
		break;
	}
	return strncmp(path, mailbox, sizeof(mailbox) - 1) == 0 ? "recipient"
								: "sender";
}

/* The text is the caller's (free()), NULL without memory. */
static char *
problem_text(const struct problem *problem, const char *path)
{
	const char *code = problems[problem->code].code;
	json_t *body = json_pack("{s:o,s:s,s:i,s:s,s:s,s:O}", "type",
	    json_sprintf("urn:budstikke:problem:%s", code), "title",
	    problems[problem->code].title, "status",
	    (int)problems[problem->code].status, "code", code, "party",
	    party_text(problems[problem->code].party, path), "errors",
	    problem->errors);
	char *text =
	    body ? json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(body);
	return text;
}

static bool
may_come_again(enum problem_code code)
{
	unsigned status = problems[code].status;

	return status == 429 || status == 503 || status == 507 ||
	       code == PROBLEM_KEY_RUNNING;
}

void
problem_answer_later(struct http_request *request, struct problem *take_problem,
    unsigned retry_s)
{
	char *text = take_problem
			 ? problem_text(take_problem, http_head(request)->path)
			 : NULL;
	unsigned status = 500;
	char number[24];

	if (text) {
		status = problems[take_problem->code].status;
		if (may_come_again(take_problem->code)) {
			(void)snprintf(number, sizeof(number), "%u",
			    retry_s > 0 ? retry_s : 1);
			http_field_add(request, "Retry-After", number);
		}
		if (status == 401)
			http_field_add(request, "WWW-Authenticate",
			    "Bearer, Basic realm=\"budstikke\", "
			    "charset=\"UTF-8\"");
	}
	http_answer(
	    request, status, text ? PROBLEM_TYPE : NULL, span_text(text));
	free(text);
	problem_free(take_problem);
}

void
problem_answer(struct http_request *request, struct problem *take_problem)
{
	problem_answer_later(request, take_problem, 0);
}

void
problem_send(struct http_request *request, enum problem_code code)
{
	problem_answer(request, problem_new(code));
}

void
problem_say(struct http_request *request, enum problem_code code,
    const char *part, const char *pointer, const char *format, ...)
{
	struct problem *problem = problem_new(code);
	va_list list;

	if (problem) {
		va_start(list, format);
		error_format(problem, part, pointer, format, list);
		va_end(list);
	}
	problem_answer(request, problem);
}

void
problem_build(struct buf *out, enum problem_code code, const char *expected)
{
	struct problem *problem = problem_new(code);
	char *text;

	problem_error(problem, "", "", "%s", expected);
	text = problem ? problem_text(problem, "") : NULL;
	if (text)
		buf_add_text(out, text);
	free(text);
	problem_free(problem);
}

enum problem_code
problem_of_status(unsigned status)
{
	switch (status) {
	case 408:
		return PROBLEM_SLOW;
	case 413:
		return PROBLEM_TOO_LARGE;
	case 414:
		return PROBLEM_URI;
	case 417:
		return PROBLEM_EXPECTATION;
	case 431:
		return PROBLEM_HEADER_LARGE;
	case 501:
		return PROBLEM_NOT_OFFERED;
	case 503:
		return PROBLEM_UNAVAILABLE;
	case 505:
		return PROBLEM_VERSION;
	default:
		return PROBLEM_MALFORMED;
	}
}

enum problem_code
problem_of_why(int code)
{
	switch (code) {
	case WHY_NOMEM:
	case WHY_SYSTEM:
	case WHY_GONE:
	case WHY_DOUBT:
		return PROBLEM_UNAVAILABLE;
	case WHY_FULL:
		return PROBLEM_STORE_FULL;
	case WHY_BUSY:
		return PROBLEM_RATE;
	case WHY_TOO_LARGE:
		return PROBLEM_TOO_LARGE;
	case WHY_MALFORMED:
		return PROBLEM_MALFORMED;
	case WHY_INVALID:
		return PROBLEM_BODY;
	case WHY_NOT_FOUND:
		return PROBLEM_NOT_FOUND;
	case WHY_UNSUPPORTED:
		return PROBLEM_NOT_OFFERED;
	default:
		return PROBLEM_INTERNAL;
	}
}
