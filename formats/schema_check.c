/*
 * schema_check - one value against the nodes.
 *
 * SECURITY: reads hostile values. Steps are counted against a limit, nesting of
 * calls too, and no finding holds a value.
 */
#include "formats/json.h"
#include "formats/schema_check_priv.h"

#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 1500
#define POINTER_MAX 2048
#define NAME_MAX_SHOWN 128

static bool
spend(struct checker *checker, uint64_t steps)
{
	checker->steps += steps;
	if (checker->fatal == 0 &&
	    checker->steps > checker->schema->limits.schema_steps)
		checker->fatal = why_set(checker->why, WHY_TOO_LARGE,
		    "more work than schema_steps allows");
	return checker->fatal == 0;
}

bool
schema_node_wrong(struct checker *checker, const struct node *node,
    const char *keyword, const char *format, ...)
{
	char rule[256], expected[384];
	const char *pointer;
	va_list args;

	if (checker->quiet > 0)
		return false;
	pointer = buf_text(&checker->pointer);
	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	snprintf(rule, sizeof(rule), "%s %s", keyword, node->place);
	findings_add(checker->findings, checker->part, pointer ? pointer : "",
	    rule, "%s", expected);
	return false;
}

/* Go to a member; names that somebody invented are cut. */
static size_t
enter(struct checker *checker, const char *name)
{
	size_t back = checker->pointer.size;
	char cut[NAME_MAX_SHOWN + 4];

	if (strlen(name) > NAME_MAX_SHOWN) {
		size_t size = NAME_MAX_SHOWN;

		while (size > 0 && ((unsigned char)name[size] & 0xc0) == 0x80)
			size--;
		memcpy(cut, name, size);
		memcpy(cut + size, "...", 4);
		name = cut;
	}
	if (back + 2 * strlen(name) + 2 <= POINTER_MAX)
		json_pointer_add(&checker->pointer, name);
	return back;
}

static size_t
enter_index(struct checker *checker, size_t index)
{
	size_t back = checker->pointer.size;

	if (back + 24 <= POINTER_MAX)
		json_pointer_add_index(&checker->pointer, index);
	return back;
}

bool
schema_node_fits(
    struct checker *checker, const struct node *node, const json_t *value)
{
	bool ok;

	checker->quiet++;
	ok = schema_node_check(checker, node, value);
	checker->quiet--;
	return ok;
}

/* ---- values ---- */

static bool
check_type(
    struct checker *checker, const struct node *node, const json_t *value)
{
	static const char *const names[] = {"null", "boolean", "integer",
	    "number", "string", "array", "object"};
	char text[96] = "";

	unsigned types = schema_value_types(value);

	/* until draft-06, 1.0 was no integer */
	if (node->draft == SCHEMA_DRAFT_04 && json_is_real(value))
		types &= ~(unsigned)SCHEMA_INTEGER;
	if (node->types == 0 || (types & node->types) != 0)
		return true;
	for (size_t i = 0; i < 7; i++) {
		if ((node->types & (1U << i)) == 0)
			continue;
		if (text[0] != '\0')
			strcat(text, " or ");
		strcat(text, names[i]);
	}
	return schema_node_wrong(
	    checker, node, "type", "a value of type %s", text);
}

static bool
check_choices(
    struct checker *checker, const struct node *node, const json_t *value)
{
	struct buf list;
	json_t *entry;
	size_t i;

	json_array_foreach(node->choices, i, entry)
	{
		if (schema_value_equal(entry, value))
			return true;
	}
	buf_init(&list, 300);
	json_array_foreach(node->choices, i, entry)
	{
		struct buf one;

		buf_init(&one, 200);
		json_text_build(&one, entry);
		if (!buf_ok(&one) || list.size + one.size > 240) {
			buf_add_text(&list, i ? ", ..." : "...");
			buf_clear(&one);
			break;
		}
		if (i > 0)
			buf_add_text(&list, ", ");
		buf_add_span(&list, buf_span(&one));
		buf_clear(&one);
	}
	schema_node_wrong(checker, node, "enum", "one of %s",
	    buf_text(&list) ? buf_text(&list) : "the listed values");
	buf_clear(&list);
	return false;
}

static bool
check_number(
    struct checker *checker, const struct node *node, const json_t *value)
{
	bool ok = true;

	if (node->least && schema_number_compare(value, node->least) < 0)
		ok = schema_node_wrong(checker, node, "minimum", "at least %g",
		    json_number_value(node->least));
	if (node->above && schema_number_compare(value, node->above) <= 0)
		ok = schema_node_wrong(checker, node, "exclusiveMinimum",
		    "more than %g", json_number_value(node->above));
	if (node->most && schema_number_compare(value, node->most) > 0)
		ok = schema_node_wrong(checker, node, "maximum", "at most %g",
		    json_number_value(node->most));
	if (node->below && schema_number_compare(value, node->below) >= 0)
		ok = schema_node_wrong(checker, node, "exclusiveMaximum",
		    "less than %g", json_number_value(node->below));
	if (node->step && !schema_number_multiple(value, node->step))
		ok = schema_node_wrong(checker, node, "multipleOf",
		    "a multiple of %g", json_number_value(node->step));
	return ok;
}

