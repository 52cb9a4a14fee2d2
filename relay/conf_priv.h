/*
 * conf_priv - the table of settings, shared by the files of conf.
 */
#pragma once

#include "relay/conf.h"

enum setting_type {
	SETTING_TEXT,
	SETTING_PATH,
	SETTING_LIST,
	SETTING_BOOL,
	SETTING_NUMBER
};

struct setting {
	const char *name; /* NULL ends the table */
	enum setting_type type;
	size_t offset;    /* in struct conf */
	const char *text; /* default of TEXT and PATH */
	uint64_t preset;  /* default of NUMBER and BOOL */
	uint64_t least;
	uint64_t most;
	bool restart;
	const char *what;
};

extern const struct setting conf_settings[];

const struct setting *conf_setting_find(const char *name); /* or NULL */

/* The place of a setting in conf, as its type has it. */
char **conf_text_at(struct conf *conf, const struct setting *setting);
struct conf_list *conf_list_at(
    struct conf *conf, const struct setting *setting);
bool *conf_bool_at(struct conf *conf, const struct setting *setting);
uint64_t *conf_number_at(struct conf *conf, const struct setting *setting);

/* One setting as text, as relay.conf would have its value. */
void conf_value_build(
    struct buf *out, const struct conf *conf, const struct setting *setting);

/* What no single setting can say: rules within and between settings. */
int conf_rules_check(const struct conf *conf, struct why *why);

/* The text with an L behind every number that needs one. WHY_INVALID with
 * "LINE: what was expected". */
int conf_numbers_mend(struct buf *out, struct span in, struct why *why);

/* All defaults, over what is there; WHY_NOMEM. */
int conf_defaults_set(struct conf *conf, struct why *why);
