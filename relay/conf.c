/*
 * conf - from the bytes of relay.conf and the overrides to struct conf.
 */
#include "relay/conf.h"

#include "base/text.h"
#include "relay/conf_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libconfig.h>

/* Replaces what *at holds; WHY_NOMEM. */
static int
text_set(char **at, const char *value, struct why *why)
{
	char *copy = strdup(value);
	if (copy == NULL)
		return why_set(why, WHY_NOMEM, "configuration");
	free(*at);
	*at = copy;
	return 0;
}

static void
list_clear(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	*list = (struct conf_list){0};
}

static int
list_add(struct conf_list *list, const char *value, struct why *why)
{
	if (list->count == CONF_LIST_MAX)
		return why_set(
		    why, WHY_TOO_LARGE, "expected at most %d", CONF_LIST_MAX);
	int code = text_set(&list->at[list->count], value, why);
	if (code == 0)
		list->count++;
	return code;
}

static int
number_set(
    struct conf *conf, const struct setting *s, uint64_t value, struct why *why)
{
	if (value < s->least || value > s->most)
		return why_set(why, WHY_INVALID,
		    "expected a number from %llu to %llu",
		    (unsigned long long)s->least, (unsigned long long)s->most);
	*conf_number_at(conf, s) = value;
	return 0;
}

int
conf_defaults_set(struct conf *conf, struct why *why)
{
	for (const struct setting *s = conf_settings; s->name != NULL; s++) {
		if (s->type == SETTING_NUMBER)
			*conf_number_at(conf, s) = s->preset;
		else if (s->type == SETTING_BOOL)
			*conf_bool_at(conf, s) = s->preset != 0;
		else if (s->type != SETTING_LIST &&
			 text_set(conf_text_at(conf, s), s->text, why) < 0)
			return WHY_NOMEM;
	}
	return 0;
}

static int
list_read(struct conf_list *list, const config_setting_t *from, struct why *why)
{
	list_clear(list);
	for (int i = 0; i < config_setting_length(from); i++) {
		const char *text = config_setting_get_string_elem(from, i);
		if (text == NULL)
			return why_set(
			    why, WHY_INVALID, "expected a list of texts");
		int code = list_add(list, text, why);
		if (code < 0)
			return code;
	}
	return 0;
}

/* One setting of the file; the sentence says only what was expected. */
static int
setting_read(struct conf *conf, const struct setting *s,
    const config_setting_t *from, struct why *why)
{
	int type = config_setting_type(from);
	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
		if (type != CONFIG_TYPE_STRING)
			return why_set(
			    why, WHY_INVALID, "expected a text in quotes");
		return text_set(conf_text_at(conf, s),
		    config_setting_get_string(from), why);
	case SETTING_BOOL:
		if (type != CONFIG_TYPE_BOOL)
			return why_set(
			    why, WHY_INVALID, "expected true or false");
		*conf_bool_at(conf, s) = config_setting_get_bool(from) != 0;
		return 0;
	case SETTING_NUMBER: {
		long long value = config_setting_get_int64(from);
		if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) ||
		    value < 0)
			return why_set(why, WHY_INVALID,
			    "expected a number from %llu to %llu",
			    (unsigned long long)s->least,
			    (unsigned long long)s->most);
		return number_set(conf, s, (uint64_t)value, why);
	}
	case SETTING_LIST:
		if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST)
			return why_set(why, WHY_INVALID,
			    "expected a list of texts, as [\"a\", \"b\"]");
		return list_read(conf_list_at(conf, s), from, why);
	}
	return why_set(why, WHY_BUG, "a setting of no type");
}

static int
file_read(struct conf *conf, const struct conf_source *source, struct why *why)
{
	struct buf text;
	config_t file;
	struct why mend;
	buf_init(&text, 2 * CONF_TEXT_MAX);
	config_init(&file);
	int code = conf_numbers_mend(&text, buf_span(&source->text), &mend);
	const char *at = buf_text(&text);
	if (code < 0 || at == NULL) {
		code = at == NULL ? why_set(why, WHY_NOMEM, "configuration")
				  : why_set(why, code, "%s:%s", source->name,
					mend.text);
		goto out;
	}
	if (memchr(at, '\0', text.size) != NULL || strstr(at, "@include")) {
		/* another file would not reach the roles */
		code = why_set(why, WHY_INVALID,
		    "%s: expected neither NUL nor @include", source->name);
		goto out;
	}
	if (config_read_string(&file, at) != CONFIG_TRUE) {
		code = why_set(why, WHY_INVALID, "%s:%d: %s", source->name,
		    config_error_line(&file), config_error_text(&file));
		goto out;
	}
	const config_setting_t *root = config_root_setting(&file);
	for (int i = 0; i < config_setting_length(root) && code == 0; i++) {
		const config_setting_t *from =
		    config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(from);
		const struct setting *s = conf_setting_find(name);
		struct why what;
		if (s == NULL)
			code = why_set(&what, WHY_INVALID,
			    "is no setting (--print-config shows all)");
		else
			code = setting_read(conf, s, from, &what);
		if (code < 0)
			(void)why_set(why, code, "%s:%d: %s: %s", source->name,
			    config_setting_source_line(from), name, what.text);
	}
out:
	config_destroy(&file);
	buf_clear(&text);
	return code;
}

