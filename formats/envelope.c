/*
 * SECURITY: reads hostile bytes, at most envelope_bytes of them; strings are
 * measured before they are copied, and no value is ever put into a finding.
 */
#include "formats/envelope.h"

#include "base/text.h"
#include "formats/filename.h"
#include "formats/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Where the reader is, and what it needs on the way. */
struct reading {
	const struct limits *limits;
	struct findings *findings;
	struct buf pointer; /* of the member under examination */
	bool no_memory;
};

#define POINTER_MAX 4096

static void
found(struct reading *r, const char *rule, const char *expected)
{
	const char *pointer = buf_text(&r->pointer);
	findings_add(r->findings, ENVELOPE_PART, pointer == NULL ? "" : pointer,
	    rule, "%s", expected);
}

/* The pointer is lengthened for a while: its old size, to go back to. */
static size_t
enter(struct reading *r, const char *name)
{
	size_t size = r->pointer.size;
	json_pointer_add(&r->pointer, name);
	return size;
}

static size_t
enter_index(struct reading *r, size_t index)
{
	size_t size = r->pointer.size;
	json_pointer_add_index(&r->pointer, index);
	return size;
}

static void
leave(struct reading *r, size_t size)
{
	/* a hostile name may have been too long for it: start afresh there */
	r->pointer.failed = false;
	r->pointer.size = size;
}

/* Members that are not in names (which ends with NULL) are findings. */
static void
only(struct reading *r, json_t *object, const char *const *names)
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		size_t i = 0;
		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] != NULL)
			continue;
		/* the member's name is the sender's text: it is not repeated */
		found(r, "unknown-member",
		    "only the members of the contract are known here; another "
		    "one is there");
	}
}

/* A string of 1 to max bytes without controls; NULL (found) otherwise. */
static const char *
string_of(struct reading *r, json_t *value, size_t max, const char *what)
{
	if (value == NULL) {
		found(r, "required", what);
		return NULL;
	}
	if (!json_is_string(value)) {
		found(r, "type", what);
		return NULL;
	}
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	if (size == 0 || size > max) {
		found(r, size == 0 ? "minLength" : "maxLength", what);
		return NULL;
	}
	for (size_t i = 0; i < size; i++)
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7F) {
			found(r, "characters", what);
			return NULL;
		}
	return text;
}

static char *
copy(struct reading *r, const char *text)
{
	char *copied = strdup(text);
	if (copied == NULL)
		r->no_memory = true;
	return copied;
}

static bool
is_name(const char *text, bool capitals)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
			(capitals && *p >= 'A' && *p <= 'Z') ||
			(p > text && strchr("._-", *p) != NULL)))
			return false;
	return true;
}

static void
read_type(struct reading *r, json_t *root, struct envelope *envelope)
{
	const char *what =
	    "the name of a message type: a-z, 0-9, '.', '_', '-'";
	size_t size = enter(r, "type");
	const char *text = string_of(
	    r, json_object_get(root, "type"), ENVELOPE_TYPE_MAX, what);
	if (text != NULL && !is_name(text, false))
		found(r, "pattern", what);
	else if (text != NULL)
		envelope->type = copy(r, text);
	leave(r, size);
}

static void
read_reference(struct reading *r, json_t *root, struct envelope *envelope)
{
	json_t *value = json_object_get(root, "reference");
	if (value == NULL)
		return;
	size_t size = enter(r, "reference");
	const char *text = string_of(r, value, r->limits->reference_bytes,
	    "the sender's reference: a text of 1 to reference_bytes bytes "
	    "without control characters");
	if (text != NULL)
		envelope->reference = copy(r, text);
	leave(r, size);
}

