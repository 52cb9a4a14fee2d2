/* A document of any shape from any bytes, through all writers. Each step is one
 * byte for what is added, one for how much text follows. */
#include "formats/commonmark.h"
#include "formats/document.h"
#include "formats/pdf.h"
#include "formats/xhtml.h"

#include <cmark.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add(struct document *document, struct document_node **at, int what,
    struct span text)
{
	struct document_node *root = document_root(document);
	const struct span cells[] = {text, text, text};
	struct document_node *node = NULL;
	switch (what % 12) {
	case 0:
		document_heading(document, *at, what / 12 % 7, text);
		break;
	case 1:
		document_free_text(document, *at, text);
		break;
	case 2:
		document_markdown(document, *at, text);
		break;
	case 3:
		*at = document_row(
		    document, document_table(document, *at), text, SPAN_NONE);
		break;
	case 4:
		node = document_grid(document, *at, cells, 3);
		for (int i = 0; i < what; i++)
			document_grid_row(document, node, cells, 3);
		break;
	case 5:
		*at = document_item(
		    document, document_list(document, *at, what & 16), text);
		break;
	case 6:
		*at = document_section(document, *at, "ar",
		    (enum document_direction)(what / 12 % 3));
		break;
	case 7:
		node = document_paragraph(document, *at, text);
		document_link(
		    document, node, span_text("https://example.no/"), text);
		document_styled(
		    document, node, (enum document_style)(what / 12 % 4), text);
		break;
	default:
		*at = root;
	}
}

/* No text became HTML, code or a picture. */
static void
read_back(struct buf *text)
{
	cmark_node *root =
	    cmark_parse_document(buf_text(text), text->size, CMARK_OPT_DEFAULT);
	cmark_iter *iter = cmark_iter_new(root);
	while (cmark_iter_next(iter) != CMARK_EVENT_DONE) {
		cmark_node_type type =
		    cmark_node_get_type(cmark_iter_get_node(iter));
		if (type == CMARK_NODE_HTML_BLOCK ||
		    type == CMARK_NODE_HTML_INLINE || type == CMARK_NODE_CODE ||
		    type == CMARK_NODE_CODE_BLOCK || type == CMARK_NODE_IMAGE)
			abort();
	}
	cmark_iter_free(iter);
	cmark_node_free(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pdf_fonts *fonts;
	static struct limits limits;
	struct why why;
	limits_init(&limits);
	limits.document_pages = 60;
	if (fonts == NULL && pdf_fonts_open(NULL, &limits, &fonts, &why) != 0)
		abort();
	const struct document_meta meta = {.title = "T", .language = "nb"};
	struct document *document = document_new(&meta, &limits);
	struct document_node *at = document_root(document);
	while (size >= 2) {
		size_t take = data[1];
		if (take > size - 2)
			take = size - 2;
		add(document, &at, data[0], span_of(data + 2, take));
		data += 2 + take;
		size -= 2 + take;
	}
	struct buf out;
	buf_init(&out, 8 * MIB);
	int code = document_ok(document, NULL);
	if (code == 0 && xhtml_build(document, &out, &why) != 0 &&
	    why.code != WHY_TOO_LARGE)
		abort();
	buf_reset(&out);
	if (code == 0 && commonmark_build(document, &out, &why) == 0 &&
	    out.size > 0)
		read_back(&out);
	buf_reset(&out);
	code = pdf_build(fonts, document, &out, NULL, &why);
	if (code != 0 && code != WHY_TOO_LARGE)
		abort(); /* no text makes it fail, and none is a bug here */
	pdf_caches_clear(fonts);
	buf_clear(&out);
	document_free(document);
	return 0;
}
