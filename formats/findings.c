#include "formats/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDING_TEXT_MAX 512

void
findings_init(struct findings *findings, size_t max)
{
	*findings = (struct findings){.max = max};
}

static void
finding_free(struct finding *finding)
{
	free(finding->part);
	free(finding->pointer);
	free(finding->rule);
	free(finding->expected);
	*finding = (struct finding){0};
}

void
findings_clear(struct findings *findings)
{
	size_t max = findings->max;

	findings_cut(findings, 0, 0);
	free(findings->at);
	findings_init(findings, max);
}

void
findings_cut(struct findings *findings, size_t count, size_t left_off)
{
	while (findings->count > count)
		finding_free(&findings->at[--findings->count]);
	findings->left_off = left_off;
}

/* Room for one more; false when max is reached (counted) or memory is out. */
static bool
findings_grow(struct findings *findings)
{
	size_t capacity = findings->capacity ? findings->capacity * 2 : 8;
	struct finding *at;

	if (findings->count >= findings->max) {
		findings->left_off++;
		return false;
	}
	if (findings->count < findings->capacity)
		return true;
	at = reallocarray(findings->at, capacity, sizeof(*at));
	if (at == NULL) {
		findings->failed = true;
		return false;
	}
	findings->at = at;
	findings->capacity = capacity;
	return true;
}

void
findings_add(struct findings *findings, const char *part, const char *pointer,
    const char *rule, const char *format, ...)
{
	struct finding finding = {0};
	char text[FINDING_TEXT_MAX];
	va_list args;

	if (findings->failed || !findings_grow(findings))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	finding.part = strdup(part ? part : "");
	finding.pointer = strdup(pointer ? pointer : "");
	finding.rule = strdup(rule ? rule : "");
	finding.expected = strdup(text);
	if (!finding.part || !finding.pointer || !finding.rule ||
	    !finding.expected) {
		finding_free(&finding);
		findings->failed = true;
		return;
	}
	findings->at[findings->count++] = finding;
}

bool
findings_none(const struct findings *findings)
{
	return findings->count == 0 && findings->left_off == 0 &&
	       !findings->failed;
}

int
findings_verdict(const struct findings *findings, struct why *why)
{
	const struct finding *first = findings->at;
	size_t others = findings->left_off;

	if (findings->failed)
		return why_set(why, WHY_NOMEM, "no memory for the findings");
	if (findings_none(findings))
		return 0;
	if (findings->count == 0)
		return why_set(
		    why, WHY_INVALID, "%zu rules are broken", others);
	others += findings->count - 1;
	if (others == 0)
		return why_set(why, WHY_INVALID, "%s at \"%s\": %s",
		    first->part, first->pointer, first->expected);
	return why_set(why, WHY_INVALID, "%s at \"%s\": %s (and %zu more)",
	    first->part, first->pointer, first->expected, others);
}
