/*
 * idle - stands in for a role whose work is not built yet: it starts, goes
 * into its jail, refuses every request with unsupported, and leaves when told.
 *
 * Who builds the real one takes its stand-in away here. Until then this one is
 * linked (main refers to this file first), and every start says so.
 */
#include "relay/idle.h"

#include "base/log.h"
#include "relay/pipe.h"
#include "relay/role.h"

#define WEAK __attribute__((weak))

static void
refuse_frame(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct why why;
	(void)role;
	(void)why_set(&why, WHY_UNSUPPORTED, "this role is not built");
	if (frame->request != 0 && (frame->flags & WIRE_MORE) == 0)
		pipe_refuse(peer, frame->request, &why);
}

static int
serve(struct role *role)
{
	static const struct pipe_hooks pipe_hooks = {.frame = refuse_frame};
	struct why why;
	int code = 0;
	if (!role->spec->worker)
		code = role_base_new(role, &why);
	if (code == 0)
		code = role_enter(role, &why);
	if (code < 0) {
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
		return code;
	}
	return role->spec->worker ? pipe_serve(role, &pipe_hooks)
				  : role_run(role);
}

/* Kept in step with the functions below. */
static const char *const stand_ins[] = {"net", NULL};

void
idle_say(void)
{
	for (size_t i = 0; stand_ins[i] != NULL; i++)
		log_event(
		    LOG_WARNING, "role.stand-in", LOGS("role", stand_ins[i]));
}

WEAK int
net_serve(struct role *role)
{
	return serve(role);
}
