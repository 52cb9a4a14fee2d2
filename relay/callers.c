/*
 * callers.conf: libconfig text, read once.
 *
 *	callers = (
 *		{ name = "nav"; organisation = "889640782";
 *		  roles = ["sender"]; types = ["digisos-soknad"];
 *		  certificate_sha256 = "..."; expires = "2027-01-01T00:00:00Z";
 *}
 *	);
 */
#include "relay/callers.h"

#include "base/text.h"
#include "relay/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST_SIZE 32
#define TOKEN_BYTES_LEAST 20 /* shorter ones could be guessed */
#define TOKEN_BYTES_MOST 1024
#define PASSWORD_BYTES_LEAST 22 /* 128 bits in base64 */
#define PASSWORD_BYTES_MOST 256
#define LOGIN_BYTES_MOST 64
#define SALT_SIZE 32 /* digits */
#define LIST_MOST 1000
#define CALLERS_MOST 10000

struct entry {
	struct caller caller;
	const char **types; /* what caller.types points to */
	const char **mailboxes;
	bool has_certificate;
	bool has_token;
	uint8_t certificate[DIGEST_SIZE];
	uint8_t token[DIGEST_SIZE];
	const char *salt; /* of the password; NULL: it has none */
	uint8_t password[DIGEST_SIZE];
};

struct callers {
	config_t config; /* owns all texts */
	struct entry *entries;
	size_t count;
	size_t shares;
};

static int
refuse(struct why *why, const char *name, const config_setting_t *at,
    const char *what)
{
	return why_set(why, WHY_INVALID, "%s:%u: %s", name,
	    config_setting_source_line(at), what);
}

/* A list of texts as a NULL-terminated array, the caller's. */
static int
texts_read(const config_setting_t *setting, const char *name, const char ***out,
    struct why *why)
{
	int count = config_setting_length(setting);
	const char **texts;

	if (config_setting_type(setting) != CONFIG_TYPE_ARRAY || count < 1 ||
	    count > LIST_MOST)
		return refuse(
		    why, name, setting, "expected a list of texts, not empty");
	texts = calloc((size_t)count + 1, sizeof(*texts));
	if (!texts)
		return why_set(why, WHY_NOMEM, "no memory for callers");
	for (int i = 0; i < count; i++) {
		texts[i] = config_setting_get_string_elem(setting, i);
		if (!texts[i] || texts[i][0] == 0) {
			free(texts);
			return refuse(why, name, setting, "expected texts");
		}
	}
	*out = texts;
	return 0;
}

static int
roles_read(const config_setting_t *setting, const char *name, unsigned *roles,
    struct why *why)
{
	static const struct {
		const char *word;
		unsigned role;
	} words[] = {{"sender", CALLER_SENDER}, {"recipient", CALLER_RECIPIENT},
	    {"operator", CALLER_OPERATOR}};
	const char **texts = NULL;
	int code = texts_read(setting, name, &texts, why);

	for (size_t i = 0; code == 0 && texts[i]; i++) {
		unsigned role = 0;
		for (size_t w = 0; w < 3; w++)
			if (strcmp(texts[i], words[w].word) == 0)
				role = words[w].role;
		*roles |= role;
		if (role == 0) {
			code = refuse(why, name, setting,
			    "roles: expected sender, recipient, operator");
			break;
		}
	}
	free(texts);
	return code;
}

/* "SALT:DIGEST", hexadecimal both. */
static bool
password_read(struct entry *entry, const char *text)
{
	uint8_t salt[SALT_SIZE / 2];
	char copy[SALT_SIZE + 1];

	if (strlen(text) < SALT_SIZE + 1 || text[SALT_SIZE] != ':')
		return false;
	memcpy(copy, text, SALT_SIZE);
	copy[SALT_SIZE] = 0;
	entry->salt = text;
	return hex_parse(copy, salt, sizeof(salt)) &&
	       hex_parse(text + SALT_SIZE + 1, entry->password, DIGEST_SIZE);
}

static bool
login_is_valid(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= LOGIN_BYTES_MOST && !strchr(text, ':') &&
	       utf8_valid(span_text(text));
}

