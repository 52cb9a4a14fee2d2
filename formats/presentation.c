/*
 * presentation - reading presentation.json, and finding its faults.
 */
#include "formats/json.h"
#include "formats/present_priv.h"
#include "formats/profile_schema.h"
#include "formats/schema.h"

#include <stdlib.h>
#include <string.h>

/* Each "codes" must name a list of codes. */
static void
check_codes(const json_t *spec, const json_t *value, struct buf *pointer,
    const char *file, struct findings *findings)
{
	size_t back = pointer->size, i;
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		json_pointer_add(pointer, name);
		if (strcmp(name, "codes") == 0 && json_is_string(member) &&
		    json_object_get(json_object_get(spec, "codes"),
			json_string_value(member)) == NULL)
			findings_add(findings, file, buf_text(pointer), "codes",
			    "the name of a list under \"codes\"");
		check_codes(spec, member, pointer, file, findings);
		pointer->size = back;
	}
	json_array_foreach(value, i, member)
	{
		json_pointer_add_index(pointer, i);
		check_codes(spec, member, pointer, file, findings);
		pointer->size = back;
	}
}

static void
check_open_codes(
    const json_t *spec, const char *file, struct findings *findings)
{
	const json_t *name;
	struct buf pointer;
	size_t i;

	buf_init(&pointer, 64 * KIB);
	json_pointer_add(&pointer, "openCodes");
	json_array_foreach(json_object_get(spec, "openCodes"), i, name)
	{
		size_t back = pointer.size;

		json_pointer_add_index(&pointer, i);
		if (json_is_string(name) &&
		    json_object_get(json_object_get(spec, "codes"),
			json_string_value(name)) == NULL)
			findings_add(findings, file, buf_text(&pointer),
			    "codes", "the name of a list under \"codes\"");
		pointer.size = back;
	}
	buf_clear(&pointer);
}

static int
presentation_check(const json_t *spec, const char *file, const char *language,
    const struct limits *limits, struct findings *findings, struct why *why)
{
	struct schema *schema = NULL;
	struct buf pointer;
	json_t *text = json_loads(profile_schema_presentation, 0, NULL);
	int ret;

	if (text == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	ret = schema_compile(
	    "presentation", text, NULL, limits, NULL, &schema, why);
	json_decref(text);
	if (ret == 0)
		ret = schema_check(schema, spec, file, findings, why);
	schema_free(schema);
	if (ret < 0)
		return ret;
	presentation_languages_check(spec, language, file, findings);
	buf_init(&pointer, 64 * KIB);
	json_pointer_add(&pointer, "content");
	check_codes(
	    spec, json_object_get(spec, "content"), &pointer, file, findings);
	buf_clear(&pointer);
	check_open_codes(spec, file, findings);
	return findings_verdict(findings, why);
}

/* In one language; spec is only read. */
static struct presentation *
presentation_new(const json_t *spec, const char *language)
{
	struct presentation *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return NULL;
	one->language = strdup(language);
	one->manner = present_manner(language);
	one->spec = presentation_localise(spec, language);
	one->words = json_object_get(one->spec, "words");
	one->codes = json_object_get(one->spec, "codes");
	if (one->language != NULL && one->spec != NULL)
		return one;
	presentation_free(one);
	return NULL;
}

/* In the language of the profile, and below it in the others. */
static struct presentation *
presentations_new(const json_t *spec, const char *language)
{
	const json_t *languages = json_object_get(spec, "languages");
	struct presentation *all = presentation_new(spec, language);
	const json_t *one;
	size_t i;

	if (all != NULL)
		all->others = calloc(
		    json_array_size(languages) + 1, sizeof(all->others[0]));
	if (all == NULL || all->others == NULL)
		goto no_memory;
	json_array_foreach(languages, i, one)
	{
		const char *tag = json_string_value(one);
		struct presentation *other;

		if (strcmp(tag, language) == 0)
			continue;
		other = presentation_new(spec, tag);
		if (other == NULL)
			goto no_memory;
		all->others[all->others_count++] = other;
	}
	return all;
no_memory:
	presentation_free(all);
	return NULL;
}

int
presentation_read(struct span text, const char *file, const char *language,
    const struct limits *limits, struct findings *findings,
    struct presentation **out, struct why *why)
{
	struct json_bounds bounds = {1 * MIB, 64};
	json_t *spec = NULL;
	int ret;

	*out = NULL;
	ret = json_object_read(text, &bounds, &spec, why);
	if (ret < 0) {
		findings_add(findings, file, "", "json", "%s", why->text);
		return ret;
	}
	ret = presentation_check(spec, file, language, limits, findings, why);
	if (ret == 0)
		*out = presentations_new(spec, language);
	if (ret == 0 && *out == NULL)
		ret = why_set(why, WHY_NOMEM, "no memory for a presentation");
	json_decref(spec);
	return ret;
}

void
presentation_free(struct presentation *presentation)
{
	if (presentation == NULL)
		return;
	for (size_t i = 0; i < presentation->others_count; i++)
		presentation_free(presentation->others[i]);
	free(presentation->others);
	json_decref(presentation->spec);
	free(presentation->language);
	free(presentation);
}

/* Every text that is shown: all but pointers, forms and names of codes. */
static void
words_of(const json_t *value, const char *name,
    void (*word)(void *context, struct span text), void *context)
{
	static const char *const silent[] = {"at", "form", "codes", "from",
	    "to", "version", "reason", "languages", "openCodes"};
	const char *member_name;
	json_t *member;
	size_t i;

	if (json_is_string(value)) {
		for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
			if (strcmp(silent[i], name) == 0)
				return;
		}
		if (json_string_value(value)[0] != '/')
			word(context, span_text(json_string_value(value)));
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, member_name, member)
	    words_of(member, member_name, word, context);
	json_array_foreach(value, i, member)
	    words_of(member, name, word, context);
}

void
presentation_words(const struct presentation *presentation,
    void (*word)(void *context, struct span text), void *context)
{
	words_of(presentation->spec, "", word, context);
	for (size_t i = 0; i < presentation->others_count; i++)
		presentation_words(presentation->others[i], word, context);
}
