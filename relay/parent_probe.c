/*
 * parent_probe - test builds only: judge what every role says of its jail, as
 * TAP on standard output.
 */
#ifdef TEST_HOOKS

#include "relay/parent_priv.h"

#include "relay/role_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned count;
static unsigned failed;
static unsigned awaited;

static void
say(bool good, const char *role, const char *what, const char *detail)
{
	count++;
	failed += good ? 0 : 1;
	(void)printf("%s %u - %s: %s (%s)\n", good ? "ok" : "not ok", count,
	    role, what, detail);
}

static void
skip(const char *role, const char *what, const char *why)
{
	(void)printf("ok %u - %s: %s # SKIP %s\n", ++count, role, what, why);
}

/* What the table of roles allows, in the words of probe.c. */
static bool
by_right(const struct parent *p, const struct role_spec *spec, const char *name)
{
	bool clamd = spec->network == NETWORK_CLAMD && p->conf.clamd[0] != '\0';
	if (strcmp(name, "socket-inet") == 0)
		return spec->network == NETWORK_OUTBOUND;
	if (strcmp(name, "socket-unix") == 0 || strcmp(name, "connect") == 0)
		return spec->network == NETWORK_OUTBOUND ||
		       spec->network == NETWORK_LOCAL || clamd;
	if (strcmp(name, "open-passwd") == 0)
		return spec->files == FILES_RESOLVER ||
		       spec->files == FILES_TOKEN;
	if (strcmp(name, "run-written-memory") == 0)
		return spec->files == FILES_RESOLVER;
	if (strcmp(name, "open-spool") == 0)
		return spec->files == FILES_SPOOL;
	return false;
}

static void
layer_judge(const char *role, const char *name, const char *value)
{
	if (strcmp(name, "uid") == 0) {
		if (geteuid() == 0)
			say(strcmp(value, "0") != 0, role, "is not root, uid",
			    value);
		else
			skip(role, "is not root", "not started as root");
	} else if (strcmp(name, "landlock") == 0 && strcmp(value, "0") == 0) {
		skip(role, "Landlock is in force",
		    "this kernel does not offer it");
	} else {
		char what[64];
		(void)snprintf(what, sizeof what, "layer %s in force", name);
		say(strcmp(value, "0") != 0, role, what, value);
	}
}

/* Without Landlock a role that may open its own files may open all that its
 * user may. */
static bool
needs_landlock(const struct role_spec *spec, const char *name)
{
	return spec->files != FILES_NONE && (strncmp(name, "open-", 5) == 0 ||
						strncmp(name, "crea", 4) == 0);
}

static void
attempt_judge(struct parent *p, const struct role_spec *spec,
    const char *result, const char *name, const char *detail, bool landlock)
{
	char what[96];
	bool allowed = strcmp(result, "allowed") == 0;
	bool right = by_right(p, spec, name);
	(void)snprintf(what, sizeof what, "%s is %s", name,
	    right ? "its right" : "denied");
	if (!landlock && !right && needs_landlock(spec, name))
		skip(spec->name, what, "Landlock is absent");
	else
		say(allowed == right, spec->name, what, detail);
}

static void
finish_if_last(struct parent *p)
{
	if (awaited > 0)
		return;
	(void)printf("1..%u\n", count);
	(void)fflush(stdout);
	p->exit_code = failed > 0 ? 1 : 0;
	p->over = true;
}

void
parent_probe_answer(struct parent *p, struct child *child, struct span body)
{
	struct buf text;
	char *line;
	bool landlock = false;
	buf_init(&text, CONTROL_MAX);
	buf_add_span(&text, body);
	char *rest = (char *)(uintptr_t)buf_text(&text);
	while ((line = strsep(&rest, "\n")) != NULL) {
		char result[16];
		char name[48];
		char detail[48];
		if (sscanf(line, "%15s %47s %47s", result, name, detail) != 3)
			continue;
		if (strcmp(result, "layer") != 0) {
			attempt_judge(p,
			    role_spec_for(child->spec->kind, &p->conf), result,
			    name, detail, landlock);
			continue;
		}
		if (strcmp(name, "landlock") == 0)
			landlock = strcmp(detail, "0") != 0;
		layer_judge(child->spec->name, name, detail);
	}
	buf_clear(&text);
	awaited--;
	finish_if_last(p);
}

void
parent_probe_start(struct parent *p)
{
	for (struct child *c = p->children; c != NULL; c = c->next) {
		awaited++;
		(void)spawn_tell(c, CONTROL_PROBE, SPAN_NONE);
	}
}

/* A role that died of its probe. */
void
parent_probe_silent(struct parent *p, const struct child *child)
{
	if (p->phase != PHASE_RUNNING)
		return;
	say(false, child->spec->name, "lives through its probe", "died");
	awaited--;
	finish_if_last(p);
}

#else
typedef int parent_probe_is_of_test_builds; /* no empty translation unit */
#endif
