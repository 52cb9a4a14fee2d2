/*
 * presentation_language - labels in several languages: a label is one text for
 * all, or an object with a text for each. A document is written in one of them,
 * so a presentation is made for each when it is read.
 */
#include "formats/json.h"
#include "formats/present_priv.h"

#include <string.h>
#include <strings.h>

/* What is done with each label of a presentation. */
struct visit {
	const char *language; /* put this one in place of the label */
	const json_t *languages;
	const char *file;
	struct findings *findings; /* look only */
	struct buf pointer;
};

static void
label(struct visit *visit, json_t *holder, const char *name)
{
	json_t *value = json_object_get(holder, name);
	size_t back = visit->pointer.size, i;
	const char *tag;
	json_t *one;

	if (!json_is_object(value))
		return;
	if (visit->findings == NULL) {
		json_object_set(
		    holder, name, json_object_get(value, visit->language));
		return;
	}
	json_pointer_add(&visit->pointer, name);
	json_array_foreach(visit->languages, i, one)
	{
		if (json_object_get(value, json_string_value(one)) == NULL)
			findings_add(visit->findings, visit->file,
			    buf_text(&visit->pointer), "languages",
			    "a text in %.35s too, as \"languages\" says",
			    json_string_value(one));
	}
	json_object_foreach(value, tag, one)
	{
		bool known = false;
		const json_t *other;

		json_array_foreach(visit->languages, i, other) known =
		    known || strcmp(json_string_value(other), tag) == 0;
		if (!known)
			findings_add(visit->findings, visit->file,
			    buf_text(&visit->pointer), "languages",
			    "no text in a language that \"languages\" does not "
			    "name");
	}
	visit->pointer.size = back;
}

static void
labels(struct visit *visit, json_t *holder)
{
	const char *name;
	json_t *value;

	/* setting the value of a member that is there keeps the iterator */
	json_object_foreach(holder, name, value) label(visit, holder, name);
}

static void node(struct visit *visit, json_t *value);

static void
member(struct visit *visit, json_t *holder, const char *name)
{
	size_t back = visit->pointer.size;
	json_t *value = json_object_get(holder, name);

	if (value == NULL)
		return;
	json_pointer_add(&visit->pointer, name);
	node(visit, value);
	visit->pointer.size = back;
}

/* An element, a value, a piece, or a list of them. */
static void
node(struct visit *visit, json_t *value)
{
	static const char *const shown[] = {"row", "head", "section", "each",
	    "one", "grid", "markdown", "envelope", "files", "before", "after"};
	static const char *const below[] = {
	    "content", "columns", "lines", "note", "title"};
	size_t back = visit->pointer.size, i;
	json_t *one;

	json_array_foreach(value, i, one)
	{
		json_pointer_add_index(&visit->pointer, i);
		node(visit, one);
		visit->pointer.size = back;
	}
	if (!json_is_object(value))
		return;
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		label(visit, value, shown[i]);
	if (json_object_get(value, "markdown") == NULL)
		label(visit, value, "text"); /* else it is a pointer */
	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		member(visit, value, below[i]);
}

static void
presentation_visit(struct visit *visit, json_t *spec)
{
	json_t *codes = json_object_get(spec, "codes");
	size_t back;
	const char *name;
	json_t *list;

	buf_init(&visit->pointer, 64 * KIB);
	label(visit, spec, "title");
	json_pointer_add(&visit->pointer, "words");
	labels(visit, json_object_get(spec, "words"));
	buf_reset(&visit->pointer);
	json_pointer_add(&visit->pointer, "codes");
	back = visit->pointer.size;
	json_object_foreach(codes, name, list)
	{
		json_pointer_add(&visit->pointer, name);
		labels(visit, list);
		visit->pointer.size = back;
	}
	buf_reset(&visit->pointer);
	member(visit, spec, "content");
	buf_clear(&visit->pointer);
}

json_t *
presentation_localise(const json_t *spec, const char *language)
{
	struct visit visit = {.language = language};
	json_t *copy = json_deep_copy(spec);

	if (copy != NULL)
		presentation_visit(&visit, copy);
	return copy;
}

void
presentation_languages_check(const json_t *spec, const char *language,
    const char *file, struct findings *findings)
{
	struct visit visit = {.languages = json_object_get(spec, "languages"),
	    .file = file,
	    .findings = findings};
	bool own = visit.languages == NULL;
	const json_t *one;
	size_t i;

	json_array_foreach(visit.languages, i, one) own =
	    own || strcmp(json_string_value(one), language) == 0;
	if (!own)
		findings_add(findings, file, "/languages", "languages",
		    "the profile's own language among them");
	if (visit.languages != NULL &&
	    json_object_get(json_object_get(spec, "words"), "fallback") == NULL)
		findings_add(findings, file, "/words", "languages",
		    "the word \"fallback\", for a language that is not there");
	/* only looked at: nothing is set when there are findings to make */
	presentation_visit(&visit, (json_t *)(uintptr_t)spec);
}

/* "nn-NO" is had by "nn": equal, or cut before a hyphen; length of tag. */
static size_t
fits(const char *wanted, const char *tag)
{
	size_t size = strlen(tag);

	return strncasecmp(wanted, tag, size) == 0 &&
		       (wanted[size] == '\0' || wanted[size] == '-')
		   ? size
		   : 0;
}

const struct presentation *
presentation_in(const struct presentation *presentation, const char *language,
    bool *fell_back)
{
	const struct presentation *best = presentation;
	size_t most;

	*fell_back = false;
	if (language == NULL || language[0] == '\0')
		return presentation;
	most = fits(language, presentation->language);
	for (size_t i = 0; i < presentation->others_count; i++) {
		size_t size = fits(language, presentation->others[i]->language);

		if (size > most) {
			most = size;
			best = presentation->others[i];
		}
	}
	*fell_back = most == 0;
	return best;
}
