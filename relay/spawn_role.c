/*
 * spawn_role - the first steps of a role's process: its configuration, its
 * peers and its listening sockets come over the control socket.
 */
#include "base/clock.h"
#include "base/log.h"
#include "relay/role_priv.h"
#include "relay/spawn.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <event2/event.h>

/*
 * glibc's defaults cost us twice: each thread's arena, and a return of pages to
 * the kernel that are wanted again at once: in the writer every dirty page at
 * each commit (1.7 times slower when measured), in the others every buffer over
 * 128 KiB (a quarter of net's time at 600 KiB a message). The others keep a few
 * MiB and give the rest back, so that a burst does not stay.
 */
static void
memory_tune(enum role_kind kind)
{
	(void)mallopt(M_ARENA_MAX, 1);
	if (kind == ROLE_SPOOL) {
		(void)mallopt(M_TRIM_THRESHOLD, (int)GIB);
		(void)mallopt(M_TOP_PAD, (int)(64 * MIB));
		(void)mallopt(M_MMAP_THRESHOLD, (int)(32 * MIB));
	} else {
		(void)mallopt(M_TRIM_THRESHOLD, (int)(8 * MIB));
		(void)mallopt(M_TOP_PAD, (int)MIB);
		(void)mallopt(M_MMAP_THRESHOLD, (int)(8 * MIB));
	}
}

/* The parent decides when we end: a terminal's or a service manager's signal
 * to the whole group must not cut a role off. */
static void
signals_ignore(void)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
	    SIGUSR1, SIGUSR2, SIGTSTP};
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
}

/* The first message: who we are, and the configuration. */
static int
conf_receive(const struct role_spec *spec, int control, struct conf *conf,
    struct role **role, struct why *why)
{
	struct buf bytes;
	struct wire_frame frame;
	struct conf_source source = {0};
	int fd;
	buf_init(&bytes, CONTROL_MAX);
	int code = control_receive(control, &bytes, &frame, &fd);
	if (fd >= 0)
		(void)close(fd);
	if (code == 0)
		_exit(0); /* the parent has ended */
	if (code < 0 || frame.type != CONTROL_CONF) {
		code = why_set(
		    why, WHY_MALFORMED, "control socket: expected settings");
		goto out;
	}
	struct wire_in in = wire_open(frame.body);
	uint8_t kind = wire_u8(&in);
	uint32_t slot = wire_u32(&in);
	uint32_t instance = wire_u32(&in);
	if (in.failed || kind != spec->kind) {
		code = why_set(
		    why, WHY_MALFORMED, "control socket: another role's");
		goto out;
	}
	code = conf_source_parse(in.rest, &source, why);
	if (code == 0)
		code = conf_parse(conf, &source, why);
	if (code == 0) {
		*role = role_new(kind, slot, instance, conf, control);
		if (*role == NULL)
			code = why_set(why, WHY_NOMEM, "role");
	}
out:
	conf_source_clear(&source);
	buf_clear(&bytes);
	return code;
}

static int
role_start(struct role *role, struct why *why)
{
	role->jailed = true;
	log_start(role->spec->name, role->conf->least_log);
	if (role->conf->clock_file[0] != '\0') {
		int code = clock_map(role->conf->clock_file, why);
		if (code < 0)
			return code;
	}
	while (!role->private->started)
		role_control_read(role);
	return 0;
}

/* Not in the table of roles, so that who reads it links none of them. */
static int
serve(struct role *role)
{
	switch (role->kind) {
	case ROLE_NET:
		return net_serve(role);
	case ROLE_RENDER:
		return render_serve(role);
	case ROLE_SCAN:
		return scan_serve(role);
	case ROLE_KEYS:
		return keys_role_serve(role);
	case ROLE_SPOOL:
		return spool_role_serve(role);
	case ROLE_COURIER:
		return courier_serve(role);
	case ROLE_PARENT:
	case ROLE_KINDS:
		break;
	}
	return WHY_BUG;
}

int
spawn_role_main(const char *name)
{
	struct conf conf = {0};
	struct role *role = NULL;
	struct why why = {0};
	char title[32];
	const struct role_spec *spec = role_spec_named(name);
	if (spec == NULL || fcntl(SPAWN_CONTROL_FD, F_GETFD) < 0) {
		(void)fprintf(stderr,
		    "budstikked: --role is only for budstikked itself\n");
		return 2;
	}
	(void)fcntl(SPAWN_CONTROL_FD, F_SETFD, FD_CLOEXEC);
	(void)snprintf(title, sizeof title, "bud:%s", name);
	(void)prctl(PR_SET_NAME, title, 0, 0, 0);
	log_start(spec->name, LOG_INFO);
	signals_ignore();
	memory_tune(spec->kind);
	tzset();
	int code = conf_receive(spec, SPAWN_CONTROL_FD, &conf, &role, &why);
	if (code == 0)
		code = role_start(role, &why);
	if (code != 0) {
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
		role_free(role);
		conf_clear(&conf);
		return 1;
	}
	/* serve() has said why it ends when it fails */
	code = serve(role);
	role_free(role);
	conf_clear(&conf);
	return code < 0 ? 1 : 0;
}
