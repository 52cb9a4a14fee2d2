/* Building the document tree; see document.h. */
#include "formats/document_priv.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A node of these kinds has nothing of its own, and there are many of them: a
 * document of 200,000 nodes is to fit. Never written to. */
static struct document_facts common[DOCUMENT_STRUCK_TEXT + 1] = {
    [DOCUMENT_TABLE] = {.kind = DOCUMENT_TABLE},
    [DOCUMENT_ROW] = {.kind = DOCUMENT_ROW},
    [DOCUMENT_ROW_HEAD] = {.kind = DOCUMENT_ROW_HEAD},
    [DOCUMENT_COLUMN_HEAD] = {.kind = DOCUMENT_COLUMN_HEAD},
    [DOCUMENT_CELL] = {.kind = DOCUMENT_CELL},
    [DOCUMENT_STRUCK_TEXT] = {.kind = DOCUMENT_STRUCK_TEXT},
};

static cmark_node *
cmark_of(struct document_node *node)
{
	return (cmark_node *)node;
}

static struct document_node *
node_of(cmark_node *node)
{
	return (struct document_node *)node;
}

static void
fail_memory(struct document *document)
{
	if (document->error.code == 0)
		why_set(&document->error, WHY_NOMEM,
		    "no memory for the document's tree");
}

/* A filtered copy, one line. NULL and a stuck error without memory. */
static char *
copy_text(struct document *document, const char *text)
{
	buf_reset(&document->scratch);
	document_filter(
	    &document->notes, span_text(text), false, &document->scratch);
	const char *clean = buf_text(&document->scratch);
	char *copy = clean == NULL ? NULL : strdup(clean);
	if (copy == NULL)
		fail_memory(document);
	return copy;
}

struct document *
document_new(const struct document_meta *meta, const struct limits *limits)
{
	struct document *document = calloc(1, sizeof *document);
	if (document == NULL)
		return NULL;
	document->limits = *limits;
	document->created_ms = meta->created_ms;
	buf_init(&document->scratch, limits->document_text_bytes);
	document->root = cmark_node_new(CMARK_NODE_DOCUMENT);
	if (document->root == NULL) {
		free(document);
		return NULL;
	}
	document->title = copy_text(document, meta->title);
	if (meta->footer != NULL)
		document->footer = copy_text(document, meta->footer);
	if (meta->author != NULL)
		document->author = copy_text(document, meta->author);
	if (document->title != NULL &&
	    strspn(document->title, " ") == strlen(document->title))
		why_set(&document->error, WHY_INVALID,
		    "a document needs a title that is not empty");
	else if (meta->language == NULL || !language_valid(meta->language))
		why_set(&document->error, WHY_INVALID,
		    "a document's language must be a BCP 47 tag");
	else
		strcpy(document->language, meta->language);
	return document;
}

void
document_free(struct document *document)
{
	if (document == NULL)
		return;
	cmark_node_free(document->root);
	for (struct document_facts *facts = document->facts; facts != NULL;) {
		struct document_facts *next = facts->next;
		free((void *)(uintptr_t)facts->picture.rgb.at);
		free(facts->alternative);
		free(facts);
		facts = next;
	}
	buf_wipe(&document->scratch);
	free(document->title);
	free(document->footer);
	free(document->author);
	free(document);
}

int
document_ok(const struct document *document, struct why *why)
{
	if (document->error.code != 0 && why != NULL)
		*why = document->error;
	return document->error.code;
}

const struct document_notes *
document_notes(const struct document *document)
{
	return &document->notes;
}

const struct document_facts *
document_node_facts(cmark_node *node)
{
	cmark_node_type type = cmark_node_get_type(node);
	if (type != CMARK_NODE_CUSTOM_BLOCK && type != CMARK_NODE_CUSTOM_INLINE)
		return NULL;
	return cmark_node_get_user_data(node);
}

enum document_kind
document_node_kind(cmark_node *node)
{
	const struct document_facts *facts = document_node_facts(node);
	return facts == NULL ? DOCUMENT_PLAIN : facts->kind;
}

static int
depth_of(cmark_node *node)
{
	int depth = 0;
	for (; node != NULL; node = cmark_node_parent(node))
		depth++;
	return depth;
}

/* The newest of a section, grid or figure stands first in document->facts. */
static const struct document_facts *
give_facts(struct document *document, cmark_node *node, enum document_kind kind)
{
	struct document_facts *facts;
	if (common[kind].kind == kind) {
		cmark_node_set_user_data(node, &common[kind]);
		return &common[kind];
	}
	facts = calloc(1, sizeof *facts);
	if (facts == NULL)
		return NULL;
	facts->kind = kind;
	facts->next = document->facts;
	document->facts = facts;
	cmark_node_set_user_data(node, facts);
	return facts;
}

