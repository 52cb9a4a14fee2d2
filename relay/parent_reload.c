/*
 * parent_reload - SIGHUP: every role is replaced by one with the new
 * configuration, in order of start.
 */
#include "base/log.h"
#include "relay/parent_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
refuse(const char *sentence)
{
	log_event(LOG_ERROR, "conf.refused", LOGS("error", sentence));
}

/* The old value stays in force: as one more override of the new source. */
static int
value_keep(struct conf_source *source, const struct conf *old, const char *name,
    struct why *why)
{
	char *text = NULL;
	int size = conf_override_build(&text, old, name);
	if (size < 0)
		return why_set(why, WHY_NOMEM, "configuration");
	if (source->override_count == CONF_OVERRIDES_MAX) {
		free(text);
		return why_set(why, WHY_TOO_LARGE,
		    "%s: needs a restart, and there are too many -o", name);
	}
	source->overrides[source->override_count++] = text;
	return 0;
}

/* Settings that cannot change while we run keep their value, with a word. */
static int
restart_settings_keep(const struct parent *p, struct conf_source *source,
    struct conf *conf, struct why *why)
{
	struct buf names;
	int code = 0;
	buf_init(&names, 4096);
	conf_restart_names(&names, &p->conf, conf);
	if (names.size > 0) {
		const char *text = buf_text(&names);
		char *copy = text == NULL ? NULL : strdup(text);
		char *rest = copy;
		if (copy == NULL)
			code = why_set(why, WHY_NOMEM, "configuration");
		else
			log_event(LOG_WARNING, "conf.restart-needed",
			    LOGS("settings", text));
		for (char *name;
		     code == 0 && (name = strsep(&rest, " ")) != NULL;)
			code = value_keep(source, &p->conf, name, why);
		free(copy);
		if (code == 0) {
			conf_clear(conf);
			code = conf_parse(conf, source, why);
		}
	}
	buf_clear(&names);
	return code;
}

void
parent_reload(struct parent *p)
{
	struct conf_source source = {0};
	struct conf conf = {0};
	struct why why;
	if (p->phase == PHASE_RELOADING || p->phase == PHASE_STARTING) {
		p->reload_again = true;
		return;
	}
	if (p->phase == PHASE_DRAINING)
		return;
	int code = conf_source_read(&source, p->conf_path, p->source.overrides,
	    p->base_overrides, &why);
	if (code == 0)
		code = conf_parse(&conf, &source, &why);
	if (code == 0)
		code = restart_settings_keep(p, &source, &conf, &why);
	if (code < 0) {
		refuse(why.text);
		conf_source_clear(&source);
		conf_clear(&conf);
		return;
	}
	p->old_source = p->source;
	p->old_conf = p->conf;
	p->source = source;
	p->conf = conf;
	p->generation++;
	p->reload_at = 0;
	p->reverting = false;
	p->phase = PHASE_RELOADING;
	parent_reconcile(p);
}

/* Before they serve, all of a kind are there in this generation. */
static bool
all_ready(struct parent *p, const struct role_spec *spec)
{
	unsigned copies = role_copies(spec->kind, &p->conf);
	for (unsigned slot = 0; slot < copies; slot++) {
		struct child *new =
		    parent_child_find(p, spec->kind, slot, true);
		if (new == NULL && spec->overlaps)
			(void)parent_child_start(p, spec, slot);
		if (new == NULL || new->state != CHILD_READY)
			return false;
	}
	return true;
}

static void
old_leave(struct parent *p, const struct role_spec *spec)
{
	for (struct child *c = p->children; c != NULL; c = c->next)
		if (c->spec == spec && c->generation != p->generation &&
		    c->state != CHILD_LEAVING) {
			parent_peers_retire(p, c);
			parent_child_leave(p, c);
		}
}

static void
reload_finish(struct parent *p)
{
	conf_source_clear(&p->old_source);
	conf_clear(&p->old_conf);
	p->phase = PHASE_RUNNING;
	log_start("parent", p->conf.least_log);
	if (!p->reverting)
		log_event(LOG_INFO, "conf.loaded", LOGN("reload", 1));
	p->reverting = false;
	if (p->reload_again) {
		p->reload_again = false;
		parent_reload(p);
	}
}

void
parent_reload_step(struct parent *p)
{
	for (;;) {
		const struct role_spec *spec = role_spec_at(p->reload_at);
		if (spec == NULL)
			break;
		/* one that may not stand beside its successor leaves first;
		 * the empty place is then filled as after a death */
		if (!spec->overlaps)
			old_leave(p, spec);
		if (!all_ready(p, spec))
			return;
		old_leave(p, spec);
		p->reload_at++;
	}
	reload_finish(p);
}

void
parent_reload_failed(struct parent *p, const struct child *child)
{
	char sentence[128];
	if (p->reverting)
		return; /* the old configuration again: restarts as usual */
	(void)snprintf(sentence, sizeof sentence,
	    "%s cannot start with it, see role.failed", child->spec->name);
	refuse(sentence);
	struct conf_source source = p->source;
	struct conf conf = p->conf;
	p->source = p->old_source;
	p->conf = p->old_conf;
	p->old_source = source;
	p->old_conf = conf;
	p->generation++;
	p->reload_at = 0;
	p->reverting = true;
}
