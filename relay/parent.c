#include "relay/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "relay/parent_priv.h"
#include "relay/role_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#define TICK_MS 100
#define RETRY_MS 1000 /* after a start that failed here */

void
parent_fail(struct parent *p, const char *sentence)
{
	log_event(LOG_ERROR, "parent.failed", LOGS("error", sentence));
	p->exit_code = 1;
	p->over = true;
}

struct child *
parent_child_find(
    struct parent *p, enum role_kind kind, unsigned slot, bool newest)
{
	for (struct child *c = p->children; c != NULL; c = c->next)
		if (c->spec->kind == kind && c->slot == slot &&
		    c->state != CHILD_LEAVING &&
		    (!newest || c->generation == p->generation))
			return c;
	return NULL;
}

/* ---- messages of a child ---- */

static void
child_ready(struct parent *p, struct child *c)
{
	if (c->was_ready)
		return; /* said twice: nothing follows */
	c->was_ready = true;
	log_event(LOG_INFO, "role.ready", LOGS("role", c->spec->name),
	    LOGN("slot", c->slot), LOGN("pid", c->pid),
	    LOGN("ms", clock_mono_ms() - c->started_ms));
	if (c->state == CHILD_STARTING)
		c->state = CHILD_READY;
	parent_peers_release(p, c);
	if (c->spec->kind == ROLE_SPOOL)
		parent_deaths_tell(p);
}

/* Only spool may say so, and only of a net. */
static void
child_stuck(struct parent *p, const struct child *from, struct span body)
{
	struct wire_in in = wire_open(body);
	uint32_t pid = wire_u32(&in);
	if (!wire_end(&in) || from->spec->kind != ROLE_SPOOL)
		return;
	for (struct child *c = p->children; c != NULL; c = c->next)
		if (c->spec->kind == ROLE_NET && c->pid == (pid_t)pid)
			parent_child_kill(p, c, "stuck-reader");
}

static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;
	struct child *c = p->children;
	struct buf bytes;
	struct wire_frame frame;
	int passed;
	(void)what;
	while (c != NULL && c->control != fd)
		c = c->next;
	if (c == NULL)
		return;
	buf_init(&bytes, CONTROL_MAX);
	int code = control_receive(fd, &bytes, &frame, &passed);
	if (passed >= 0)
		(void)close(passed);
	if (code == WHY_BUSY) {
		/* not yet after all */
	} else if (code == 0) {
		(void)event_del(c->event); /* its death is told by SIGCHLD */
	} else if (code < 0) {
		parent_child_kill(p, c, "control-malformed");
		(void)event_del(c->event);
	} else if (frame.type == CONTROL_READY) {
		child_ready(p, c);
	} else if (frame.type == CONTROL_STUCK) {
		child_stuck(p, c, frame.body);
#ifdef TEST_HOOKS
	} else if (frame.type == CONTROL_PROBE) {
		parent_probe_answer(p, c, frame.body);
#endif
	}
	buf_clear(&bytes);
	parent_reconcile(p);
}

/* ---- starting and ending one ---- */

static int
listeners_give(const struct parent *p, struct child *child)
{
	int code = 0;
	for (size_t i = 0; i < p->listeners.count && code == 0; i++) {
		uint8_t kind = (uint8_t)p->listeners.at[i].kind;
		code = control_send(child->control, CONTROL_LISTEN,
		    span_of(&kind, 1), p->listeners.at[i].fd);
	}
	return code;
}

int
parent_child_start(
    struct parent *p, const struct role_spec *spec, unsigned slot)
{
	struct why why;
	struct child *c = calloc(1, sizeof *c);
	if (c == NULL)
		return WHY_NOMEM;
	*c = (struct child){.spec = spec,
	    .slot = slot,
	    .instance = ++p->last_instance,
	    .generation = p->generation,
	    .control = -1};
	int code = spawn_start(c, p->exe, &p->source, &why);
	if (code < 0) {
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
		p->deaths[spec->kind].restart_at_ms =
		    clock_mono_ms() + RETRY_MS;
		spawn_child_free(c);
		return code;
	}
	log_event(LOG_INFO, "role.started", LOGS("role", spec->name),
	    LOGN("slot", slot), LOGN("pid", c->pid));
	c->next = p->children;
	p->children = c;
	c->event =
	    event_new(p->base, c->control, EV_READ | EV_PERSIST, on_control, p);
	if (c->event == NULL || event_add(c->event, NULL) < 0)
		code = WHY_NOMEM;
	if (code == 0 && spec->network == NETWORK_INBOUND)
		code = listeners_give(p, c);
	if (code == 0)
		code = parent_peers_give(p, c);
	if (code == 0)
		code = spawn_tell(c, CONTROL_START, SPAN_NONE);
	if (code < 0) /* started in part: its death starts it anew */
		parent_child_kill(p, c, "not-started");
	return code;
}

void
parent_child_leave(struct parent *p, struct child *c)
{
	if (c->state == CHILD_LEAVING)
		return;
	c->state = CHILD_LEAVING;
	c->leave_by_ms =
	    clock_mono_ms() + (int64_t)p->conf.limits.drain_seconds * 1000;
	(void)spawn_tell(c, CONTROL_DRAIN, SPAN_NONE);
}

