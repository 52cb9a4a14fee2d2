#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "relay/alarm_event.h"
#include "relay/courier_wire.h"
#include "relay/spool_role.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define TICK_MS INT64_C(250) /* longest sleep between two looks */
#define DUE_MAX 256          /* deadlines in one group */
#define REFILL_MS (10 * CLOCK_SECOND_MS)
#define READERS_MAX 64
#define RETRY_FIRST_MS CLOCK_SECOND_MS
#define RETRY_MOST_MS (10 * CLOCK_MINUTE_MS)

/* Members of the relay's own alarm, one for each thing that can be wrong. */
static struct id
fault_member(uint8_t kind, uint8_t number)
{
	struct id id = {{0}};
	id.at[ID_SIZE - 2] = kind;
	id.at[ID_SIZE - 1] = number;
	return id;
}
#define FAULT_DEATHS 1
#define FAULT_FULL 2
#define FAULT_NOTICE 3
#define FAULT_CONSERVATION 4

/* Kept until a group with it is durable: a group may fail, and what is wrong
 * with the relay is told just when groups fail. */
static void
fault(struct spool_role *sr, struct id member, bool raise)
{
	struct spool_fault *at = NULL;
	struct why why = {0};
	for (size_t i = sr->faults_in; i < sr->fault_count; i++)
		if (id_equal(&sr->faults[i].member, &member))
			at = &sr->faults[i];
	if (at == NULL && sr->fault_count < SPOOL_FAULTS_MAX)
		at = &sr->faults[sr->fault_count++];
	if (at == NULL) {
		log_event(LOG_ERROR, "alarm.failed",
		    LOGS("error", "too many faults at once"));
		return;
	}
	*at = (struct spool_fault){member, raise, clock_wall_ms()};
	if (spool_role_group(sr, &why) != 0)
		log_event(LOG_ERROR, "alarm.failed", LOGS("error", why.text));
	else
		spool_role_flush_soon(sr);
}

static void
fault_record(struct spool_role *sr, const struct spool_fault *at)
{
	struct why why = {0};
	int code = at->raise
		       ? spool_alarm_raise(sr->group, "", SPOOL_CAUSE_FAULT,
			     SPOOL_CRITICAL, &at->member, at->since_ms, &why)
		       : spool_alarm_clear(sr->group, "", SPOOL_CAUSE_FAULT,
			     &at->member, &why);
	if (code != 0)
		log_event(LOG_ERROR, "alarm.failed", LOGS("error", why.text));
}

void
spool_care_deaths(struct spool_role *sr, const struct role_deaths *deaths)
{
	fault(sr, fault_member(FAULT_DEATHS, (uint8_t)deaths->kind),
	    !deaths->ended);
}

void
spool_care_conservation(struct spool_role *sr, bool differs)
{
	if (sr->accounted && differs == sr->differs)
		return;
	sr->accounted = true;
	fault(sr, fault_member(FAULT_CONSERVATION, 0), differs);
	sr->differs = differs;
}

static void
look_for_room(struct spool_role *sr)
{
	bool full = spool_is_full(sr->spool);
	if ((full || sr->full) && !sr->full_raised) {
		log_event(LOG_ERROR, "spool.full");
		fault(sr, fault_member(FAULT_FULL, 0), true);
		sr->full_raised = true;
	} else if (!full && sr->full_raised) {
		log_event(LOG_INFO, "spool.room");
		fault(sr, fault_member(FAULT_FULL, 0), false);
		sr->full_raised = false;
	} else if (!full && !sr->looked) {
		/* what another process of ours may have raised */
		fault(sr, fault_member(FAULT_FULL, 0), false);
	}
	sr->looked = true;
	sr->full = false;
	int64_t now = clock_mono_ms();
	if (now - sr->refilled_ms >= REFILL_MS) {
		spool_reserve_refill(sr->spool);
		sr->refilled_ms = now;
	}
}

/* ---- polls and notices that wait for a group ---- */

void
spool_care_polled(struct spool_role *sr, const char *recipient)
{
	for (size_t i = 0; i < sr->polled_count; i++)
		if (strcmp(sr->polled[i], recipient) == 0)
			return;
	if (sr->polled_count == sr->polled_capacity) {
		size_t capacity = sr->polled_capacity * 2 + 64;
		char(*at)[SPOOL_ORG_SIZE] =
		    realloc(sr->polled, capacity * sizeof *at);
		if (at == NULL)
			return; /* a hint: the next poll says it again */
		sr->polled = at;
		sr->polled_capacity = capacity;
	}
	memcpy(sr->polled[sr->polled_count++], recipient, SPOOL_ORG_SIZE);
}

