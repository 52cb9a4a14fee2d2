/*
 * CommonMark from a payload into a document tree.
 *
 * SECURITY: the text is an applicant's. It is parsed by cmark and rebuilt node
 * by node; raw HTML and code become visible text, addresses are checked, and
 * nesting is made flat beyond MARKDOWN_DEPTH_MAX.
 */
#include "formats/document_priv.h"

#include <string.h>

/* Where children of each source node on the way down are put. */
struct graft {
	struct document *document;
	struct document_node *at[MARKDOWN_DEPTH_MAX + 1];
	cmark_node *from[MARKDOWN_DEPTH_MAX + 1]; /* what opened at[] */
	int depth;                                /* at[depth] receives */
	int base; /* heading level that the text starts below */
};

static struct document_node *
top(const struct graft *graft)
{
	return graft->at[graft->depth];
}

/* Text with its own lines, in a paragraph of its own. */
static void
graft_lines(struct graft *graft, const char *text)
{
	document_free_text(graft->document, top(graft), span_text(text));
}

static struct document_node *
graft_link(struct graft *graft, cmark_node *source)
{
	struct span url = span_text(cmark_node_get_url(source));
	if (!address_valid(url))
		return NULL;
	struct document_node *link = document_add(
	    graft->document, top(graft), CMARK_NODE_LINK, DOCUMENT_PLAIN);
	if (link != NULL &&
	    !cmark_node_set_url((cmark_node *)link, cmark_node_get_url(source)))
		why_set(&graft->document->error, WHY_NOMEM,
		    "no memory for the document's tree");
	return link;
}

/* Open our own container for a source container; NULL: make it flat. */
static struct document_node *
graft_open(struct graft *graft, cmark_node *source)
{
	struct document *document = graft->document;
	cmark_node_type type = cmark_node_get_type(source);
	struct document_node *node = NULL;
	switch ((int)type) {
	case CMARK_NODE_HEADING:
		return document_heading(document, top(graft),
		    graft->base + cmark_node_get_heading_level(source),
		    SPAN_NONE);
	case CMARK_NODE_LIST:
		node = document_list(document, top(graft),
		    cmark_node_get_list_type(source) == CMARK_ORDERED_LIST);
		if (node != NULL &&
		    cmark_node_get_list_type(source) == CMARK_ORDERED_LIST)
			cmark_node_set_list_start((cmark_node *)node,
			    cmark_node_get_list_start(source));
		return node;
	case CMARK_NODE_LINK:
		return graft_link(graft, source);
	case CMARK_NODE_ITEM:
	case CMARK_NODE_BLOCK_QUOTE:
	case CMARK_NODE_PARAGRAPH:
	case CMARK_NODE_EMPH:
	case CMARK_NODE_STRONG:
		return document_add(document, top(graft), type, DOCUMENT_PLAIN);
	default:
		return NULL;
	}
}

static void
graft_leaf(struct graft *graft, cmark_node *source)
{
	struct document *document = graft->document;
	struct span text = span_text(cmark_node_get_literal(source));
	switch ((int)cmark_node_get_type(source)) {
	case CMARK_NODE_TEXT:
	case CMARK_NODE_HTML_INLINE:
		document_text(document, top(graft), text);
		break;
	case CMARK_NODE_CODE:
		document_styled(document, top(graft), DOCUMENT_CODE, text);
		break;
	case CMARK_NODE_SOFTBREAK:
		document_text(document, top(graft), span_text(" "));
		break;
	case CMARK_NODE_LINEBREAK:
		document_break(document, top(graft));
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		document_rule(document, top(graft));
		break;
	case CMARK_NODE_CODE_BLOCK:
	case CMARK_NODE_HTML_BLOCK:
		graft_lines(graft, cmark_node_get_literal(source));
		break;
	default:
		break;
	}
}

static bool
is_leaf(cmark_node_type type)
{
	return type == CMARK_NODE_TEXT || type == CMARK_NODE_HTML_INLINE ||
	       type == CMARK_NODE_CODE || type == CMARK_NODE_SOFTBREAK ||
	       type == CMARK_NODE_LINEBREAK ||
	       type == CMARK_NODE_THEMATIC_BREAK ||
	       type == CMARK_NODE_CODE_BLOCK || type == CMARK_NODE_HTML_BLOCK;
}

/* Beyond the depth a subtree is shown as its text: its items and quotes could
 * not stand in the container that is open. */
