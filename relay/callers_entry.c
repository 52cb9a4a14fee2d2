/*
 * callers_entry - one caller: its members, and what must hold between them and
 * those of the callers before it.
 */
#include "base/text.h"
#include "relay/callers_priv.h"

#include <stdlib.h>
#include <string.h>

#define LOGIN_BYTES_MOST 64
#define LIST_MOST 1000

int
callers_refuse(struct why *why, const char *name, const config_setting_t *at,
    const char *what)
{
	return why_set(why, WHY_INVALID, "%s:%u: %s", name,
	    config_setting_source_line(at), what);
}

/* ---- members ---- */

/* A list of texts as a NULL-terminated array, the caller's. */
static int
texts_read(const config_setting_t *setting, const char *name, const char ***out,
    struct why *why)
{
	int count = config_setting_length(setting);
	const char **texts;

	if (config_setting_type(setting) != CONFIG_TYPE_ARRAY || count < 1 ||
	    count > LIST_MOST)
		return callers_refuse(
		    why, name, setting, "expected a list of texts, not empty");
	texts = calloc((size_t)count + 1, sizeof(*texts));
	if (!texts)
		return why_set(why, WHY_NOMEM, "no memory for callers");
	for (int i = 0; i < count; i++) {
		texts[i] = config_setting_get_string_elem(setting, i);
		if (!texts[i] || texts[i][0] == 0) {
			free(texts);
			return callers_refuse(
			    why, name, setting, "expected texts");
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
			code = callers_refuse(why, name, setting,
			    "roles: expected sender, recipient, operator");
			break;
		}
	}
	free(texts);
	return code;
}

static bool
login_is_valid(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= LOGIN_BYTES_MOST && !strchr(text, ':') &&
	       utf8_valid(span_text(text));
}

/* Each takes the member's text and says whether it is one. */

static bool
name_take(struct callers_entry *entry, const char *text)
{
	entry->caller.name = text;
	return true;
}

static bool
organisation_take(struct callers_entry *entry, const char *text)
{
	entry->caller.organisation = text;
	return orgnr_valid(text);
}

static bool
scope_take(struct callers_entry *entry, const char *text)
{
	entry->caller.scope = text;
	return text[0] != 0 && !strchr(text, ' ');
}

static bool
login_take(struct callers_entry *entry, const char *text)
{
	entry->caller.login = text;
	return login_is_valid(text);
}

static bool
password_take(struct callers_entry *entry, const char *text)
{
	entry->has_password = true;
	return password_parse(text, &entry->password);
}

static bool
certificate_take(struct callers_entry *entry, const char *text)
{
	entry->has_certificate = true;
	return hex_parse(text, entry->certificate, CALLERS_DIGEST_SIZE);
}

static bool
token_take(struct callers_entry *entry, const char *text)
{
	entry->has_token = true;
	return hex_parse(text, entry->token, CALLERS_DIGEST_SIZE);
}

static bool
expires_take(struct callers_entry *entry, const char *text)
{
	return time_parse(text, &entry->caller.expires_ms) &&
	       entry->caller.expires_ms > 0;
}

static const struct {
	const char *name;
	bool (*take)(struct callers_entry *entry, const char *text);
	const char *refusal;
} text_members[] = {
    {"name", name_take, ""},
    {"organisation", organisation_take,
	"organisation: expected an organisation number"},
    {"scope", scope_take, "scope: expected one word"},
    {"login", login_take, "login: expected 1 to 64 octets without a colon"},
    {"password_sha256", password_take,
	"password_sha256: expected 32 hex digits, a colon and 64 hex digits"},
    {"certificate_sha256", certificate_take,
	"certificate_sha256: expected 64 hex digits"},
    {"token_sha256", token_take, "token_sha256: expected 64 hex digits"},
    {"expires", expires_take, "expires: expected a time, 2027-01-01T00:00:00Z"},
};

static int
text_member_read(struct callers_entry *entry, const config_setting_t *member,
    const char *name, struct why *why)
{
	const char *key = config_setting_name(member);
	const char *text = config_setting_get_string(member);

	if (!text)
		return callers_refuse(why, name, member, "expected a text");
	for (size_t i = 0; i < sizeof(text_members) / sizeof(*text_members);
	     i++) {
		if (strcmp(key, text_members[i].name) != 0)
			continue;
		return text_members[i].take(entry, text)
			   ? 0
			   : callers_refuse(
				 why, name, member, text_members[i].refusal);
	}
	return callers_refuse(why, name, member, "no such setting");
}

