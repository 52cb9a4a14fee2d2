/*
 * listen - the sockets that the parent binds and hands to net, and the port
 * files and ready lines that tell others of them.
 */
#pragma once

#include "base/why.h"
#include "relay/conf.h"
#include "relay/role.h"

#include <stddef.h>

struct listeners {
	size_t count;
	struct listener {
		enum role_listen kind;
		int fd;
		char name[160]; /* "https://HOST:PORT", "unix:PATH" ... */
		unsigned port;  /* 0: a Unix socket */
		char path[108]; /* of a Unix socket, or "" */
	} at[ROLE_LISTENERS_MAX];
};

/* Bind all that the configuration asks for; none on failure. */
int listen_open(
    struct listeners *listeners, const struct conf *conf, struct why *why);

/* Write relay.port and admin.port (the number and a line feed) whole by
 * rename, then one ready line each on standard error. A listener that is off
 * or a Unix path has no port file: an old one is removed. */
int listen_announce(const struct listeners *listeners, const struct conf *conf,
    struct why *why);

/* Close all; remove Unix sockets and port files. */
void listen_close(struct listeners *listeners, const struct conf *conf);
