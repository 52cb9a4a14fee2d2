/*
 * schema_uri - RFC 3986 section 5.2 reference resolution, for schema addresses.
 * A base may be relative ("a/b.json"), as files of a folder name each other.
 */
#include "base/buf.h"
#include "formats/schema_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 4096

struct uri {
	struct span scheme;    /* with its colon */
	struct span authority; /* with its slashes */
	struct span path;
	struct span query; /* with its question mark */
};

static struct span
take(const char **at, size_t size)
{
	struct span span = span_of(*at, size);

	*at += size;
	return span;
}

static struct uri
uri_split(const char *text)
{
	struct uri uri = {0};
	size_t scheme = 0;

	if (isalpha((unsigned char)text[0])) {
		while (isalnum((unsigned char)text[scheme]) ||
		       (text[scheme] != '\0' && strchr("+-.", text[scheme])))
			scheme++;
		if (text[scheme] == ':')
			uri.scheme = take(&text, scheme + 1);
	}
	if (text[0] == '/' && text[1] == '/')
		uri.authority = take(&text, 2 + strcspn(text + 2, "/?#"));
	uri.path = take(&text, strcspn(text, "?#"));
	if (*text == '?')
		uri.query = take(&text, strcspn(text, "#"));
	return uri;
}

/* Section 5.2.4 for a path that may be relative. */
static void
path_add(struct buf *out, struct span path)
{
	size_t start = out->size;
	size_t pos = 0;

	if (path.size > 0 && path.at[0] == '/') {
		buf_add_byte(out, '/');
		start++;
		pos = 1;
	}
	while (pos < path.size) {
		size_t end = pos;
		struct span part;

		while (end < path.size && path.at[end] != '/')
			end++;
		part = span_of(path.at + pos, end - pos);
		if (span_is(part, "..")) {
			if (out->size > start)
				out->size--; /* the slash */
			while (
			    out->size > start && out->at[out->size - 1] != '/')
				out->size--;
		} else if (!span_is(part, ".")) {
			buf_add_span(out, part);
			if (end < path.size)
				buf_add_byte(out, '/');
		}
		pos = end + 1;
	}
}

char *
schema_uri_resolve(const char *base, const char *ref)
{
	struct uri to = uri_split(ref);
	struct uri from = uri_split(base);
	struct buf path, out;
	size_t last = from.path.size;
	char *text = NULL;

	buf_init(&out, URI_MAX);
	buf_init(&path, URI_MAX);
	if (to.scheme.size > 0) {
		buf_add_span(&out, to.scheme);
		buf_add_span(&out, to.authority);
		buf_add_span(&path, to.path);
	} else if (to.authority.size > 0) {
		buf_add_span(&out, from.scheme);
		buf_add_span(&out, to.authority);
		buf_add_span(&path, to.path);
	} else {
		buf_add_span(&out, from.scheme);
		buf_add_span(&out, from.authority);
		while (last > 0 && from.path.at[last - 1] != '/')
			last--;
		if (to.path.size == 0)
			last = from.path.size;
		else if (to.path.at[0] == '/')
			last = 0;
		if (to.path.size == 0 && to.query.size == 0)
			to.query = from.query;
		buf_add(&path, from.path.at, last);
		buf_add_span(&path, to.path);
	}
	path_add(&out, buf_span(&path));
	buf_add_span(&out, to.query);
	if (buf_ok(&path) && buf_text(&out) != NULL)
		text = strdup(buf_text(&out));
	buf_clear(&path);
	buf_clear(&out);
	return text;
}

char *
schema_uri_fragment(const char *ref)
{
	const char *at = strchr(ref, '#');
	char *text = strdup(at ? at + 1 : "");
	char *to = text;

	if (text == NULL)
		return NULL;
	for (const char *from = text; *from != '\0'; from++) {
		unsigned char c = (unsigned char)*from;

		if (c == '%' && isxdigit((unsigned char)from[1]) &&
		    isxdigit((unsigned char)from[2])) {
			char hex[3] = {from[1], from[2], '\0'};

			c = (unsigned char)strtoul(hex, NULL, 16);
			from += 2;
		}
		*to++ = (char)c;
	}
	*to = '\0';
	return text;
}