void
parent_child_kill(struct parent *p, struct child *c, const char *reason)
{
	(void)p;
	log_event(LOG_ERROR, "role.killed", LOGS("role", c->spec->name),
	    LOGN("slot", c->slot), LOGN("pid", c->pid), LOGS("reason", reason));
	(void)kill(c->pid, SIGKILL);
}

static void
child_dead(struct parent *p, struct child *c, int status)
{
	bool left = c->state == CHILD_LEAVING;
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (left && clean)
		log_event(LOG_INFO, "role.left", LOGS("role", c->spec->name),
		    LOGN("slot", c->slot), LOGN("pid", c->pid));
	else
		log_event(LOG_ERROR, "role.dead", LOGS("role", c->spec->name),
		    LOGN("slot", c->slot), LOGN("pid", c->pid),
		    LOGN("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0),
		    LOGN("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
#ifdef TEST_HOOKS
	if (p->probe)
		parent_probe_silent(p, c);
#endif
	if (left)
		return;
	/* one that says it cannot serve will not be able to a moment later */
	bool unable = WIFEXITED(status) && !c->was_ready;
	if (unable && p->phase == PHASE_STARTING)
		parent_fail(p, "a role cannot start");
	else if (unable && p->phase == PHASE_RELOADING &&
		 c->generation == p->generation)
		parent_reload_failed(p, c);
	parent_death_count(p, c->spec->kind);
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;
	pid_t pid;
	int status;
	(void)fd;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child **at = &p->children;
		while (*at != NULL && (*at)->pid != pid)
			at = &(*at)->next;
		if (*at == NULL)
			continue;
		struct child *c = *at;
		*at = c->next;
		child_dead(p, c, status);
		spawn_child_free(c);
	}
	parent_reconcile(p);
}

/* ---- what should be, and what is ---- */

static bool
one_leaves(const struct parent *p, const struct role_spec *spec)
{
	for (const struct child *c = p->children; c != NULL; c = c->next)
		if (c->spec == spec && c->state == CHILD_LEAVING)
			return true;
	return false;
}

/* Fill the empty places of a kind. True when all of it serves. */
static bool
places_fill(struct parent *p, const struct role_spec *spec)
{
	bool all = true;
	for (unsigned slot = 0; slot < role_copies(spec->kind, &p->conf);
	     slot++) {
		struct child *c = parent_child_find(p, spec->kind, slot, false);
		if (c != NULL && c->state == CHILD_READY)
			continue;
		all = false;
		if (c == NULL &&
		    clock_mono_ms() >= p->deaths[spec->kind].restart_at_ms &&
		    (spec->overlaps || !one_leaves(p, spec)))
			(void)parent_child_start(p, spec, slot);
	}
	return all;
}

/* In order of start; at the first start each order waits for the one before.
 * Those whose turn to leave has come are not started again. */
static bool
roles_fill(struct parent *p)
{
	const struct role_spec *spec;
	int waiting = -1;
	bool all = true;
	for (size_t i = 0; (spec = role_spec_at(i)) != NULL; i++) {
		if (p->phase == PHASE_DRAINING && spec->start >= p->drain_start)
			continue;
		if (waiting >= 0 && spec->start > waiting)
			break;
		if (places_fill(p, spec))
			continue;
		all = false;
		if (p->phase == PHASE_STARTING)
			waiting = spec->start;
	}
	return all;
}

static void
started(struct parent *p)
{
	struct why why;
	p->phase = PHASE_RUNNING;
#ifdef TEST_HOOKS
	if (p->probe) {
		parent_probe_start(p);
		return;
	}
#endif
	if (listen_announce(&p->listeners, &p->conf, &why) < 0) {
		parent_fail(p, why.text);
		return;
	}
	if (p->reload_again) {
		p->reload_again = false;
		parent_reload(p);
	}
}

/* The roles of one start order leave, then those before them. */
static void
drain_step(struct parent *p)
{
	for (;;) {
		bool some = false;
		for (struct child *c = p->children; c != NULL; c = c->next)
			if (c->spec->start >= p->drain_start) {
				parent_child_leave(p, c);
				some = true;
			}
		if (some)
			return;
		if (p->drain_start == 0)
			break;
		p->drain_start--;
	}
	log_event(LOG_INFO, "parent.drained");
	p->over = true;
}

static void
late_kill(struct parent *p)
{
	int64_t now = clock_mono_ms();
	for (struct child *c = p->children; c != NULL; c = c->next)
		if (c->state == CHILD_LEAVING && now >= c->leave_by_ms) {
			parent_child_kill(p, c, "late");
			c->leave_by_ms = INT64_MAX;
		}
}

static bool
tick_wanted(const struct parent *p)
{
	if (p->phase != PHASE_RUNNING)
		return true;
	for (const struct child *c = p->children; c != NULL; c = c->next)
		if (c->state != CHILD_READY)
			return true;
	for (size_t k = 0; k < ROLE_KINDS; k++)
		if (p->deaths[k].alarmed || p->deaths[k].alarm_owed ||
		    p->deaths[k].steady_owed ||
		    p->deaths[k].restart_at_ms > clock_mono_ms())
			return true;
	return false;
}

void
parent_reconcile(struct parent *p)
{
	static const struct timeval tick = {0, TICK_MS * 1000};
	if (!p->over) {
		bool all = roles_fill(p);
		if (p->phase == PHASE_STARTING && all)
			started(p);
		else if (p->phase == PHASE_RELOADING)
			parent_reload_step(p);
		else if (p->phase == PHASE_DRAINING)
			drain_step(p);
		late_kill(p);
	}
	if (p->over)
		(void)event_base_loopbreak(p->base);
	else if (tick_wanted(p))
		(void)event_add(p->tick, &tick);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	parent_deaths_tick(arg);
	parent_reconcile(arg);
}

/* ---- signals ---- */

static void
on_end(evutil_socket_t signal, short what, void *arg)
{
	struct parent *p = arg;
	(void)what;
	log_event(LOG_INFO, "parent.draining",
	    LOGS("signal", signal == SIGINT ? "INT" : "TERM"));
	if (p->phase == PHASE_DRAINING)
		for (struct child *c = p->children; c != NULL; c = c->next)
			c->leave_by_ms = 0; /* asked twice: no more patience */
	if (p->phase != PHASE_DRAINING) {
		p->phase = PHASE_DRAINING;
		p->drain_start = 0;
		for (size_t i = 0; role_spec_at(i) != NULL; i++)
			if (role_spec_at(i)->start > p->drain_start)
				p->drain_start = role_spec_at(i)->start;
	}
	parent_reconcile(p);
}

static void
on_reload(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	parent_reload(arg);
}

static int
events_open(struct parent *p, struct why *why)
{
	static const struct {
		int signal;
		event_callback_fn does;
	} handlers[] = {{SIGCHLD, on_child}, {SIGTERM, on_end},
	    {SIGINT, on_end}, {SIGHUP, on_reload}};
	p->base = event_base_new();
	if (p->base == NULL)
		return why_set(why, WHY_SYSTEM, "event base");
	p->tick = event_new(p->base, -1, 0, on_tick, p);
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
		p->signals[i] = evsignal_new(
		    p->base, handlers[i].signal, handlers[i].does, p);
		if (p->signals[i] == NULL || event_add(p->signals[i], NULL) < 0)
			return why_set(why, WHY_NOMEM, "signals");
	}
	if (p->tick == NULL)
		return why_set(why, WHY_NOMEM, "tick");
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int
parent_open(struct parent *p, struct why *why)
{
	int code = conf_parse(&p->conf, &p->source, why);
	if (code < 0)
		return code;
	log_start("parent", p->conf.least_log);
	p->exe = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (p->exe < 0)
		return why_errno(why, "/proc/self/exe");
	/* no core of ours either, and none of a role before its jail: keys has
	 * read its keys by then */
	static const struct rlimit no_core = {0, 0};
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return why_errno(why, "forbidding core dumps");
	/* set by conf_parse(); its const argument hides that from clang-tidy
	 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (p->conf.clock_file[0] != '\0')
		code = clock_map(p->conf.clock_file, why);
	if (code == 0)
		code = events_open(p, why);
	if (code == 0)
		code = listen_open(&p->listeners, &p->conf, why);
	return code;
}

static void
parent_close(struct parent *p)
{
	for (struct child *c = p->children; c != NULL; c = c->next)
		(void)kill(c->pid, SIGKILL);
	while (p->children != NULL) {
		struct child *c = p->children;
		p->children = c->next;
		(void)waitpid(c->pid, NULL, 0);
		spawn_child_free(c);
	}
	listen_close(&p->listeners, &p->conf);
	for (size_t i = 0; i < sizeof p->signals / sizeof *p->signals; i++)
		if (p->signals[i] != NULL)
			event_free(p->signals[i]);
	if (p->tick != NULL)
		event_free(p->tick);
	if (p->base != NULL)
		event_base_free(p->base);
	if (p->exe >= 0)
		(void)close(p->exe);
	conf_clear(&p->conf);
	conf_source_clear(&p->source);
	conf_clear(&p->old_conf);
	conf_source_clear(&p->old_source);
}

int
parent_run(struct conf_source *take_source, const char *conf_path, bool probe)
{
	struct parent p = {.exe = -1,
	    .conf_path = conf_path,
	    .source = *take_source,
	    .base_overrides = take_source->override_count,
	    .probe = probe};
	struct why why;
	/* what a parent before us raised and did not live to end */
	for (size_t k = 0; k < ROLE_KINDS; k++)
		p.deaths[k].steady_owed = true;
	if (parent_open(&p, &why) < 0) {
		parent_fail(&p, why.text);
	} else {
		log_event(LOG_INFO, "conf.loaded", LOGN("reload", 0));
		parent_reconcile(&p);
		if (!p.over)
			(void)event_base_dispatch(p.base);
	}
	parent_close(&p);
	return p.exit_code;
}
