/*
 * parent_priv - the parent's state, shared by parent.c, parent_reload.c,
 * parent_deaths.c and the probe.
 */
#pragma once

#include "relay/conf.h"
#include "relay/listen.h"
#include "relay/role.h"
#include "relay/spawn.h"

enum phase {
	PHASE_STARTING,
	PHASE_RUNNING,
	PHASE_RELOADING,
	PHASE_DRAINING,
};

#define DEATHS_KEPT 100 /* the most that limits.role_deaths allows */

struct deaths {
	int64_t at[DEATHS_KEPT]; /* monotonic, a ring */
	size_t count;            /* ever */
	size_t slow;             /* restarts put off in a row */
	int64_t last_ms;
	int64_t restart_at_ms;
	bool alarmed;    /* spool was told, or is to be */
	bool alarm_owed; /* spool was away */
	bool steady_owed;
};

struct parent {
	struct event_base *base;
	struct event *tick;
	struct event *signals[4];
	int exe;
	const char *conf_path;
	struct conf_source source;
	size_t base_overrides; /* -o's; those after keep old values */
	struct conf conf;
	struct conf_source old_source; /* while reloading */
	struct conf old_conf;
	uint32_t generation;
	uint32_t last_instance;
	struct child *children;
	struct listeners listeners;
	enum phase phase;
	size_t reload_at;  /* index into the table of roles */
	bool reverting;    /* the reload failed, all go back */
	bool reload_again; /* SIGHUP while reloading */
	int drain_start;   /* roles of this start order are leaving */
	struct deaths deaths[ROLE_KINDS];
	bool probe;
	bool over; /* the loop ends */
	int exit_code;
};

/* parent.c */
void parent_reconcile(struct parent *p);
int parent_child_start(
    struct parent *p, const struct role_spec *spec, unsigned slot);
void parent_child_leave(struct parent *p, struct child *child);
void parent_child_kill(
    struct parent *p, struct child *child, const char *reason);
struct child *parent_child_find(struct parent *p, enum role_kind kind,
    unsigned slot, bool newest); /* not leaving; newest: this generation */
void parent_fail(struct parent *p, const char *sentence);

/* parent_peers.c: channels between children */
int parent_peers_give(struct parent *p, struct child *child);
void parent_peers_release(struct parent *p, struct child *child);
void parent_peers_retire(struct parent *p, const struct child *child);

/* parent_reload.c */
void parent_reload(struct parent *p);
void parent_reload_step(struct parent *p);
void parent_reload_failed(struct parent *p, const struct child *child);

/* parent_deaths.c */
void parent_death_count(struct parent *p, enum role_kind kind);
void parent_deaths_tick(struct parent *p);
void parent_deaths_tell(struct parent *p);

#ifdef TEST_HOOKS
/* parent_probe.c */
void parent_probe_start(struct parent *p);
void parent_probe_answer(
    struct parent *p, struct child *child, struct span body);
void parent_probe_silent(struct parent *p, const struct child *child);
#endif