struct document_node *
document_add(struct document *document, struct document_node *parent,
    cmark_node_type type, enum document_kind kind)
{
	if (document->error.code != 0 || parent == NULL)
		return NULL;
	if (document->nodes >= document->limits.document_nodes) {
		why_set(&document->error, WHY_TOO_LARGE,
		    "document over limit document_nodes");
		return NULL;
	}
	if (depth_of(cmark_of(parent)) >= DOCUMENT_DEPTH_MAX) {
		why_set(&document->error, WHY_TOO_LARGE,
		    "document nests deeper than %d", DOCUMENT_DEPTH_MAX);
		return NULL;
	}
	cmark_node *node = cmark_node_new(type);
	if (node == NULL) {
		fail_memory(document);
		return NULL;
	}
	if ((kind != DOCUMENT_PLAIN &&
		give_facts(document, node, kind) == NULL)) {
		cmark_node_free(node);
		fail_memory(document);
		return NULL;
	}
	if (!cmark_node_append_child(cmark_of(parent), node)) {
		cmark_node_free(node);
		why_set(&document->error, WHY_BUG,
		    "document node of type %d cannot stand where it was put",
		    (int)type);
		return NULL;
	}
	document->nodes++;
	return node_of(node);
}

struct document_node *
document_root(struct document *document)
{
	return node_of(document->root);
}

/* Text that is filtered already, size bytes in one node; at[size] is a byte
 * that may be overwritten. */
static void
add_clean(struct document *document, struct document_node *parent,
    cmark_node_type type, char *at, size_t size)
{
	if (size == 0)
		return;
	document->text_bytes += size;
	if (document->text_bytes > document->limits.document_text_bytes) {
		why_set(&document->error, WHY_TOO_LARGE,
		    "document over limit document_text_bytes");
		return;
	}
	struct document_node *node =
	    document_add(document, parent, type, DOCUMENT_PLAIN);
	if (node == NULL)
		return;
	char after = at[size];
	at[size] = '\0';
	if (!cmark_node_set_literal(cmark_of(node), at))
		fail_memory(document);
	at[size] = after;
}

/* Filter text into scratch; NULL when stuck. */
static char *
clean(struct document *document, struct span text, bool breaks)
{
	if (document->error.code != 0)
		return NULL;
	buf_reset(&document->scratch);
	document_filter(&document->notes, text, breaks, &document->scratch);
	if (buf_text(&document->scratch) == NULL) {
		why_set(&document->error, WHY_TOO_LARGE,
		    "document over limit document_text_bytes");
		return NULL;
	}
	return (char *)document->scratch.at;
}

static void
add_literal(struct document *document, struct document_node *parent,
    cmark_node_type type, struct span text)
{
	if (text.size == 0 || parent == NULL)
		return;
	char *at = clean(document, text, false);
	if (at != NULL)
		add_clean(document, parent, type, at, document->scratch.size);
}

void
document_text(
    struct document *document, struct document_node *parent, struct span text)
{
	add_literal(document, parent, CMARK_NODE_TEXT, text);
}

void
document_break(struct document *document, struct document_node *parent)
{
	document_add(document, parent, CMARK_NODE_LINEBREAK, DOCUMENT_PLAIN);
}

struct document_node *
document_heading(struct document *document, struct document_node *parent,
    int level, struct span text)
{
	struct document_node *node =
	    document_add(document, parent, CMARK_NODE_HEADING, DOCUMENT_PLAIN);
	if (node == NULL)
		return NULL;
	if (level > document->last_level + 1)
		level = document->last_level + 1;
	if (level < 1)
		level = 1;
	if (level > 6)
		level = 6;
	document->last_level = level;
	cmark_node_set_heading_level(cmark_of(node), level);
	document_text(document, node, text);
	return node;
}

struct document_node *
document_paragraph(
    struct document *document, struct document_node *parent, struct span text)
{
	struct document_node *node = document_add(
	    document, parent, CMARK_NODE_PARAGRAPH, DOCUMENT_PLAIN);
	document_text(document, node, text);
	return node;
}

/* One line of free text: opens the paragraph when none is open. An empty line
 * closes it. */
static struct document_node *
add_line(struct document *document, struct document_node *parent,
    struct document_node *paragraph, bool struck, char *line, size_t size)
{
	if (strspn(line, " ") >= size)
		return NULL;
	if (paragraph == NULL)
		paragraph = document_add(
		    document, parent, CMARK_NODE_PARAGRAPH, DOCUMENT_PLAIN);
	else
		document_break(document, paragraph);
	struct document_node *holder = paragraph;
	if (struck)
		holder = document_add(document, paragraph,
		    CMARK_NODE_CUSTOM_INLINE, DOCUMENT_STRUCK_TEXT);
	add_clean(document, holder, CMARK_NODE_TEXT, line, size);
	return paragraph;
}