/* BCP 47: letters, then letters and digits between hyphens. */
static bool
is_language(const char *text)
{
	size_t size = strspn(
	    text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (size < 2 || size > 8)
		return false;
	while (text[size] == '-') {
		text += size + 1;
		size = strspn(text,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789");
		if (size < 1 || size > 8)
			return false;
	}
	return text[size] == '\0';
}

static void
read_language(struct reading *r, json_t *root, struct envelope *envelope)
{
	const char *what = "a language tag (BCP 47), as \"nn\", of at most 35 "
			   "bytes";
	json_t *value = json_object_get(root, "language");
	if (value == NULL)
		return;
	size_t size = enter(r, "language");
	const char *text = string_of(r, value, ENVELOPE_LANGUAGE_MAX, what);
	if (text != NULL && !is_language(text))
		found(r, "pattern", what);
	else if (text != NULL)
		envelope->language = copy(r, text);
	leave(r, size);
}

static bool
recipient_is_known(const struct envelope *envelope, const char *text)
{
	for (size_t i = 0; i < envelope->recipients_count; i++)
		if (strcmp(envelope->recipients[i], text) == 0)
			return true;
	return false;
}

static void
read_recipient(struct reading *r, json_t *value, struct envelope *envelope)
{
	const char *what = "a Norwegian organisation number: nine digits with "
			   "a right check digit";
	const char *text = string_of(r, value, 9, what);
	if (text == NULL)
		return;
	if (!orgnr_valid(text))
		found(r, "orgnr", what);
	else if (recipient_is_known(envelope, text))
		found(r, "uniqueItems", "each recipient once");
	else if ((envelope->recipients[envelope->recipients_count] =
			 copy(r, text)) != NULL)
		envelope->recipients_count++;
}

/* The array value of a member, with 1 to max items; NULL (found) otherwise. */
static json_t *
array_of(struct reading *r, json_t *value, uint64_t max, const char *what)
{
	if (value == NULL)
		found(r, "required", what);
	else if (!json_is_array(value))
		found(r, "type", what);
	else if (json_array_size(value) == 0)
		found(r, "minItems", what);
	else if (json_array_size(value) > max)
		found(r, "maxItems", what);
	else
		return value;
	return NULL;
}

static void
read_recipients(struct reading *r, json_t *root, struct envelope *envelope)
{
	size_t size = enter(r, "recipients");
	json_t *array = array_of(r, json_object_get(root, "recipients"),
	    r->limits->recipients_per_message,
	    "a list of 1 to recipients_per_message organisation numbers");
	if (array != NULL) {
		envelope->recipients =
		    calloc(json_array_size(array), sizeof(char *));
		r->no_memory |= envelope->recipients == NULL;
	}
	for (size_t i = 0;
	     envelope->recipients != NULL && i < json_array_size(array); i++) {
		size_t inner = enter_index(r, i);
		read_recipient(r, json_array_get(array, i), envelope);
		leave(r, inner);
	}
	leave(r, size);
}

/* RFC 6838 section 4.2: restricted names */
static bool
is_media_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		bool alphanumeric = (c >= 'a' && c <= 'z') ||
				    (c >= 'A' && c <= 'Z') ||
				    (c >= '0' && c <= '9');
		if (!alphanumeric && (i == 0 || strchr("!#$&-^_.+", c) == NULL))
			return false;
	}
	return size > 0;
}