static void
tell_done(struct spool_role *sr, const struct spool_told *told)
{
	struct why why = {0};
	int code = told->done
		       ? spool_outbox_done(sr->group, &told->notice, &why)
		       : spool_outbox_retry(
			     sr->group, &told->notice, told->at_ms, &why);
	if (code != 0)
		log_event(
		    LOG_WARNING, "notice.unrecorded", LOGS("error", why.text));
}

void
spool_care_group(struct spool_role *sr)
{
	for (size_t i = 0; i < sr->polled_count; i++)
		(void)spool_polled(sr->group, sr->polled[i], NULL);
	for (size_t i = 0; i < sr->told_count; i++)
		tell_done(sr, &sr->told[i]);
	for (size_t i = 0; i < sr->fault_count; i++)
		fault_record(sr, &sr->faults[i]);
	sr->polled_in = sr->polled_count;
	sr->told_in = sr->told_count;
	sr->faults_in = sr->fault_count;
}

void
spool_care_group_ended(struct spool_role *sr, bool durable)
{
	if (durable) {
		sr->polled_count -= sr->polled_in;
		sr->told_count -= sr->told_in;
		sr->fault_count -= sr->faults_in;
		if (sr->polled_count > 0)
			memmove(sr->polled, sr->polled + sr->polled_in,
			    sr->polled_count * sizeof *sr->polled);
		memmove(sr->told, sr->told + sr->told_in,
		    sr->told_count * sizeof *sr->told);
		memmove(sr->faults, sr->faults + sr->faults_in,
		    sr->fault_count * sizeof *sr->faults);
	}
	sr->polled_in = 0;
	sr->told_in = 0;
	sr->faults_in = 0;
}

/* ---- notices ---- */

struct notice_ask {
	struct spool_role *sr;
	struct spool_notice notice;
};

static int64_t
retry_at(const struct spool_notice *notice)
{
	int64_t wait = RETRY_FIRST_MS;
	for (uint32_t i = 1; i < notice->tries && wait < RETRY_MOST_MS; i++)
		wait *= 2;
	if (wait > RETRY_MOST_MS)
		wait = RETRY_MOST_MS;
	/* half of it by chance, so that many do not come back at once */
	uint32_t chance;
	random_fill(&chance, sizeof chance);
	return clock_wall_ms() + wait / 2 + (int64_t)chance % (wait / 2 + 1);
}

static void
notice_given_up(struct spool_role *sr, const struct spool_notice *notice)
{
	char id[ID_TEXT_SIZE];
	id_build(id, &notice->id);
	log_event(LOG_ERROR, "notice.given-up", LOGS("id", id),
	    LOGN("tries", notice->tries));
	fault(sr, fault_member(FAULT_NOTICE, 0), true);
	sr->notice_raised = true;
}

static void
on_notice_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct notice_ask *ask = arg;
	struct spool_role *sr = ask->sr;
	(void)frame;
	sr->notices_out--;
	/* tries were counted when it was claimed */
	bool last = ask->notice.tries >= sr->role->conf->limits.notice_tries;
	if (code != 0) {
		char id[ID_TEXT_SIZE];
		id_build(id, &ask->notice.id);
		log_event(LOG_WARNING, "notice.failed", LOGS("id", id),
		    LOGN("tries", ask->notice.tries), LOGS("error", why->text));
	}
	if (sr->told_count < SPOOL_NOTICES_MAX)
		sr->told[sr->told_count++] = (struct spool_told){
		    .notice = ask->notice,
		    .done = code == 0 || last,
		    .at_ms = retry_at(&ask->notice),
		};
	if (code != 0 && last)
		notice_given_up(sr, &ask->notice);
	else if (code == 0 && sr->notice_raised) {
		fault(sr, fault_member(FAULT_NOTICE, 0), false);
		sr->notice_raised = false;
	}
	free(ask);
	struct why failed;
	if (spool_role_group(sr, &failed) == 0)
		spool_role_flush_soon(sr);
}

static void
notice_send(struct spool_role *sr, const struct spool_notice *notice)
{
	struct why why = {0};
	struct buf body;
	struct notice_ask *ask = malloc(sizeof *ask);
	buf_init(&body, COURIER_NOTICE_BYTES);
	if (ask == NULL ||
	    alarm_event_build(&body, notice, sr->role->conf->name, &why) != 0) {
		free(ask);
		buf_clear(&body);
		return; /* claimed only for a while: it comes again */
	}
	*ask = (struct notice_ask){sr, *notice};
	if (role_ask(sr->role, ROLE_COURIER, COURIER_NOTICE, buf_span(&body),
		ROLE_ASK_ONCE, on_notice_answer, ask, NULL) == 0)
		sr->notices_out++;
	else
		free(ask);
	buf_clear(&body);
}

