/*
 * json_pointer - RFC 6901: building, following, and finding the line.
 */
#include "formats/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
json_pointer_add(struct buf *out, const char *name)
{
	buf_add_byte(out, '/');
	for (; *name != '\0'; name++) {
		if (*name == '~')
			buf_add_text(out, "~0");
		else if (*name == '/')
			buf_add_text(out, "~1");
		else
			buf_add_byte(out, (uint8_t)*name);
	}
}

void
json_pointer_add_index(struct buf *out, size_t index)
{
	buf_printf(out, "/%zu", index);
}

/* The next token, unescaped, into room; NULL at the end or when malformed. */
static const char *
pointer_token(const char *pointer, struct buf *token)
{
	buf_reset(token);
	if (*pointer++ != '/')
		return NULL;
	for (; *pointer != '\0' && *pointer != '/'; pointer++) {
		if (*pointer != '~')
			buf_add_byte(token, (uint8_t)*pointer);
		else if (pointer[1] == '0' || pointer[1] == '1')
			buf_add_byte(token, *++pointer == '0' ? '~' : '/');
		else
			return NULL;
	}
	return pointer;
}

/* An array index: digits, no leading zero. */
static bool
token_index(const char *token, size_t *index)
{
	char *end;

	if (!isdigit((unsigned char)token[0]) ||
	    (token[0] == '0' && token[1] != '\0') || strlen(token) > 9)
		return false;
	*index = (size_t)strtoul(token, &end, 10);
	return *end == '\0';
}

json_t *
json_pointer_get(const json_t *value, const char *pointer)
{
	const json_t *at = value;
	struct buf token;
	size_t index;

	buf_init(&token, 1 << 16);
	while (at != NULL && *pointer != '\0') {
		const char *name;

		pointer = pointer_token(pointer, &token);
		name = buf_text(&token);
		if (pointer == NULL || name == NULL)
			at = NULL;
		else if (json_is_object(at))
			at = json_object_get(at, name);
		else if (json_is_array(at) && token_index(name, &index))
			at = json_array_get(at, index);
		else
			at = NULL;
		if (pointer == NULL)
			break;
	}
	buf_clear(&token);
	/* lent as jansson's own getters lend: not const */
	return (json_t *)(uintptr_t)at;
}

/* ---- lines ---- */

struct scan {
	struct span text;
	size_t pos;
};

static int
scan_peek(struct scan *scan)
{
	while (scan->pos < scan->text.size &&
	       strchr(" \t\r\n,:", scan->text.at[scan->pos]) != NULL)
		scan->pos++;
	return scan->pos < scan->text.size ? scan->text.at[scan->pos] : -1;
}

/* Over a string; pos is at its opening quote. */
static struct span
scan_string(struct scan *scan)
{
	size_t start = scan->pos++;

	while (scan->pos < scan->text.size && scan->text.at[scan->pos] != '"')
		scan->pos += scan->text.at[scan->pos] == '\\' ? 2 : 1;
	scan->pos++;
	if (scan->pos > scan->text.size)
		scan->pos = scan->text.size;
	return span_of(scan->text.at + start, scan->pos - start);
}

static void
scan_value(struct scan *scan)
{
	size_t depth = 0;

	do {
		int c = scan_peek(scan);

		if (c < 0)
			return;
		if (c == '"') {
			scan_string(scan);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		if ((c == '}' || c == ']') && depth > 0)
			depth--;
		scan->pos++;
		if (strchr("{}[]", c) != NULL)
			continue;
		while (
		    scan->pos < scan->text.size &&
		    strchr(" \t\r\n,:{}[]\"", scan->text.at[scan->pos]) == NULL)
			scan->pos++;
	} while (depth > 0);
}

static bool
name_is(struct span quoted, const char *name)
{
	json_t *text = json_loadb((const char *)quoted.at, quoted.size,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool same =
	    json_is_string(text) && strcmp(json_string_value(text), name) == 0;

	json_decref(text);
	return same;
}

/* Move to the member or element of the value at pos; false leaves pos. */
static bool
scan_enter(struct scan *scan, const char *token)
{
	size_t back = scan->pos, wanted = 0, index = 0;
	int open = scan_peek(scan);
	int c;

	if (open == '[' && !token_index(token, &wanted))
		return false;
	if (open != '{' && open != '[')
		return false;
	scan->pos++;
	while ((c = scan_peek(scan)) >= 0 && c != '}' && c != ']') {
		size_t start = scan->pos;

		if (open == '[' && index++ == wanted)
			return true;
		if (open == '{' && c == '"' &&
		    name_is(scan_string(scan), token)) {
			scan->pos = start; /* the line of the name */
			return true;
		}
		if (open == '{')
			scan_peek(scan);
		scan_value(scan);
	}
	scan->pos = back;
	return false;
}

/* The octet at which the value behind pointer begins (a member: its name). */
static size_t
pointer_find(struct span text, const char *pointer)
{
	struct scan scan = {text, 0};
	struct buf token;
	size_t found;

	buf_init(&token, 1 << 16);
	scan_peek(&scan);
	found = scan.pos;
	while (*pointer != '\0') {
		pointer = pointer_token(pointer, &token);
		if (pointer == NULL || buf_text(&token) == NULL ||
		    !scan_enter(&scan, buf_text(&token)))
			break;
		found = scan.pos;
		if (scan_peek(&scan) == '"') {
			struct scan name = scan;

			/* a member: its value follows the name and a colon */
			scan_string(&name);
			while (name.pos < text.size &&
			       strchr(" \t\r\n", text.at[name.pos]) != NULL)
				name.pos++;
			if (name.pos < text.size && text.at[name.pos] == ':') {
				scan = name;
				scan_peek(&scan);
			}
		}
	}
	buf_clear(&token);
	return found;
}

struct json_place
json_pointer_place(struct span text, const char *pointer)
{
	struct json_place place = {1, 1};
	size_t found = pointer_find(text, pointer);

	for (size_t i = 0; i < found && i < text.size; i++) {
		if (text.at[i] == '\n')
			place = (struct json_place){place.line + 1, 1};
		else
			place.column += (text.at[i] & 0xc0) != 0x80;
	}
	return place;
}

unsigned
json_pointer_line(struct span text, const char *pointer)
{
	return json_pointer_place(text, pointer).line;
}
