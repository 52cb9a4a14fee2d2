/*
 * profile - profile.json becomes struct profile.
 */
#include "formats/json.h"
#include "formats/logo.h"
#include "formats/minimise.h"
#include "formats/present.h"
#include "formats/profile_priv.h"
#include "formats/profile_schema.h"
#include "formats/profile_shown.h"
#include "formats/schema.h"
#include "formats/schema_fields.h"
#include "formats/xml_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROFILE_FILE "profile.json"

static char *
copy(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? strdup(text) : NULL;
}

static int64_t
integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void
fault(const struct profile_source *source, const char *pointer,
    const char *expected)
{
	findings_add(
	    source->findings, PROFILE_FILE, pointer, "profile", "%s", expected);
}

static int
no_memory(const struct profile_source *source)
{
	return why_set(source->why, WHY_NOMEM, "no memory for a profile");
}

static int
spec_check(const struct profile_source *source, const json_t *spec)
{
	struct schema *schema = NULL;
	json_t *text = json_loads(profile_schema_profile, 0, NULL);
	int ret;

	if (text == NULL)
		return no_memory(source);
	ret = schema_compile(
	    "profile", text, NULL, source->limits, NULL, &schema, source->why);
	json_decref(text);
	if (ret == 0)
		ret = schema_check(
		    schema, spec, PROFILE_FILE, source->findings, source->why);
	schema_free(schema);
	return ret;
}

static int
presentation_load(const struct profile_source *source, struct profile *profile,
    const char *name)
{
	struct buf text;
	int ret;

	buf_init(&text, 1 * MIB);
	ret = profile_file_read(source, name, &text);
	if (ret == WHY_NOT_FOUND) {
		fault(source, "/payload/presentation",
		    "the name of a file in the folder");
		ret = WHY_INVALID;
	}
	if (ret == 0)
		ret = presentation_read(buf_span(&text), name,
		    profile->language, source->limits, source->findings,
		    &profile->shown, source->why);
	buf_clear(&text);
	return ret == WHY_MALFORMED || ret == WHY_TOO_LARGE ? WHY_INVALID : ret;
}

static int
build_logo(const struct profile_source *source, struct profile *profile,
    const json_t *spec)
{
	const char *name = json_string_value(json_object_get(spec, "file"));
	struct buf png;
	struct why why = {0};
	int ret;

	if (spec == NULL)
		return 0;
	if (!profile_structured(profile))
		fault(source, "/logo",
		    "no logo, as there is no document to put it on");
	buf_init(&png, LOGO_FILE_MAX + 1);
	ret = profile_file_read(source, name, &png);
	if (ret == WHY_NOT_FOUND || ret == WHY_TOO_LARGE)
		(void)why_set(&why, WHY_INVALID, "%s", source->why->text);
	else if (ret == 0)
		ret = logo_read(buf_span(&png),
		    json_string_value(json_object_get(spec, "alternative")),
		    (uint32_t)integer(spec, "widthMm"), &profile->logo, &why);
	buf_clear(&png);
	if (why.code == 0 || ret == WHY_NOMEM)
		return ret;
	findings_add(source->findings, PROFILE_FILE, "/logo/file", "profile",
	    "a PNG file of the folder, of at most %u bytes and pixels: %s",
	    LOGO_FILE_MAX, why.text);
	return 0;
}

static int
build_lists(const struct profile_source *source, struct profile *profile,
    const json_t *spec)
{
	const json_t *one;
	size_t i;

	profile->lists =
	    calloc(json_array_size(spec) + 1, sizeof(profile->lists[0]));
	if (profile->lists == NULL)
		return no_memory(source);
	json_array_foreach(spec, i, one)
	{
		profile->lists[i] = strdup(json_string_value(one));
		if (profile->lists[i] == NULL)
			return no_memory(source);
	}
	return 0;
}

/* What the schema in this file knows. */
static int
xml_fields_read(const struct profile_source *source,
    const struct profile *profile, const char *name,
    struct schema_fields *fields)
{
	struct buf text;
	int ret;

	buf_init(&text, 1 * MIB);
	ret = profile_file_read(source, name, &text);
	if (ret == 0)
		ret = xml_fields_find(buf_span(&text), name,
		    (const char *const *)profile->lists, source->findings,
		    fields, source->why);
	buf_clear(&text);
	return ret;
}

