#include "relay/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static struct listener *
listener_add(struct listeners *all, enum role_listen kind, int fd)
{
	struct listener *l = &all->at[all->count++];
	*l = (struct listener){.kind = kind, .fd = fd};
	return l;
}

/* "HOST:PORT" or "[V6]:PORT" to an address. */
static int
address_find(
    const char *name, const char *value, struct addrinfo **out, struct why *why)
{
	char host[128];
	const char *colon = strrchr(value, ':');
	size_t size = (size_t)(colon - value);
	const char *from = value;
	if (value[0] == '[') {
		from++;
		size -= 2;
	}
	if (size >= sizeof host)
		return why_set(why, WHY_INVALID, "%s: expected a host", name);
	memcpy(host, from, size);
	host[size] = '\0';
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	int code = getaddrinfo(host, colon + 1, &hints, out);
	if (code != 0)
		return why_set(why, WHY_SYSTEM, "%s: %s: %s", name, value,
		    gai_strerror(code));
	return 0;
}

/* The name that a ready line shows, and the port that was really got. */
static int
name_build(struct listener *l, const char *scheme, struct why *why)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof bound;
	char host[NI_MAXHOST];
	char port[NI_MAXSERV];
	if (getsockname(l->fd, (struct sockaddr *)&bound, &size) < 0)
		return why_errno(why, "listener");
	if (getnameinfo((struct sockaddr *)&bound, size, host, sizeof host,
		port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return why_set(why, WHY_SYSTEM, "listener: no name");
	bool six = bound.ss_family == AF_INET6;
	(void)snprintf(l->name, sizeof l->name, "%s://%s%.100s%s:%s", scheme,
	    six ? "[" : "", host, six ? "]" : "", port);
	l->port = (unsigned)strtoul(port, NULL, 10);
	return 0;
}

static int
tcp_open(struct listeners *all, enum role_listen kind, const char *name,
    const char *value, struct why *why)
{
	struct addrinfo *address = NULL;
	static const int on = 1;
	int code = address_find(name, value, &address, why);
	if (code < 0)
		return code;
	int fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, address->ai_addr, address->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		code = why_errno(why, "%s: %s", name, value);
		if (fd >= 0)
			(void)close(fd);
	} else {
		code = name_build(listener_add(all, kind, fd),
		    kind == LISTEN_ADMIN ? "admin http" : "https", why);
	}
	freeaddrinfo(address);
	return code;
}

/* Who may connect may name any client certificate: owner and group only. */
static int
unix_own(const char *path, const struct conf *conf, struct why *why)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	if (geteuid() == 0) {
		struct passwd *user = getpwnam(conf->user);
		if (user == NULL)
			return why_set(why, WHY_INVALID,
			    "user: there is no user of that name");
		uid = user->pw_uid;
		gid = user->pw_gid;
	}
	if (conf->listen_unix_group[0] != '\0') {
		struct group *group = getgrnam(conf->listen_unix_group);
		if (group == NULL)
			return why_set(why, WHY_INVALID,
			    "listen_unix_group: there is no such group");
		gid = group->gr_gid;
	}
	if (chown(path, uid, gid) < 0 || chmod(path, 0660) < 0)
		return why_errno(why, "%s", path);
	return 0;
}

static int
unix_open(struct listeners *all, enum role_listen kind, const char *path,
    const struct conf *conf, struct why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat old;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	/* a socket left by a relay that was killed; nothing else is removed */
	if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
		(void)unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return why_errno(why, "%s", path);
	mode_t before = umask(0177);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
	(void)umask(before);
	if (bound < 0) {
		int code = why_errno(why, "%s", path);
		(void)close(fd);
		return code;
	}
	struct listener *l = listener_add(all, kind, fd);
	(void)snprintf(l->path, sizeof l->path, "%s", path);
	(void)snprintf(l->name, sizeof l->name, "%sunix:%s",
	    kind == LISTEN_ADMIN ? "admin " : "", path);
	int code = unix_own(path, conf, why);
	if (code == 0 && listen(fd, BACKLOG) < 0)
		code = why_errno(why, "%s", path);
	return code;
}

int
listen_open(struct listeners *all, const struct conf *conf, struct why *why)
{
	int code = 0;
	*all = (struct listeners){0};
	if (strcmp(conf->listen, "off") != 0)
		code = tcp_open(all, LISTEN_TLS, "listen", conf->listen, why);
	if (code == 0 && conf->listen_unix[0] != '\0')
		code =
		    unix_open(all, LISTEN_UNIX, conf->listen_unix, conf, why);
	if (code == 0 && conf->listen_admin[0] == '/')
		code =
		    unix_open(all, LISTEN_ADMIN, conf->listen_admin, conf, why);
	else if (code == 0 && strcmp(conf->listen_admin, "off") != 0)
		code = tcp_open(
		    all, LISTEN_ADMIN, "listen_admin", conf->listen_admin, why);
	if (code < 0)
		listen_close(all, conf);
	return code;
}

static int
port_write(
    const struct conf *conf, const char *file, unsigned port, struct why *why)
{
	char path[4096];
	char whole[4096];
	char text[16];
	int code = 0;
	int size = snprintf(text, sizeof text, "%u\n", port);
	(void)snprintf(path, sizeof path, "%s/.%s.new", conf->directory, file);
	(void)snprintf(whole, sizeof whole, "%s/%s", conf->directory, file);
	if (port == 0) {
		(void)unlink(whole);
		return 0;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return why_errno(why, "%s", path);
	if (write(fd, text, (size_t)size) != size)
		code = why_errno(why, "%s", path);
	if (close(fd) < 0 && code == 0)
		code = why_errno(why, "%s", path);
	if (code == 0 && rename(path, whole) < 0)
		code = why_errno(why, "%s", whole);
	if (code < 0)
		(void)unlink(path);
	return code;
}

static unsigned
port_of(const struct listeners *all, enum role_listen kind)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].kind == kind)
			return all->at[i].port;
	return 0;
}

int
listen_announce(
    const struct listeners *all, const struct conf *conf, struct why *why)
{
	int code =
	    port_write(conf, "relay.port", port_of(all, LISTEN_TLS), why);
	if (code == 0)
		code = port_write(
		    conf, "admin.port", port_of(all, LISTEN_ADMIN), why);
	for (size_t i = 0; code == 0 && i < all->count; i++) {
		char line[200];
		int size =
		    snprintf(line, sizeof line, "ready %s\n", all->at[i].name);
		/* one write: lines of several processes must not mix */
		if (write(STDERR_FILENO, line, (size_t)size) != size)
			code = why_errno(why, "standard error");
	}
	return code;
}

void
listen_close(struct listeners *all, const struct conf *conf)
{
	struct why why;
	for (size_t i = 0; i < all->count; i++) {
		(void)close(all->at[i].fd);
		if (all->at[i].path[0] != '\0')
			(void)unlink(all->at[i].path);
	}
	if (all->count > 0) {
		(void)port_write(conf, "relay.port", 0, &why);
		(void)port_write(conf, "admin.port", 0, &why);
	}
	*all = (struct listeners){0};
}
