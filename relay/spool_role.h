/*
 * spool_role - private to the spool role: its state, and what its files give
 * each other.
 *
 *   spool_serve.c  the role, and groups: gather, sign, commit, answer
 *   spool_apply.c  one request becomes one operation of the engine
 *   spool_care.c   time: deadlines, alarms out, readers, faults
 *   spool_log.c    checkpoints of the log, signed and told to net
 *   spool_conservation.c  the account of all deliveries, likewise
 */
#pragma once

#include "relay/role.h"
#include "relay/spool_wire.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

/* One request of the group, from its coming to its answer. */
struct spool_pending {
	struct role_peer *peer; /* NULL: it left, nobody waits */
	uint64_t request;
	uint16_t type;
	bool aside;      /* not applied yet: waits for the next group */
	struct buf body; /* kept for what is tried again without content */
	struct spool_answer answer;
	bool has_evidence;
	struct spool_position evidence;
	struct buf jws;
	struct spool_certificate_gone gone;
};

#define SPOOL_NOTICES_MAX 16
#define SPOOL_FAULTS_MAX 64

/* A notice the courier is done with, until the next group records it. */
struct spool_told {
	struct spool_notice notice;
	bool done;
	int64_t at_ms; /* when to try again */
};

/* The relay's own trouble, or its end, until a group has recorded it. */
struct spool_fault {
	struct id member;
	bool raise;
	int64_t since_ms;
};

struct spool_role {
	struct role *role;
	struct spool *spool;
	struct spool_group *group; /* NULL: none is open */
	struct spool_pending *pending;
	size_t pending_count;
	size_t pending_capacity;
	uint64_t group_bytes;
	struct event *flush;
	struct event *aside; /* when what waits for a group goes alone */
	struct event *tick;
	char (*polled)[SPOOL_ORG_SIZE];
	size_t polled_count;
	size_t polled_capacity;
	struct spool_told told[SPOOL_NOTICES_MAX];
	size_t told_count;
	struct spool_fault faults[SPOOL_FAULTS_MAX];
	size_t fault_count;
	/* how many of each are in the open group: they wait until it is
	 * durable */
	size_t polled_in;
	size_t told_in;
	size_t faults_in;
	size_t notices_out; /* with the courier */
	bool full;          /* new content was refused for want of room */
	bool full_raised;
	bool looked; /* for room, once; before that an alarm may be left over */
	bool accounted;     /* once; before that an alarm may be left over */
	bool differs;       /* by the newest account */
	bool notice_raised; /* that a notice was given up, or may have been */
	int64_t hold_until_ms; /* monotonic: no deadlines before it */
	int64_t refilled_ms;   /* monotonic */
	struct role_deaths deaths[ROLE_KINDS];
	struct spool_log *log;
	struct spool_conservation *conservation;
};

/* ---- spool_log.c ---- */

int spool_log_start(struct spool_role *sr, struct why *why);
void spool_log_stop(struct spool_role *sr);
/* The tree may have grown: sign a checkpoint before long. */
void spool_log_grown(struct spool_role *sr);
/* A net process that has none yet. */
void spool_log_arrived(struct spool_role *sr, struct role_peer *peer);

/* ---- spool_conservation.c ---- */

int spool_conservation_start(struct spool_role *sr, struct why *why);
void spool_conservation_stop(struct spool_role *sr);
/* Make one now; one that is being made is not the one asked for. */
void spool_conservation_ask(struct spool_role *sr);
/* A net process that has no statement yet. */
void spool_conservation_arrived(struct spool_role *sr, struct role_peer *peer);

/* ---- spool_serve.c ---- */

/* The open group, begun when there was none. */
int spool_role_group(struct spool_role *sr, struct why *why);
/* Commit what there is as soon as no more requests wait to be read. */
void spool_role_flush_soon(struct spool_role *sr);
/* Commit now. 0 when there was nothing to do. */
int spool_role_flush(struct spool_role *sr);

/* ---- spool_apply.c ---- */

/* True for what brings new content: refused, and not tried again, when only
 * the reserve is left. */
bool spool_apply_is_content(uint16_t type);
/* Do it in the open group; the answer (not the evidence's bytes) is put into
 * pending. */
void spool_apply(
    struct spool_role *sr, struct spool_pending *pending, struct span body);

/* ---- spool_care.c ---- */

int spool_care_start(struct spool_role *sr, struct why *why);
void spool_care_stop(struct spool_role *sr);
/* What waits for a group: polls, notices that were told, faults. Done when the
 * group is durable, else the next group has it. */
void spool_care_group(struct spool_role *sr);
void spool_care_group_ended(struct spool_role *sr, bool durable);
void spool_care_deaths(struct spool_role *sr, const struct role_deaths *deaths);
/* Whether the newest account has a difference. */
void spool_care_conservation(struct spool_role *sr, bool differs);
void spool_care_polled(struct spool_role *sr, const char *recipient);
