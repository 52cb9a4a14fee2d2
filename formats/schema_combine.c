/*
 * schema_combine - allOf, anyOf, oneOf, not, if; and which alternative a value
 * was meant to be, so that its findings can be told.
 */
#include "formats/schema_check_priv.h"

#include <string.h>

/* Whether a finding is about a direct member of the current value. */
static bool
is_direct(const struct checker *checker, const struct finding *one)
{
	const char *below = one->pointer + checker->pointer.size;

	return below[0] == '/' && strchr(below + 1, '/') == NULL;
}

static bool
is_rule(const struct finding *one, const char *keyword)
{
	size_t size = strlen(keyword);

	return strncmp(one->rule, keyword, size) == 0 && one->rule[size] == ' ';
}

/*
 * How well the value fits an alternative that broke the rules in the findings
 * from first on: 0 when another was meant (an enum or const of a direct
 * member, as a "type" that tells them apart), 1 when members are missing or too
 * many, 2 when only their values are wrong.
 */
static unsigned
fitness(const struct checker *checker, size_t first)
{
	unsigned best = checker->findings->count > first ? 2 : 0;

	for (size_t i = first; i < checker->findings->count; i++) {
		const struct finding *one = &checker->findings->at[i];

		if (!is_direct(checker, one))
			continue;
		if (is_rule(one, "enum") || is_rule(one, "const"))
			return 0;
		if (is_rule(one, "required") ||
		    is_rule(one, "additionalProperties"))
			best = 1;
	}
	return best;
}

/*
 * Nothing of list fits. When just one alternative can have been meant, its
 * findings are reported, for they help; else one finding for the whole.
 */
static bool
report_none(struct checker *checker, const struct node *node,
    const char *keyword, const struct node_list *list, const json_t *value)
{
	size_t count = checker->findings->count;
	size_t left_off = checker->findings->left_off;
	size_t many[3] = {0}, last[3] = {0};
	unsigned best;

	if (checker->quiet > 0)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		schema_node_check(checker, list->at[i], value);
		best = fitness(checker, count);
		many[best]++;
		last[best] = i;
		findings_cut(checker->findings, count, left_off);
	}
	if (checker->fatal)
		return false;
	best = many[2] > 0 ? 2 : 1;
	if (many[best] == 1)
		return schema_node_check(
			   checker, list->at[last[best]], value) &&
		       false;
	return schema_node_wrong(checker, node, keyword,
	    "a value that fits one of %zu alternatives", list->count);
}

static bool
check_any(struct checker *checker, const struct node *node, const json_t *value)
{
	for (size_t i = 0; i < node->any.count; i++) {
		if (schema_node_fits(checker, node->any.at[i], value))
			return true;
	}
	return report_none(checker, node, "anyOf", &node->any, value);
}

static bool
check_one(struct checker *checker, const struct node *node, const json_t *value)
{
	size_t count = 0;

	for (size_t i = 0; i < node->one.count; i++)
		count += schema_node_fits(checker, node->one.at[i], value);
	if (count == 1)
		return true;
	if (count > 1)
		return schema_node_wrong(checker, node, "oneOf",
		    "a value that fits exactly one of %zu alternatives",
		    node->one.count);
	return report_none(checker, node, "oneOf", &node->one, value);
}

bool
schema_node_combined(
    struct checker *checker, const struct node *node, const json_t *value)
{
	bool ok = true;

	for (size_t i = 0; i < node->all.count; i++)
		ok = schema_node_check(checker, node->all.at[i], value) && ok;
	if (node->any.count > 0)
		ok = check_any(checker, node, value) && ok;
	if (node->one.count > 0)
		ok = check_one(checker, node, value) && ok;
	if (node->not != NULL && schema_node_fits(checker, node->not, value))
		ok = schema_node_wrong(checker, node, "not",
		    "a value that does not fit the schema");
	if (node->condition != NULL) {
		const struct node *then =
		    schema_node_fits(checker, node->condition, value)
			? node->then
			: node->otherwise;

		if (then != NULL)
			ok = schema_node_check(checker, then, value) && ok;
	}
	return ok;
}