static bool
check_pattern(struct checker *checker, const struct node *node,
    const struct schema_pattern *pattern, const char *text, size_t size,
    bool *found)
{
	int rc = schema_pattern_search(
	    pattern, checker->schema->matcher, text, size);

	*found = rc > 0;
	if (rc < 0) {
		unsigned quiet = checker->quiet;

		/* told even when only trying out: "not" may not turn this into
		 * a success */
		checker->quiet = 0;
		schema_node_wrong(checker, node, "pattern",
		    "a text that pattern_steps is enough for");
		checker->quiet = quiet;
		checker->gave_up = true;
	}
	return spend(checker, 1 + size / 64) && rc >= 0;
}

static bool
check_string(
    struct checker *checker, const struct node *node, const json_t *value)
{
	size_t length = 0;
	bool ok = true, found = true;

	if (node->length_min > 0 || node->length_max != NODE_NO_BOUND)
		length = schema_string_length(value);
	if (length < node->length_min)
		ok = schema_node_wrong(checker, node, "minLength",
		    "at least %zu characters", node->length_min);
	if (length > node->length_max)
		ok = schema_node_wrong(checker, node, "maxLength",
		    "at most %zu characters", node->length_max);
	if (node->pattern == NULL)
		return ok;
	if (!check_pattern(checker, node, node->pattern,
		json_string_value(value), json_string_length(value), &found))
		return false;
	if (!found)
		ok = schema_node_wrong(checker, node, "pattern",
		    "a text that matches %.300s", node->pattern_text);
	return ok;
}

/* ---- arrays ---- */

struct hashed {
	uint64_t hash;
	const json_t *value;
};

static int
hashed_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct hashed *)a)->hash;
	uint64_t y = ((const struct hashed *)b)->hash;

	return x < y ? -1 : x > y;
}

static bool
check_unique(
    struct checker *checker, const struct node *node, const json_t *value)
{
	size_t size = json_array_size(value);
	struct hashed *all;
	bool ok = true;

	if (size < 2)
		return true;
	all = reallocarray(NULL, size, sizeof(*all));
	if (all == NULL) {
		checker->fatal =
		    why_set(checker->why, WHY_NOMEM, "no memory for a check");
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		all[i].value = json_array_get(value, i);
		all[i].hash = schema_value_hash(all[i].value);
	}
	qsort(all, size, sizeof(*all), hashed_compare);
	for (size_t i = 0; ok && i < size; i++) {
		for (size_t j = i + 1;
		     ok && j < size && all[i].hash == all[j].hash &&
		     spend(checker, 1);
		     j++)
			ok = !schema_value_equal(all[i].value, all[j].value);
	}
	free(all);
	if (!ok)
		schema_node_wrong(
		    checker, node, "uniqueItems", "no element twice");
	return ok && spend(checker, size);
}

static const struct node *
item_node(const struct node *node, size_t index)
{
	if (node->tuple.at == NULL)
		return node->items;
	return index < node->tuple.count ? node->tuple.at[index]
					 : node->items_more;
}

static bool
check_array(
    struct checker *checker, const struct node *node, const json_t *value)
{
	size_t size = json_array_size(value);
	bool ok = true, contained = node->contains == NULL;

	if (size < node->items_min)
		ok = schema_node_wrong(checker, node, "minItems",
		    "at least %zu elements", node->items_min);
	if (size > node->items_max)
		ok = schema_node_wrong(checker, node, "maxItems",
		    "at most %zu elements", node->items_max);
	if (node->unique && !check_unique(checker, node, value))
		ok = false;
	for (size_t i = 0; i < size && checker->fatal == 0; i++) {
		const json_t *item = json_array_get(value, i);
		const struct node *one = item_node(node, i);
		size_t back = enter_index(checker, i);

		if (one != NULL && !schema_node_check(checker, one, item))
			ok = false;
		if (!contained)
			contained =
			    schema_node_fits(checker, node->contains, item);
		checker->pointer.size = back;
	}
	if (!contained)
		ok = schema_node_wrong(checker, node, "contains",
		    "an element that fits the schema");
	return ok;
}

/* ---- objects ---- */

static bool
check_required(struct checker *checker, const struct node *node,
    const char *keyword, const json_t *names, const json_t *value)
{
	json_t *name;
	bool ok = true;
	size_t i;

	json_array_foreach(names, i, name)
	{
		size_t back;

		if (json_object_get(value, json_string_value(name)) != NULL)
			continue;
		back = enter(checker, json_string_value(name));
		ok = schema_node_wrong(
		    checker, node, keyword, "a value: it is required");
		checker->pointer.size = back;
	}
	return ok;
}