/* The value as typed in a shell: no quotes, lists with commas. */
static int
override_value(struct conf *conf, const struct setting *s, const char *value,
    struct why *why)
{
	uint64_t number;
	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
		if (!utf8_valid(span_text(value)))
			return why_set(why, WHY_INVALID, "expected UTF-8");
		return text_set(conf_text_at(conf, s), value, why);
	case SETTING_BOOL:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return why_set(
			    why, WHY_INVALID, "expected true or false");
		*conf_bool_at(conf, s) = strcmp(value, "true") == 0;
		return 0;
	case SETTING_NUMBER:
		if (!number_parse(span_text(value), s->most, &number))
			number = UINT64_MAX;
		return number_set(conf, s, number, why);
	case SETTING_LIST:
		break;
	}
	struct conf_list *list = conf_list_at(conf, s);
	int code = 0;
	list_clear(list);
	char *copy = strdup(value);
	char *rest = copy;
	if (copy == NULL)
		return why_set(why, WHY_NOMEM, "configuration");
	for (char *word; code == 0 && (word = strsep(&rest, ",")) != NULL;)
		if (*word != '\0')
			code = list_add(list, word, why);
	free(copy);
	return code;
}

static int
override_set(struct conf *conf, const char *text, struct why *why)
{
	const char *equals = strchr(text, '=');
	char name[64];
	if (equals == NULL || (size_t)(equals - text) >= sizeof name)
		return why_set(why, WHY_INVALID, "-o: expected NAME=VALUE");
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	const struct setting *s = conf_setting_find(name);
	if (s == NULL)
		return why_set(why, WHY_INVALID,
		    "-o %s: is no setting (--print-config shows all)", name);
	struct why what;
	int code = override_value(conf, s, equals + 1, &what);
	if (code < 0)
		(void)why_set(why, code, "-o %s: %s", name, what.text);
	return code;
}

static int
path_absolute(const char *directory, char **path, struct why *why)
{
	char *whole;
	if ((*path)[0] == '\0' || (*path)[0] == '/')
		return 0;
	if (asprintf(&whole, "%s/%s", directory, *path) < 0)
		return why_set(why, WHY_NOMEM, "configuration");
	free(*path);
	*path = whole;
	return 0;
}

/*
 * Data that comes with the program: beside an installed binary in ../share,
 * beside a built one in the tree it was built from. Stays "" when neither is
 * there; who needs it says so.
 */
static int
shared_find(
    char **path, const char *installed, const char *built, struct why *why)
{
	char exe[4096];
	char *candidate;
	if ((*path)[0] != '\0')
		return 0;
	ssize_t size = readlink("/proc/self/exe", exe, sizeof exe - 1);
	if (size <= 0)
		return 0;
	exe[size] = '\0';
	*strrchr(exe, '/') = '\0';
	const char *const places[][2] = {
	    {"../share/budstikke", installed}, {"..", built}, {"../..", built}};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (asprintf(&candidate, "%s/%s/%s", exe, places[i][0],
			places[i][1]) < 0)
			return why_set(why, WHY_NOMEM, "configuration");
		if (access(candidate, F_OK) == 0) {
			free(*path);
			*path = candidate;
			return 0;
		}
		free(candidate);
	}
	return 0;
}

static int
paths_finish(struct conf *conf, struct why *why)
{
	for (const struct setting *s = conf_settings; s->name != NULL; s++)
		if (s->type == SETTING_PATH &&
		    path_absolute(conf->directory, conf_text_at(conf, s), why) <
			0)
			return WHY_NOMEM;
	/* the one address that may be a path too */
	if (strchr(conf->listen_admin, '/') != NULL &&
	    path_absolute(conf->directory, &conf->listen_admin, why) < 0)
		return WHY_NOMEM;
	if (shared_find(&conf->profiles, "profiles", "formats/profiles", why) <
		0 ||
	    shared_find(&conf->fonts, "fonts", "formats/fonts", why) < 0)
		return WHY_NOMEM;
	return 0;
}

static int
level_set(struct conf *conf, struct why *why)
{
	static const char *const levels[] = {
	    "error", "warning", "info", "debug"};
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strcmp(conf->log_level, levels[i]) == 0) {
			conf->least_log = (enum log_level)i;
			return 0;
		}
	return why_set(why, WHY_INVALID,
	    "log_level: expected error, warning, info or debug");
}

int
conf_parse(struct conf *conf, const struct conf_source *source, struct why *why)
{
	*conf = (struct conf){0};
	int code = text_set(&conf->directory, source->directory, why);
	if (code == 0)
		code = conf_defaults_set(conf, why);
	if (code == 0)
		code = file_read(conf, source, why);
	for (size_t i = 0; i < source->override_count && code == 0; i++)
		code = override_set(conf, source->overrides[i], why);
	if (code == 0)
		code = paths_finish(conf, why);
	if (code == 0)
		code = level_set(conf, why);
	if (code == 0)
		code = conf_rules_check(conf, why);
	if (code < 0)
		conf_clear(conf);
	return code;
}

void
conf_clear(struct conf *conf)
{
	for (const struct setting *s = conf_settings; s->name != NULL; s++) {
		if (s->type == SETTING_LIST)
			list_clear(conf_list_at(conf, s));
		else if (s->type == SETTING_TEXT || s->type == SETTING_PATH)
			free(*conf_text_at(conf, s));
	}
	free(conf->directory);
	*conf = (struct conf){0};
}

int
conf_override_build(char **text, const struct conf *conf, const char *name)
{
	const struct setting *s = conf_setting_find(name);
	const char *value = "";
	if (s == NULL)
		return WHY_BUG;
	const void *at = (const char *)conf + s->offset;
	if (s->type == SETTING_TEXT || s->type == SETTING_PATH)
		value = *(char *const *)at;
	else if (s->type == SETTING_BOOL)
		value = *(const bool *)at ? "true" : "false";
	else /* no list and no number needs a restart */
		return WHY_BUG;
	int size = asprintf(text, "%s=%s", name, value);
	return size < 0 ? WHY_NOMEM : size;
}
