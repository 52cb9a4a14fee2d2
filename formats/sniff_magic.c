/*
 * What the first bytes tell, and which media types go with it.
 */
#include "formats/sniff_priv.h"

#include <string.h>
#include <strings.h>

static const struct magic {
	enum sniff_type type;
	uint8_t at;
	uint8_t size;
	const char *bytes;
} magics[] = {
    {SNIFF_PDF, 0, 5, "%PDF-"},
    {SNIFF_JPEG, 0, 3, "\xFF\xD8\xFF"},
    {SNIFF_PNG, 0, 8, "\x89PNG\r\n\x1A\n"},
    {SNIFF_GIF, 0, 6, "GIF87a"},
    {SNIFF_GIF, 0, 6, "GIF89a"},
    {SNIFF_TIFF, 0, 4, "II*\0"},
    {SNIFF_TIFF, 0, 4, "MM\0*"},
    {SNIFF_HEIF, 4, 8, "ftypheic"},
    {SNIFF_HEIF, 4, 8, "ftypheix"},
    {SNIFF_HEIF, 4, 8, "ftyphevc"},
    {SNIFF_HEIF, 4, 8, "ftypmif1"},
    {SNIFF_HEIF, 4, 8, "ftypmsf1"},
    {SNIFF_HEIF, 4, 8, "ftypavif"},
    {SNIFF_ZIP, 0, 4, "PK\3\4"},
    {SNIFF_ZIP, 0, 4, "PK\5\6"},
    {SNIFF_OLE, 0, 8, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"},
    {SNIFF_RTF, 0, 5, "{\\rtf"},
    {SNIFF_ARCHIVE, 0, 6, "7z\xBC\xAF\x27\x1C"},
    {SNIFF_ARCHIVE, 0, 4, "Rar!"},
    {SNIFF_ARCHIVE, 0, 3, "\x1F\x8B\x08"},
    {SNIFF_ARCHIVE, 0, 3, "BZh"},
    {SNIFF_ARCHIVE, 0, 6,
	"\xFD"
	"7zXZ\0"},
    {SNIFF_ARCHIVE, 0, 4, "\x28\xB5\x2F\xFD"},
    {SNIFF_ARCHIVE, 0, 4, "MSCF"},
    {SNIFF_PROGRAM, 0, 4,
	"\x7F"
	"ELF"},
    {SNIFF_PROGRAM, 0, 4, "\xFE\xED\xFA\xCE"},
    {SNIFF_PROGRAM, 0, 4, "\xFE\xED\xFA\xCF"},
    {SNIFF_PROGRAM, 0, 4, "\xCF\xFA\xED\xFE"},
    {SNIFF_PROGRAM, 0, 4, "\xCE\xFA\xED\xFE"},
    {SNIFF_PROGRAM, 0, 4, "\xCA\xFE\xBA\xBE"},
    {SNIFF_PROGRAM, 0, 2, "#!"},
};

static bool
begins(struct span bytes, size_t at, const char *with, size_t size)
{
	return bytes.size >= at + size &&
	       memcmp(bytes.at + at, with, size) == 0;
}

static bool
begins_text(struct span bytes, const char *with)
{
	return bytes.size >= strlen(with) &&
	       strncasecmp((const char *)bytes.at, with, strlen(with)) == 0;
}

/* By the first entry: its name stands at 30, and its data behind it. */
static enum sniff_type
zip_type(struct span head)
{
	const char *odf = "mimetypeapplication/vnd.oasis.opendocument.";
	if (begins(head, 30, odf, strlen(odf)))
		return SNIFF_ODF;
	if (begins(head, 30, "[Content_Types].xml", 19) ||
	    begins(head, 30, "_rels/.rels", 11) ||
	    begins(head, 30, "docProps/", 9))
		return SNIFF_OOXML;
	return SNIFF_ZIP;
}

/* Markup by its first word; text otherwise, until it proves not to be. */
static enum sniff_type
text_type(struct span head)
{
	static const char *const html[] = {"<!doctype html", "<html", "<head",
	    "<body", "<script", "<iframe", "<!--"};
	if (begins(head, 0, "\xEF\xBB\xBF", 3))
		head = span_of(head.at + 3, head.size - 3);
	while (head.size > 0 && strchr(" \t\r\n", head.at[0]) != NULL &&
	       head.at[0] != '\0') {
		head.at++;
		head.size--;
	}
	for (size_t i = 0; i < sizeof html / sizeof *html; i++)
		if (begins_text(head, html[i]))
			return SNIFF_HTML;
	if (head.size >= 2 && head.at[0] == '<' &&
	    (head.at[1] == '?' || (head.at[1] | 0x20) >= 'a'))
		return SNIFF_XML;
	return SNIFF_TEXT;
}

/* A DOS or Windows program: its header's address points to "PE" or "NE", or
 * far behind the head. "MZ" alone begins texts, too. */
static bool
is_windows_program(struct span head)
{
	if (!begins(head, 0, "MZ", 2) || head.size < 64)
		return false;
	size_t at = (size_t)head.at[60] | (size_t)head.at[61] << 8;
	return at + 2 > head.size || begins(head, at, "PE", 2) ||
	       begins(head, at, "NE", 2) || memchr(head.at, 0, 64) != NULL;
}

enum sniff_type
sniff_magic_type(struct span head)
{
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		if (begins(head, magics[i].at, magics[i].bytes, magics[i].size))
			return magics[i].type == SNIFF_ZIP ? zip_type(head)
							   : magics[i].type;
	if (begins(head, 0, "RIFF", 4) && begins(head, 8, "WEBP", 4))
		return SNIFF_WEBP;
	if (is_windows_program(head))
		return SNIFF_PROGRAM;
	/* readers look for it within the first 1024 bytes (H.3, note 13) */
	if (memmem(head.at, head.size < 1029 ? head.size : 1029, "%PDF-", 5) !=
	    NULL)
		return SNIFF_PDF;
	return text_type(head);
}

const char *
sniff_type_name(enum sniff_type type)
{
	static const char *const names[] = {
	    [SNIFF_UNKNOWN] = "unknown",
	    [SNIFF_PDF] = "PDF",
	    [SNIFF_JPEG] = "JPEG",
	    [SNIFF_PNG] = "PNG",
	    [SNIFF_GIF] = "GIF",
	    [SNIFF_TIFF] = "TIFF",
	    [SNIFF_WEBP] = "WebP",
	    [SNIFF_HEIF] = "HEIF",
	    [SNIFF_ZIP] = "zip",
	    [SNIFF_OOXML] = "Office Open XML",
	    [SNIFF_ODF] = "OpenDocument",
	    [SNIFF_OLE] = "old Office",
	    [SNIFF_RTF] = "RTF",
	    [SNIFF_HTML] = "HTML",
	    [SNIFF_XML] = "XML",
	    [SNIFF_ARCHIVE] = "archive",
	    [SNIFF_PROGRAM] = "program",
	    [SNIFF_TEXT] = "text",
	};
	return names[type];
}

/* A pattern is a media type, its beginning and '*', or '*' and its end. */
static const struct {
	enum sniff_type type;
	const char *pattern;
} media_types[] = {
    {SNIFF_PDF, "application/pdf"},
    {SNIFF_JPEG, "image/jpeg"},
    {SNIFF_JPEG, "image/jpg"},
    {SNIFF_PNG, "image/png"},
    {SNIFF_GIF, "image/gif"},
    {SNIFF_TIFF, "image/tiff"},
    {SNIFF_WEBP, "image/webp"},
    {SNIFF_HEIF, "image/heic"},
    {SNIFF_HEIF, "image/heif"},
    {SNIFF_HEIF, "image/avif"},
    {SNIFF_ZIP, "application/zip"},
    {SNIFF_OOXML, "application/vnd.openxmlformats-officedocument.*"},
    {SNIFF_ODF, "application/vnd.oasis.opendocument.*"},
    {SNIFF_OLE, "application/msword"},
    {SNIFF_OLE, "application/vnd.ms-excel"},
    {SNIFF_OLE, "application/vnd.ms-powerpoint"},
    {SNIFF_OLE, "application/vnd.ms-outlook"},
    {SNIFF_RTF, "application/rtf"},
    {SNIFF_RTF, "text/rtf"},
    {SNIFF_HTML, "text/html"},
    {SNIFF_XML, "application/xml"},
    {SNIFF_XML, "text/xml"},
    {SNIFF_ARCHIVE, "application/gzip"},
    {SNIFF_ARCHIVE, "application/x-7z-compressed"},
    {SNIFF_TEXT, "text/plain"},
    {SNIFF_TEXT, "text/csv"},
    {SNIFF_TEXT, "text/markdown"},
    {SNIFF_TEXT, "application/json"},
    {SNIFF_TEXT, "*+json"},
    /* claims nothing: but what is known by its bytes must say so */
    {SNIFF_UNKNOWN, "application/octet-stream"},
    {SNIFF_TEXT, "application/octet-stream"},
};

static bool
matches(const char *text, size_t size, const char *pattern)
{
	size_t length = strlen(pattern);
	if (pattern[0] == '*')
		return size >= length - 1 &&
		       strncasecmp(text + size - (length - 1), pattern + 1,
			   length - 1) == 0;
	if (pattern[length - 1] == '*')
		return size >= length - 1 &&
		       strncasecmp(text, pattern, length - 1) == 0;
	return size == length && strncasecmp(text, pattern, length) == 0;
}

bool
sniff_type_is(enum sniff_type type, const char *media_type)
{
	size_t size = strcspn(media_type, "; \t");
	for (size_t i = 0; i < sizeof media_types / sizeof *media_types; i++)
		if (media_types[i].type == type &&
		    matches(media_type, size, media_types[i].pattern))
			return true;
	return false;
}