static int
member_read(struct entry *entry, const config_setting_t *member,
    const char *name, struct why *why)
{
	const char *key = config_setting_name(member);
	const char *text = config_setting_get_string(member);

	if (strcmp(key, "roles") == 0)
		return roles_read(member, name, &entry->caller.roles, why);
	if (strcmp(key, "types") == 0 && !entry->types)
		return texts_read(member, name, &entry->types, why);
	if (strcmp(key, "mailboxes") == 0 && !entry->mailboxes)
		return texts_read(member, name, &entry->mailboxes, why);
	if (!text)
		return refuse(why, name, member, "expected a text");
	if (strcmp(key, "name") == 0) {
		entry->caller.name = text;
	} else if (strcmp(key, "organisation") == 0) {
		if (!orgnr_valid(text))
			return refuse(why, name, member,
			    "organisation: expected an organisation number");
		entry->caller.organisation = text;
	} else if (strcmp(key, "scope") == 0) {
		if (text[0] == 0 || strchr(text, ' '))
			return refuse(
			    why, name, member, "scope: expected one word");
		entry->caller.scope = text;
	} else if (strcmp(key, "login") == 0) {
		if (!login_is_valid(text))
			return refuse(why, name, member,
			    "login: expected 1 to 64 octets without a colon");
		entry->caller.login = text;
	} else if (strcmp(key, "password_sha256") == 0) {
		if (!password_read(entry, text))
			return refuse(why, name, member,
			    "password_sha256: expected 32 hex digits, a colon "
			    "and 64 hex digits");
	} else if (strcmp(key, "certificate_sha256") == 0) {
		entry->has_certificate = true;
		if (!hex_parse(text, entry->certificate, DIGEST_SIZE))
			return refuse(why, name, member,
			    "certificate_sha256: expected 64 hex digits");
	} else if (strcmp(key, "token_sha256") == 0) {
		entry->has_token = true;
		if (!hex_parse(text, entry->token, DIGEST_SIZE))
			return refuse(why, name, member,
			    "token_sha256: expected 64 hex digits");
	} else if (strcmp(key, "expires") == 0) {
		if (!time_parse(text, &entry->caller.expires_ms) ||
		    entry->caller.expires_ms <= 0)
			return refuse(why, name, member,
			    "expires: expected a time, 2027-01-01T00:00:00Z");
	} else {
		return refuse(why, name, member, "no such setting");
	}
	return 0;
}

static int
entry_check(const struct callers *callers, const struct entry *entry,
    const config_setting_t *at, const char *name, struct why *why)
{
	const struct caller *caller = &entry->caller;

	if (!caller->name || !caller->organisation || caller->roles == 0)
		return refuse(
		    why, name, at, "expected name, organisation and roles");
	if (!entry->has_certificate && !entry->has_token && !caller->scope &&
	    !caller->login)
		return refuse(why, name, at,
		    "expected certificate_sha256, token_sha256, scope or "
		    "login");
	if (!caller->login != !entry->salt)
		return refuse(why, name, at,
		    "expected login and password_sha256, or neither");
	for (size_t i = 0; caller->mailboxes && caller->mailboxes[i]; i++)
		if (!orgnr_valid(caller->mailboxes[i]))
			return refuse(why, name, at,
			    "mailboxes: expected organisation numbers");
	for (const struct entry *other = callers->entries; other < entry;
	     other++) {
		if (strcmp(other->caller.name, caller->name) == 0)
			return refuse(why, name, at, "the name is taken");
		if ((other->has_certificate && entry->has_certificate &&
			memcmp(other->certificate, entry->certificate,
			    DIGEST_SIZE) == 0) ||
		    (other->has_token && entry->has_token &&
			memcmp(other->token, entry->token, DIGEST_SIZE) == 0))
			return refuse(why, name, at,
			    "another caller has the same credential");
		if (other->caller.login && caller->login &&
		    strcmp(other->caller.login, caller->login) == 0)
			return refuse(why, name, at, "the login is taken");
		if (other->caller.scope && caller->scope &&
		    strcmp(other->caller.scope, caller->scope) == 0 &&
		    strcmp(other->caller.organisation, caller->organisation) ==
			0)
			return refuse(why, name, at,
			    "another caller of the organisation has the scope");
	}
	return 0;
}

