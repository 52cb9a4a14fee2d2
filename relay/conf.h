/*
 * conf - relay.conf: flat settings `name = value;` in libconfig's syntax.
 *
 * Every setting is one row of the table below or of base/limits.h; -o
 * NAME=VALUE overrides any of them. Paths are relative to the folder of
 * relay.conf. What is unknown, twice, of another type or out of range is an
 * error that names the setting and the line; there are no silent defaults for
 * what was misspelt. See relay.conf.5.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_TEXT_MAX (64 * KIB) /* bytes of relay.conf */
#define CONF_OVERRIDES_MAX 64
#define CONF_LIST_MAX 16

/*
 * X(type, name, default, restart, what)
 * Types: TEXT a word or sentence; PATH a file name, made absolute; BOOL;
 * NUMBER (least and most follow the default in the table of numbers);
 * LIST texts. "" means not set. restart: a change at SIGHUP is refused with a
 * warning, and takes effect when budstikked is started anew.
 */
#define CONF_TEXTS(X)                                                          \
	X(TEXT, name, "budstikke", false,                                      \
	    "name of this relay in evidence and alarms")                       \
	X(TEXT, organisation, "", false,                                       \
	    "organisation number of who runs the relay, issuer of evidence")   \
	X(TEXT, environment, "production", true, "production or test")         \
	X(PATH, clock_file, "", true,                                          \
	    "file with the test clock; only with environment = test")          \
	X(TEXT, user, "nobody", true,                                          \
	    "the user that roles become when started as root")                 \
	X(TEXT, listen, "127.0.0.1:8443", true,                                \
	    "HTTPS: HOST:PORT or off; port 0 picks a free one")                \
	X(PATH, listen_unix, "", true,                                         \
	    "plain HTTP on this Unix socket, for a proxy; not set: off")       \
	X(TEXT, listen_unix_group, "", true,                                   \
	    "group that may connect to listen_unix")                           \
	X(TEXT, proxy_certificate_header, "", false,                           \
	    "header in which the proxy on listen_unix gives the client's "     \
	    "certificate")                                                     \
	X(TEXT, listen_admin, "127.0.0.1:0", true,                             \
	    "health and metrics, plain HTTP: HOST:PORT, a Unix path or off")   \
	X(TEXT, listen_console, "off", true,                                   \
	    "the operator console; only off is built")                         \
	X(PATH, spool, "spool", true, "folder of the store")                   \
	X(PATH, keys, "keys", false, "folder of the private keys")             \
	X(PATH, profiles, "", false,                                           \
	    "folder of message types; not set: the ones installed")            \
	X(PATH, callers, "callers.conf", false, "who may call, see there")     \
	X(PATH, fonts, "", false,                                              \
	    "folder of fonts for PDF; not set: the ones installed")            \
	X(TEXT, tls_minimum, "1.3", false, "oldest TLS version: 1.3 or 1.2")   \
	X(PATH, client_ca, "", false,                                          \
	    "PEM file of authorities of client certificates; not set: any "    \
	    "client certificate is taken and known by its digest alone")       \
	X(TEXT, token_issuer, "", false,                                       \
	    "issuer of access tokens, as it stands in iss; not set: none "     \
	    "are taken")                                                       \
	X(TEXT, token_audience, "", false,                                     \
	    "this relay in the aud of access tokens that have one")            \
	X(PATH, clamd, "", false,                                              \
	    "clamd's Unix socket; not set: no scanning "                       \
	    "for viruses")                                                     \
	X(PATH, pkcs11_module, "", true,                                       \
	    "PKCS#11 module of the token that holds the private keys; "        \
	    "not set: they are files")                                         \
	X(PATH, pkcs11_files, "", true,                                        \
	    "folder that the PKCS#11 module may write in")                     \
	X(TEXT, log_origin, "", false,                                         \
	    "name of this relay's log in its checkpoints; not set: "           \
	    "no.orgnr.ORGANISATION/budstikke")                                 \
	X(TEXT, log_level, "info", false, "error, warning, info or debug")