static void
graft_text_of(struct graft *graft, cmark_node *source)
{
	struct buf text;
	buf_init(&text, graft->document->limits.document_text_bytes);
	cmark_iter *iter = cmark_iter_new(source);
	cmark_event_type event = CMARK_EVENT_DONE;
	while (iter != NULL &&
	       (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *at = cmark_iter_get_node(iter);
		cmark_node_type type = cmark_node_get_type(at);
		const char *literal = cmark_node_get_literal(at);
		if (event == CMARK_EVENT_ENTER && literal != NULL)
			buf_add_text(&text, literal);
		else if (type == CMARK_NODE_SOFTBREAK)
			buf_add_byte(&text, ' ');
		else if (type == CMARK_NODE_LINEBREAK)
			buf_add_byte(&text, '\n');
		else if (event == CMARK_EVENT_EXIT &&
			 (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE))
			buf_printf(&text, " (%s)", cmark_node_get_url(at));
		if (event == CMARK_EVENT_EXIT && type < CMARK_NODE_FIRST_INLINE)
			buf_add_byte(&text, '\n');
	}
	if (iter == NULL || !buf_ok(&text))
		why_set(&graft->document->error, WHY_NOMEM,
		    "no memory for a CommonMark text");
	else
		document_free_text(
		    graft->document, top(graft), buf_span(&text));
	if (iter != NULL)
		cmark_iter_free(iter);
	buf_wipe(&text);
}

static void
graft_enter(struct graft *graft, cmark_iter *iter, cmark_node *source)
{
	cmark_node_type type = cmark_node_get_type(source);
	bool block = type < CMARK_NODE_FIRST_INLINE;
	if (is_leaf(type)) {
		graft_leaf(graft, source);
		return;
	}
	if (type == CMARK_NODE_DOCUMENT)
		return;
	if (block && type != CMARK_NODE_PARAGRAPH &&
	    type != CMARK_NODE_HEADING && type != CMARK_NODE_ITEM &&
	    graft->depth + 4 >= MARKDOWN_DEPTH_MAX) {
		graft_text_of(graft, source);
		cmark_iter_reset(iter, source, CMARK_EVENT_EXIT);
		return;
	}
	struct document_node *node = NULL;
	if (graft->depth < MARKDOWN_DEPTH_MAX)
		node = graft_open(graft, source);
	if (node == NULL)
		return;
	graft->depth++;
	graft->at[graft->depth] = node;
	graft->from[graft->depth] = source;
}

/* Nothing is lost: the address of what became no link, and any title. */
static void
graft_rest_of_link(struct graft *graft, cmark_node *source, bool opened)
{
	const char *rest[] = {opened ? "" : cmark_node_get_url(source),
	    cmark_node_get_title(source)};
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
		if (rest[i] == NULL || rest[i][0] == '\0')
			continue;
		document_text(graft->document, top(graft), span_text(" ("));
		document_text(graft->document, top(graft), span_text(rest[i]));
		document_text(graft->document, top(graft), span_text(")"));
	}
}

static void
graft_leave(struct graft *graft, cmark_node *source)
{
	cmark_node_type type = cmark_node_get_type(source);
	bool opened = graft->from[graft->depth] == source;
	if (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE)
		graft_rest_of_link(graft, source, opened);
	if (opened)
		graft->depth--;
}

static void
graft_all(struct graft *graft, cmark_iter *iter)
{
	cmark_event_type event;
	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE &&
	       graft->document->error.code == 0) {
		if (event == CMARK_EVENT_ENTER)
			graft_enter(graft, iter, cmark_iter_get_node(iter));
		else
			graft_leave(graft, cmark_iter_get_node(iter));
	}
}

void
document_markdown(
    struct document *document, struct document_node *parent, struct span text)
{
	if (document->error.code != 0 || parent == NULL || text.size == 0)
		return;
	if (text.size > document->limits.markdown_bytes) {
		why_set(&document->error, WHY_TOO_LARGE,
		    "CommonMark text over limit markdown_bytes");
		return;
	}
	struct buf plain;
	buf_init(&plain, 3 * text.size);
	document_filter(&document->notes, text, true, &plain);
	cmark_node *root = buf_ok(&plain)
			       ? cmark_parse_document((const char *)plain.at,
				     plain.size, CMARK_OPT_DEFAULT)
			       : NULL;
	cmark_iter *iter = root == NULL ? NULL : cmark_iter_new(root);
	struct graft graft = {
	    .document = document, .base = document->last_level};
	graft.at[0] = parent;
	if (iter == NULL)
		why_set(&document->error, WHY_NOMEM,
		    "no memory for a CommonMark text");
	else
		graft_all(&graft, iter);
	if (iter != NULL)
		cmark_iter_free(iter);
	cmark_node_free(root);
	buf_wipe(&plain);
}
