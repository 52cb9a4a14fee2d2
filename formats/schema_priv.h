/*
 * schema_priv - what the files of the JSON Schema validator share:
 * schema_value.c (numbers, equality), schema_uri.c (addresses),
 * schema_resolve.c (texts and references), schema_compile.c (nodes),
 * schema_keyword.c (keywords by what they look at), schema_ecma.c and
 * schema_pattern.c (patterns), schema_check.c.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "formats/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which draft a text is written in; the order is that of their years. */
enum schema_draft { SCHEMA_DRAFT_04, SCHEMA_DRAFT_06, SCHEMA_DRAFT_07 };

/* ---- numbers and values ---- */

enum schema_type {
	SCHEMA_NULL = 1,
	SCHEMA_BOOLEAN = 2,
	SCHEMA_INTEGER = 4,
	SCHEMA_NUMBER = 8,
	SCHEMA_STRING = 16,
	SCHEMA_ARRAY = 32,
	SCHEMA_OBJECT = 64,
};

/* Every type that value has: 1.0 is an integer too. */
unsigned schema_value_types(const json_t *value);
/* <0, 0, >0 of two JSON numbers, exactly. */
int schema_number_compare(const json_t *a, const json_t *b);
/* Whether value is a multiple of step (> 0), in decimal. */
bool schema_number_multiple(const json_t *value, const json_t *step);
/* Equal as JSON Schema has it: 1 is 1.0, order of members is nothing. */
bool schema_value_equal(const json_t *a, const json_t *b);
uint64_t schema_value_hash(const json_t *value);
/* Code points of a JSON string. */
size_t schema_string_length(const json_t *string);

/* ---- addresses (RFC 3986 section 5, with relative bases) ---- */

/* ref resolved against base, without its fragment; malloc'ed, NULL without
 * memory. */
char *schema_uri_resolve(const char *base, const char *ref);
/* The decoded fragment of ref ("" when there is none); malloc'ed. */
char *schema_uri_fragment(const char *ref);

/* ---- patterns ---- */

/* A pattern of ECMA 262 as PCRE2 has to be given it; false when it is none. */
bool schema_ecma_translate(struct span pattern, struct buf *out);

struct schema_pattern;

/* NULL and a reason (static) when it is not a pattern. */
struct schema_pattern *schema_pattern_new(
    const char *text, size_t size, const char **reason);
void schema_pattern_free(struct schema_pattern *pattern);

struct schema_matcher; /* limits and room, one a schema */
struct schema_matcher *schema_matcher_new(const struct limits *limits);
void schema_matcher_free(struct schema_matcher *matcher);
/* 1 found, 0 not found, negative: gave up. */
int schema_pattern_search(const struct schema_pattern *pattern,
    struct schema_matcher *matcher, const char *text, size_t size);

/* ---- nodes ---- */

struct node;

struct node_property {
	const char *name; /* points into the schema text */
	struct node *node;
};

struct node_pattern {
	struct schema_pattern *pattern;
	struct node *node;
};

struct node_dependency {
	const char *name;
	const json_t *names; /* array form; NULL: schema form */
	struct node *node;
};

struct node_list {
	struct node **at;
	size_t count;
};

#define NODE_NO_BOUND SIZE_MAX

/* One schema. Everything that is not used is NULL, 0 or NODE_NO_BOUND. */
struct node {
	char *place;        /* URI#POINTER, for the rule */
	const char *doc;    /* the text's own address, for faults */
	const json_t *text; /* of the schema */
	enum schema_draft draft;
	bool never;       /* the schema false */
	struct node *ref; /* then nothing else counts */

	unsigned types;
	const json_t *choices; /* enum */
	const json_t *constant;
	const json_t *least, *above, *most, *below, *step;
	size_t length_min, length_max;
	struct schema_pattern *pattern;
	const char *pattern_text;

	struct node *items; /* one for all */
	struct node_list tuple;
	struct node *items_more;
	size_t items_min, items_max;
	bool unique;
	struct node *contains;

	const json_t *required;
	size_t members_min, members_max;
	const json_t *named; /* properties, for look-up */
	struct node_property *properties;
	size_t properties_count;
	struct node_pattern *patterns;
	size_t patterns_count;
	struct node *members_more;
	struct node *names;
	struct node_dependency *dependencies;
	size_t dependencies_count;

	struct node_list all, any, one;
	struct node * not ;
	struct node *condition, *then, *otherwise; /* if, then, else */

	struct node *next; /* all nodes of the schema */
};

/* A schema text. */
struct schema_text {
	struct schema_text *next;
	json_t *value; /* a reference of ours */
	char *uri;
};

/* Where one schema of a text stands. */
struct schema_spot {
	const json_t *text;
	char *base;      /* address that references are resolved against */
	const char *doc; /* address of the text it is in */
	char *pointer;   /* in that text */
	enum schema_draft draft;
	struct node *node; /* once it is built */
};

/* A schema that has an address of its own. */
struct schema_name {
	char *uri;
	json_t *text;
};

struct schema {
	struct node *root;
	struct node *nodes;
	struct schema_text *texts;
	struct schema_spot *spots;
	size_t spots_count, spots_room;
	struct schema_name *names;
	size_t names_count, names_room;
	struct schema_matcher *matcher;
	const struct schema_loader *loader; /* while compiling */
	struct limits limits;
};

/* ---- texts and references ---- */

/* Take a text in: remember it and every address in it. draft is for a text
 * that does not say its own. */
int schema_text_add(struct schema *schema, const char *uri, json_t *value,
    enum schema_draft draft, struct why *why);
/* Where a schema stands; NULL when it was not taken in. Lent until the next
 * text is added. */
struct schema_spot *schema_spot_get(
    const struct schema *schema, const json_t *text);
/* The schema that ref means when it stands under base; loads texts, which are
 * of this draft when they say none. */
int schema_ref_find(struct schema *schema, const char *base, const char *ref,
    enum schema_draft draft, json_t **out, struct why *why);
void schema_texts_free(struct schema *schema);
