#include "tests/support/json_generate.h"

#include "formats/schema_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 4000
#define FLAT_MAX 64

struct maker {
	uint64_t state;
	unsigned number; /* of the values so far: each is its own */
	unsigned chance; /* of an optional member, in percent */
	int depth;
};

static uint32_t
pick(struct maker *maker, uint32_t below)
{
	maker->state =
	    maker->state * UINT64_C(6364136223846793005) + UINT64_C(1442695);
	return (uint32_t)(maker->state >> 33) % below;
}

/* All nodes that say something about one value, with a choice made where there
 * are several ways. */
struct flat {
	const struct node *at[FLAT_MAX];
	size_t count;
};

static void
flatten(struct maker *maker, const struct node *node, struct flat *flat)
{
	while (node->ref != NULL)
		node = node->ref;
	if (flat->count == FLAT_MAX)
		return;
	flat->at[flat->count++] = node;
	for (size_t i = 0; i < node->all.count; i++)
		flatten(maker, node->all.at[i], flat);
	if (node->any.count > 0)
		flatten(maker,
		    node->any.at[pick(maker, (uint32_t)node->any.count)], flat);
	if (node->one.count > 0)
		flatten(maker,
		    node->one.at[pick(maker, (uint32_t)node->one.count)], flat);
	if (node->then != NULL && pick(maker, 2) == 0) {
		flatten(maker, node->condition, flat);
		flatten(maker, node->then, flat);
	} else if (node->otherwise != NULL) {
		flatten(maker, node->otherwise, flat);
	}
}

static json_t *make(struct maker *maker, const struct node *node);

/* ---- strings ---- */

static const char *
class_add(struct maker *maker, const char *at, struct buf *out)
{
	char set[256];
	size_t count = 0;
	bool all_but = *at == '^'; /* then a letter will do */
	if (all_but)
		set[count++] = 'a';
	while (*at != ']' || at[-1] == '\\') {
		char from = *at++;
		char to = from;
		if (at[0] == '-' && at[1] != ']') {
			to = at[1];
			at += 2;
		}
		for (int c = from; c <= to && count < sizeof set && !all_but;
		     c++)
			set[count++] = (char)c;
	}
	if (out != NULL)
		buf_add_byte(out, (uint8_t)set[pick(maker, (uint32_t)count)]);
	return at + 1;
}

static const char *sequence_add(
    struct maker *maker, const char *at, struct buf *out);

/* One atom of a pattern, or only past it (out NULL). */
static const char *
atom_add(struct maker *maker, const char *at, struct buf *out)
{
	if (*at == '(') {
		at = sequence_add(maker, at + 1, out);
		while (*at == '|') /* the first way is taken */
			at = sequence_add(maker, at + 1, NULL);
		return at + 1;
	}
	if (*at == '[')
		return class_add(maker, at + 1, out);
	if (*at == '\\')
		at++;
	if (out != NULL)
		buf_add_byte(out, (uint8_t)*at);
	return at + 1;
}

/* The few shapes of patterns that official schemas of ours have. */
static const char *
sequence_add(struct maker *maker, const char *at, struct buf *out)
{
	while (*at != '\0' && *at != ')' && *at != '$' && *at != '|') {
		const char *atom = at;
		long times = 1;
		at = atom_add(maker, at, NULL);
		if (*at == '{') {
			char *end;
			times = strtol(at + 1, &end, 10);
			at = end + 1;
		} else if (*at == '+') {
			times = 1 + pick(maker, 9);
			at++;
		} else if (*at == '*') {
			times = pick(maker, 3);
			at++;
		} else if (*at == '?') {
			times = pick(maker, 2);
			at++;
		}
		for (; times > 0 && out != NULL; times--)
			(void)atom_add(maker, atom, out);
	}
	return at;
}

static json_t *
make_string(struct maker *maker, const struct flat *flat)
{
	static const char *const words[] = {"Ærlig", "Čáhci", "Їжак", "سلام",
	    "e\xCC\x81", "<b>&", "to\nlinjer", "**x**"};
	struct buf text;
	json_t *string;
	buf_init(&text, 64 * 1024);
	for (size_t i = 0; i < flat->count; i++) {
		if (flat->at[i]->pattern == NULL)
			continue;
		(void)sequence_add(maker, flat->at[i]->pattern_text + 1, &text);
		string = json_string(buf_text(&text));
		buf_clear(&text);
		return string;
	}
	if (pick(maker, 12) > 0) /* else an empty one */
		buf_printf(
		    &text, "m%ue %s", ++maker->number, words[pick(maker, 8)]);
	string = json_string(buf_text(&text));
	buf_clear(&text);
	return string;
}

