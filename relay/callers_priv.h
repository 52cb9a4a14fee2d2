/*
 * callers_priv - the table behind callers.h, for the files that read it from
 * text and the one that looks in it.
 */
#pragma once

#include "relay/callers.h"
#include "relay/password.h"

#include <libconfig.h>

#define CALLERS_DIGEST_SIZE 32

struct callers_entry {
	struct caller caller;
	const char **types; /* what caller.types points to */
	const char **receives;
	const char **mailboxes;
	bool has_certificate;
	bool has_token;
	bool has_password;
	uint8_t certificate[CALLERS_DIGEST_SIZE];
	uint8_t token[CALLERS_DIGEST_SIZE];
	struct password password;
};

struct callers {
	config_t config; /* owns all texts */
	struct callers_entry *entries;
	size_t count;
	size_t shares;
};

/* WHY_INVALID, with the name of the file and the line. */
int callers_refuse(struct why *why, const char *name,
    const config_setting_t *at, const char *what);

/* One group of the list; entry is the last of callers. */
int callers_entry_read(struct callers *callers, struct callers_entry *entry,
    const config_setting_t *group, const char *name, struct why *why);