static void
share_give(struct callers *callers, struct entry *entry)
{
	for (const struct entry *other = callers->entries; other < entry;
	     other++)
		if (strcmp(other->caller.organisation,
			entry->caller.organisation) == 0) {
			entry->caller.share = other->caller.share;
			return;
		}
	entry->caller.share = callers->shares++;
}

static int
entry_read(struct callers *callers, struct entry *entry,
    const config_setting_t *group, const char *name, struct why *why)
{
	if (config_setting_type(group) != CONFIG_TYPE_GROUP)
		return refuse(why, name, group, "expected a group { ... }");
	for (int i = 0; i < config_setting_length(group); i++) {
		int code = member_read(entry,
		    config_setting_get_elem(group, (unsigned)i), name, why);
		if (code < 0)
			return code;
	}
	entry->caller.types = (const char *const *)entry->types;
	entry->caller.mailboxes = (const char *const *)entry->mailboxes;
	int code = entry_check(callers, entry, group, name, why);
	if (code == 0)
		share_give(callers, entry);
	return code;
}

static int
list_read(struct callers *callers, const char *name, struct why *why)
{
	const config_setting_t *root = config_root_setting(&callers->config);
	const config_setting_t *list =
	    config_lookup(&callers->config, "callers");
	int count = list ? config_setting_length(list) : 0;

	if (!list || config_setting_length(root) != 1 ||
	    config_setting_type(list) != CONFIG_TYPE_LIST ||
	    count > CALLERS_MOST)
		return why_set(why, WHY_INVALID,
		    "%s: expected one list, callers = ( ... )", name);
	callers->entries = calloc((size_t)count + 1, sizeof(*callers->entries));
	if (!callers->entries)
		return why_set(why, WHY_NOMEM, "no memory for callers");
	for (int i = 0; i < count; i++) {
		struct entry *entry = &callers->entries[callers->count++];
		int code = entry_read(callers, entry,
		    config_setting_get_elem(list, (unsigned)i), name, why);
		if (code < 0)
			return code;
	}
	return 0;
}

int
callers_parse(
    struct span text, const char *name, struct callers **out, struct why *why)
{
	struct callers *callers = calloc(1, sizeof(*callers));
	struct buf copy;
	int ret;

	buf_init(&copy, CALLERS_TEXT_MAX);
	buf_add_span(&copy, text);
	if (!callers || !buf_text(&copy)) {
		ret = why_set(why, WHY_TOO_LARGE, "%s: too large", name);
		buf_clear(&copy);
		free(callers);
		return ret;
	}
	config_init(&callers->config);
	if (strlen(buf_text(&copy)) != text.size ||
	    strstr(buf_text(&copy), "@include")) {
		ret = why_set(
		    why, WHY_INVALID, "%s: holds a NUL or @include", name);
	} else if (config_read_string(&callers->config, buf_text(&copy)) !=
		   CONFIG_TRUE) {
		ret = why_set(why, WHY_INVALID, "%s:%d: %s", name,
		    config_error_line(&callers->config),
		    config_error_text(&callers->config));
	} else {
		ret = list_read(callers, name, why);
	}
	if (ret == 0) {
		*out = callers;
		callers = NULL;
	}
	callers_free(callers);
	buf_clear(&copy);
	return ret;
}

int
callers_load(const char *path, struct callers **out, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf text;
	int ret = 0;

	if (fd < 0)
		return why_errno(why, "%s", path);
	buf_init(&text, CALLERS_TEXT_MAX + 1);
	for (;;) {
		uint8_t *room = buf_room(&text, 4096);
		ssize_t got = room ? read(fd, room, 4096) : 0;
		if (!room)
			ret =
			    why_set(why, WHY_TOO_LARGE, "%s: over 1 MiB", path);
		else if (got < 0)
			ret = why_errno(why, "%s", path);
		if (got <= 0 || ret < 0)
			break;
		buf_used(&text, (size_t)got);
	}
	if (ret == 0)
		ret = callers_parse(buf_span(&text), path, out, why);
	buf_clear(&text);
	close(fd);
	return ret;
}

