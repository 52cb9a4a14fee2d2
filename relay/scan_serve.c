/*
 * scan_serve - the scan role: looks at files as they stream by, several at a
 * time, and says of each whether a recipient may be given it.
 *
 * SECURITY: reads hostile files. It has its pipes and, where clamd is
 * configured, Unix sockets; no files, no network, no keys, no spool.
 */
#include "base/log.h"
#include "relay/pipe.h"
#include "relay/role.h"
#include "relay/scan_session.h"
#include "relay/scan_wire.h"

#include <stdio.h>
#include <stdlib.h>

/* A file of a peer. One that could not be begun is remembered by its absence:
 * its end is answered with SCAN_FAILED. */
struct entry {
	struct entry *next;
	const struct role_peer *peer;
	uint64_t id;
	struct scan_session *session;
};

struct scanner {
	struct scan_service service;
	struct entry *entries;
	size_t count;
};

static struct entry **
entry_find(struct scanner *scanner, const struct role_peer *peer, uint64_t id)
{
	struct entry **at = &scanner->entries;
	while (*at != NULL && ((*at)->peer != peer || (*at)->id != id))
		at = &(*at)->next;
	return at;
}

static void
entry_remove(struct scanner *scanner, struct entry **at)
{
	struct entry *entry = *at;
	*at = entry->next;
	scan_session_free(entry->session);
	free(entry);
	scanner->count--;
}

static int
entry_add(struct scanner *scanner, const struct role_peer *peer,
    const struct scan_begin *begin, struct why *why)
{
	if (*entry_find(scanner, peer, begin->session) != NULL)
		return why_set(
		    why, WHY_EXISTS, "a scan was begun a second time");
	if (scanner->count >= SCAN_SESSIONS_MAX)
		return why_set(
		    why, WHY_BUSY, "too many files are under way in scan");
	struct entry *entry = calloc(1, sizeof *entry);
	if (entry == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a scan");
	int ret =
	    scan_session_new(&scanner->service, begin, &entry->session, why);
	if (ret < 0) {
		free(entry);
		return ret;
	}
	entry->peer = peer;
	entry->id = begin->session;
	entry->next = scanner->entries;
	scanner->entries = entry;
	scanner->count++;
	return 0;
}

static int
on_begin(struct scanner *scanner, const struct role_peer *peer,
    struct span body, struct why *why)
{
	struct scan_begin begin;
	int ret = scan_begin_parse(body, &begin, why);
	if (ret < 0)
		return ret;
	ret = entry_add(scanner, peer, &begin, why);
	scan_begin_clear(&begin);
	return ret;
}

static int
on_data(struct scanner *scanner, const struct role_peer *peer, struct span body,
    struct why *why)
{
	struct span bytes;
	uint64_t id;
	int ret = scan_data_parse(body, &id, &bytes, why);
	struct entry **at = entry_find(scanner, peer, id);
	if (ret == 0 && *at != NULL)
		scan_session_push((*at)->session, bytes);
	return ret;
}

static int
on_cancel(struct scanner *scanner, const struct role_peer *peer,
    struct span body, struct why *why)
{
	uint64_t id;
	int ret = scan_session_parse(body, &id, why);
	struct entry **at = entry_find(scanner, peer, id);
	if (ret == 0 && *at != NULL)
		entry_remove(scanner, at);
	return ret;
}

static void
on_end(struct scanner *scanner, struct role_peer *peer,
    const struct wire_frame *frame)
{
	struct scan_verdict verdict = {0};
	struct why why;
	struct buf body;
	if (scan_session_parse(frame->body, &verdict.session, &why) < 0) {
		pipe_refuse(peer, frame->request, &why);
		return;
	}
	struct entry **at = entry_find(scanner, peer, verdict.session);
	if (*at != NULL) {
		scan_session_judge((*at)->session, &verdict);
		entry_remove(scanner, at);
	} else {
		verdict.outcome = SCAN_FAILED;
		(void)snprintf(verdict.detail, sizeof verdict.detail,
		    "this file is not under way in scan");
	}
	buf_init(&body, 4096);
	scan_verdict_build(&body, &verdict);
	if (buf_ok(&body)) {
		pipe_answer(
		    peer, frame->request, SCAN_VERDICT, 0, buf_span(&body));
	} else {
		(void)why_set(&why, WHY_NOMEM, "no memory for a verdict");
		pipe_refuse(peer, frame->request, &why);
	}
	buf_clear(&body);
}

static void
scan_frame(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct scanner *scanner = role->own;
	struct why why;
	int ret;
	if (frame->type == SCAN_END && frame->request != 0) {
		on_end(scanner, peer, frame);
		return;
	}
	if (frame->type == SCAN_BEGIN)
		ret = on_begin(scanner, peer, frame->body, &why);
	else if (frame->type == SCAN_DATA)
		ret = on_data(scanner, peer, frame->body, &why);
	else if (frame->type == SCAN_CANCEL)
		ret = on_cancel(scanner, peer, frame->body, &why);
	else
		ret = why_set(
		    &why, WHY_UNSUPPORTED, "scan knows no such request");
	if (ret == 0)
		return;
	if (frame->request != 0)
		pipe_refuse(peer, frame->request, &why);
	else
		log_event(LOG_WARNING, "scan.failed", LOGS("error", why.text));
}

static void
scan_left(struct role *role, struct role_peer *peer)
{
	struct scanner *scanner = role->own;
	for (struct entry **at = &scanner->entries; *at != NULL;)
		if ((*at)->peer == peer)
			entry_remove(scanner, at);
		else
			at = &(*at)->next;
}

int
scan_serve(struct role *role)
{
	struct pipe_hooks hooks = {.frame = scan_frame, .left = scan_left};
	struct scanner scanner = {0};
	struct why why;
	if (role->conf->clamd[0] != '\0')
		scanner.service.clamd = role->conf->clamd;
	else
		hooks.gather = true; /* no verdict takes long */
	role->own = &scanner;
	int ret = role_enter(role, &why);
	if (ret == 0)
		ret = pipe_serve(role, &hooks);
	else
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
	while (scanner.entries != NULL)
		entry_remove(&scanner, &scanner.entries);
	role->own = NULL;
	return ret;
}
