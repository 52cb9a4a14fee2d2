/*
 * What one net process keeps for all its submissions: profiles, certificates
 * parsed, what is under way.
 */
#include "relay/submission_priv.h"

#include "relay/conf.h"

#include <malloc.h>
#include <stdlib.h>

int
submissions_open(struct net *net, struct why *why)
{
	struct uploads *uploads = calloc(1, sizeof *uploads);
	if (uploads == NULL)
		return why_set(why, WHY_NOMEM, "uploads");
	LIST_INIT(&uploads->running);
	net->uploads = uploads;
	int code = profile_set_load(
	    net->conf->profiles, net->limits, &uploads->profiles, why);
	/* render has the rest: a megabyte that net need not hold */
	profile_set_facts_only(&uploads->profiles);
	(void)malloc_trim(0);
	if (code == 0)
		code = upload_table_open(net, why);
	if (code != 0)
		submissions_close(net);
	return code;
}

void
submissions_close(struct net *net)
{
	struct uploads *uploads = net->uploads;
	if (uploads == NULL)
		return;
	upload_table_close(net);
	while (!LIST_EMPTY(&uploads->running)) {
		struct submission *s = LIST_FIRST(&uploads->running);
		net_ask_cancel(s->accept_ask);
		s->accept_ask = NULL;
		submission_free(s);
	}
	sealers_clear(uploads);
	profile_set_clear(&uploads->profiles);
	free(uploads);
	net->uploads = NULL;
}

size_t
submissions_count(const struct net *net)
{
	return net->uploads->count;
}
