/*
 * conf_rules - what a value must look like beyond its type, and what two
 * settings must be to each other.
 */
#include "relay/conf_priv.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define UNIX_PATH_MAX sizeof(((struct sockaddr_un *)NULL)->sun_path)

static int
one_of(const char *name, const char *value, const char *const words[],
    struct why *why)
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return 0;
	return why_set(why, WHY_INVALID, "%s: expected %s or %s", name,
	    words[0], words[1]);
}

static bool
host_port(const char *value)
{
	const char *colon = strrchr(value, ':');
	uint64_t port;
	if (colon == NULL || colon == value)
		return false;
	size_t host = (size_t)(colon - value);
	if (memchr(value, ':', host) != NULL &&
	    (value[0] != '[' || value[host - 1] != ']'))
		return false; /* IPv6 needs its brackets */
	return number_parse(span_text(colon + 1), 65535, &port);
}

static int
listen_check(
    const char *name, const char *value, bool unix_too, struct why *why)
{
	if (strcmp(value, "off") == 0 || host_port(value))
		return 0;
	if (unix_too && value[0] == '/' && strlen(value) < UNIX_PATH_MAX)
		return 0;
	return why_set(why, WHY_INVALID, "%s: expected HOST:PORT%s or off",
	    name, unix_too ? ", an absolute Unix path" : "");
}

static int
unix_check(const char *name, const char *path, struct why *why)
{
	if (strlen(path) >= UNIX_PATH_MAX)
		return why_set(why, WHY_INVALID,
		    "%s: expected a path shorter than %zu bytes", name,
		    UNIX_PATH_MAX);
	return 0;
}

static int
listeners_check(const struct conf *c, struct why *why)
{
	if (listen_check("listen", c->listen, false, why) < 0 ||
	    listen_check("listen_admin", c->listen_admin, true, why) < 0 ||
	    unix_check("listen_unix", c->listen_unix, why) < 0 ||
	    unix_check("clamd", c->clamd, why) < 0)
		return WHY_INVALID;
	if (strcmp(c->listen_console, "off") != 0)
		return why_set(why, WHY_UNSUPPORTED,
		    "listen_console: this version has no console; "
		    "expected off");
	if (strcmp(c->listen, "off") == 0 && c->listen_unix[0] == '\0')
		return why_set(why, WHY_INVALID,
		    "listen: is off and listen_unix is not set; "
		    "expected one of them");
	if (c->listen_unix[0] == '\0' && c->listen_unix_group[0] != '\0')
		return why_set(why, WHY_INVALID,
		    "listen_unix_group: has no meaning without listen_unix");
	return 0;
}

/* The header's name is compared with what a request holds: a token. */
static int
proxy_check(const struct conf *c, struct why *why)
{
	static const char token[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	const char *name = c->proxy_certificate_header;
	if (name[0] == '\0')
		return 0;
	if (c->listen_unix[0] == '\0')
		return why_set(why, WHY_INVALID,
		    "proxy_certificate_header: is believed only on the Unix "
		    "socket; expected listen_unix");
	if (name[strspn(name, token)] != '\0')
		return why_set(why, WHY_INVALID,
		    "proxy_certificate_header: expected letters, digits "
		    "and -");
	return 0;
}

static int
webhooks_check(const struct conf *c, struct why *why)
{
	for (size_t i = 0; i < c->webhook.count; i++) {
		const char *url = c->webhook.at[i];
		if (strncmp(url, "https://", 8) == 0 && url[8] != '\0')
			continue;
		if (strncmp(url, "http://", 7) == 0 && url[7] != '\0' &&
		    c->webhook_allow_private)
			continue;
		return why_set(why, WHY_INVALID,
		    "webhook: expected https://... (http:// only with "
		    "webhook_allow_private)");
	}
	return 0;
}

/*
 * SECURITY: an issuer of tests speaks plain HTTP or is called test; a relay in
 * production believes neither.
 */
static int
issuer_check(const struct conf *c, struct why *why)
{
	static const char https[] = "https://";
	const char *issuer = c->token_issuer;
	bool is_test = strcmp(c->environment, "test") == 0;
	if (issuer[0] == '\0')
		return 0;
	if (strpbrk(issuer, "?#@ \t\r\n") != NULL)
		return why_set(why, WHY_INVALID,
		    "token_issuer: expected a URL without query and user");
	if (is_test && strncmp(issuer, "http://127.0.0.1:", 17) == 0)
		return 0;
	if (strncmp(issuer, https, 8) != 0 || issuer[8] == '\0')
		return why_set(
		    why, WHY_INVALID, "token_issuer: expected https://...");
	if (!is_test && strncasecmp(issuer + 8, "test.", 5) == 0)
		return why_set(why, WHY_INVALID,
		    "token_issuer: an issuer of tests, only with "
		    "environment = \"test\"");
	return 0;
}

void
conf_log_origin(const struct conf *conf, char origin[CONF_ORIGIN_MAX])
{
	if (conf->log_origin[0] != '\0')
		(void)snprintf(origin, CONF_ORIGIN_MAX, "%s", conf->log_origin);
	else
		(void)snprintf(origin, CONF_ORIGIN_MAX, "no.orgnr.%s/budstikke",
		    conf->organisation);
}

/* As a name in a signed note: neither space nor plus, and short. */
static int
origin_check(const struct conf *c, struct why *why)
{
	for (const char *at = c->log_origin; *at != '\0'; at++)
		if (*at <= ' ' || *at == '+' || *at == 0x7f)
			return why_set(why, WHY_INVALID,
			    "log_origin: expected printable ASCII without "
			    "space and +");
	if (strlen(c->log_origin) >= CONF_ORIGIN_MAX)
		return why_set(why, WHY_INVALID,
		    "log_origin: at most %d characters", CONF_ORIGIN_MAX - 1);
	return 0;
}

int
conf_rules_check(const struct conf *c, struct why *why)
{
	static const char *const environments[] = {"production", "test", NULL};
	static const char *const versions[] = {"1.3", "1.2", NULL};
	if (!orgnr_valid(c->organisation))
		return why_set(why, WHY_INVALID,
		    "organisation: expected an organisation number of nine "
		    "digits with its check digit");
	if (c->name[0] == '\0' || c->user[0] == '\0' || c->spool[0] == '\0' ||
	    c->keys[0] == '\0' || c->callers[0] == '\0')
		return why_set(why, WHY_INVALID,
		    "name, user, spool, keys, callers: expected a value");
	if (one_of("environment", c->environment, environments, why) < 0 ||
	    one_of("tls_minimum", c->tls_minimum, versions, why) < 0)
		return WHY_INVALID;
	if (c->clock_file[0] != '\0' && strcmp(c->environment, "test") != 0)
		return why_set(why, WHY_INVALID,
		    "clock_file: only with environment = \"test\"");
	if (c->limits.reserve_bytes >= c->limits.map_bytes)
		return why_set(why, WHY_INVALID,
		    "reserve_bytes: expected less than map_bytes");
	int code = listeners_check(c, why);
	if (code == 0)
		code = proxy_check(c, why);
	if (code == 0)
		code = webhooks_check(c, why);
	if (code == 0)
		code = origin_check(c, why);
	if (code == 0)
		code = issuer_check(c, why);
	return code;
}
