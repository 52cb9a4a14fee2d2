/*
 * present_priv - what present.c (elements), present_value.c (forms of values)
 * presentation.c (reading) and presentation_language.c share.
 */
#pragma once

#include "formats/present.h"
#include "formats/render.h"

#include <stdbool.h>

struct presentation {
	json_t *spec; /* presentation.json, found good by its schema */
	const json_t *words;
	const json_t *codes;
	char *language;
	const struct manner *manner;
	struct presentation **others; /* the same in the other languages */
	size_t others_count;
};

/*
 * A copy of spec in which each label is a text of this language, the caller's.
 * NULL without memory.
 */
json_t *presentation_localise(const json_t *spec, const char *language);
/*
 * Labels must have a text in each of the presentation's languages, and these
 * must hold its own; what is wrong becomes findings about file.
 */
void presentation_languages_check(const json_t *spec, const char *language,
    const char *file, struct findings *findings);

struct presenter {
	const struct presentation *spec;
	const struct render_context *context;
	const json_t *payload;
	struct document *document;
	struct buf base;   /* pointer that relative pointers start at */
	const json_t *top; /* the value there */
	json_t *shown;     /* pointers of what has been shown */
	const struct pending *pending; /* headings not yet written */
	struct document_node *table;   /* rows go here while they follow */
	const json_t *struck; /* overridden: what found it so, NULL not */
	bool failed;          /* no memory */
};

/* A heading that is written when something comes under it. */
struct pending {
	const struct pending *above;
	int level;
	struct span text;
	bool *written;
};

const char *present_word(const struct presentation *spec, const char *name);

/* The value behind a relative pointer, whether or not it is there. */
const json_t *present_get(const struct presenter *presenter, const char *at);

/*
 * Append the text of what spec names ("at" or "lines", with form, codes,
 * before and after) and mark it as shown. False when nothing of it is there.
 */
bool present_value(
    struct presenter *presenter, const json_t *spec, struct buf *out);

/* A scalar as text: form and codes may be NULL. */
void present_scalar(const struct presentation *spec, const json_t *value,
    const char *form, const char *codes, struct buf *out);

/* What a clock in Norway shows, as if it were UTC. */
int64_t present_norwegian_ms(int64_t wall_ms);

/* ---- present_form.c: how a language writes numbers, days and times ---- */

#define PRESENT_NBSP "\xc2\xa0"

struct manner {
	const char *language; /* primary subtag */
	const char *thousands;
	const char *money_before, *money_after; /* NULL: nothing */
	const char *percent;
	const char *clock;         /* between the day and the time */
	const char *const *months; /* "20 November 2026"; NULL: "20.11.2026" */
	char decimal, minutes;
};

/* Never NULL: the Norwegian one for languages that have none of their own. */
const struct manner *present_manner(const char *language);

void present_number(const struct manner *manner, const json_t *value,
    bool grouped, struct buf *out);
/* False, and nothing is added, when text is no day or no time. */
bool present_date(
    const struct manner *manner, const char *text, struct buf *out);
bool present_time(
    const struct manner *manner, const char *text, struct buf *out);
/* "21.11.2026 kl. 20.05.00", what clocks in Norway showed. */
void present_instant(
    const struct manner *manner, int64_t wall_ms, struct buf *out);
void present_size(const struct manner *manner, uint64_t size, struct buf *out);
/* Text of the shape of model, where 0 stands for any digit. */
bool present_has_shape(const char *text, const char *model);

/* Remember that the value at the relative pointer stands in the document. */
void present_mark(struct presenter *presenter, const char *at);

/* The value at this pointer is listed as technical, or one above it. */
bool present_is_technical(
    const struct presentation *presentation, const char *pointer);

/* Room for one text of the document. */
void present_text_init(struct buf *text);

/*
 * Whether the item in hand was overridden: each test of the list (at, is)
 * holds. tests may be NULL: then what is around decides.
 */
const json_t *present_struck(
    const struct presenter *presenter, const json_t *tests);
/* Whether spec shows a value of it, not what tells of the overriding. */
bool present_is_struck(const json_t *tests, const json_t *spec);

/* ---- present.c: for the other elements ---- */

/* A text member of an element; NULL when it is not there. */
const char *present_text(const json_t *spec, const char *name);
struct document_node *present_root(const struct presenter *presenter);

/* A heading under those that are pending now; text NULL: none. */
struct pending present_pending(const struct presenter *presenter, int level,
    const char *text, bool *written);
/* A block will be written: first the headings that are pending. */
void present_begin(struct presenter *presenter);
/* A row in the table of the rows before it; note is emphasised behind. */
void present_row(struct presenter *presenter, const char *label,
    struct span value, struct span note, bool struck);

/* Look at the value behind at, until present_back(); false when there is
 * none. */
bool present_go(
    struct presenter *presenter, const char *at, const json_t **back);
void present_back(struct presenter *presenter, const json_t *back, size_t size);

/* The kinds of element that have files of their own. */
void present_grid(struct presenter *presenter, const json_t *spec, int level);
void present_markdown(
    struct presenter *presenter, const json_t *spec, int level);
void present_envelope(
    struct presenter *presenter, const json_t *spec, int level);
void present_files(struct presenter *presenter, const json_t *spec, int level);
/* All scalars that have not been shown; counts them. */
void present_rest(struct presenter *presenter, size_t *unknown);