static void
add_free(struct document *document, struct document_node *parent, bool struck,
    struct span text)
{
	if (text.size == 0 || parent == NULL)
		return;
	char *at = clean(document, text, true);
	if (at == NULL)
		return;
	struct document_node *paragraph = NULL;
	char *end = at + document->scratch.size;
	while (at < end && document->error.code == 0) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		paragraph = add_line(document, parent, paragraph, struck, at,
		    (size_t)(stop - at));
		at = stop + 1;
	}
}

void
document_free_text(
    struct document *document, struct document_node *parent, struct span text)
{
	add_free(document, parent, false, text);
}

void
document_free_struck(
    struct document *document, struct document_node *parent, struct span text)
{
	add_free(document, parent, true, text);
}

struct document_node *
document_section(struct document *document, struct document_node *parent,
    const char *language, enum document_direction direction)
{
	if (language != NULL && document->error.code == 0 &&
	    !language_valid(language)) {
		why_set(&document->error, WHY_INVALID,
		    "a section's language must be a BCP 47 tag");
		return NULL;
	}
	struct document_node *node = document_add(
	    document, parent, CMARK_NODE_CUSTOM_BLOCK, DOCUMENT_SECTION);
	if (node == NULL)
		return NULL;
	document->facts->direction = direction;
	if (language != NULL)
		strcpy(document->facts->language, language);
	return node;
}

struct document_node *
document_list(
    struct document *document, struct document_node *parent, bool ordered)
{
	struct document_node *list =
	    document_add(document, parent, CMARK_NODE_LIST, DOCUMENT_PLAIN);
	if (list == NULL)
		return NULL;
	cmark_node_set_list_type(
	    cmark_of(list), ordered ? CMARK_ORDERED_LIST : CMARK_BULLET_LIST);
	if (ordered)
		cmark_node_set_list_start(cmark_of(list), 1);
	cmark_node_set_list_tight(cmark_of(list), 1);
	return list;
}

struct document_node *
document_item(
    struct document *document, struct document_node *list, struct span text)
{
	struct document_node *item =
	    document_add(document, list, CMARK_NODE_ITEM, DOCUMENT_PLAIN);
	document_free_text(document, item, text);
	return item;
}

void
document_rule(struct document *document, struct document_node *parent)
{
	document_add(
	    document, parent, CMARK_NODE_THEMATIC_BREAK, DOCUMENT_PLAIN);
}

struct document_node *
document_styled(struct document *document, struct document_node *parent,
    enum document_style style, struct span text)
{
	struct document_node *node = NULL;
	switch (style) {
	case DOCUMENT_EMPHASIS:
		node = document_add(
		    document, parent, CMARK_NODE_EMPH, DOCUMENT_PLAIN);
		break;
	case DOCUMENT_STRONG:
		node = document_add(
		    document, parent, CMARK_NODE_STRONG, DOCUMENT_PLAIN);
		break;
	case DOCUMENT_STRUCK:
		node = document_add(document, parent, CMARK_NODE_CUSTOM_INLINE,
		    DOCUMENT_STRUCK_TEXT);
		break;
	case DOCUMENT_CODE:
		add_literal(document, parent, CMARK_NODE_CODE, text);
		return NULL;
	}
	document_text(document, node, text);
	return node;
}

/* Printable ASCII without what could end a string or an attribute. */
bool
address_valid(struct span address)
{
	static const char *const schemes[] = {
	    "http://", "https://", "mailto:", "tel:"};
	if (address.size == 0 || address.size > 2000)
		return false;
	for (size_t i = 0; i < address.size; i++)
		if (address.at[i] <= 0x20 || address.at[i] >= 0x7F ||
		    strchr("<>\"\\^`{|}", address.at[i]) != NULL)
			return false;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t size = strlen(schemes[i]);
		if (address.size > size && strncasecmp((const char *)address.at,
					       schemes[i], size) == 0)
			return true;
	}
	return false;
}

void
document_link(struct document *document, struct document_node *parent,
    struct span address, struct span text)
{
	if (document->error.code != 0 || parent == NULL)
		return;
	if (text.size == 0)
		text = address;
	if (!address_valid(address)) {
		document_text(document, parent, text);
		if (!span_equal(text, address) && address.size > 0) {
			document_text(document, parent, span_text(" ("));
			document_text(document, parent, address);
			document_text(document, parent, span_text(")"));
		}
		return;
	}
	struct document_node *link =
	    document_add(document, parent, CMARK_NODE_LINK, DOCUMENT_PLAIN);
	char *url = strndup((const char *)address.at, address.size);
	if (url == NULL ||
	    (link != NULL && !cmark_node_set_url(cmark_of(link), url)))
		fail_memory(document);
	free(url);
	document_text(document, link, text);
}
