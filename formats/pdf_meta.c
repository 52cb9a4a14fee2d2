/*
 * Metadata (XMP, ISO 16684-1) that says which standards the file follows. There
 * is no Info dictionary, so nothing can disagree with it.
 */
#include "formats/pdf_priv.h"

#include "base/text.h"

#include <string.h>

static const char HEAD[] =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
    "<rdf:Description rdf:about=\"\""
    " xmlns:dc=\"http://purl.org/dc/elements/1.1/\""
    " xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\""
    " xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\""
    " xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\""
    " xmlns:pdfuaid=\"http://www.aiim.org/pdfua/ns/id/\""
    " xmlns:pdfaExtension=\"http://www.aiim.org/pdfa/ns/extension/\""
    " xmlns:pdfaSchema=\"http://www.aiim.org/pdfa/ns/schema#\""
    " xmlns:pdfaProperty=\"http://www.aiim.org/pdfa/ns/property#\">\n"
    "<pdfaid:part>2</pdfaid:part>"
    "<pdfaid:conformance>A</pdfaid:conformance>"
    "<pdfuaid:part>1</pdfuaid:part>"
    "<dc:format>application/pdf</dc:format>\n";

/* PDF/A-2 wants a description of each schema that it does not know itself. */
static const char TAIL[] =
    "<pdf:Producer>budstikke</pdf:Producer>\n"
    "<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType=\"Resource\">"
    "<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>"
    "<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/"
    "</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid"
    "</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>"
    "<rdf:li rdf:parseType=\"Resource\"><pdfaProperty:name>part"
    "</pdfaProperty:name><pdfaProperty:valueType>Integer"
    "</pdfaProperty:valueType><pdfaProperty:category>internal"
    "</pdfaProperty:category><pdfaProperty:description>Part of ISO 14289 "
    "that the file follows</pdfaProperty:description></rdf:li></rdf:Seq>"
    "</pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>";

static void
add_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_add_text(out, "&amp;");
		else if (*text == '<')
			buf_add_text(out, "&lt;");
		else if (*text == '>')
			buf_add_text(out, "&gt;");
		else
			buf_add_byte(out, (uint8_t)*text);
	}
}

uint32_t
pdf_metadata_write(struct pdf *pdf)
{
	const struct document *document = pdf->document;
	uint32_t number = pdf_object_new(&pdf->objects);
	struct buf *out = &pdf->scratch;
	char time[TIME_TEXT_SIZE];
	time_build(time, document->created_ms);
	buf_reset(out);
	buf_add_text(out, HEAD);
	buf_add_text(out, "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">");
	add_escaped(out, document->title);
	buf_add_text(out, "</rdf:li></rdf:Alt></dc:title>\n");
	if (document->author != NULL) {
		buf_add_text(out, "<dc:creator><rdf:Seq><rdf:li>");
		add_escaped(out, document->author);
		buf_add_text(out, "</rdf:li></rdf:Seq></dc:creator>\n");
	}
	buf_printf(out,
	    "<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag>"
	    "</dc:language>\n<xmp:CreateDate>%s</xmp:CreateDate>\n"
	    "<xmp:ModifyDate>%s</xmp:ModifyDate>\n",
	    document->language, time, time);
	buf_add_text(out, TAIL);
	pdf_stream(&pdf->objects, number, "/Type/Metadata/Subtype/XML",
	    buf_span(out), PDF_PLAIN);
	return number;
}
