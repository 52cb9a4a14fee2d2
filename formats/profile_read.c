/*
 * profile_read - the only code of this room that opens files: the folders of
 * message types, read at start before any jail, never later.
 */
#include "base/buf.h"
#include "formats/json.h"
#include "formats/profile_priv.h"
#include "formats/schema.h"
#include "formats/xml.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 * MIB)
#define PROFILES_MAX 1000

int
profile_file_read(
    const struct profile_source *source, const char *name, struct buf *text)
{
	int fd = openat(source->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int ret = 0;

	if (fd < 0 && errno == ENOENT && source->beside >= 0)
		fd = openat(
		    source->beside, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return why_set(
		    source->why, WHY_NOT_FOUND, "there is no file %s", name);
	if (fd < 0)
		return why_errno(source->why, "cannot open %s", name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		ret =
		    why_set(source->why, WHY_INVALID, "%s is not a file", name);
		goto out;
	}
	for (;;) {
		uint8_t *room = buf_room(text, 16384);
		ssize_t got = room ? read(fd, room, 16384) : 0;

		if (got < 0)
			ret = why_errno(source->why, "cannot read %s", name);
		if (got <= 0)
			break;
		buf_used(text, (size_t)got);
	}
	if (ret == 0 && !buf_ok(text))
		ret = why_set(
		    source->why, WHY_TOO_LARGE, "%s is too large", name);
out:
	close(fd);
	return ret;
}

int
profile_json_read(
    const struct profile_source *source, const char *name, json_t **out)
{
	struct json_bounds bounds = {FILE_BYTES_MAX, 64};
	struct buf text;
	int ret;

	*out = NULL;
	buf_init(&text, FILE_BYTES_MAX);
	ret = profile_file_read(source, name, &text);
	if (ret == 0)
		ret =
		    json_text_read(buf_span(&text), &bounds, out, source->why);
	if (ret == WHY_MALFORMED || ret == WHY_TOO_LARGE ||
	    ret == WHY_NOT_FOUND) {
		findings_add(source->findings, name, "", "json", "%s",
		    source->why->text);
		ret = WHY_INVALID;
	}
	buf_clear(&text);
	return ret;
}

static bool
is_there(const struct profile_source *source, const char *name)
{
	return faccessat(source->dir, name, F_OK, 0) == 0 ||
	       (source->beside >= 0 &&
		   faccessat(source->beside, name, F_OK, 0) == 0);
}

/* A file that is not there is a fault of what names it. */
static int
must_be_there(
    const struct profile_source *source, const char *name, const char *named_at)
{
	if (is_there(source, name))
		return 0;
	findings_add(source->findings, "profile.json", named_at, "profile",
	    "the name of a file in the folder: there is no %s", name);
	return WHY_INVALID;
}

/* Another schema file, named by a $ref; folders below are allowed. */
static int
schema_load(void *context, const char *uri, json_t **out, struct why *why)
{
	const struct profile_source *source = context;

	if (strspn(uri, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_.-/") != strlen(uri) ||
	    uri[0] == '/' || uri[0] == '.' || strstr(uri, "/.") != NULL ||
	    !is_there(source, uri))
		return why_set(
		    why, WHY_NOT_FOUND, "%s is not a file of the profile", uri);
	return profile_json_read(source, uri, out);
}

int
profile_schema_read(const struct profile_source *source, const char *name,
    const char *named_at, struct schema **out)
{
	struct schema_loader loader = {schema_load, (void *)(uintptr_t)source};
	json_t *text;
	int ret = must_be_there(source, name, named_at);
	size_t found;

	*out = NULL;
	if (ret == 0)
		ret = profile_json_read(source, name, &text);
	found = source->findings->count;
	if (ret < 0)
		return ret;
	ret = schema_compile(name, text, &loader, source->limits,
	    source->findings, out, source->why);
	if (ret < 0 && ret != WHY_NOMEM && source->findings->count == found)
		findings_add(source->findings, name, "", "schema", "%s",
		    source->why->text);
	json_decref(text);
	return ret < 0 && ret != WHY_NOMEM ? WHY_INVALID : ret;
}

int
profile_xml_schema_read(const struct profile_source *source, const char *name,
    const char *named_at, struct xml_schema **out)
{
	struct buf text;
	int ret = must_be_there(source, name, named_at);

	*out = NULL;
	if (ret < 0)
		return ret;
	buf_init(&text, FILE_BYTES_MAX);
	ret = profile_file_read(source, name, &text);
	if (ret < 0)
		findings_add(
		    source->findings, name, "", "xml", "%s", source->why->text);
	else
		ret = xml_schema_compile(
		    buf_span(&text), name, source->findings, out, source->why);
	buf_clear(&text);
	return ret < 0 && ret != WHY_NOMEM ? WHY_INVALID : ret;
}

/* "line 3, column 9: ..." is how json_text_read() begins, "line 3: ..." how
 * xml_text_read() and xml_schema_compile() do. */
static void
place_told(struct finding *one)
{
	one->column = 1;
	if (sscanf(one->expected, "line %u, column %u:", &one->line,
		&one->column) < 1)
		one->line = 1;
}

void
profile_lines_find(const struct profile_source *source)
{
	for (size_t i = 0; i < source->findings->count; i++) {
		struct finding *one = &source->findings->at[i];
		struct buf text;

		if (one->line != 0)
			continue;
		if (strcmp(one->rule, "json") == 0 ||
		    strcmp(one->rule, "xml") == 0 ||
		    strcmp(one->rule, "relaxng") == 0 ||
		    strcmp(one->rule, "xsd") == 0) {
			place_told(one);
			continue;
		}
		buf_init(&text, FILE_BYTES_MAX);
		if (profile_file_read(source, one->part, &text) == 0) {
			struct json_place place =
			    json_pointer_place(buf_span(&text), one->pointer);

			one->line = place.line;
			one->column = place.column;
		}
		buf_clear(&text);
	}
}

int
profile_beside_open(struct profile_source *source, const char *name)
{
	char path[80];

	if (name == NULL)
		return 0;
	snprintf(path, sizeof(path), "../%s", name);
	source->beside =
	    openat(source->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source->beside >= 0)
		return 0;
	findings_add(source->findings, "profile.json", "/files", "profile",
	    "the name of a folder beside this one");
	return why_set(source->why, WHY_INVALID,
	    "there is no folder %s beside the profile's", name);
}

static const char *
last_part(const char *dir, char *room, size_t size)
{
	size_t end = strlen(dir);
	size_t start;

	while (end > 1 && dir[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && dir[start - 1] != '/')
		start--;
	snprintf(room, size, "%.*s", (int)(end - start), dir + start);
	return room;
}

/* "." and ".." are no names: whoever stands in the folder means its own. */
static const char *
folder_name(const char *dir, char *room, size_t size)
{
	char *whole = NULL;

	if (last_part(dir, room, size)[0] == '.' &&
	    (whole = realpath(dir, NULL)) != NULL)
		last_part(whole, room, size);
	free(whole);
	return room;
}

static int
folder_read(const char *dir, const struct limits *limits,
    struct findings *findings, struct profile **out, struct why *why)
{
	struct profile_source source = {
	    .beside = -1, .limits = limits, .findings = findings, .why = why};
	char folder[256];
	struct why whys = {0};
	int ret;

	*out = NULL;
	source.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source.dir < 0)
		return why_errno(why, "cannot open the profile %s", dir);
	ret = profile_build(
	    &source, folder_name(dir, folder, sizeof(folder)), out);
	if (ret == WHY_INVALID || !findings_none(findings)) {
		source.why = &whys; /* looking again may not hide the reason */
		profile_lines_find(&source);
	}
	close(source.dir);
	if (source.beside >= 0)
		close(source.beside);
	return ret;
}

int
profile_load(const char *dir, const struct limits *limits, struct profile **out,
    struct why *why)
{
	struct findings findings;
	struct why own = {0};
	int ret;

	findings_init(&findings, (size_t)limits->findings);
	ret = folder_read(dir, limits, &findings, out, why ? why : &own);
	if (ret == WHY_INVALID && findings.count > 0) {
		const struct finding *first = &findings.at[0];

		ret = why_set(why, WHY_INVALID, "%s/%s:%u:%u: %s: %s", dir,
		    first->part, first->line, first->column, first->pointer,
		    first->expected);
	}
	findings_clear(&findings);
	return ret;
}

int
profile_check(const char *dir, const struct limits *limits,
    struct findings *findings, struct why *why)
{
	struct profile *profile;
	struct why own = {0};
	int ret =
	    folder_read(dir, limits, findings, &profile, why ? why : &own);

	profile_free(profile);
	return ret < 0 ? ret : findings_verdict(findings, why);
}

static int
is_profile(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
profile_set_load(const char *dir, const struct limits *limits,
    struct profile_set *set, struct why *why)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_profile, alphasort);
	char path[4096];
	struct stat st;
	int ret = 0;

	*set = (struct profile_set){0};
	if (count < 0)
		return why_errno(why, "cannot read the profiles in %s", dir);
	set->at = calloc((size_t)count + 1, sizeof(set->at[0]));
	if (set->at == NULL)
		ret = why_set(why, WHY_NOMEM, "no memory for profiles");
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		free(names[i]);
		if (ret < 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
			continue;
		ret = profile_load(path, limits, &set->at[set->count], why);
		set->count += ret == 0;
	}
	free(names);
	if (ret == 0 && set->count == 0)
		ret = why_set(
		    why, WHY_NOT_FOUND, "there is no profile in %s", dir);
	if (ret < 0)
		profile_set_clear(set);
	return ret;
}
