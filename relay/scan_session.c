/*
 * SECURITY: sees hostile bytes of files; holds at most SCAN_HELD_BYTES of one,
 * overwritten when they are let go.
 */
#include "relay/scan_session.h"

#include "base/log.h"
#include "formats/sniff.h"
#include "relay/clamd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct scan_session {
	struct scan_service *service;
	struct sniff *sniff;
	char *declared;
	bool allowed; /* the declared media type is on the list */
	struct buf held;
	struct clamd *clamd; /* of a large file */
	struct why failure;  /* code 0: none */
};

/* The same media type; parameters and case do not count. */
static bool
is_same_type(const char *a, const char *b)
{
	size_t size = strcspn(a, "; \t");
	return size == strcspn(b, "; \t") && strncasecmp(a, b, size) == 0;
}

int
scan_session_new(struct scan_service *service, const struct scan_begin *begin,
    struct scan_session **out, struct why *why)
{
	struct scan_session *session = calloc(1, sizeof *session);
	if (session == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a scan");
	session->service = service;
	buf_init(&session->held, SCAN_HELD_BYTES);
	session->declared = strdup(begin->declared);
	int ret = session->declared == NULL
		      ? why_set(why, WHY_NOMEM, "no memory for a scan")
		      : sniff_new(&session->sniff, why);
	if (ret < 0) {
		scan_session_free(session);
		return ret;
	}
	for (size_t i = 0; i < begin->count; i++)
		if (is_same_type(begin->allowed[i], begin->declared))
			session->allowed = true;
	*out = session;
	return 0;
}

static void
held_let_go(struct scan_session *session)
{
	session->service->held -= session->held.size;
	buf_wipe(&session->held);
}

static void
clamd_let_go(struct scan_session *session)
{
	if (session->clamd != NULL)
		session->service->live--;
	clamd_close(session->clamd);
	session->clamd = NULL;
}

void
scan_session_free(struct scan_session *session)
{
	if (session == NULL)
		return;
	held_let_go(session);
	clamd_let_go(session);
	sniff_free(session->sniff);
	free(session->declared);
	free(session);
}

static int
clamd_begin(struct scan_session *session, struct why *why)
{
	struct scan_service *service = session->service;
	if (service->live >= SCAN_LIVE_MAX)
		return why_set(why, WHY_BUSY,
		    "as many large files as clamd is given at once are under "
		    "way");
	int ret = clamd_open(service->clamd, &session->clamd, why);
	if (ret < 0)
		return ret;
	service->live++;
	ret = clamd_write(session->clamd, buf_span(&session->held), why);
	held_let_go(session);
	return ret;
}

/* Hold the bytes, or stream them when the file is no small one. */
static int
clamd_take(struct scan_session *session, struct span bytes, struct why *why)
{
	struct scan_service *service = session->service;
	if (session->clamd == NULL &&
	    bytes.size <= SCAN_HELD_BYTES - session->held.size &&
	    service->held + bytes.size <= SCAN_HELD_TOTAL) {
		buf_add_span(&session->held, bytes);
		if (!buf_ok(&session->held))
			return why_set(why, WHY_NOMEM, "no memory for a scan");
		service->held += bytes.size;
		return 0;
	}
	int ret = session->clamd == NULL ? clamd_begin(session, why) : 0;
	return ret < 0 ? ret : clamd_write(session->clamd, bytes, why);
}

void
scan_session_push(struct scan_session *session, struct span bytes)
{
	struct why why = {0};
	if (session->failure.code != 0)
		return;
	int ret = sniff_push(session->sniff, bytes, &why);
	if (ret == 0 && session->service->clamd != NULL)
		ret = clamd_take(session, bytes, &why);
	if (ret == 0)
		return;
	session->failure = why;
	held_let_go(session);
	clamd_let_go(session);
}

/* Fills name when something was found. */
static int
clamd_ask(
    struct scan_session *session, char name[CLAMD_NAME_MAX], struct why *why)
{
	int ret = session->clamd == NULL ? clamd_begin(session, why) : 0;
	if (ret == 0)
		ret = clamd_finish(session->clamd, name, why);
	clamd_let_go(session);
	return ret;
}

void
scan_session_judge(struct scan_session *session, struct scan_verdict *verdict)
{
	enum sniff_type type = SNIFF_UNKNOWN;
	char virus[CLAMD_NAME_MAX] = "";
	unsigned reasons = 0;
	struct why *why = &session->failure;
	if (why->code == 0)
		(void)sniff_finish(session->sniff, &type, &reasons, why);
	if (!session->allowed)
		reasons |= SNIFF_NOT_ALLOWED;
	if ((reasons & SNIFF_EMPTY) == 0 &&
	    !sniff_type_is(type, session->declared))
		reasons |= SNIFF_MISMATCH;
	/* what is refused already need not be looked at for viruses */
	if (why->code == 0 && reasons == 0 && session->service->clamd != NULL)
		(void)clamd_ask(session, virus, why);
	if (virus[0] != '\0')
		reasons |= SNIFF_INFECTED;
	(void)snprintf(
	    verdict->type, sizeof verdict->type, "%s", sniff_type_name(type));
	if (why->code != 0) {
		log_event(LOG_WARNING, "scan.failed", LOGS("error", why->text));
		verdict->outcome = SCAN_FAILED;
		verdict->reasons = 0;
		(void)snprintf(
		    verdict->detail, sizeof verdict->detail, "%s", why->text);
		return;
	}
	verdict->outcome = reasons == 0 ? SCAN_CLEAN : SCAN_REFUSED;
	verdict->reasons = reasons;
	(void)snprintf(verdict->detail, sizeof verdict->detail, "%s", virus);
}