void
callers_free(struct callers *callers)
{
	if (!callers)
		return;
	for (size_t i = 0; i < callers->count; i++) {
		free(callers->entries[i].types);
		free(callers->entries[i].mailboxes);
	}
	free(callers->entries);
	config_destroy(&callers->config);
	free(callers);
}

size_t
callers_count(const struct callers *callers)
{
	return callers->count;
}

size_t
callers_shares(const struct callers *callers)
{
	return callers->shares;
}

/* ---- who is it ---- */

const struct caller *
callers_find_certificate(
    const struct callers *callers, const uint8_t digest[32])
{
	const struct caller *found = NULL;

	for (size_t i = 0; i < callers->count; i++) {
		const struct entry *entry = &callers->entries[i];
		bool same =
		    CRYPTO_memcmp(entry->certificate, digest, DIGEST_SIZE) == 0;
		if (same & entry->has_certificate)
			found = &entry->caller;
	}
	return found;
}

const struct caller *
callers_find_token(const struct callers *callers, struct span token)
{
	const struct caller *found = NULL;
	uint8_t digest[DIGEST_SIZE];

	if (token.size < TOKEN_BYTES_LEAST || token.size > TOKEN_BYTES_MOST ||
	    !digest_make(token, digest))
		return NULL;
	for (size_t i = 0; i < callers->count; i++) {
		const struct entry *entry = &callers->entries[i];
		bool same =
		    CRYPTO_memcmp(entry->token, digest, DIGEST_SIZE) == 0;
		if (same & entry->has_token)
			found = &entry->caller;
	}
	return found;
}

/* entry NULL: as long as with one, so that nobody learns which logins are. */
static bool
password_is(const struct entry *entry, struct span password)
{
	static const char no_salt[] = "00000000000000000000000000000000";
	static const uint8_t no_password[DIGEST_SIZE];
	uint8_t digest[DIGEST_SIZE];
	struct buf text;

	if (password.size < PASSWORD_BYTES_LEAST ||
	    password.size > PASSWORD_BYTES_MOST)
		return false;
	buf_init(&text, SALT_SIZE + 1 + PASSWORD_BYTES_MOST);
	buf_add(&text, entry ? entry->salt : no_salt, SALT_SIZE);
	buf_add_byte(&text, ':');
	buf_add_span(&text, password);
	bool made = buf_ok(&text) && digest_make(buf_span(&text), digest);
	buf_wipe(&text);
	return made &&
	       (CRYPTO_memcmp(entry ? entry->password : no_password, digest,
		    DIGEST_SIZE) == 0) &&
	       entry != NULL;
}

const struct caller *
callers_find_login(
    const struct callers *callers, struct span login, struct span password)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < callers->count; i++) {
		const struct entry *entry = &callers->entries[i];
		if (entry->caller.login && !entry->caller.scope &&
		    span_is(login, entry->caller.login))
			found = entry;
	}
	return password_is(found, password) ? &found->caller : NULL;
}

bool
callers_login_is(const struct callers *callers, const struct caller *caller,
    struct span login, struct span password)
{
	for (size_t i = 0; i < callers->count; i++)
		if (&callers->entries[i].caller == caller)
			return caller->login && span_is(login, caller->login) &&
			       password_is(&callers->entries[i], password);
	return false;
}

const struct caller *
callers_with_scope(
    const struct callers *callers, const char *organisation, size_t *at)
{
	while (*at < callers->count) {
		const struct caller *caller = &callers->entries[(*at)++].caller;
		if (caller->scope &&
		    strcmp(caller->organisation, organisation) == 0)
			return caller;
	}
	return NULL;
}

static bool
texts_have(const char *const *texts, const char *text)
{
	for (size_t i = 0; texts[i]; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

bool
caller_may_send(const struct caller *caller, const char *type)
{
	return (caller->roles & CALLER_SENDER) &&
	       (!caller->types || texts_have(caller->types, type));
}

bool
caller_has_mailbox(const struct caller *caller, const char *recipient)
{
	if (!(caller->roles & CALLER_RECIPIENT))
		return false;
	return caller->mailboxes ? texts_have(caller->mailboxes, recipient)
				 : strcmp(caller->organisation, recipient) == 0;
}
