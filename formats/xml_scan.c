/*
 * xml_scan - a scanner of one pass that bounds what libxml2 will see.
 *
 * It need not know whether a text is well-formed: a "<" inside a tag, which no
 * well-formed text has, is refused here, so that scanner and parser agree at
 * every "<", also behind an error.
 *
 * SECURITY: reads hostile bytes. libxml2 compares each attribute of an element
 * with all others, and keeps over a hundred bytes for a node of four.
 */
#include "base/text.h"
#include "formats/xml_priv.h"

#include <string.h>
#include <strings.h>

struct scan {
	struct span text;
	const struct xml_bounds *bounds;
	struct why *why;
	size_t at;
	size_t counted; /* lines are counted up to here */
	unsigned line;
	size_t depth;
	size_t nodes;
};

static int
scan_refuse(struct scan *scan, int code, const char *what)
{
	for (; scan->counted < scan->at; scan->counted++)
		scan->line += scan->text.at[scan->counted] == '\n';
	return why_set(scan->why, code, "line %u: %s", scan->line, what);
}

static bool
scan_is(const struct scan *scan, const char *token)
{
	size_t size = strlen(token);

	return scan->text.size - scan->at >= size &&
	       memcmp(scan->text.at + scan->at, token, size) == 0;
}

/* Move behind the next token. */
static int
scan_skip(struct scan *scan, const char *token)
{
	const uint8_t *found = memmem(scan->text.at + scan->at,
	    scan->text.size - scan->at, token, strlen(token));

	if (found == NULL)
		return scan_refuse(
		    scan, WHY_MALFORMED, "the text ends too early");
	scan->at = (size_t)(found - scan->text.at) + strlen(token);
	return 0;
}

static int
scan_node(struct scan *scan)
{
	if (++scan->nodes > scan->bounds->nodes)
		return scan_refuse(scan, WHY_TOO_LARGE,
		    "more elements, attributes and texts than xml_nodes "
		    "allows");
	return 0;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The declaration's encoding, if it says one, must be the true one. */
static int
scan_declaration(struct scan *scan)
{
	static const char wish[] = "encoding";
	const char *at = (const char *)scan->text.at + scan->at;
	const char *end = memmem(at, scan->text.size - scan->at, "?>", 2);
	const char *found;
	char quote;

	if (end == NULL)
		return scan_skip(scan, "?>");
	found = memmem(at, (size_t)(end - at), wish, sizeof(wish) - 1);
	if (found != NULL) {
		found += sizeof(wish) - 1;
		while (
		    found < end && (is_space((uint8_t)*found) || *found == '='))
			found++;
		quote = *found;
		if (end - found < 7 || (quote != '"' && quote != '\'') ||
		    strncasecmp(found + 1, "UTF-8", 5) != 0 ||
		    found[6] != quote)
			return scan_refuse(scan, WHY_MALFORMED,
			    "an encoding other than UTF-8 is not allowed");
	}
	return scan_skip(scan, "?>");
}

/* "<!...": CDATA is text, all else is refused or skipped. */
static int
scan_bang(struct scan *scan)
{
	if (scan_is(scan, "<![CDATA[")) {
		int ret = scan_node(scan);

		scan->at += 9;
		return ret < 0 ? ret : scan_skip(scan, "]]>");
	}
	if (!scan_is(scan, "<!--"))
		return scan_refuse(scan, WHY_MALFORMED,
		    "a document type declaration is not allowed");
	if (!scan->bounds->comments)
		return scan_refuse(
		    scan, WHY_MALFORMED, "a comment is not allowed");
	scan->at += 4;
	return scan_skip(scan, "-->");
}

/* "<name ...>"; also "</name>", which has no attributes. */
static int
scan_tag(struct scan *scan)
{
	bool closing = scan_is(scan, "</");
	size_t attributes = 0;
	uint8_t quote = 0;
	int ret = closing ? 0 : scan_node(scan);

	if (!closing && scan->depth + 1 > scan->bounds->depth)
		return scan_refuse(
		    scan, WHY_TOO_LARGE, "nested deeper than xml_depth allows");
	for (scan->at++; ret == 0 && scan->at < scan->text.size; scan->at++) {
		uint8_t c = scan->text.at[scan->at];

		if (c == '<')
			return scan_refuse(scan, WHY_MALFORMED,
			    "\"<\" is not allowed inside a tag");
		if (quote != 0) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '=') {
			if (++attributes > scan->bounds->attributes)
				return scan_refuse(scan, WHY_TOO_LARGE,
				    "an element with more attributes than "
				    "xml_attributes allows");
			ret = scan_node(scan);
		} else if (c == '>') {
			if (closing)
				scan->depth -= scan->depth > 0;
			else
				scan->depth +=
				    scan->text.at[scan->at - 1] != '/';
			scan->at++;
			return 0;
		}
	}
	return ret < 0 ? ret
		       : scan_refuse(
			     scan, WHY_MALFORMED, "the text ends too early");
}

/* scan->at stands at "<". */
static int
scan_markup(struct scan *scan, size_t start)
{
	if (scan_is(scan, "<!"))
		return scan_bang(scan);
	if (!scan_is(scan, "<?"))
		return scan_tag(scan);
	if (scan->at == start && scan_is(scan, "<?xml") &&
	    scan->text.size > scan->at + 5 &&
	    is_space(scan->text.at[scan->at + 5]))
		return scan_declaration(scan);
	if (!scan->bounds->comments)
		return scan_refuse(scan, WHY_MALFORMED,
		    "a processing instruction is not allowed");
	return scan_skip(scan, "?>");
}

int
xml_scan(struct span text, const struct xml_bounds *bounds, struct why *why)
{
	struct scan scan = {
	    .text = text, .bounds = bounds, .why = why, .line = 1};
	size_t start;
	int ret = 0;

	if (memchr(text.at, '\0', text.size) != NULL)
		return why_set(why, WHY_MALFORMED, "a NUL byte is not allowed");
	if (!utf8_valid(text))
		return why_set(why, WHY_MALFORMED, "not UTF-8");
	if (scan_is(&scan, "\xef\xbb\xbf"))
		scan.at = 3;
	start = scan.at;
	while (ret == 0 && scan.at < text.size) {
		const uint8_t *next =
		    memchr(text.at + scan.at, '<', text.size - scan.at);
		size_t end = next ? (size_t)(next - text.at) : text.size;

		if (end > scan.at)
			ret = scan_node(&scan);
		scan.at = end;
		if (ret == 0 && next != NULL)
			ret = scan_markup(&scan, start);
	}
	return ret;
}
