/*
 * The header fields of a part, and the Content-Type of the whole.
 *
 * SECURITY: reads hostile bytes, at most limits.header_bytes at a time.
 */
#include "formats/multipart_priv.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

static bool
is_token(uint8_t c)
{
	return c > 0x20 && c < 0x7F && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

/* RFC 2046 section 5.1.1, bcharsnospace */
static bool
is_boundary(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("'()+_,-./:=?", c) != NULL);
}

static bool
is_named(struct span s, const char *name)
{
	return s.size == strlen(name) &&
	       strncasecmp((const char *)s.at, name, s.size) == 0;
}

static void
skip_space(struct span *s)
{
	while (s->size > 0 && (s->at[0] == ' ' || s->at[0] == '\t')) {
		s->at++;
		s->size--;
	}
}

static struct span
take_token(struct span *s)
{
	size_t size = 0;
	while (size < s->size && is_token(s->at[size]))
		size++;
	struct span token = span_of(s->at, size);
	s->at += size;
	s->size -= size;
	return token;
}

static struct span
trim(struct span s)
{
	skip_space(&s);
	while (
	    s.size > 0 && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* A quoted string's text is appended to out; false when it does not end. */
static bool
take_quoted(struct span *s, struct buf *out)
{
	for (size_t i = 1; i < s->size; i++) {
		uint8_t c = s->at[i];
		if (c == '"') {
			s->at += i + 1;
			s->size -= i + 1;
			return true;
		}
		if (c == '\\' && i + 1 < s->size &&
		    (s->at[i + 1] == '"' || s->at[i + 1] == '\\'))
			c = s->at[++i];
		buf_add_byte(out, c);
	}
	return false;
}

/* A value that is not in quotes, more forgiving than a token: many clients do
 * not quote a boundary that holds a slash. */
static void
take_plain(struct span *s, struct buf *out)
{
	size_t size = 0;
	while (size < s->size &&
	       (is_token(s->at[size]) || is_boundary(s->at[size])))
		size++;
	buf_add(out, s->at, size);
	s->at += size;
	s->size -= size;
}

/*
 * The next "; name=value" of s: 1 and the value's text appended to out, 0 at
 * the end, -1 when it is neither.
 */
static int
take_parameter(struct span *s, struct span *name, struct buf *out)
{
	skip_space(s);
	if (s->size == 0)
		return 0;
	if (s->at[0] != ';')
		return -1;
	s->at++;
	s->size--;
	skip_space(s);
	*name = take_token(s);
	if (name->size == 0 || s->size == 0 || s->at[0] != '=')
		return -1;
	s->at++;
	s->size--;
	if (s->size > 0 && s->at[0] == '"')
		return take_quoted(s, out) ? 1 : -1;
	size_t before = out->size;
	take_plain(s, out);
	return out->size > before ? 1 : -1;
}

static int
boundary_check(struct span boundary, struct why *why)
{
	if (boundary.size == 0 || boundary.size > MULTIPART_BOUNDARY_MAX)
		return why_set(why, WHY_MALFORMED,
		    "the boundary has %zu characters; 1 to %d are legal",
		    boundary.size, MULTIPART_BOUNDARY_MAX);
	for (size_t i = 0; i < boundary.size; i++)
		if (!is_boundary(boundary.at[i]) && boundary.at[i] != ' ')
			return why_set(why, WHY_MALFORMED,
			    "the boundary holds a character that is not legal");
	if (boundary.at[boundary.size - 1] == ' ')
		return why_set(
		    why, WHY_MALFORMED, "the boundary ends with a space");
	return 0;
}

int
multipart_boundary_parse(struct span content_type,
    char boundary[MULTIPART_BOUNDARY_MAX + 1], struct why *why)
{
	struct span rest = content_type;
	struct span name;
	struct buf value;
	bool found = false;
	int more;
	int ret = 0;

	skip_space(&rest);
	const char *form = "multipart/form-data";
	if (rest.size < strlen(form) ||
	    strncasecmp((const char *)rest.at, form, strlen(form)) != 0)
		return why_set(why, WHY_INVALID,
		    "Content-Type is not multipart/form-data");
	rest.at += strlen(form);
	rest.size -= strlen(form);
	buf_init(&value, 1024);
	while (ret == 0 && (more = take_parameter(&rest, &name, &value)) != 0) {
		if (more < 0 || !buf_ok(&value))
			ret = why_set(why, WHY_MALFORMED,
			    "Content-Type has a parameter that cannot be read");
		else if (!is_named(name, "boundary"))
			;
		else if (found)
			ret = why_set(why, WHY_MALFORMED,
			    "Content-Type has two boundaries");
		else if ((ret = boundary_check(buf_span(&value), why)) == 0) {
			memcpy(boundary, value.at, value.size);
			boundary[value.size] = '\0';
			found = true;
		}
		buf_reset(&value);
	}
	if (ret == 0 && !found)
		ret =
		    why_set(why, WHY_MALFORMED, "Content-Type has no boundary");
	buf_clear(&value);
	return ret;
}

void
multipart_fields_reset(struct multipart_fields *fields)
{
	struct buf storage = fields->storage;
	buf_reset(&storage);
	*fields = (struct multipart_fields){.storage = storage};
}

/* The text in storage from at on: UTF-8, no control, not too long. */
static int
text_check(const struct buf *storage, size_t at, size_t max, const char *what,
    const char *limit, struct why *why)
{
	/* nothing at all was stored when the first text is empty */
	struct span text = storage->size == at
			       ? SPAN_NONE
			       : span_of(storage->at + at, storage->size - at);
	if (text.size > max)
		return why_set(why, WHY_TOO_LARGE,
		    "a part's %s has %zu bytes; %s is %zu", what, text.size,
		    limit, max);
	if (!utf8_valid(text))
		return why_set(
		    why, WHY_MALFORMED, "a part's %s is not valid UTF-8", what);
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] < 0x20 || text.at[i] == 0x7F)
			return why_set(why, WHY_MALFORMED,
			    "a part's %s holds a control character", what);
	return 0;
}