static void
notices_claim(struct spool_role *sr)
{
	struct spool_notice notices[SPOOL_NOTICES_MAX];
	struct why why = {0};
	size_t count = 0;
	int64_t next = INT64_MAX;
	if (sr->notices_out + sr->told_count > 0 ||
	    spool_outbox_next(sr->spool, &next, &why) != 0 ||
	    next > clock_wall_ms() || spool_role_group(sr, &why) != 0)
		return;
	int64_t lease = (int64_t)sr->role->conf->limits.notice_seconds *
			CLOCK_SECOND_MS * 2 * CONF_LIST_MAX;
	int code = spool_outbox_claim(
	    sr->group, lease, notices, SPOOL_NOTICES_MAX, &count, &why);
	/* they leave only when the claim is durable, so that a crash does not
	 * forget that they were tried */
	if (code != 0 || spool_role_flush(sr) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct spool_alarm *alarm = &notices[i].alarm;
		if (notices[i].tries <= 1)
			log_event(LOG_WARNING, "alarm.changed",
			    LOGS("event", alarm_event_name(notices[i].event)),
			    LOGS("mailbox", alarm->mailbox),
			    LOGS("cause", spool_cause_name(alarm->cause)),
			    LOGS("severity",
				spool_severity_name(alarm->severity)),
			    LOGN("count", alarm->count));
		notice_send(sr, &notices[i]);
	}
}

/* ---- time ---- */

static void
readers_watch(struct spool_role *sr)
{
	struct spool_reader readers[READERS_MAX];
	size_t count = 0;
	int64_t most =
	    (int64_t)sr->role->conf->limits.reader_seconds * CLOCK_SECOND_MS;
	if (spool_readers(sr->spool, clock_mono_ms(), readers, READERS_MAX,
		&count, NULL) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (readers[i].age_ms <= most)
			continue;
		log_event(LOG_ERROR, "reader.stuck",
		    LOGN("pid", readers[i].pid), LOGN("ms", readers[i].age_ms));
		role_stuck(sr->role, readers[i].pid);
	}
}

/* A clock that jumped says nothing about who was late: wait until people had
 * time to see the event, then judge by the clock as it stands. */
static void
clock_look(struct spool_role *sr)
{
	static struct clock_watch watch;
	int64_t step = clock_step(&watch);
	if (step == 0)
		return;
	log_event(LOG_WARNING, "clock.stepped", LOGN("ms", step));
	sr->hold_until_ms =
	    clock_mono_ms() +
	    (int64_t)sr->role->conf->limits.step_hold_seconds * CLOCK_SECOND_MS;
}

static void
deadlines_fire(struct spool_role *sr)
{
	int64_t next = INT64_MAX;
	struct why why = {0};
	if (clock_mono_ms() < sr->hold_until_ms ||
	    spool_due_next(sr->spool, &next, &why) != 0)
		return;
	while (next <= clock_wall_ms()) {
		size_t fired = 0;
		if (spool_role_group(sr, &why) != 0)
			return;
		int code = spool_due(sr->group, DUE_MAX, &fired, &why);
		if (code != 0)
			log_event(LOG_ERROR, "deadlines.failed",
			    LOGS("error", why.text));
		if (spool_role_flush(sr) != 0 || code != 0 || fired < DUE_MAX ||
		    spool_due_next(sr->spool, &next, &why) != 0)
			return;
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct spool_role *sr = arg;
	(void)fd;
	(void)what;
	clock_look(sr);
	readers_watch(sr);
	look_for_room(sr);
	deadlines_fire(sr);
	notices_claim(sr);
	/* what came while a group was open already has missed it */
	struct why why = {0};
	if (sr->polled_count + sr->told_count + sr->fault_count > 0 &&
	    sr->group == NULL && spool_role_group(sr, &why) == 0)
		spool_role_flush_soon(sr);
}

int
spool_care_start(struct spool_role *sr, struct why *why)
{
	static const struct timeval every = {0, TICK_MS * 1000};
	sr->notice_raised = true;
	sr->tick = event_new(sr->role->base, -1, EV_PERSIST, on_tick, sr);
	if (sr->tick == NULL || event_add(sr->tick, &every) != 0)
		return why_set(why, WHY_NOMEM, "spool role: timer");
	return 0;
}

void
spool_care_stop(struct spool_role *sr)
{
	if (sr->tick != NULL)
		event_free(sr->tick);
	free(sr->polled);
}
