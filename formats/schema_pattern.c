/*
 * schema_pattern - regular expressions, searched in texts of unknown people.
 *
 * SECURITY: reads hostile texts. The steps, the depth and the memory of one
 * search are limited, so that no text can hold up the process; who gave up says
 * so. Patterns are those of ECMA 262; schema_ecma.c makes PCRE2 agree.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "formats/schema_priv.h"

#include <pcre2.h>
#include <stdlib.h>

#define PATTERN_MAX (1 << 16)

struct schema_pattern {
	pcre2_code *code;
};

struct schema_matcher {
	pcre2_match_context *context;
	pcre2_match_data *data;
};

struct schema_pattern *
schema_pattern_new(const char *text, size_t size, const char **reason)
{
	struct schema_pattern *pattern = calloc(1, sizeof(*pattern));
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_SIZE offset;
	struct buf own;
	int error;

	buf_init(&own, PATTERN_MAX);
	*reason = "no memory for a pattern";
	if (pattern == NULL || context == NULL)
		goto out;
	*reason = "must be a regular expression (ECMA 262)";
	if (size > PATTERN_MAX ||
	    !schema_ecma_translate(span_of((const uint8_t *)text, size), &own))
		goto out;
	pattern->code = pcre2_compile(
	    (PCRE2_SPTR)(own.size ? own.at : (const uint8_t *)""), own.size,
	    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
		PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NEVER_BACKSLASH_C |
		PCRE2_NEVER_UCP,
	    &error, &offset, context);
out:
	buf_clear(&own);
	pcre2_compile_context_free(context);
	if (pattern == NULL || pattern->code == NULL) {
		free(pattern);
		return NULL;
	}
	return pattern;
}

void
schema_pattern_free(struct schema_pattern *pattern)
{
	if (pattern == NULL)
		return;
	pcre2_code_free(pattern->code);
	free(pattern);
}

struct schema_matcher *
schema_matcher_new(const struct limits *limits)
{
	struct schema_matcher *matcher = calloc(1, sizeof(*matcher));

	if (matcher == NULL)
		return NULL;
	matcher->context = pcre2_match_context_create(NULL);
	matcher->data = pcre2_match_data_create(1, NULL);
	if (matcher->context == NULL || matcher->data == NULL) {
		schema_matcher_free(matcher);
		return NULL;
	}
	pcre2_set_match_limit(
	    matcher->context, (uint32_t)limits->pattern_steps);
	pcre2_set_depth_limit(
	    matcher->context, (uint32_t)limits->pattern_steps / 10);
	pcre2_set_heap_limit(matcher->context, 4096); /* KiB */
	return matcher;
}

void
schema_matcher_free(struct schema_matcher *matcher)
{
	if (matcher == NULL)
		return;
	pcre2_match_context_free(matcher->context);
	pcre2_match_data_free(matcher->data);
	free(matcher);
}

int
schema_pattern_search(const struct schema_pattern *pattern,
    struct schema_matcher *matcher, const char *text, size_t size)
{
	/* JSON reading has checked the encoding */
	int rc = pcre2_match(pattern->code, (PCRE2_SPTR)text, size, 0,
	    PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);

	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return rc < 0 ? -1 : 1;
}
