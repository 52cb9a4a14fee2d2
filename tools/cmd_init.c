/*
 * init - a fresh relay directory, whole or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "keys/log_key.h"
#include "keys/make.h"
#include "keys/metakey.h"
#include "spool/spool.h"
#include "tools/arguments.h"
#include "tools/demo.h"
#include "tools/file.h"
#include "tools/say.h"

#define CONF_BYTES (64u << 10)
#define TYPES_MAX 64
#define HOST_BYTES 253 /* RFC 1035 section 2.3.4 */
#define NAME_BYTES 64  /* of a common name, RFC 5280 appendix A */
#define DEMO_ORGANISATION "900000057"

struct initing {
	const char *dir;
	char *work; /* made beside dir, renamed to it when all is there */
	bool demo;
	const char *webhook;
	const char *organisation; /* of who runs the relay */
	const char *host;         /* the relay's name, NULL: this machine */
	char *profiles; /* folder of message types, NULL: as installed */
	char *types[TYPES_MAX];
	size_t type_count;
	int64_t now_ms;
	struct authority authority;
	struct certificate *seals[16];
};

static int
folder_make(const struct initing *initing, const char *name, struct why *why)
{
	char *path = file_path(initing->work, name);
	int code = 0;

	if (path == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a path");
	if (mkdir(path, 0700) != 0)
		code = why_errno(why, "make %s", path);
	free(path);
	return code;
}

static int
text_write(const struct initing *initing, const char *name, struct buf *text,
    mode_t mode, struct why *why)
{
	char *path = file_path(initing->work, name);
	int code;

	if (path == NULL || !buf_ok(text))
		code = why_set(why, WHY_NOMEM, "no memory for %s", name);
	else
		code = file_write_at(AT_FDCWD, path, buf_span(text), mode, why);
	free(path);
	return code;
}

/* Message types beside this program: in the source tree or installed. */
static char *
profiles_find(void)
{
	static const char *const places[] = {"../formats/profiles",
	    "../../formats/profiles", "../share/budstikke/profiles"};
	char self[4096];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *folder;
	char *found = NULL;

	if (size <= 0)
		return NULL;
	self[size] = '\0';
	folder = file_folder(self);
	for (size_t i = 0; folder != NULL && found == NULL &&
			   i < sizeof(places) / sizeof(places[0]);
	     i++) {
		char *path = file_path(folder, places[i]);

		found = path == NULL ? NULL : realpath(path, NULL);
		free(path);
	}
	free(folder);
	return found;
}

/* The names of the message types: folders that hold a profile.json. */
static int
types_find(struct initing *initing, struct why *why)
{
	struct dirent *entry;
	DIR *dir;

	initing->profiles = profiles_find();
	if (initing->profiles == NULL)
		return why_set(why, WHY_NOT_FOUND,
		    "no folder of message types beside this program");
	dir = opendir(initing->profiles);
	if (dir == NULL)
		return why_errno(why, "open %s", initing->profiles);
	while (
	    (entry = readdir(dir)) != NULL && initing->type_count < TYPES_MAX) {
		char *path;

		if (entry->d_name[0] == '.' ||
		    asprintf(&path, "%s/%s/profile.json", initing->profiles,
			entry->d_name) < 0)
			continue;
		/* every mailbox takes probes, and no sender sends them */
		if (access(path, R_OK) == 0 &&
		    strcmp(entry->d_name, SPOOL_TYPE_PROBE) != 0)
			initing->types[initing->type_count++] =
			    strdup(entry->d_name);
		free(path);
	}
	closedir(dir);
	return initing->type_count > 0
		   ? 0
		   : why_set(why, WHY_NOT_FOUND, "no message type in %s",
			 initing->profiles);
}

static void
demo_settings(const struct initing *initing, struct buf *out)
{
	buf_add_text(out,
	    "\n# A demo: deadlines of seconds, and webhooks on this machine.\n"
	    "environment = \"test\";\n"
	    "jail_required = false;\n"
	    "not_fetched_seconds = 8;\n"
	    "not_confirmed_seconds = 8;\n"
	    "escalate_seconds = 30;\n"
	    "webhook_allow_private = true;\n");
	(void)initing;
}

static int
relay_conf_write(const struct initing *initing, struct why *why)
{
	struct buf out;
	int code;

	buf_init(&out, CONF_BYTES);
	buf_printf(&out,
	    "# relay.conf - see relay.conf(5); budstikked --print-config -c "
	    "shows all settings.\n"
	    "name = \"%s\";\n"
	    "organisation = \"%s\"; # of who runs this relay\n"
	    "listen = \"127.0.0.1:%s\";\n"
	    "listen_admin = \"127.0.0.1:0\";\n"
	    "spool = \"spool\";\n"
	    "keys = \"keys\";\n"
	    "callers = \"callers.conf\";\n"
	    "client_ca = \"ca.crt\";\n",
	    initing->demo ? "budstikke-demo" : "budstikke",
	    initing->organisation, initing->demo ? "0" : "8443");
	if (initing->profiles != NULL)
		buf_printf(&out, "profiles = \"%s\";\n", initing->profiles);
	if (initing->webhook != NULL)
		buf_printf(&out, "webhook = [\"%s\"];\n", initing->webhook);
	if (initing->demo)
		demo_settings(initing, &out);
	code = text_write(initing, "relay.conf", &out, 0644, why);
	buf_clear(&out);
	return code;
}

static int
relay_keys_make(struct initing *initing, const char *keys, struct why *why)
{
	const char *host = initing->host;
	char names[HOST_BYTES + 64];
	struct make_request tls = {.profile = MAKE_TLS_SERVER,
	    .common_name =
		host != NULL && strlen(host) <= NAME_BYTES ? host : "localhost",
	    .organisation_name = "budstikke",
	    .alternative_names = names};
	struct make_request evidence = {.profile = MAKE_EVIDENCE,
	    .common_name = "budstikke evidence",
	    .organisation_name = "budstikke",
	    .organisation = initing->organisation};
	struct make_request package = {.profile = MAKE_EVIDENCE,
	    .common_name = "budstikke package",
	    .organisation_name = "budstikke",
	    .organisation = initing->organisation};
	struct buf meta;
	int code;

	snprintf(names, sizeof(names),
	    "%s%s%sDNS:localhost,IP:127.0.0.1,IP:::1", host ? "DNS:" : "",
	    host ? host : "", host ? "," : "");
	code = authority_new(
	    initing->demo ? "budstikke demo authority" : "budstikke authority",
	    initing->now_ms, keys, &initing->authority, why);

	buf_init(&meta, METAKEY_FILE_MAX);
	if (code == 0)
		code = authority_issue(&initing->authority, MAKE_P256, &tls,
		    keys, "tls", NULL, why);
	if (code == 0)
		code = authority_issue(&initing->authority, MAKE_P256,
		    &evidence, keys, "evidence", NULL, why);
	if (code == 0)
		code = authority_issue(&initing->authority, MAKE_P256, &package,
		    keys, "package", NULL, why);
	if (code == 0)
		code = metakey_make("m1", &meta, why);
	if (code == 0)
		code = text_write(initing, "keys/meta.key", &meta, 0600, why);
	buf_wipe(&meta);
	if (code == 0)
		code = log_key_make(&meta, why);
	if (code == 0)
		code = text_write(initing, "keys/log.key", &meta, 0600, why);
	buf_wipe(&meta);
	return code;
}

/* keys/authority.crt is what everybody believes: it belongs outside keys/. */
static int
authority_publish(const struct initing *initing, struct why *why)
{
	char *from = file_path(initing->work, "keys/authority.crt");
	char *to = file_path(initing->work, "ca.crt");
	int code = 0;

	if (from == NULL || to == NULL)
		code = why_set(why, WHY_NOMEM, "no memory for a path");
	else if (rename(from, to) != 0)
		code = why_errno(why, "rename to %s", to);
	free(from);
	free(to);
	return code;
}

static int
parties_make(struct initing *initing, struct why *why)
{
	const struct party plain_parties[] = {
	    {"operator", initing->organisation, "Operator of the relay",
		"operator", false},
	    {NULL, NULL, NULL, NULL, false},
	};
	const struct party *parties =
	    initing->demo ? demo_parties : plain_parties;
	char *clients = file_path(initing->work, "clients");
	char *spool = file_path(initing->work, "spool");
	struct buf callers;
	int code = 0;

	buf_init(&callers, CONF_BYTES);
	buf_add_text(&callers, "# callers.conf - who may call, see "
			       "callers.conf(5)\ncallers = (\n");
	if (clients == NULL || spool == NULL)
		code = why_set(why, WHY_NOMEM, "no memory for a path");
	for (size_t i = 0; code == 0 && parties[i].name != NULL; i++) {
		code = party_make(&parties[i], &initing->authority, clients,
		    &callers, &initing->seals[i], why);
		buf_add_text(
		    &callers, parties[i + 1].name == NULL ? "\n" : ",\n");
	}
	buf_add_text(&callers, ");\n");
	if (code == 0)
		code = text_write(initing, "callers.conf", &callers, 0644, why);
	if (code == 0)
		code = demo_store_make(spool, parties, initing->seals,
		    (const char *const *)initing->types, initing->type_count,
		    initing->now_ms, why);
	buf_clear(&callers);
	free(clients);
	free(spool);
	return code;
}

static int
fill(struct initing *initing, struct why *why)
{
	char *keys = file_path(initing->work, "keys");
	int code = keys == NULL
		       ? why_set(why, WHY_NOMEM, "no memory for a path")
		       : types_find(initing, why);

	if (code == 0)
		code = folder_make(initing, "keys", why);
	if (code == 0)
		code = folder_make(initing, "spool", why);
	if (code == 0)
		code = folder_make(initing, "clients", why);
	if (code == 0)
		code = relay_keys_make(initing, keys, why);
	if (code == 0)
		code = parties_make(initing, why);
	if (code == 0)
		code = authority_publish(initing, why);
	if (code == 0)
		code = relay_conf_write(initing, why);
	free(keys);
	return code;
}

static int
remove_one(
    const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int
make(struct initing *initing, struct why *why)
{
	struct stat about;
	uint8_t noise[4];
	char text[9];
	int code;

	if (lstat(initing->dir, &about) == 0)
		return why_set(why, WHY_EXISTS,
		    "%s exists already; it is not touched", initing->dir);
	random_fill(noise, sizeof(noise));
	hex_build(text, noise, sizeof(noise));
	if (asprintf(&initing->work, "%s.new-%s", initing->dir, text) < 0)
		return why_set(why, WHY_NOMEM, "no memory for a path");
	if (mkdir(initing->work, 0755) != 0)
		return errno == ENOENT
			   ? why_set(why, WHY_NOT_FOUND, "no folder for %s",
				 initing->dir)
			   : why_errno(why, "make %s", initing->work);
	code = fill(initing, why);
	if (code == 0 && renameat2(AT_FDCWD, initing->work, AT_FDCWD,
			     initing->dir, RENAME_NOREPLACE) != 0)
		code = errno == EEXIST
			   ? why_set(why, WHY_EXISTS, "%s exists already",
				 initing->dir)
			   : why_errno(why, "rename to %s", initing->dir);
	if (code == 0)
		code = file_sync_folder(initing->dir, why);
	else
		nftw(initing->work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return code;
}

static void
clear(struct initing *initing)
{
	for (size_t i = 0; i < initing->type_count; i++)
		free(initing->types[i]);
	for (size_t i = 0;
	     i < sizeof(initing->seals) / sizeof(initing->seals[0]); i++)
		certificate_free(initing->seals[i]);
	authority_clear(&initing->authority);
	free(initing->profiles);
	free(initing->work);
}

static const char host_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

static int
init_run(int argc, char **argv)
{
	struct initing initing = {
	    .now_ms = clock_wall_ms(), .organisation = DEMO_ORGANISATION};
	struct arguments arguments;
	const struct option_row rows[] = {{"--demo", NULL, &initing.demo},
	    {"--webhook", &initing.webhook, NULL},
	    {"--organisation", &initing.organisation, NULL},
	    {"--host", &initing.host, NULL}, {NULL, NULL, NULL}};
	struct why why;
	int leave = arguments_read(&arguments, &verb_init, argc, argv, rows);
	int code;

	if (leave >= 0)
		return leave;
	if (arguments.count != 1)
		return say_usage(&verb_init, "expected one DIR");
	if (initing.webhook != NULL &&
	    (strncmp(initing.webhook, "http", 4) != 0 ||
		strpbrk(initing.webhook, "\"\\\n") != NULL))
		return say_usage(&verb_init, "--webhook: expected a URL");
	if (!orgnr_valid(initing.organisation))
		return say_usage(&verb_init,
		    "--organisation: expected an organisation number");
	if (initing.host != NULL &&
	    (*initing.host == '\0' || strlen(initing.host) > HOST_BYTES ||
		initing.host[strspn(initing.host, host_letters)] != '\0'))
		return say_usage(&verb_init, "--host: expected a host name");
	initing.dir = arguments.operands[0];
	code = make(&initing, &why);
	clear(&initing);
	if (code == WHY_EXISTS || code == WHY_NOT_FOUND) {
		say_failure(&why);
		return LEAVE_USAGE;
	}
	if (code != 0)
		return say_failure(&why);
	say_result("%s is ready; start it with: budstikked -c %s/relay.conf",
	    initing.dir, initing.dir);
	say_object(json_pack(
	    "{s:s,s:b}", "directory", initing.dir, "demo", (int)initing.demo));
	return LEAVE_DONE;
}

const struct verb verb_init = {"init", init_run,
    "DIR [--demo] [--organisation ORG] [--host NAME]\n"
    "       [--webhook URL]",
    "Make a fresh relay directory",
    "Makes relay.conf, callers.conf, ca.crt, keys/, spool/ and clients/, and\n"
    "refuses a DIR that exists. keys/authority.key signs the certificates\n"
    "of new callers: outside a demo, keep it on another machine.\n\n"
    "  --demo         synthetic parties with everything they need (nav,\n"
    "                 oslo, bergen, trondheim, operator), and alarm deadlines\n"
    "                 of seconds\n"
    "  --organisation ORG  number of who runs the relay; stands in its\n"
    "                 evidence (default: a synthetic one)\n"
    "  --host NAME    the relay's name, for its TLS certificate\n"
    "  --webhook URL  where alarms are posted\n"};
