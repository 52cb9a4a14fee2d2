/*
 * render_serve - the render role: one payload at a time, from its pipe to
 * documents.
 *
 * SECURITY: reads hostile payloads. Profiles and fonts are read before the
 * jail; afterwards it has its pipe and no files, no network, no keys. Nothing
 * of a message is kept when it is answered: the request is overwritten, and so
 * is whatever was freed on the way.
 */
#include "base/log.h"
#include "base/wipe.h"
#include "formats/pdf.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "relay/pipe.h"
#include "relay/render_wire.h"
#include "relay/role.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct renderer {
	const struct limits *limits;
	struct profile_set profiles;
	struct pdf_fonts *fonts;
};

/* ---- requests ---- */

/* A refusal with findings, or a failure that says nothing about the message. */
static void
answer_failed(struct role_peer *peer, uint64_t request, const struct why *why,
    const struct findings *findings)
{
	struct buf body;

	if (why->code != WHY_INVALID && why->code != WHY_MALFORMED &&
	    why->code != WHY_TOO_LARGE && why->code != WHY_UNSUPPORTED) {
		pipe_refuse(peer, request, why);
		return;
	}
	buf_init(&body, WIRE_BODY_MAX);
	render_refused_build(&body, why, findings);
	if (buf_ok(&body)) {
		pipe_answer(
		    peer, request, RENDER_WIRE_REFUSED, 0, buf_span(&body));
	} else {
		struct why own;

		why_set(&own, WHY_NOMEM, "no memory for the findings");
		pipe_refuse(peer, request, &own);
	}
	buf_wipe(&body);
}

static void
answer_done(
    struct role_peer *peer, uint64_t request, const struct render_done *done)
{
	struct buf body;
	struct why why;

	buf_init(&body, WIRE_BODY_MAX);
	render_done_build(&body, done);
	if (buf_ok(&body)) {
		pipe_answer(
		    peer, request, RENDER_WIRE_DONE, 0, buf_span(&body));
	} else {
		why_set(&why, WHY_TOO_LARGE,
		    "the rendered documents are too large for one answer");
		pipe_refuse(peer, request, &why);
	}
	buf_wipe(&body);
}

static const struct profile *
find_profile(const struct renderer *renderer, const char *name, struct why *why)
{
	const struct profile *profile =
	    profile_set_find(&renderer->profiles, name);

	if (profile == NULL)
		why_set(why, WHY_UNSUPPORTED, "there is no such message type");
	return profile;
}

static void
handle_payload(struct renderer *renderer, struct role_peer *peer,
    const struct wire_frame *frame)
{
	struct render_request request;
	struct render_result result;
	struct findings findings;
	const struct profile *profile;
	struct why why = {0};
	int ret;

	findings_init(&findings, (size_t)renderer->limits->findings);
	render_result_init(&result, renderer->limits);
	ret = render_request_parse(frame->body, &request, &why);
	if (ret == 0) {
		profile = find_profile(renderer, request.profile, &why);
		ret = profile == NULL
			  ? why.code
			  : render_payload(profile, request.payload,
				&request.context, renderer->limits,
				renderer->fonts, &findings, &result, &why);
	}
	if (ret == 0) {
		/* The notes not in the initialiser: GCC 12 clears what it takes
		 * for padding in them (-ftrivial-auto-var-init=zero). */
		struct render_done done = {.pdf = buf_span(&result.pdf),
		    .xhtml = buf_span(&result.xhtml),
		    .xml = buf_span(&result.xml),
		    .text = buf_span(&result.text),
		    .unknown_count = result.unknown_count,
		    .fell_back = result.fell_back,
		    .stripped = buf_span(&result.stripped),
		    .minimised = buf_span(&result.minimised),
		    .minimised_count = result.minimised_count};

		done.notes = result.notes;
		answer_done(peer, frame->request, &done);
	} else {
		answer_failed(peer, frame->request, &why, &findings);
	}
	render_request_clear(&request);
	render_result_clear(&result);
	findings_clear(&findings);
}