/* Members by pattern, and those that nothing names. */
static bool
check_member(struct checker *checker, const struct node *node, const char *name,
    const json_t *value)
{
	bool known = json_object_get(node->named, name) != NULL;
	bool ok = true, found = false;

	for (size_t i = 0; i < node->patterns_count; i++) {
		if (!check_pattern(checker, node, node->patterns[i].pattern,
			name, strlen(name), &found))
			return false;
		if (found &&
		    !schema_node_check(checker, node->patterns[i].node, value))
			ok = false;
		known = known || found;
	}
	if (known || node->members_more == NULL)
		return ok;
	if (node->members_more->never)
		return schema_node_wrong(checker, node, "additionalProperties",
		    "no member of this name");
	return schema_node_check(checker, node->members_more, value) && ok;
}

static bool
check_name(struct checker *checker, const struct node *node, const char *name)
{
	json_t *text = json_string(name);
	bool ok = text != NULL && schema_node_fits(checker, node->names, text);

	if (text == NULL)
		checker->fatal =
		    why_set(checker->why, WHY_NOMEM, "no memory for a check");
	json_decref(text);
	return ok;
}

static bool
check_members(
    struct checker *checker, const struct node *node, const json_t *value)
{
	const char *name;
	json_t *member;
	bool ok = true, names_ok = true;

	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		size_t back = enter(checker, name);

		if (!check_member(checker, node, name, member))
			ok = false;
		checker->pointer.size = back;
		if (node->names && names_ok)
			names_ok = check_name(checker, node, name);
		if (!spend(checker, 1))
			return false;
	}
	if (!names_ok)
		ok = schema_node_wrong(checker, node, "propertyNames",
		    "members with names that fit the schema");
	return ok;
}

static bool
check_dependencies(
    struct checker *checker, const struct node *node, const json_t *value)
{
	bool ok = true;

	for (size_t i = 0; i < node->dependencies_count; i++) {
		const struct node_dependency *one = &node->dependencies[i];

		if (json_object_get(value, one->name) == NULL)
			continue;
		if (one->names != NULL)
			ok = check_required(checker, node, "dependencies",
				 one->names, value) &&
			     ok;
		else
			ok = schema_node_check(checker, one->node, value) && ok;
	}
	return ok;
}

static bool
check_object(
    struct checker *checker, const struct node *node, const json_t *value)
{
	size_t size = json_object_size(value);
	bool ok = true;

	if (node->required != NULL)
		ok = check_required(
		    checker, node, "required", node->required, value);
	if (size < node->members_min)
		ok = schema_node_wrong(checker, node, "minProperties",
		    "at least %zu members", node->members_min);
	if (size > node->members_max)
		ok = schema_node_wrong(checker, node, "maxProperties",
		    "at most %zu members", node->members_max);
	for (size_t i = 0; i < node->properties_count; i++) {
		const struct node_property *one = &node->properties[i];
		const json_t *member = json_object_get(value, one->name);
		size_t back;

		if (member == NULL)
			continue;
		back = enter(checker, one->name);
		if (!schema_node_check(checker, one->node, member))
			ok = false;
		checker->pointer.size = back;
	}
	if (node->patterns_count > 0 || node->members_more || node->names)
		ok = check_members(checker, node, value) && ok;
	return check_dependencies(checker, node, value) && ok;
}

static bool
check_rules(
    struct checker *checker, const struct node *node, const json_t *value)
{
	bool ok = check_type(checker, node, value);

	if (node->choices != NULL && !check_choices(checker, node, value))
		ok = false;
	if (node->constant != NULL &&
	    !schema_value_equal(node->constant, value))
		ok = schema_node_wrong(
		    checker, node, "const", "the one value allowed");
	if (json_is_number(value))
		ok = check_number(checker, node, value) && ok;
	else if (json_is_string(value))
		ok = check_string(checker, node, value) && ok;
	else if (json_is_array(value))
		ok = check_array(checker, node, value) && ok;
	else if (json_is_object(value))
		ok = check_object(checker, node, value) && ok;
	return schema_node_combined(checker, node, value) && ok;
}

bool
schema_node_check(
    struct checker *checker, const struct node *node, const json_t *value)
{
	bool ok;

	while (node->ref != NULL)
		node = node->ref;
	if (!spend(checker, 1))
		return false;
	if (++checker->calls > CALLS_MAX)
		checker->fatal = why_set(checker->why, WHY_TOO_LARGE,
		    "the schema refers to itself without an end");
	if (checker->fatal)
		return false;
	ok = node->never ? schema_node_wrong(checker, node, "false",
			       "nothing: no value is allowed")
			 : check_rules(checker, node, value);
	checker->calls--;
	return ok && checker->fatal == 0;
}

int
schema_check(const struct schema *schema, const json_t *value, const char *part,
    struct findings *findings, struct why *why)
{
	struct checker checker = {
	    .schema = schema, .part = part, .findings = findings, .why = why};
	bool ok;

	buf_init(&checker.pointer, POINTER_MAX + 8);
	ok = schema_node_check(&checker, schema->root, value);
	buf_clear(&checker.pointer);
	if (checker.fatal)
		return checker.fatal;
	return ok && !checker.gave_up ? 0 : findings_verdict(findings, why);
}