/* The presentation held against the elements that the schema knows. */
static int
xml_shown_check(const struct profile_source *source,
    const struct profile *profile, const char *name, const char *shown)
{
	struct schema_fields fields = {0};
	int ret = xml_fields_read(source, profile, name, &fields);

	if (ret == 0)
		ret = profile_shown_fields(&fields, profile->shown, shown,
		    source->findings, source->why);
	schema_fields_clear(&fields);
	return ret;
}

/* Packages have no payload of another name, see package(5). */
static void
check_payload_name(
    const struct profile_source *source, const char *kind, const char *name)
{
	char right[32];

	if (strcmp(kind, "none") == 0 || name == NULL)
		return;
	snprintf(right, sizeof(right), "payload.%s", kind);
	if (strcmp(name, right) != 0)
		findings_add(source->findings, PROFILE_FILE, "/payload/name",
		    "profile", "%s, as it is called in packages", right);
}

static int
build_payload(const struct profile_source *source, struct profile *profile,
    const json_t *spec)
{
	const char *kind = json_string_value(json_object_get(spec, "kind"));
	const char *name;
	int schema, shown;

	profile->payload_name = copy(spec, "name");
	profile->media_type = copy(spec, "mediaType");
	check_payload_name(
	    source, kind, json_string_value(json_object_get(spec, "name")));
	profile->payload = PROFILE_PAYLOAD_NONE;
	if (strcmp(kind, "pdf") == 0)
		profile->payload = PROFILE_PAYLOAD_PDF;
	if (strcmp(kind, "json") != 0 && strcmp(kind, "xml") != 0)
		return 0;
	if (strcmp(kind, "xml") == 0) {
		profile->payload = PROFILE_PAYLOAD_XML;
		schema = build_lists(
		    source, profile, json_object_get(spec, "lists"));
		if (schema == 0)
			schema = profile_xml_schema_read(source,
			    json_string_value(json_object_get(spec, "schema")),
			    "/payload/schema", &profile->xml_schema);
	} else {
		profile->payload = PROFILE_PAYLOAD_JSON;
		profile->as_xml = json_is_true(json_object_get(spec, "xml"));
		schema = profile_schema_read(source,
		    json_string_value(json_object_get(spec, "schema")),
		    "/payload/schema", &profile->schema);
	}
	profile->as_text = json_is_true(json_object_get(spec, "text"));
	/* go on, so that all faults are found at once */
	name = json_string_value(json_object_get(spec, "presentation"));
	shown = presentation_load(source, profile, name);
	if (schema == 0 && shown == 0 && profile->schema != NULL)
		return profile_shown_check(profile->schema, profile->shown,
		    name, source->findings, source->why);
	if (schema == 0 && shown == 0)
		return xml_shown_check(source, profile,
		    json_string_value(json_object_get(spec, "schema")), name);
	return schema < 0 ? schema : shown;
}

/* The schema of the list, which must know the members that are named. */
static int
build_list(const struct profile_source *source, struct profile_attachments *to,
    const char *name)
{
	const char *const members[] = {to->list_file_name, to->list_sha512};
	static const char *const places[] = {
	    "/attachments/list/fileName", "/attachments/list/sha512"};
	struct schema_fields fields;
	struct buf at;
	int ret = profile_schema_read(
	    source, name, "/attachments/list/schema", &to->list);

	if (ret == 0)
		ret = schema_fields_find(to->list, &fields, source->why);
	if (ret < 0)
		return ret;
	if (to->count_max == 0)
		fault(source, "/attachments/list",
		    "no list, as countMax allows no attachments");
	for (size_t i = 0; i < 2; i++) {
		buf_init(&at, 4 * KIB);
		buf_add_text(&at, to->list_items);
		json_pointer_add(&at, members[i]);
		if (!buf_ok(&at) || !schema_fields_know(&fields, buf_text(&at)))
			fault(source, places[i],
			    "a member that the list's schema knows, in each of "
			    "its entries");
		buf_clear(&at);
	}
	schema_fields_clear(&fields);
	return 0;
}

