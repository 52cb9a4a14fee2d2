#include "tests/support/pdf_rules_priv.h"

#include <string.h>

static const char *const TAGS[] = {"Document", "Div", "P", "H1", "H2", "H3",
    "H4", "H5", "H6", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD",
    "Span", "Link", "Figure", "BlockQuote"};

/* Which children an element may have (ISO 32000-1, 14.8.4). */
static bool
child_fits(struct span parent, struct span child)
{
	if (span_is(parent, "L"))
		return span_is(child, "LI");
	if (span_is(parent, "LI"))
		return span_is(child, "Lbl") || span_is(child, "LBody");
	if (span_is(parent, "Table"))
		return span_is(child, "TR");
	if (span_is(parent, "TR"))
		return span_is(child, "TH") || span_is(child, "TD");
	return !span_is(child, "LI") && !span_is(child, "Lbl") &&
	       !span_is(child, "LBody") && !span_is(child, "TR") &&
	       !span_is(child, "TH") && !span_is(child, "TD");
}

static void
check_mark(
    struct rules *rules, size_t owner, size_t page, size_t number, bool silent)
{
	struct rule_mark *mark = rules_mark(rules, page, number);
	if (mark == NULL) {
		rule_broken(
		    rules, "MCID %zu of the tree is on no page", number);
		return;
	}
	const struct pdf_value *element = pdf_file_object(rules->file, owner);
	if (!span_equal(mark->tag, pdf_raw(element, "S")->text))
		rule_broken(rules, "a mark's tag is not its element's");
	mark->in_tree++;
	mark->owner = owner;
	if (!silent)
		buf_add_span(rules->text, buf_span(&mark->text));
}

/* What the parent tree has for a key, not followed. */
static const struct pdf_value *
parent_raw(struct rules *rules, size_t key)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *root =
	    pdf_get(file, rules->catalog, "StructTreeRoot");
	const struct pdf_value *numbers =
	    pdf_get(file, pdf_get(file, root, "ParentTree"), "Nums");
	return 2 * key + 1 < numbers->count ? numbers->items[2 * key + 1]
					    : pdf_raw(numbers, "");
}

static void
check_annotation(
    struct rules *rules, size_t owner, const struct pdf_value *reference)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *element = pdf_file_object(file, owner);
	const struct pdf_value *annotation = pdf_get(file, reference, "Obj");
	const struct pdf_value *action = pdf_get(file, annotation, "A");
	unsigned flags = (unsigned)pdf_get(file, annotation, "F")->number;
	rules->annotations_in_tree++;
	if (!pdf_name_is(pdf_raw(element, "S"), "Link"))
		rule_broken(rules, "UA 7.18.5: an annotation outside Link");
	if (pdf_get(file, annotation, "Contents")->type != PDF_STRING)
		rule_broken(rules, "UA 7.18.5-2: a link without Contents");
	if ((flags & 4) == 0 || (flags & 2) != 0)
		rule_broken(rules, "6.3.2-2: F of an annotation");
	const struct pdf_value *key = pdf_get(file, annotation, "StructParent");
	if (key->type != PDF_NUMBER)
		rule_broken(rules, "an annotation without StructParent");
	else if ((size_t)parent_raw(rules, (size_t)key->number)->number !=
		 owner)
		rule_broken(rules, "ParentTree leads from a link elsewhere");
	if (!pdf_name_is(pdf_get(file, action, "S"), "URI"))
		rule_broken(rules, "6.5.1-1: action other than URI");
}

static void
check_heading(struct rules *rules, struct span tag)
{
	int level = tag.at[1] - '0';
	if (level > rules->last_heading + 1)
		rule_broken(rules, "UA 7.4.2-1: H%d follows H%d", level,
		    rules->last_heading);
	rules->last_heading = level;
}

static void
check_attributes(
    struct rules *rules, const struct pdf_value *element, struct span tag)
{
	const struct pdf_value *attributes = pdf_get(rules->file, element, "A");
	if (span_is(tag, "TH") &&
	    pdf_raw(attributes, "Scope")->type == PDF_NULL)
		rule_broken(rules, "UA 7.5-1: TH without Scope");
	if (span_is(tag, "L") &&
	    pdf_raw(attributes, "ListNumbering")->type == PDF_NULL)
		rule_broken(rules, "UA 7.6-1: L without ListNumbering");
	if (span_is(tag, "Figure") && pdf_raw(element, "Alt")->text.size < 4)
		rule_broken(rules, "UA 7.3-1: Figure without Alt");
	const struct pdf_value *language = pdf_raw(element, "Lang");
	if (language->type != PDF_NULL && !rules_language_fits(language->text))
		rule_broken(rules, "UA 7.2-29: Lang of an element");
}

static size_t check_element(
    struct rules *rules, size_t number, size_t parent, bool silent, int depth);

/* Rows of a table have as many cells each. */
static void
check_columns(
    struct rules *rules, size_t cells, size_t *columns, struct span tag)
{
	if (!span_is(tag, "Table"))
		return;
	if (*columns == 0)
		*columns = cells;
	if (*columns != cells || cells == 0)
		rule_broken(rules, "UA 7.2-42: rows of %zu and %zu cells",
		    *columns, cells);
}

