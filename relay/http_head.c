/*
 * A whole request header, cut into its pieces and judged.
 *
 * SECURITY: reads hostile bytes. Two readers look at the framing, ours and
 * libhttp-parser; where they differ the request is refused.
 */
#include "relay/http_head.h"

#include "base/text.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SIZE_MOST ((UINT64_C(1) << 63) - 1)
#define QUERY_PAIRS 32

static const char *const verbs[] = {
    [HTTP_VERB_GET] = "GET",
    [HTTP_VERB_HEAD] = "HEAD",
    [HTTP_VERB_POST] = "POST",
    [HTTP_VERB_PUT] = "PUT",
    [HTTP_VERB_PATCH] = "PATCH",
    [HTTP_VERB_DELETE] = "DELETE",
    [HTTP_VERB_OPTIONS] = "OPTIONS",
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Fields of which two would be a choice that two readers can make
 * differently. */
static const char *const singles[] = {"authorization", "content-encoding",
    "content-length", "content-type", "expect", "host", "idempotency-key",
    "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "range", "transfer-encoding", "upload-length",
    "upload-offset"};

const char *
http_verb_text(enum http_verb verb)
{
	return verbs[verb];
}

static const char *
pairs_find(const struct http_pair *pairs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

const char *
http_head_field(const struct http_head *head, const char *name)
{
	return pairs_find(head->fields, head->fields_count, name);
}

const char *
http_head_query(const struct http_head *head, const char *name)
{
	return pairs_find(head->query, head->query_count, name);
}

int
http_reader_refuse(
    struct http_reader *reader, unsigned status, const char *reason)
{
	reader->state = HTTP_READER_REFUSED;
	reader->status = status;
	reader->reason = reason;
	return -1;
}

bool
http_is_token(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') ||
	       (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

/* ---- the second reader ---- */

struct second {
	uint64_t length;
	bool chunked;
	bool done;
};

static int
second_head(http_parser *parser)
{
	struct second *second = parser->data;

	second->done = true;
	second->chunked = parser->flags & F_CHUNKED;
	second->length =
	    parser->flags & F_CONTENTLENGTH ? parser->content_length : 0;
	return 1; /* no body: it is ours */
}

static struct second
second_read(struct span raw)
{
	http_parser_settings settings;
	http_parser parser;
	struct second second = {0};

	http_parser_settings_init(&settings);
	settings.on_headers_complete = second_head;
	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = &second;
	http_parser_set_max_header_size((uint32_t)raw.size + 1);
	size_t taken = http_parser_execute(
	    &parser, &settings, (const char *)raw.at, raw.size);
	if (HTTP_PARSER_ERRNO(&parser) != HPE_OK || taken != raw.size)
		second.done = false;
	return second;
}

/* ---- the request line ---- */

/*
 * Append the decoded bytes and an end mark. False for a bad escape, a control
 * byte, bytes that are not UTF-8, and for an escaped "/" in a path.
 */
static bool
decode(struct buf *out, const char *at, size_t size, bool path)
{
	size_t start = out->size;

	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)at[i];
		if (byte == '%') {
			int high = i + 2 < size ? hex_digit(at[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(at[i + 2]) : -1;
			if (low < 0)
				return false;
			byte = (uint8_t)(high << 4 | low);
			i += 2;
			if (path && (byte == '/' || byte == '\\'))
				return false;
		} else if (!path && byte == '+') {
			byte = ' ';
		}
		if (byte < 0x20 || byte == 0x7f)
			return false;
		buf_add_byte(out, byte);
	}
	if (!buf_ok(out) ||
	    !utf8_valid(span_of(out->at + start, out->size - start)))
		return false;
	buf_add_byte(out, 0);
	return buf_ok(out);
}

static bool
has_dot_segment(const char *path)
{
	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		const char *segment = at + 1;
		size_t size = strcspn(segment, "/");
		if ((size == 1 && segment[0] == '.') ||
		    (size == 2 && segment[0] == '.' && segment[1] == '.'))
			return true;
	}
	return false;
}

static int
query_read(struct http_reader *reader, const char *at, size_t size)
{
	struct http_pair *query = reader->pairs + reader->head.fields_count;
	size_t count = 0;
	const char *end = at + size;

	while (at < end) {
		const char *stop = memchr(at, '&', (size_t)(end - at));
		if (!stop)
			stop = end;
		const char *equal = memchr(at, '=', (size_t)(stop - at));
		const char *name_end = equal ? equal : stop;
		if (count == QUERY_PAIRS)
			return http_reader_refuse(
			    reader, 414, "too many query parameters");
		size_t name = reader->target.size;
		bool ok = name_end > at && decode(&reader->target, at,
					       (size_t)(name_end - at), false);
		size_t value = reader->target.size;
		const char *from = equal ? equal + 1 : stop;
		ok = ok && decode(&reader->target, from, (size_t)(stop - from),
			       false);
		if (!ok)
			return http_reader_refuse(
			    reader, 400, "query is not clean");
		query[count].name = (char *)reader->target.at + name;
		query[count].value = (char *)reader->target.at + value;
		if (pairs_find(query, count, query[count].name))
			return http_reader_refuse(
			    reader, 400, "query parameter given twice");
		count++;
		at = stop + 1;
	}
	reader->head.query = query;
	reader->head.query_count = count;
	return 0;
}

/* "http://authority/path" is the same as "/path" with that Host (RFC 9112
 * section 3.2.2). Moves *at on, or refuses another authority. */
static int
absolute_read(struct http_reader *reader, const char **at, size_t *size)
{
	const char *host = http_head_field(&reader->head, "host");
	size_t skip = 0;

	if (*size > 7 && strncasecmp(*at, "http://", 7) == 0)
		skip = 7;
	else if (*size > 8 && strncasecmp(*at, "https://", 8) == 0)
		skip = 8;
	else
		return http_reader_refuse(
		    reader, 400, "request target is not a path");
	const char *path = memchr(*at + skip, '/', *size - skip);
	size_t authority = path ? (size_t)(path - *at) - skip : 0;
	if (!path || authority != strlen(host) ||
	    strncasecmp(*at + skip, host, authority) != 0)
		return http_reader_refuse(
		    reader, 400, "request target and Host differ");
	*size -= skip + authority;
	*at = path;
	return 0;
}

static int
target_read(struct http_reader *reader, const char *at, size_t size)
{
	if ((size == 0 || at[0] != '/') &&
	    absolute_read(reader, &at, &size) < 0)
		return -1;
	if (memchr(at, '#', size) || memchr(at, '\\', size))
		return http_reader_refuse(
		    reader, 400, "request target is not clean");
	const char *mark = memchr(at, '?', size);
	size_t path = mark ? (size_t)(mark - at) : size;
	/* all at once, so that nothing moves once it is pointed at */
	if (!buf_room(&reader->target, 2 * size + 4))
		return http_reader_refuse(reader, 414, "no room for target");
	if (!decode(&reader->target, at, path, true) ||
	    has_dot_segment((char *)reader->target.at))
		return http_reader_refuse(
		    reader, 400, "request path is not clean");
	reader->head.path = (char *)reader->target.at;
	return mark ? query_read(reader, mark + 1, size - path - 1) : 0;
}

static int
line_read(
    struct http_reader *reader, char *line, size_t size, struct span *target)
{
	char *space = memchr(line, ' ', size);
	char *end = line + size;
	char *second =
	    space ? memchr(space + 1, ' ', (size_t)(end - space) - 1) : NULL;

	if (!second || end - second != 9 || memcmp(second + 1, "HTTP/", 5) != 0)
		return http_reader_refuse(
		    reader, 400, "request line is malformed");
	if (memcmp(second + 6, "1.1", 3) != 0 &&
	    memcmp(second + 6, "1.0", 3) != 0)
		return http_reader_refuse(
		    reader, 505, "only HTTP/1.0 and HTTP/1.1 are spoken");
	reader->head.http10 = second[8] == '0';
	*target = span_of(space + 1, (size_t)(second - space) - 1);
	struct span method = span_of(line, (size_t)(space - line));
	for (size_t i = 0; i < VERBS; i++)
		if (span_is(method, verbs[i])) {
			reader->head.verb = (enum http_verb)i;
			return 0;
		}
	return http_reader_refuse(reader, 501, "method is not known");
}

/* ---- the fields ---- */

static int
field_read(
    struct http_reader *reader, char *line, size_t size, struct http_pair *pair)
{
	char *end = line + size;
	char *at = line;

	for (; at < end && http_is_token((uint8_t)*at); at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
	if (at == line || at == end || *at != ':')
		return http_reader_refuse(
		    reader, 400, "header field name is malformed");
	*at++ = 0;
	pair->name = line;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = 0; /* at most the CR */
	pair->value = at;
	return 0;
}

static int
fields_read(struct http_reader *reader, char *at, char *end)
{
	struct http_pair *pairs = reader->pairs;
	size_t count = 0;

	while (at < end && *at != '\r') {
		char *stop = memchr(at, '\r', (size_t)(end - at));
		if (!stop)
			return http_reader_refuse(reader, 400, "no line end");
		if (field_read(reader, at, (size_t)(stop - at), &pairs[count]) <
		    0)
			return -1;
		count++;
		at = stop + 2;
	}
	reader->head.fields = pairs;
	reader->head.fields_count = count;
	for (size_t s = 0; s < sizeof(singles) / sizeof(singles[0]); s++) {
		size_t seen = 0;
		for (size_t i = 0; i < count; i++)
			seen += strcmp(pairs[i].name, singles[s]) == 0;
		if (seen > 1)
			return http_reader_refuse(reader, 400,
			    "header field given twice that may stand once");
	}
	return 0;
}

static bool
host_valid(const char *host)
{
	size_t size = strlen(host);

	return size > 0 && size <= 300 &&
	       strspn(host,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789.-_:[]") == size;
}

/* True when a comma-separated field has this token, in any case. */
static bool
fields_have(const struct http_head *head, const char *name, const char *token)
{
	size_t size = strlen(token);

	for (size_t i = 0; i < head->fields_count; i++) {
		if (strcmp(head->fields[i].name, name) != 0)
			continue;
		const char *at = head->fields[i].value;
		while (*at) {
			at += strspn(at, ", \t");
			size_t length = strcspn(at, ", \t");
			if (length == size && strncasecmp(at, token, size) == 0)
				return true;
			at += length;
		}
	}
	return false;
}

static int
framing_read(struct http_reader *reader)
{
	struct http_head *head = &reader->head;
	const char *host = http_head_field(head, "host");
	const char *coding = http_head_field(head, "transfer-encoding");
	const char *length = http_head_field(head, "content-length");
	const char *expect = http_head_field(head, "expect");

	if (!host || !host_valid(host))
		return http_reader_refuse(
		    reader, 400, "exactly one Host is required");
	if (coding && length)
		return http_reader_refuse(reader, 400,
		    "Content-Length and Transfer-Encoding together");
	if (coding && head->http10)
		return http_reader_refuse(
		    reader, 400, "Transfer-Encoding in HTTP/1.0");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return http_reader_refuse(
		    reader, 501, "only the coding chunked is known");
	if (length &&
	    !number_parse(span_text(length), SIZE_MOST, &head->length))
		return http_reader_refuse(
		    reader, 400, "Content-Length is not a size");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return http_reader_refuse(
		    reader, 417, "only 100-continue may be expected");
	head->chunked = coding != NULL;
	head->expect_continue =
	    expect && !head->http10 && (head->chunked || head->length > 0);
	head->keep_alive =
	    !fields_have(head, "connection", "close") &&
	    (!head->http10 || fields_have(head, "connection", "keep-alive"));
	return 0;
}

int
http_head_build(struct http_reader *reader)
{
	struct http_head *head = &reader->head;
	/* before we put our marks into the bytes */
	struct second second = second_read(buf_span(&reader->raw));
	char *raw = (char *)reader->raw.at;
	char *end = raw + reader->raw.size;
	char *first = memchr(raw, '\r', reader->raw.size);
	struct span target = SPAN_NONE;

	if (!first)
		return http_reader_refuse(reader, 400, "no line end");
	reader->pairs =
	    calloc(reader->lines + QUERY_PAIRS, sizeof(*reader->pairs));
	if (!reader->pairs)
		return http_reader_refuse(reader, 503, "no memory");
	if (line_read(reader, raw, (size_t)(first - raw), &target) < 0 ||
	    fields_read(reader, first + 2, end) < 0 ||
	    framing_read(reader) < 0 ||
	    target_read(reader, (const char *)target.at, target.size) < 0)
		return -1;
	if (!second.done || second.chunked != head->chunked ||
	    second.length != head->length)
		return http_reader_refuse(
		    reader, 400, "two readers see different requests");
	return 0;
}
