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

static int
presentation_check(const json_t *spec, const char *file,
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
	buf_init(&pointer, 64 * KIB);
	check_codes(
	    spec, json_object_get(spec, "content"), &pointer, file, findings);
	buf_clear(&pointer);
	return findings_verdict(findings, why);
}

int
presentation_read(struct span text, const char *file, const char *language,
    const struct limits *limits, struct findings *findings,
    struct presentation **out, struct why *why)
{
	struct json_bounds bounds = {1 * MIB, 64};
	struct presentation *presentation = calloc(1, sizeof(*presentation));
	int ret = WHY_NOMEM;

	*out = NULL;
	if (presentation != NULL)
		presentation->language = strdup(language);
	if (presentation == NULL || presentation->language == NULL) {
		why_set(why, WHY_NOMEM, "no memory for a presentation");
		goto out;
	}
	ret = json_object_read(text, &bounds, &presentation->spec, why);
	if (ret < 0) {
		findings_add(findings, file, "", "json", "%s", why->text);
		goto out;
	}
	ret =
	    presentation_check(presentation->spec, file, limits, findings, why);
	if (ret < 0)
		goto out;
	presentation->words = json_object_get(presentation->spec, "words");
	presentation->codes = json_object_get(presentation->spec, "codes");
	*out = presentation;
	presentation = NULL;
out:
	presentation_free(presentation);
	return ret;
}

void
presentation_free(struct presentation *presentation)
{
	if (presentation == NULL)
		return;
	json_decref(presentation->spec);
	free(presentation->language);
	free(presentation);
}

/* Every text that is shown: all but pointers, forms and names of codes. */
static void
words_of(const json_t *value, const char *name,
    void (*word)(void *context, struct span text), void *context)
{
	static const char *const silent[] = {
	    "at", "form", "codes", "from", "to", "version", "reason"};
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
}
