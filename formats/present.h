/*
 * present - a payload becomes a document tree by a presentation: data that says
 * which value is shown where, under which label, in which form; profile(5).
 *
 * Parity: each scalar of the payload is shown. What the presentation does not
 * name comes last, under its pointer; only what it lists as technical, with a
 * reason, is left out.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/document.h"
#include "formats/findings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct presentation;
struct render_context;

/*
 * Read presentation.json. file is its name in findings, which get their lines.
 * *out is the caller's. WHY_INVALID with findings, WHY_NOMEM.
 */
int presentation_read(struct span text, const char *file, const char *language,
    const struct limits *limits, struct findings *findings,
    struct presentation **out, struct why *why);
void presentation_free(struct presentation *presentation);

/*
 * The presentation in a language (BCP 47, any case), by RFC 4647 look-up: "nn"
 * is good for "nn-NO". Lent. NULL or "" is the profile's own language; so is
 * one that it does not have, and *fell_back tells.
 */
const struct presentation *presentation_in(
    const struct presentation *presentation, const char *language,
    bool *fell_back);

/*
 * Build the document in context's language, with words/fallback first when that
 * is not there. *out is the caller's (document_free()); *unknown counts the
 * values that came last because the presentation does not name them.
 */
int presentation_document(const struct presentation *presentation,
    const json_t *payload, const struct render_context *context,
    const struct limits *limits, struct document **out, size_t *unknown,
    struct why *why);

/* Each label, heading and word, for shaping them once. */
void presentation_words(const struct presentation *presentation,
    void (*word)(void *context, struct span text), void *context);