/* A parameter whose text stands in storage from at on. */
static int
disposition_parameter(struct multipart_fields *fields, struct span name,
    size_t at, const struct multipart_limits *limits, bool *has_name,
    struct why *why)
{
	struct buf *storage = &fields->storage;
	if (is_named(name, "name*") || is_named(name, "filename*"))
		return why_set(why, WHY_UNSUPPORTED,
		    "a part uses %s, which multipart/form-data forbids: write "
		    "the name in UTF-8",
		    is_named(name, "name*") ? "name*" : "filename*");
	bool is_name = is_named(name, "name");
	if (!is_name && !is_named(name, "filename")) {
		storage->size = at;
		return 0;
	}
	if (is_name ? *has_name : fields->has_filename)
		return why_set(why, WHY_MALFORMED,
		    "a part's Content-Disposition gives a name twice");
	int ret = text_check(storage, at,
	    is_name ? limits->name_bytes : limits->filename_bytes,
	    is_name ? "name" : "file name",
	    is_name ? "part_name_bytes" : "filename_bytes", why);
	if (ret < 0)
		return ret;
	if (is_name && storage->size == at)
		return why_set(why, WHY_MALFORMED, "a part's name is empty");
	buf_add_byte(storage, '\0');
	if (is_name) {
		*has_name = true;
		fields->name_at = at;
	} else {
		fields->has_filename = true;
		fields->filename_at = at;
	}
	return 0;
}

static int
disposition_parse(struct multipart_fields *fields, struct span value,
    const struct multipart_limits *limits, struct why *why)
{
	struct span name;
	bool has_name = false;
	int more;

	if (!is_named(take_token(&value), "form-data"))
		return why_set(why, WHY_MALFORMED,
		    "a part's Content-Disposition is not form-data");
	size_t at = fields->storage.size;
	while ((more = take_parameter(&value, &name, &fields->storage)) != 0) {
		if (more < 0)
			return why_set(why, WHY_MALFORMED,
			    "a part's Content-Disposition cannot be read");
		int ret = disposition_parameter(
		    fields, name, at, limits, &has_name, why);
		if (ret < 0)
			return ret;
		at = fields->storage.size;
	}
	if (!has_name)
		return why_set(why, WHY_MALFORMED,
		    "a part's Content-Disposition has no name");
	return 0;
}