static int
build_attachments(const struct profile_source *source, struct profile *profile,
    const char *payload_schema, const json_t *spec)
{
	struct profile_attachments *to = &profile->attachments;
	const json_t *types = json_object_get(spec, "mediaTypes");
	const json_t *list = json_object_get(spec, "list");
	const json_t *type;
	size_t i;

	to->count_max = (size_t)integer(spec, "countMax");
	to->bytes_max = (uint64_t)integer(spec, "bytesMax");
	to->media_types =
	    calloc(json_array_size(types) + 1, sizeof(to->media_types[0]));
	if (to->media_types == NULL)
		return no_memory(source);
	if (to->count_max > 0 && json_array_size(types) == 0)
		fault(source, "/attachments/mediaTypes",
		    "the types that attachments may have, as countMax allows "
		    "some");
	json_array_foreach(types, i, type)
	{
		to->media_types[i] = strdup(json_string_value(type));
		if (to->media_types[i] == NULL)
			return no_memory(source);
		to->media_types_count = i + 1;
	}
	if (list == NULL)
		return 0;
	to->list_required = json_is_true(json_object_get(list, "required"));
	to->list_is_payload = json_is_true(json_object_get(list, "payload"));
	to->list_name = copy(list, "name");
	to->list_items = copy(list, "entries");
	to->list_file_name = copy(list, "fileName");
	to->list_sha512 = copy(list, "sha512");
	if ((!to->list_name && !to->list_is_payload) || !to->list_items ||
	    !to->list_file_name || !to->list_sha512)
		return no_memory(source);
	if (to->list_is_payload && payload_schema == NULL) {
		fault(source, "/attachments/list/payload",
		    "a payload of kind json, as the list is the payload");
		return 0;
	}
	return build_list(source, to,
	    to->list_is_payload
		? payload_schema
		: json_string_value(json_object_get(list, "schema")));
}

static int
deadline_compare(const void *a, const void *b)
{
	int64_t x = ((const struct profile_deadline *)a)->after_s;
	int64_t y = ((const struct profile_deadline *)b)->after_s;

	return x < y ? -1 : x > y;
}

static int
build_deadlines(const struct profile_source *source, struct profile *profile,
    const json_t *spec)
{
	size_t count = json_array_size(spec);
	const json_t *one;
	char pointer[48];
	size_t i;

	profile->deadlines = calloc(count + 1, sizeof(profile->deadlines[0]));
	if (profile->deadlines == NULL)
		return no_memory(source);
	json_array_foreach(spec, i, one)
	{
		struct profile_deadline *to = &profile->deadlines[i];
		const char *stage =
		    json_string_value(json_object_get(one, "stage"));
		const char *severity =
		    json_string_value(json_object_get(one, "severity"));

		to->stage = strcmp(stage, "not-fetched") == 0
				? PROFILE_NOT_FETCHED
				: PROFILE_NOT_CONFIRMED;
		to->severity =
		    strcmp(severity, "critical") == 0  ? PROFILE_CRITICAL
		    : strcmp(severity, "warning") == 0 ? PROFILE_WARNING
						       : PROFILE_NOTICE;
		to->after_s = integer(one, "afterSeconds");
		if (to->after_s >= profile->expiry_s) {
			snprintf(pointer, sizeof(pointer),
			    "/deadlines/%zu/afterSeconds", i);
			fault(source, pointer, "a time before the expiry");
		}
	}
	profile->deadlines_count = count;
	qsort(profile->deadlines, count, sizeof(profile->deadlines[0]),
	    deadline_compare);
	return 0;
}

/* Rules about the elements that a schema of XML knows. */
static int
xml_rules_build(const struct profile_source *source, struct profile *profile,
    const char *schema, json_t *rules)
{
	struct schema_fields fields = {0};
	int ret = xml_fields_read(source, profile, schema, &fields);

	if (ret == 0)
		return minimise_new_fields(rules, &fields, PROFILE_FILE,
		    source->findings, &profile->minimise, source->why);
	schema_fields_clear(&fields);
	return ret == WHY_INVALID ? 0 : ret; /* told with the presentation */
}

static int
build_rules(const struct profile_source *source, struct profile *profile,
    const char *schema, json_t *rules)
{
	bool known = profile->payload == PROFILE_PAYLOAD_JSON
			 ? profile->schema != NULL
			 : profile->xml_schema != NULL;

	if (rules == NULL || (profile_structured(profile) && !known))
		return 0;
	if (profile->payload == PROFILE_PAYLOAD_XML)
		return xml_rules_build(source, profile, schema, rules);
	if (profile->payload == PROFILE_PAYLOAD_JSON)
		return minimise_new(rules, profile->schema, PROFILE_FILE,
		    source->findings, &profile->minimise, source->why);
	fault(source, "/minimisation",
	    "a payload of kind json or xml for such rules");
	return 0;
}

