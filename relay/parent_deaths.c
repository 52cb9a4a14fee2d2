/*
 * parent_deaths - how often a role dies, and what follows: restarts at once,
 * then slower ones, and an alarm through spool.
 */
#include "base/clock.h"
#include "base/log.h"
#include "relay/parent_priv.h"

#define WINDOW_MS 10000
#define SLOWEST_MS 30000
#define STEADY_MS 60000

static uint32_t
deaths_recent(const struct deaths *d, int64_t now)
{
	uint32_t recent = 0;
	for (size_t i = 0; i < DEATHS_KEPT && i < d->count; i++)
		if (now - d->at[i] < WINDOW_MS)
			recent++;
	return recent;
}

void
parent_death_count(struct parent *p, enum role_kind kind)
{
	struct deaths *d = &p->deaths[kind];
	int64_t now = clock_mono_ms();
	d->at[d->count++ % DEATHS_KEPT] = now;
	d->last_ms = now;
	d->restart_at_ms = 0;
	uint32_t recent = deaths_recent(d, now);
	if (recent < p->conf.limits.role_deaths && d->slow == 0)
		return;
	int64_t delay = INT64_C(1000) << (d->slow < 5 ? d->slow : 5);
	d->slow++;
	d->restart_at_ms = now + (delay < SLOWEST_MS ? delay : SLOWEST_MS);
	if (d->alarmed)
		return;
	log_event(LOG_ERROR, "role.deaths", LOGS("role", role_name(kind)),
	    LOGN("count", recent));
	d->alarmed = true;
	d->alarm_owed = true;
	parent_deaths_tell(p);
}

static bool
spool_tell(struct parent *p, enum role_kind kind, bool ended)
{
	struct child *spool = parent_child_find(p, ROLE_SPOOL, 0, false);
	struct buf body;
	if (spool == NULL || spool->state != CHILD_READY)
		return false;
	buf_init(&body, 16);
	buf_add_byte(&body, (uint8_t)kind);
	buf_add_u32(&body, deaths_recent(&p->deaths[kind], clock_mono_ms()));
	buf_add_byte(&body, ended ? 1 : 0);
	int code = spawn_tell(spool, CONTROL_DEATHS, buf_span(&body));
	buf_clear(&body);
	return code == 0;
}

/* What spool was not told because it was away itself. */
void
parent_deaths_tell(struct parent *p)
{
	for (enum role_kind k = ROLE_NET; k < ROLE_KINDS; k++) {
		struct deaths *d = &p->deaths[k];
		if (d->alarm_owed && spool_tell(p, k, false))
			d->alarm_owed = false;
		if (d->steady_owed && !d->alarm_owed && spool_tell(p, k, true))
			d->steady_owed = false;
	}
}

void
parent_deaths_tick(struct parent *p)
{
	int64_t now = clock_mono_ms();
	for (enum role_kind k = ROLE_NET; k < ROLE_KINDS; k++) {
		struct deaths *d = &p->deaths[k];
		if (!d->alarmed || now - d->last_ms < STEADY_MS)
			continue;
		log_event(LOG_INFO, "role.steady", LOGS("role", role_name(k)));
		d->alarmed = false;
		d->slow = 0;
		d->steady_owed = true;
	}
	parent_deaths_tell(p);
}
