/*
 * words - the names of states, levels, causes and the like, as JSON has them.
 */
#include "spool/spool.h"

#include <string.h>

struct words {
	const char *const *at;
	size_t count;
};

#define WORDS(name, ...)                                                       \
	static const char *const name##_at[] = {NULL, __VA_ARGS__};            \
	static const struct words name = {                                     \
	    name##_at, sizeof name##_at / sizeof name##_at[0]}

WORDS(states, "accepted", "fetched", "imported", "rejected", "expired",
    "recalled");
WORDS(levels, "accepted", "fetched", "imported", "opened", "rejected",
    "expired", "recalled", "refused", "late", "purged", "extended", "restored");
WORDS(causes, "never-polled", "not-fetched", "not-confirmed",
    "rejected-by-recipient", "certificate-expired", "proof-wrong",
    "relay-fault", "restored", "certificate-expiring");
WORDS(severities, "warning", "serious", "critical");
WORDS(alarm_states, "firing", "resolved");
WORDS(mailbox_states, "new", "open", "paused", "closed", "proving");
WORDS(certificate_states, "proving", "active", "suspended", "expired");
WORDS(policies, "pinned", "chained");
WORDS(forms, "zip", "asice", "svarinn");

static const char *
word_name(const struct words *words, unsigned value)
{
	return value == 0 || value >= words->count ? "unknown"
						   : words->at[value];
}

static int
word_parse(const struct words *words, const char *word)
{
	for (size_t i = 1; i < words->count; i++)
		if (strcmp(words->at[i], word) == 0)
			return (int)i;
	return 0;
}

const char *
spool_state_name(enum spool_state state)
{
	return word_name(&states, state);
}

const char *
spool_level_name(enum spool_level level)
{
	return word_name(&levels, level);
}

const char *
spool_cause_name(enum spool_cause cause)
{
	return word_name(&causes, cause);
}

const char *
spool_severity_name(enum spool_severity severity)
{
	return word_name(&severities, severity);
}

const char *
spool_alarm_state_name(enum spool_alarm_state state)
{
	return word_name(&alarm_states, state);
}

const char *
spool_mailbox_state_name(enum spool_mailbox_state state)
{
	return word_name(&mailbox_states, state);
}

const char *
spool_certificate_state_name(enum spool_certificate_state state)
{
	return word_name(&certificate_states, state);
}

const char *
spool_policy_name(enum spool_policy policy)
{
	return word_name(&policies, policy);
}

const char *
spool_form_name(enum spool_form form)
{
	return word_name(&forms, form);
}

int
spool_cause_parse(const char *word)
{
	return word_parse(&causes, word);
}

int
spool_severity_parse(const char *word)
{
	return word_parse(&severities, word);
}

int
spool_mailbox_state_parse(const char *word)
{
	return word_parse(&mailbox_states, word);
}

int
spool_policy_parse(const char *word)
{
	return word_parse(&policies, word);
}

int
spool_form_parse(const char *word)
{
	return word_parse(&forms, word);
}
