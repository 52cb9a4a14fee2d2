#include "tests/support/xhtml_rules.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "http://www.w3.org/1999/xhtml"

struct rules {
	struct buf *report;
	size_t broken;
	int last_heading, mains, titles;
};

static void
broken(struct rules *rules, const char *what, const xmlNode *node)
{
	rules->broken++;
	if (rules->broken <= 20)
		buf_printf(rules->report, "%s: <%s> in line %ld\n", what,
		    node ? (const char *)node->name : "",
		    node ? xmlGetLineNo((xmlNodePtr)(uintptr_t)node) : 1);
}

static bool
is(const xmlNode *node, const char *name)
{
	return node != NULL && node->type == XML_ELEMENT_NODE &&
	       strcmp((const char *)node->name, name) == 0;
}

static bool
is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

/* The attribute, lent by the tree; "" when it is not there. */
static const char *
attribute(const xmlNode *node, const char *name)
{
	const xmlAttr *found = xmlHasNsProp((xmlNodePtr)(uintptr_t)node,
	    (const xmlChar *)(uintptr_t)name, NULL);
	return found == NULL || found->children == NULL ||
		       found->children->content == NULL
		   ? ""
		   : (const char *)found->children->content;
}

static bool
has_text(const xmlNode *node)
{
	for (const xmlNode *one = node->children; one; one = one->next) {
		if (one->type == XML_TEXT_NODE && !xmlIsBlankNode(one))
			return true;
		if (is(one, "img") || has_text(one))
			return true;
	}
	return false;
}

/* Nothing that runs, fetches or names a place on another site by itself. */
static void
check_known(struct rules *rules, const xmlNode *node)
{
	static const char *const elements[] = {"html", "head", "meta", "title",
	    "style", "body", "main", "footer", "h1", "h2", "h3", "h4", "h5",
	    "h6", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th",
	    "td", "a", "em", "strong", "s", "code", "br", "hr", "blockquote",
	    "div", "figure", "img", "bdi"};
	static const char *const attributes[] = {"lang", "dir", "charset",
	    "http-equiv", "content", "name", "scope", "class", "href", "alt",
	    "src", "style", "start", "tabindex"};
	if (node->ns == NULL ||
	    strcmp((const char *)node->ns->href, NAMESPACE) != 0 ||
	    !is_one_of((const char *)node->name, elements,
		sizeof elements / sizeof *elements))
		broken(rules, "an element that is never written", node);
	for (const xmlAttr *one = node->properties; one; one = one->next)
		if (!is_one_of((const char *)one->name, attributes,
			sizeof attributes / sizeof *attributes))
			broken(
			    rules, "an attribute that is never written", node);
	const char *source = attribute(node, "src");
	if (source[0] != '\0' &&
	    strncmp(source, "data:image/png;base64,", 22) != 0)
		broken(rules, "a picture from elsewhere", node);
	const char *style = attribute(node, "style");
	if (style[0] != '\0' && (!is(node, "img") || strchr(style, '(')))
		broken(rules, "a style of its own", node);
	const char *order = attribute(node, "tabindex");
	if (order[0] != '\0' && strcmp(order, "0") != 0)
		broken(rules, "2.4.3: an order of its own", node);
}

static void
check_language(struct rules *rules, const xmlNode *node)
{
	const char *direction = attribute(node, "dir");
	bool said = xmlHasNsProp((xmlNodePtr)(uintptr_t)node,
			(const xmlChar *)"lang", NULL) != NULL;
	if ((said || is(node, "html")) && strlen(attribute(node, "lang")) < 2)
		broken(rules, "3.1.1, 3.1.2: no language", node);
	if (direction[0] != '\0' && strcmp(direction, "ltr") != 0 &&
	    strcmp(direction, "rtl") != 0)
		broken(rules, "1.3.2: no direction", node);
}

static void
check_heading(struct rules *rules, const xmlNode *node)
{
	if (node->name[0] != 'h' || node->name[1] < '1' ||
	    node->name[1] > '6' || node->name[2] != '\0')
		return;
	int level = node->name[1] - '0';
	if (level > rules->last_heading + 1)
		broken(rules, "1.3.1: a level of headings is skipped", node);
	rules->last_heading = level;
}