static void
check_kid(struct rules *rules, size_t number, const struct pdf_value *raw,
    bool silent, int depth, size_t *columns)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *element = pdf_file_object(file, number);
	struct span tag = pdf_raw(element, "S")->text;
	const struct pdf_value *kid = pdf_follow(file, raw);
	if (kid->type == PDF_NUMBER) {
		check_mark(rules, number,
		    (size_t)pdf_raw(element, "Pg")->number, (size_t)kid->number,
		    silent);
	} else if (pdf_name_is(pdf_raw(kid, "Type"), "MCR")) {
		check_mark(rules, number, (size_t)pdf_raw(kid, "Pg")->number,
		    (size_t)pdf_raw(kid, "MCID")->number, silent);
	} else if (pdf_name_is(pdf_raw(kid, "Type"), "OBJR")) {
		check_annotation(rules, number, kid);
	} else if (raw->type == PDF_REF) {
		if (!child_fits(tag, pdf_raw(kid, "S")->text))
			rule_broken(rules, "14.8.4: a child that does not fit");
		size_t cells = check_element(
		    rules, (size_t)raw->number, number, silent, depth + 1);
		check_columns(rules, cells, columns, tag);
	} else {
		rule_broken(rules, "a kid that is nothing");
	}
}

/* Returns how many element children it has. */
static size_t
check_element(
    struct rules *rules, size_t number, size_t parent, bool silent, int depth)
{
	const struct pdf_value *element = pdf_file_object(rules->file, number);
	struct span tag = pdf_raw(element, "S")->text;
	size_t known = sizeof TAGS / sizeof *TAGS;
	size_t columns = 0;
	size_t i = 0;
	while (i < known && !span_is(tag, TAGS[i]))
		i++;
	if (i == known || depth > 200) {
		rule_broken(rules, "6.7.3.4-1: tag %.*s", (int)tag.size,
		    (const char *)tag.at);
		return 0;
	}
	if ((size_t)pdf_raw(element, "P")->number != parent)
		rule_broken(rules, "P of an element is not its parent");
	check_attributes(rules, element, tag);
	if (tag.size == 2 && tag.at[0] == 'H' && tag.at[1] >= '1' &&
	    tag.at[1] <= '6')
		check_heading(rules, tag);
	if (span_is(tag, "Lbl"))
		silent = true;
	const struct pdf_value *kids = pdf_raw(element, "K");
	for (i = 0; i < kids->count; i++)
		check_kid(
		    rules, number, kids->items[i], silent, depth, &columns);
	if (!silent && !span_is(tag, "Span") && !span_is(tag, "Link"))
		buf_add_byte(rules->text, '\n');
	return kids->count;
}

/* Keys rise, each page's array names the owner of each MCID (14.7.4.4). */
static void
check_parents(struct rules *rules, const struct pdf_value *root)
{
	struct pdf_file *file = rules->file;
	const struct pdf_value *numbers =
	    pdf_get(file, pdf_get(file, root, "ParentTree"), "Nums");
	size_t next = (size_t)pdf_get(file, root, "ParentTreeNextKey")->number;
	if (numbers->count != 2 * next)
		rule_broken(rules, "ParentTree has holes");
	for (size_t i = 1; i < pdf_file_size(file); i++) {
		const struct pdf_value *object = pdf_file_object(file, i);
		if (!pdf_name_is(pdf_raw(object, "Type"), "Page"))
			continue;
		size_t key = (size_t)pdf_raw(object, "StructParents")->number;
		const struct pdf_value *owners =
		    pdf_item(file, numbers, 2 * key + 1);
		if (key >= next ||
		    (size_t)pdf_item(file, numbers, 2 * key)->number != key) {
			rule_broken(rules, "StructParents of a page");
			continue;
		}
		if (rules_mark(rules, i, owners->count) != NULL)
			rule_broken(rules, "ParentTree lacks a mark of a page");
		for (size_t j = 0; j < owners->count; j++) {
			struct rule_mark *mark = rules_mark(rules, i, j);
			if (mark == NULL ||
			    mark->owner != (size_t)owners->items[j]->number)
				rule_broken(rules,
				    "ParentTree and tree disagree on %zu", j);
		}
	}
}

void
rules_check_tree(struct rules *rules)
{
	const struct pdf_value *root =
	    pdf_get(rules->file, rules->catalog, "StructTreeRoot");
	size_t number =
	    (size_t)pdf_raw(rules->catalog, "StructTreeRoot")->number;
	const struct pdf_value *kids = pdf_raw(root, "K");
	if (!pdf_name_is(pdf_raw(root, "Type"), "StructTreeRoot") ||
	    kids->count != 1) {
		rule_broken(rules, "6.7.3.3: no structure tree");
		return;
	}
	check_element(rules, (size_t)kids->items[0]->number, number, false, 0);
	for (size_t i = 0; i < rules->mark_count; i++)
		if (rules->marks[i].in_tree != 1)
			rule_broken(rules, "MCID %zu is %zu times in the tree",
			    rules->marks[i].number, rules->marks[i].in_tree);
	check_parents(rules, root);
}