/* ---- the others ---- */

static json_t *
make_number(struct maker *maker, bool whole)
{
	long value = 100000 + ++maker->number * 7;
	if (pick(maker, 6) == 0)
		value = -value;
	if (whole)
		return json_integer(value);
	return json_real((double)value + pick(maker, 100) / 100.0);
}

static json_t *
make_array(struct maker *maker, const struct flat *flat)
{
	json_t *array = json_array();
	uint32_t count = pick(maker, 4);
	for (size_t i = 0; i < flat->count; i++) {
		if (flat->at[i]->items == NULL)
			continue;
		if (count < flat->at[i]->items_min)
			count = (uint32_t)flat->at[i]->items_min;
		if (count > flat->at[i]->items_max)
			count = (uint32_t)flat->at[i]->items_max;
		for (uint32_t n = 0; n < count; n++)
			json_array_append_new(
			    array, make(maker, flat->at[i]->items));
		break;
	}
	return array;
}

static bool
is_required(const struct flat *flat, const char *name)
{
	for (size_t i = 0; i < flat->count; i++) {
		const json_t *one;
		size_t j;
		json_array_foreach(flat->at[i]->required, j, one)
		{
			if (strcmp(json_string_value(one), name) == 0)
				return true;
		}
	}
	return false;
}

static json_t *
make_object(struct maker *maker, const struct flat *flat)
{
	json_t *object = json_object();
	for (size_t i = 0; i < flat->count; i++) {
		const struct node *node = flat->at[i];
		for (size_t j = 0; j < node->properties_count; j++) {
			const char *name = node->properties[j].name;
			if (json_object_get(object, name) != NULL ||
			    node->properties[j].node->never ||
			    (!is_required(flat, name) &&
				pick(maker, 100) >= maker->chance))
				continue;
			json_object_set_new(object, name,
			    make(maker, node->properties[j].node));
		}
	}
	return object;
}

static json_t *
make(struct maker *maker, const struct node *node)
{
	struct flat flat = {.count = 0};
	unsigned types = 0;
	bool members = false;
	flatten(maker, node, &flat);
	if (++maker->depth > 40)
		abort();
	json_t *value = NULL;
	for (size_t i = 0; i < flat.count && value == NULL; i++) {
		const json_t *choices = flat.at[i]->choices;
		if (flat.at[i]->constant != NULL)
			value = json_deep_copy(flat.at[i]->constant);
		else if (choices != NULL)
			value = json_deep_copy(json_array_get(choices,
			    pick(maker, (uint32_t)json_array_size(choices))));
		if (types == 0)
			types = flat.at[i]->types;
		members |= flat.at[i]->properties_count > 0;
	}
	if (value != NULL)
		;
	else if ((types & SCHEMA_OBJECT) != 0 || (types == 0 && members))
		value = make_object(maker, &flat);
	else if ((types & SCHEMA_ARRAY) != 0)
		value = make_array(maker, &flat);
	else if ((types & SCHEMA_STRING) != 0 || types == 0)
		value = make_string(maker, &flat);
	else if ((types & SCHEMA_BOOLEAN) != 0)
		value = json_boolean(pick(maker, 2));
	else if ((types & (SCHEMA_INTEGER | SCHEMA_NUMBER)) != 0)
		value = make_number(maker, (types & SCHEMA_NUMBER) == 0);
	else
		value = json_null();
	maker->depth--;
	return value;
}

json_t *
json_generate(const struct schema *schema, uint64_t seed)
{
	struct maker maker = {.state = seed * 2654435761u + 12345};
	for (int i = 0; i < TRIES; i++) {
		struct findings findings;
		struct why why = {0};
		maker.number = 0;
		maker.depth = 0;
		maker.chance = 20 + pick(&maker, 75);
		json_t *value = make(&maker, schema->root);
		findings_init(&findings, 4);
		int code = schema_check(schema, value, "", &findings, &why);
		findings_clear(&findings);
		if (code == 0)
			return value;
		json_decref(value);
	}
	return NULL;
}