static void
check_children(struct rules *rules, const xmlNode *node)
{
	bool list = is(node, "ul") || is(node, "ol");
	bool row = is(node, "tr"), head = false;
	for (const xmlNode *one = node->children; one; one = one->next) {
		if (one->type != XML_ELEMENT_NODE)
			continue;
		if (list && !is(one, "li"))
			broken(rules, "1.3.1: a list holds items only", node);
		if (row && !is(one, "th") && !is(one, "td"))
			broken(rules, "1.3.1: a row holds cells only", node);
		head |= is(one, "th");
	}
	/* each cell has a header: in its row, or in the thead of its table */
	if (row && !head && !is(node->parent->prev, "thead") &&
	    (node->parent->prev == NULL ||
		!is(node->parent->prev->prev, "thead")))
		broken(rules, "1.3.1: cells without a header", node);
}

static void
check_element(struct rules *rules, const xmlNode *node)
{
	const char *scope = attribute(node, "scope");
	const char *address = attribute(node, "href");
	if (is(node, "th") && strcmp(scope, "row") != 0 &&
	    strcmp(scope, "col") != 0)
		broken(rules, "1.3.1: a header of nothing", node);
	if (is(node, "img") && attribute(node, "alt")[0] == '\0')
		broken(rules, "1.1.1: a picture without its text", node);
	if (is(node, "a") &&
	    (!has_text(node) || (strncmp(address, "http", 4) != 0 &&
				    strncmp(address, "mailto:", 7) != 0 &&
				    strncmp(address, "tel:", 4) != 0)))
		broken(rules, "2.4.4: a link without text or address", node);
	if (is(node, "title") && has_text(node))
		rules->titles++;
	if (is(node, "main"))
		rules->mains++;
	if (is(node, "meta") &&
	    (strstr(attribute(node, "content"), "user-scalable") != NULL ||
		strstr(attribute(node, "content"), "maximum-scale") != NULL))
		broken(rules, "1.4.4: no zoom", node);
}

static double
luminance(const char *hex)
{
	static const double weights[] = {0.2126, 0.7152, 0.0722};
	double sum = 0;
	bool brief = strspn(hex, "0123456789abcdef") < 6;
	for (int i = 0; i < 3; i++) {
		char digits[3] = {
		    hex[brief ? i : 2 * i], hex[brief ? i : 2 * i + 1], '\0'};
		double part = (double)strtol(digits, NULL, 16) / 255;
		sum += weights[i] * (part <= 0.03928
					    ? part / 12.92
					    : pow((part + 0.055) / 1.055, 2.4));
	}
	return sum;
}

/* Every colour of a text against the darkest ground: 4.5 to 1 at the least. */
static void
check_contrast(struct rules *rules, const xmlNode *style)
{
	xmlChar *text = xmlNodeGetContent((xmlNodePtr)(uintptr_t)style);
	double ground = 1;
	for (const char *at = (const char *)text;
	     (at = strstr(at, "background:#")) != NULL; at++)
		ground = fmin(ground, luminance(at + 12));
	for (const char *at = (const char *)text;
	     (at = strstr(at, "color:#")) != NULL; at++)
		if ((ground + 0.05) / (luminance(at + 7) + 0.05) < 4.5)
			broken(rules, "1.4.3: contrast of a text", style);
	xmlFree(text);
}

static void
check_all(struct rules *rules, const xmlNode *node)
{
	if (node->type == XML_PI_NODE || node->type == XML_COMMENT_NODE)
		broken(rules, "what nobody reads", node);
	if (node->type != XML_ELEMENT_NODE)
		return;
	check_known(rules, node);
	check_language(rules, node);
	check_heading(rules, node);
	check_children(rules, node);
	check_element(rules, node);
	if (is(node, "style"))
		check_contrast(rules, node);
	for (const xmlNode *one = node->children; one; one = one->next)
		check_all(rules, one);
}

size_t
xhtml_rules_check(struct span xhtml, struct buf *report)
{
	struct rules rules = {.report = report};
	xmlDocPtr tree =
	    xmlReadMemory((const char *)xhtml.at, (int)xhtml.size, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR |
		    XML_PARSE_NOWARNING);
	if (tree == NULL) {
		broken(&rules, "not well-formed", NULL);
		return rules.broken;
	}
	check_all(&rules, xmlDocGetRootElement(tree));
	if (rules.titles != 1)
		broken(&rules, "2.4.2: one title with a text", NULL);
	if (rules.mains != 1)
		broken(&rules, "1.3.1: one main part", NULL);
	xmlFreeDoc(tree);
	return rules.broken;
}