static int
build_all(const struct profile_source *source, struct profile *profile,
    const json_t *spec, const char *folder)
{
	int payload, attachments, deadlines, logo, rules;

	profile->name = copy(spec, "name");
	profile->version = copy(spec, "version");
	profile->title = copy(spec, "title");
	profile->language = copy(spec, "language");
	if (!profile->name || !profile->version || !profile->title ||
	    !profile->language)
		return no_memory(source);
	if (strcmp(profile->name, folder) != 0)
		fault(source, "/name", "the name of the folder");
	profile->expiry_s = integer(spec, "expirySeconds");
	profile->grace_s = integer(spec, "graceSeconds");
	profile->reference_required =
	    json_is_true(json_object_get(spec, "referenceRequired"));
	profile->unproven =
	    strcmp(json_string_value(json_object_get(spec, "unproven")),
		"mark") == 0
		? PROFILE_UNPROVEN_MARK
		: PROFILE_UNPROVEN_REFUSE;
	payload =
	    build_payload(source, profile, json_object_get(spec, "payload"));
	attachments = build_attachments(source, profile,
	    json_string_value(
		json_object_get(json_object_get(spec, "payload"), "schema")),
	    json_object_get(spec, "attachments"));
	deadlines = build_deadlines(
	    source, profile, json_object_get(spec, "deadlines"));
	rules = build_rules(source, profile,
	    json_string_value(
		json_object_get(json_object_get(spec, "payload"), "schema")),
	    json_object_get(spec, "minimisation"));
	logo = build_logo(source, profile, json_object_get(spec, "logo"));
	if (payload < 0)
		return payload;
	if (rules < 0)
		return rules;
	if (logo < 0)
		return logo;
	return attachments < 0 ? attachments : deadlines;
}

int
profile_build(
    struct profile_source *source, const char *folder, struct profile **out)
{
	struct profile *profile = NULL;
	json_t *spec = NULL;
	int ret = profile_json_read(source, PROFILE_FILE, &spec);

	*out = NULL;
	if (ret == 0)
		ret = spec_check(source, spec);
	if (ret == 0)
		ret = profile_beside_open(
		    source, json_string_value(json_object_get(spec, "files")));
	if (ret < 0)
		goto out;
	profile = calloc(1, sizeof(*profile));
	if (profile == NULL) {
		ret = no_memory(source);
		goto out;
	}
	ret = build_all(source, profile, spec, folder);
	if (ret == 0)
		ret = findings_verdict(source->findings, source->why);
	if (ret < 0)
		goto out;
	*out = profile;
	profile = NULL;
out:
	profile_free(profile);
	json_decref(spec);
	return ret;
}

static void
judging_free(struct profile *profile)
{
	minimise_free(profile->minimise);
	schema_free(profile->attachments.list);
	schema_free(profile->schema);
	xml_schema_free(profile->xml_schema);
	presentation_free(profile->shown);
	logo_free(profile->logo);
	profile->logo = NULL;
	profile->minimise = NULL;
	profile->attachments.list = NULL;
	profile->schema = NULL;
	profile->xml_schema = NULL;
	profile->shown = NULL;
}

void
profile_set_facts_only(struct profile_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		judging_free(set->at[i]);
}

void
profile_free(struct profile *profile)
{
	struct profile_attachments *attachments;

	if (profile == NULL)
		return;
	attachments = &profile->attachments;
	for (size_t i = 0; i < attachments->media_types_count; i++)
		free(attachments->media_types[i]);
	free(attachments->media_types);
	free(attachments->list_name);
	free(attachments->list_items);
	free(attachments->list_file_name);
	free(attachments->list_sha512);
	judging_free(profile);
	for (size_t i = 0; profile->lists && profile->lists[i]; i++)
		free(profile->lists[i]);
	free(profile->lists);
	free(profile->deadlines);
	free(profile->payload_name);
	free(profile->media_type);
	free(profile->name);
	free(profile->version);
	free(profile->title);
	free(profile->language);
	free(profile);
}

void
profile_set_clear(struct profile_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		profile_free(set->at[i]);
	free(set->at);
	*set = (struct profile_set){0};
}

const struct profile *
profile_set_find(const struct profile_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->at[i]->name, name) == 0)
			return set->at[i];
	}
	return NULL;
}

bool
profile_structured(const struct profile *profile)
{
	return profile->payload == PROFILE_PAYLOAD_JSON ||
	       profile->payload == PROFILE_PAYLOAD_XML;
}

bool
profile_media_type_allowed(
    const struct profile *profile, const char *media_type)
{
	const struct profile_attachments *allowed = &profile->attachments;
	size_t size = strcspn(media_type, "; \t");

	for (size_t i = 0; i < allowed->media_types_count; i++) {
		const char *type = allowed->media_types[i];

		if (strlen(type) == size &&
		    strncasecmp(type, media_type, size) == 0)
			return true;
	}
	return false;
}