static int
type_parse(struct multipart_fields *fields, struct span value, struct why *why)
{
	struct span rest = value;
	struct span type = take_token(&rest);
	bool slash = rest.size > 0 && rest.at[0] == '/';
	if (slash) {
		rest.at++;
		rest.size--;
	}
	if (!slash || type.size == 0 || take_token(&rest).size == 0)
		return why_set(why, WHY_MALFORMED,
		    "a part's Content-Type is not a media type");
	if (is_named(type, "multipart"))
		return why_set(why, WHY_UNSUPPORTED,
		    "a part is a multipart itself: give each file its own "
		    "part");
	for (size_t i = 0; i < value.size; i++)
		if (value.at[i] > 0x7E)
			return why_set(why, WHY_MALFORMED,
			    "a part's Content-Type is not ASCII");
	fields->type_at = fields->storage.size;
	buf_add_span(&fields->storage, value);
	buf_add_byte(&fields->storage, '\0');
	return 0;
}

static int
encoding_parse(struct span value, struct why *why)
{
	if (is_named(value, "binary") || is_named(value, "8bit") ||
	    is_named(value, "7bit"))
		return 0;
	return why_set(why, WHY_UNSUPPORTED,
	    "a part has a Content-Transfer-Encoding that is not binary: send "
	    "the bytes as they are");
}

/* Sets *seen; an error when it was set already. */
static int
once(bool *seen, const char *field, struct why *why)
{
	if (*seen)
		return why_set(
		    why, WHY_MALFORMED, "a part has %s twice", field);
	*seen = true;
	return 0;
}

int
multipart_field_parse(struct multipart_fields *fields, struct span line,
    const struct multipart_limits *limits, struct why *why)
{
	struct span rest = line;
	struct span name = take_token(&rest);
	if (name.size == 0 || rest.size == 0 || rest.at[0] != ':')
		return why_set(why, WHY_MALFORMED,
		    "a part's header has a line that is no field");
	struct span value = trim(span_of(rest.at + 1, rest.size - 1));
	for (size_t i = 0; i < value.size; i++)
		if ((value.at[i] < 0x20 && value.at[i] != '\t') ||
		    value.at[i] == 0x7F)
			return why_set(why, WHY_MALFORMED,
			    "a part's header holds a control character");
	if (is_named(name, "content-disposition")) {
		int ret =
		    once(&fields->has_disposition, "Content-Disposition", why);
		return ret < 0 ? ret
			       : disposition_parse(fields, value, limits, why);
	}
	if (is_named(name, "content-type")) {
		int ret = once(&fields->has_type, "Content-Type", why);
		return ret < 0 ? ret : type_parse(fields, value, why);
	}
	if (is_named(name, "content-transfer-encoding")) {
		int ret = once(
		    &fields->has_encoding, "Content-Transfer-Encoding", why);
		return ret < 0 ? ret : encoding_parse(value, why);
	}
	return 0;
}

int
multipart_fields_end(struct multipart_fields *fields,
    struct multipart_part *part, struct why *why)
{
	if (!buf_ok(&fields->storage))
		return why_set(why, WHY_NOMEM, "no memory for a part's header");
	if (!fields->has_disposition)
		return why_set(
		    why, WHY_MALFORMED, "a part has no Content-Disposition");
	const char *texts = (const char *)fields->storage.at;
	part->name = texts + fields->name_at;
	part->filename =
	    fields->has_filename ? texts + fields->filename_at : NULL;
	part->media_type = fields->has_type ? texts + fields->type_at : NULL;
	return 0;
}
