/*
 * render_wire - what net asks of render, and what render answers.
 *
 * Frames are those of formats/wire.h; bodies are described in render_wire(7).
 * Both sides read the other's bodies as hostile.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/findings.h"
#include "formats/profile.h"
#include "formats/render.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum render_wire_type {
	RENDER_WIRE_PAYLOAD = 0x0201, /* check and render a payload */
	RENDER_WIRE_LIST = 0x0202,    /* check an attachment list */
	RENDER_WIRE_DONE = 0x0281,    /* documents, or nothing for a list */
	RENDER_WIRE_REFUSED = 0x0282, /* code, sentence, findings */
};

/* Texts and spans of a parsed request point into its body. */
struct render_request {
	const char *profile; /* name */
	struct span payload;
	struct render_context context;
	struct render_file *files; /* owned: context.files */
	char *texts;               /* owned */
};

struct render_list_request {
	const char *profile;
	struct span list;
	struct profile_file *files; /* owned by a parsed request */
	size_t files_count;
	char *texts; /* owned by a parsed request */
};

void render_request_build(
    struct buf *body, const struct render_request *request);
int render_request_parse(
    struct span body, struct render_request *request, struct why *why);
void render_request_clear(struct render_request *request);

void render_list_request_build(
    struct buf *body, const struct render_list_request *request);
int render_list_request_parse(
    struct span body, struct render_list_request *request, struct why *why);
void render_list_request_clear(struct render_list_request *request);

/* RENDER_WIRE_DONE; spans of a parsed answer point into its body. */
struct render_done {
	struct span pdf;
	struct span xhtml;
	struct span xml;  /* empty when the profile does not want it */
	struct span text; /* the same */
	struct document_notes notes;
	uint64_t unknown_count;
	bool fell_back;
	struct span stripped;  /* the payload instead; empty: it stays */
	struct span minimised; /* what the profile's rules found, JSON */
	uint64_t minimised_count;
};
void render_done_build(struct buf *body, const struct render_done *done);
int render_done_parse(
    struct span body, struct render_done *done, struct why *why);

/*
 * RENDER_WIRE_REFUSED: parsing sets why to the render role's own code and
 * sentence and appends its findings; it returns 0 when the body was good.
 */
void render_refused_build(
    struct buf *body, const struct why *why, const struct findings *findings);
int render_refused_parse(struct span body, struct why *refusal,
    struct findings *findings, struct why *why);