#define CONF_LISTS(X)                                                          \
	X(webhook, "URLs that alarms are posted to")                           \
	X(token_delegation,                                                    \
	    "delegation_source of access tokens whose suppliers are believed")

#define CONF_BOOLS(X)                                                          \
	X(jail_required, true, true,                                           \
	    "a layer of a role's jail that is missing ends the relay")         \
	X(webhook_allow_private, false, false,                                 \
	    "webhooks may go to loopback and private addresses and use http")

/* X(name, default, least, most, what): seconds unless the name says else;
 * 0 in the first four means: as the profile says. */
#define CONF_NUMBERS(X)                                                        \
	X(not_fetched_seconds, 0, 0, 31536000,                                 \
	    "waiting this long unfetched raises not-fetched")                  \
	X(not_confirmed_seconds, 0, 0, 31536000,                               \
	    "waiting this long unconfirmed raises not-confirmed")              \
	X(expire_seconds, 0, 0, 315360000,                                     \
	    "waiting this long expires a delivery")                            \
	X(grace_seconds, 0, 0, 315360000,                                      \
	    "content is kept this long after the final outcome")               \
	X(escalate_seconds, 14400, 1, 31536000,                                \
	    "an alarm of the two settings above escalates so much later")      \
	X(handed_out_seconds, 600, 0, 86400,                                   \
	    "a hand-out younger than this puts expiry off, once")

struct conf_list {
	size_t count;
	char *at[CONF_LIST_MAX];
};

struct conf {
	char *directory; /* absolute folder of relay.conf */
#define X(type, setting, preset, restart, what) char *setting;
	CONF_TEXTS(X)
#undef X
#define X(setting, what) struct conf_list setting;
	CONF_LISTS(X)
#undef X
#define X(setting, preset, restart, what) bool setting;
	CONF_BOOLS(X)
#undef X
#define X(setting, preset, least, most, what) uint64_t setting;
	CONF_NUMBERS(X)
#undef X
	struct limits limits;
	enum log_level least_log;
};

/*
 * What the configuration was made of, so that each role can make it again
 * from the same bytes without reading the file.
 */
struct conf_source {
	char *directory; /* absolute */
	char *name;      /* of the file, for errors */
	struct buf text;
	size_t override_count;
	char *overrides[CONF_OVERRIDES_MAX]; /* "name=value" */
};

/* Read the file (its folder becomes the directory). Overrides are copied. */
int conf_source_read(struct conf_source *source, const char *path,
    char *const overrides[], size_t count, struct why *why);
void conf_source_clear(struct conf_source *source);
/* As bytes for the control socket, and back. */
void conf_source_build(struct buf *out, const struct conf_source *source);
int conf_source_parse(
    struct span in, struct conf_source *source, struct why *why);

/* All of conf is the caller's, conf_clear() frees it. WHY_INVALID with
 * "relay.conf:LINE: name: what was expected". */
int conf_parse(
    struct conf *conf, const struct conf_source *source, struct why *why);
void conf_clear(struct conf *conf);

/* The origin of this relay's logs without their epoch: log_origin, or what
 * stands for it. */
#define CONF_ORIGIN_MAX 201
void conf_log_origin(const struct conf *conf, char origin[CONF_ORIGIN_MAX]);

/* Text as relay.conf would have it, each setting with its sentence. */
void conf_print(struct buf *out, const struct conf *conf);

/*
 * What --print-config (all settings; NULL: the defaults) and --check do: on
 * standard output, and standard error when something is wrong. The exit code.
 */
int conf_show(const struct conf_source *source);
int conf_check(const struct conf_source *source);

/* *text, the caller's to free, is "name=value" as an override. The length,
 * or WHY_NOMEM. */
int conf_override_build(char **text, const struct conf *conf, const char *name);

/* Names of settings that differ and need a restart, separated by spaces. */
void conf_restart_names(
    struct buf *out, const struct conf *old, const struct conf *new);
