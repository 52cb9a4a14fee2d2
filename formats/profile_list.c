/*
 * profile_list - the sender's list of attachments against what really came.
 *
 * SECURITY: reads hostile bytes and names.
 */
#include "formats/json.h"
#include "formats/profile.h"
#include "formats/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct lister {
	const struct profile_attachments *rules;
	const struct profile_file *files;
	size_t count;
	const char *part;
	struct findings *findings;
	struct buf pointer;
	json_t *places; /* name -> index of the file that was sent */
	json_t *listed; /* name -> true */
	bool failed;
};

static void
found(struct lister *lister, const char *name, const char *rule,
    const char *expected)
{
	size_t back = lister->pointer.size;

	if (name != NULL)
		json_pointer_add(&lister->pointer, name);
	findings_add(lister->findings, lister->part, buf_text(&lister->pointer),
	    rule, "%s", expected);
	lister->pointer.size = back;
}

static void
list_entry(struct lister *lister, const json_t *entry)
{
	const char *name = json_string_value(
	    json_object_get(entry, lister->rules->list_file_name));
	const char *sha512 = json_string_value(
	    json_object_get(entry, lister->rules->list_sha512));
	const json_t *place =
	    name ? json_object_get(lister->places, name) : NULL;

	if (name == NULL) {
		found(lister, lister->rules->list_file_name, "list-name",
		    "the name of a file that was sent");
		return;
	}
	if (json_object_get(lister->listed, name) != NULL)
		found(lister, lister->rules->list_file_name, "list-twice",
		    "a file that is listed once");
	if (json_object_set_new(lister->listed, name, json_true()) != 0)
		lister->failed = true;
	if (place == NULL)
		found(lister, lister->rules->list_file_name, "list-missing",
		    "a file that was sent with the message");
	else if (sha512 != NULL &&
		 strcmp(sha512,
		     lister->files[json_integer_value(place)].sha512) != 0)
		found(lister, lister->rules->list_sha512, "list-digest",
		    "the SHA-512 of the file that was sent, in lower-case hex");
}

/* Go down a pointer in which a star stands for each element. */
static void
list_walk(struct lister *lister, const json_t *value, const char *path)
{
	size_t back = lister->pointer.size;
	size_t size = path[0] ? strcspn(path + 1, "/") : 0;
	const json_t *one;
	char name[512];
	size_t i;

	if (value == NULL)
		return;
	if (path[0] == '\0') {
		list_entry(lister, value);
		return;
	}
	if (size == 1 && path[1] == '*') {
		json_array_foreach(value, i, one)
		{
			json_pointer_add_index(&lister->pointer, i);
			list_walk(lister, one, path + 1 + size);
			lister->pointer.size = back;
		}
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)size, path + 1);
	json_pointer_add(&lister->pointer, name);
	list_walk(lister, json_object_get(value, name), path + 1 + size);
	lister->pointer.size = back;
}

/* What was sent: by name, and no name twice. */
static void
files_take(struct lister *lister)
{
	for (size_t i = 0; i < lister->count; i++) {
		const char *name = lister->files[i].name;

		if (json_object_get(lister->places, name) != NULL)
			found(lister, NULL, "file-twice",
			    "attachments with different names");
		if (json_object_set_new(
			lister->places, name, json_integer((json_int_t)i)) != 0)
			lister->failed = true;
	}
}

static void
files_left(struct lister *lister)
{
	for (size_t i = 0; i < lister->count; i++) {
		if (json_object_get(lister->listed, lister->files[i].name))
			continue;
		findings_add(lister->findings, lister->part, "",
		    "file-unlisted",
		    "an entry for attachment %zu (of %zu) that was sent", i + 1,
		    lister->count);
	}
}

int
profile_list_check(const struct profile *profile, struct span list,
    const struct limits *limits, const struct profile_file *files, size_t count,
    const char *part, struct findings *findings, struct why *why)
{
	struct json_bounds bounds = {
	    (size_t)limits->payload_bytes, (size_t)limits->json_depth};
	struct lister lister = {.rules = &profile->attachments,
	    .files = files,
	    .count = count,
	    .part = part,
	    .findings = findings,
	    .places = json_object(),
	    .listed = json_object()};
	json_t *value = NULL;
	int ret;

	buf_init(&lister.pointer, 64 * KIB);
	if (profile->attachments.list == NULL) {
		ret = why_set(why, WHY_UNSUPPORTED,
		    "this message type has no attachment list");
		goto out;
	}
	ret = json_values_check(list, limits->json_values, why);
	if (ret == 0)
		ret = json_text_read(list, &bounds, &value, why);
	if (ret == WHY_MALFORMED || ret == WHY_TOO_LARGE) {
		findings_add(findings, part, "", "json", "%s", why->text);
		ret = WHY_INVALID;
	}
	if (ret == 0)
		ret = schema_check(
		    profile->attachments.list, value, part, findings, why);
	if (ret < 0)
		goto out;
	files_take(&lister);
	list_walk(&lister, value, profile->attachments.list_items);
	files_left(&lister);
	ret = lister.failed || !buf_ok(&lister.pointer)
		  ? why_set(why, WHY_NOMEM, "no memory for an attachment list")
		  : findings_verdict(findings, why);
out:
	json_decref(value);
	json_decref(lister.places);
	json_decref(lister.listed);
	buf_clear(&lister.pointer);
	return ret;
}