static void
handle_list(struct renderer *renderer, struct role_peer *peer,
    const struct wire_frame *frame)
{
	static const struct render_done nothing;
	struct render_list_request request;
	struct findings findings;
	const struct profile *profile;
	struct why why = {0};
	int ret;

	findings_init(&findings, (size_t)renderer->limits->findings);
	ret = render_list_request_parse(frame->body, &request, &why);
	if (ret == 0) {
		profile = find_profile(renderer, request.profile, &why);
		ret = profile == NULL ? why.code
				      : profile_list_check(profile,
					    request.list, renderer->limits,
					    request.files, request.files_count,
					    profile->attachments.list_name
						? profile->attachments.list_name
						: "payload",
					    &findings, &why);
	}
	if (ret == 0)
		answer_done(peer, frame->request, &nothing);
	else
		answer_failed(peer, frame->request, &why, &findings);
	render_list_request_clear(&request);
	findings_clear(&findings);
}

/* A rendering that never ends would hold up all behind it: the signal ends
 * the process, the request gets 503, and the parent starts another. */
static void
watchdog(uint64_t ms)
{
	const struct itimerval wait = {
	    .it_value = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)}};
	(void)setitimer(ITIMER_REAL, &wait, NULL);
}

#ifdef TEST_HOOKS
/* Payloads that a test can break us with. */
static void
break_down(struct span body)
{
	static const char dies[] = "budstikke-test-render-dies";
	static const char stalls[] = "budstikke-test-render-stalls";
	static const char swells[] = "budstikke-test-render-swells";

	if (memmem(body.at, body.size, dies, sizeof dies - 1) != NULL)
		(void)raise(SIGKILL);
	while (memmem(body.at, body.size, stalls, sizeof stalls - 1) != NULL)
		(void)pause();
	/* as a library does that cannot go on without memory */
	if (memmem(body.at, body.size, swells, sizeof swells - 1) != NULL) {
		size_t mib = 0;
		while (malloc(1 * MIB) != NULL)
			mib++;
		(void)dprintf(STDERR_FILENO, "test: swollen to %zu MiB\n", mib);
		abort();
	}
}
#endif

static void
render_frame(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct renderer *renderer = role->own;
	struct why why;

	watchdog(role->conf->limits.render_ms);
#ifdef TEST_HOOKS
	break_down(frame->body);
#endif
	if (frame->type == RENDER_WIRE_PAYLOAD && frame->flags == 0)
		handle_payload(renderer, peer, frame);
	else if (frame->type == RENDER_WIRE_LIST && frame->flags == 0)
		handle_list(renderer, peer, frame);
	else if (frame->request != 0) {
		why_set(&why, WHY_UNSUPPORTED, "render knows no such request");
		pipe_refuse(peer, frame->request, &why);
	}
	watchdog(0);
}

/* ---- start ---- */

static int
renderer_open(
    struct renderer *renderer, const struct conf *conf, struct why *why)
{
	int ret;

	renderer->limits = &conf->limits;
	ret = profile_set_load(
	    conf->profiles, renderer->limits, &renderer->profiles, why);
	if (ret == 0)
		ret = pdf_fonts_open(conf->fonts[0] ? conf->fonts : NULL,
		    renderer->limits, &renderer->fonts, why);
	for (size_t i = 0; ret == 0 && i < renderer->profiles.count; i++)
		render_words_keep(renderer->profiles.at[i], renderer->fonts);
	return ret;
}

int
render_serve(struct role *role)
{
	static const struct pipe_hooks hooks = {
	    .frame = render_frame, .wipe = true};
	struct renderer renderer = {0};
	struct why why = {0};
	int ret;

	wipe_freed_memory();
	render_memory_keep();
	ret = renderer_open(&renderer, role->conf, &why);
	role->own = &renderer;
	if (ret == 0)
		ret = role_enter(role, &why);
	if (ret == 0)
		ret = pipe_serve(role, &hooks);
	else
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
	role->own = NULL;
	pdf_fonts_close(renderer.fonts);
	profile_set_clear(&renderer.profiles);
	return ret;
}