static int
member_read(struct callers_entry *entry, const config_setting_t *member,
    const char *name, struct why *why)
{
	const char *key = config_setting_name(member);

	if (strcmp(key, "roles") == 0)
		return roles_read(member, name, &entry->caller.roles, why);
	if (strcmp(key, "types") == 0 && !entry->types)
		return texts_read(member, name, &entry->types, why);
	if (strcmp(key, "receives") == 0 && !entry->receives)
		return texts_read(member, name, &entry->receives, why);
	if (strcmp(key, "mailboxes") == 0 && !entry->mailboxes)
		return texts_read(member, name, &entry->mailboxes, why);
	return text_member_read(entry, member, name, why);
}

/* ---- the entry ---- */

static bool
have_same(const char *one, const char *other)
{
	return one && other && strcmp(one, other) == 0;
}

/* What of entry another has already; NULL: nothing. */
static const char *
taken_of(const struct callers_entry *entry, const struct callers_entry *other)
{
	const struct caller *one = &entry->caller;
	const struct caller *two = &other->caller;

	if (have_same(one->name, two->name))
		return "the name is taken";
	if ((other->has_certificate && entry->has_certificate &&
		memcmp(other->certificate, entry->certificate,
		    CALLERS_DIGEST_SIZE) == 0) ||
	    (other->has_token && entry->has_token &&
		memcmp(other->token, entry->token, CALLERS_DIGEST_SIZE) == 0))
		return "another caller has the same credential";
	if (have_same(one->login, two->login))
		return "the login is taken";
	if (have_same(one->scope, two->scope) &&
	    have_same(one->organisation, two->organisation))
		return "another caller of the organisation has the scope";
	return NULL;
}

/* What is wrong with the entry alone; NULL: nothing. */
static const char *
wrong_with(const struct callers_entry *entry)
{
	const struct caller *caller = &entry->caller;

	if (!caller->name || !caller->organisation || caller->roles == 0)
		return "expected name, organisation and roles";
	if (!entry->has_certificate && !entry->has_token && !caller->scope &&
	    !caller->login)
		return "expected certificate_sha256, token_sha256, scope or "
		       "login";
	if (!caller->login != !entry->has_password)
		return "expected login and password_sha256, or neither";
	for (size_t i = 0; caller->mailboxes && caller->mailboxes[i]; i++)
		if (!orgnr_valid(caller->mailboxes[i]))
			return "mailboxes: expected organisation numbers";
	return NULL;
}

static int
entry_check(const struct callers *callers, const struct callers_entry *entry,
    const config_setting_t *at, const char *name, struct why *why)
{
	const char *wrong = wrong_with(entry);

	for (const struct callers_entry *other = callers->entries;
	     !wrong && other < entry; other++)
		wrong = taken_of(entry, other);
	return wrong ? callers_refuse(why, name, at, wrong) : 0;
}

static void
share_give(struct callers *callers, struct callers_entry *entry)
{
	for (const struct callers_entry *other = callers->entries;
	     other < entry; other++)
		if (strcmp(other->caller.organisation,
			entry->caller.organisation) == 0) {
			entry->caller.share = other->caller.share;
			return;
		}
	entry->caller.share = callers->shares++;
}

int
callers_entry_read(struct callers *callers, struct callers_entry *entry,
    const config_setting_t *group, const char *name, struct why *why)
{
	if (config_setting_type(group) != CONFIG_TYPE_GROUP)
		return callers_refuse(
		    why, name, group, "expected a group { ... }");
	for (int i = 0; i < config_setting_length(group); i++) {
		int code = member_read(entry,
		    config_setting_get_elem(group, (unsigned)i), name, why);
		if (code < 0)
			return code;
	}
	entry->caller.types = (const char *const *)entry->types;
	entry->caller.receives = (const char *const *)entry->receives;
	entry->caller.mailboxes = (const char *const *)entry->mailboxes;
	int code = entry_check(callers, entry, group, name, why);
	if (code == 0)
		share_give(callers, entry);
	return code;
}