static void
read_media_type(struct reading *r, json_t *value, struct envelope_part *part)
{
	const char *what = "a media type without parameters, as "
			   "application/pdf";
	const char *text = string_of(r, value, ENVELOPE_MEDIA_TYPE_MAX, what);
	if (text == NULL)
		return;
	const char *slash = strchr(text, '/');
	if (slash == NULL || !is_media_name(text, (size_t)(slash - text)) ||
	    !is_media_name(slash + 1, strlen(slash + 1))) {
		found(r, "pattern", what);
		return;
	}
	part->media_type = copy(r, text);
	for (char *p = part->media_type; p != NULL && *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
}

static void
read_filename(struct reading *r, json_t *value, struct envelope_part *part)
{
	const char *what = "the file's name, a text";
	struct why why;
	if (value == NULL)
		found(r, "required", what);
	else if (!json_is_string(value))
		found(r, "type", what);
	else if (filename_check(span_of(json_string_value(value),
				    json_string_length(value)),
		     r->limits->filename_bytes, &why) < 0)
		found(r, "filename", why.text);
	else
		part->filename = copy(r, json_string_value(value));
}

static void
read_size(struct reading *r, json_t *value, struct envelope_part *part)
{
	uint64_t max = r->limits->part_bytes < ENVELOPE_SIZE_MAX
			   ? r->limits->part_bytes
			   : ENVELOPE_SIZE_MAX;
	const char *what = "the part's size in bytes, a whole number of at "
			   "most part_bytes";
	if (value == NULL)
		found(r, "required", what);
	else if (!json_is_integer(value))
		found(r, "type", what);
	else if (json_integer_value(value) < 0)
		found(r, "minimum", what);
	else if ((uint64_t)json_integer_value(value) > max)
		found(r, "maximum", what);
	else
		part->size = (uint64_t)json_integer_value(value);
}

static void
read_sha256(struct reading *r, json_t *value, struct envelope_part *part)
{
	const char *what = "the part's SHA-256 as 64 hex digits";
	uint8_t digest[32];
	const char *text = string_of(r, value, 64, what);
	if (text == NULL)
		return;
	if (!hex_parse(text, digest, sizeof digest))
		found(r, "pattern", what);
	else
		hex_build(part->sha256, digest, sizeof digest);
}

static void
read_name(struct reading *r, json_t *value, struct envelope_part *part)
{
	const char *what = "a part name of 1 to part_name_bytes letters, "
			   "digits, '.', '_', '-'";
	const char *text =
	    string_of(r, value, r->limits->part_name_bytes, what);
	if (text == NULL)
		return;
	if (!is_name(text, true))
		found(r, "pattern", what);
	else if (strcmp(text, ENVELOPE_PART) == 0)
		found(
		    r, "reserved", "another name: this is the envelope's own");
	else
		part->name = copy(r, text);
}

static void
read_part(struct reading *r, json_t *value, struct envelope_part *part)
{
	static const char *const names[] = {
	    "name", "filename", "mediaType", "size", "sha256", NULL};
	static void (*const readers[])(
	    struct reading *, json_t *, struct envelope_part *) = {
	    read_name, read_filename, read_media_type, read_size, read_sha256};
	if (!json_is_object(value)) {
		found(r, "type", "an object that describes a part");
		return;
	}
	only(r, value, names);
	for (size_t i = 0; names[i] != NULL; i++) {
		size_t size = enter(r, names[i]);
		readers[i](r, json_object_get(value, names[i]), part);
		leave(r, size);
	}
}

/* Names once, file names once, and a sum that fits. */
static void
check_parts(struct reading *r, struct envelope *envelope)
{
	struct filename_set names = FILENAME_SET_NONE;
	struct filename_set files = FILENAME_SET_NONE;
	struct why why;
	for (size_t i = 0; i < envelope->parts_count; i++) {
		const struct envelope_part *part = &envelope->parts[i];
		size_t size = enter_index(r, i);
		if (part->name != NULL &&
		    filename_set_add(&names, span_text(part->name), &why) < 0) {
			found(r, "unique", "a part name that no other has");
			r->no_memory |= why.code == WHY_NOMEM;
		}
		if (part->filename != NULL &&
		    filename_set_add(&files, span_text(part->filename), &why) <
			0) {
			found(r, "unique",
			    "a file name that differs from the others in more "
			    "than case");
			r->no_memory |= why.code == WHY_NOMEM;
		}
		leave(r, size);
		if (envelope->bytes <= UINT64_MAX - part->size)
			envelope->bytes += part->size;
		else
			envelope->bytes = UINT64_MAX;
	}
	if (envelope->bytes > r->limits->message_bytes)
		found(r, "maximum",
		    "parts that together have at most message_bytes bytes");
	filename_set_clear(&names);
	filename_set_clear(&files);
}

static void
read_parts(struct reading *r, json_t *root, struct envelope *envelope)
{
	size_t size = enter(r, "parts");
	json_t *array = array_of(r, json_object_get(root, "parts"),
	    r->limits->parts_per_message,
	    "a list of 1 to parts_per_message parts");
	size_t count = json_array_size(array); /* 0 of NULL */
	struct envelope_part *parts = NULL;
	if (count > 0) {
		parts = calloc(count, sizeof *parts);
		r->no_memory |= parts == NULL;
	}
	envelope->parts = parts;
	envelope->parts_count = parts == NULL ? 0 : count;
	for (size_t i = 0; parts != NULL && i < count; i++) {
		size_t inner = enter_index(r, i);
		read_part(r, json_array_get(array, i), &parts[i]);
		leave(r, inner);
	}
	check_parts(r, envelope);
	leave(r, size);
}

int
envelope_parse(struct span text, const struct limits *limits,
    struct findings *findings, struct envelope *envelope, struct why *why)
{
	static const char *const names[] = {
	    "type", "recipients", "reference", "language", "parts", NULL};
	struct json_bounds bounds = {
	    limits->envelope_bytes, limits->json_depth};
	struct reading r = {.limits = limits, .findings = findings};
	json_t *root = NULL;
	struct why cause = {0};

	*envelope = (struct envelope){0};
	int ret = json_object_read(text, &bounds, &root, &cause);
	if (ret < 0) {
		findings_add(
		    findings, ENVELOPE_PART, "", "json", "%s", cause.text);
		return why_set(why, ret, "the envelope: %s", cause.text);
	}
	buf_init(&r.pointer, POINTER_MAX);
	only(&r, root, names);
	read_type(&r, root, envelope);
	read_recipients(&r, root, envelope);
	read_reference(&r, root, envelope);
	read_language(&r, root, envelope);
	read_parts(&r, root, envelope);
	ret = r.no_memory
		  ? why_set(why, WHY_NOMEM, "no memory for the envelope")
		  : findings_verdict(findings, why);
	if (ret < 0)
		envelope_clear(envelope);
	buf_clear(&r.pointer);
	json_decref(root);
	return ret;
}

void
envelope_clear(struct envelope *envelope)
{
	for (size_t i = 0; i < envelope->recipients_count; i++)
		free(envelope->recipients[i]);
	for (size_t i = 0; i < envelope->parts_count; i++) {
		free(envelope->parts[i].name);
		free(envelope->parts[i].filename);
		free(envelope->parts[i].media_type);
	}
	free(envelope->recipients);
	free(envelope->parts);
	free(envelope->type);
	free(envelope->reference);
	free(envelope->language);
	*envelope = (struct envelope){0};
}

const struct envelope_part *
envelope_part_find(const struct envelope *envelope, const char *name)
{
	for (size_t i = 0; i < envelope->parts_count; i++)
		if (strcmp(envelope->parts[i].name, name) == 0)
			return &envelope->parts[i];
	return NULL;
}

/* Size and bytes: no text can be taken for the end of another. */
static void
add_text(struct buf *out, const char *text)
{
	size_t size = text == NULL ? 0 : strlen(text);
	buf_add_u32(out, (uint32_t)size);
	buf_add(out, text, size);
}

static int
text_compare(const void *a, const void *b)
{
	return memcmp(a, b, 10);
}

/* Organisation numbers all have nine digits, so they sort in place. */
static void
add_recipients(struct buf *out, const struct envelope *envelope)
{
	size_t count = envelope->recipients_count;
	char(*sorted)[10] = calloc(count == 0 ? 1 : count, sizeof *sorted);
	if (sorted == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		memcpy(sorted[i], envelope->recipients[i], 10);
	qsort(sorted, count, sizeof *sorted, text_compare);
	buf_add_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		add_text(out, sorted[i]);
	free(sorted);
}

void
envelope_canonical_build(struct buf *out, const struct envelope *envelope)
{
	add_text(out, "budstikke-envelope-v1");
	add_text(out, envelope->type);
	add_recipients(out, envelope);
	buf_add_byte(out, envelope->reference != NULL);
	add_text(out, envelope->reference);
	buf_add_u32(out, (uint32_t)envelope->parts_count);
	for (size_t i = 0; i < envelope->parts_count; i++) {
		const struct envelope_part *part = &envelope->parts[i];
		add_text(out, part->name);
		add_text(out, part->filename);
		add_text(out, part->media_type);
		buf_add_u64(out, part->size);
		add_text(out, part->sha256);
	}
	/* none adds nothing: what was accepted before there were languages
	 * keeps its fingerprint */
	if (envelope->language != NULL)
		add_text(out, envelope->language);
}
