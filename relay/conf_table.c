/*
 * conf_table - the settings as data, and their values as text.
 */
#include "relay/conf_priv.h"

#include <inttypes.h>
#include <string.h>

#define AT(member) offsetof(struct conf, member)

const struct setting conf_settings[] = {
#define X(type, setting, preset, restart, what)                                \
	{#setting, SETTING_##type, AT(setting), preset, 0, 0, 0, restart, what},
    CONF_TEXTS(X)
#undef X
#define X(setting, what)                                                       \
	{#setting, SETTING_LIST, AT(setting), NULL, 0, 0, 0, false, what},
	CONF_LISTS(X)
#undef X
#define X(setting, preset, restart, what)                                      \
	{#setting, SETTING_BOOL, AT(setting), NULL, preset, 0, 1, restart,     \
	    what},
	    CONF_BOOLS(X)
#undef X
#define X(setting, preset, least, most, what)                                  \
	{#setting, SETTING_NUMBER, AT(setting), NULL, preset, least, most,     \
	    false, what},
		CONF_NUMBERS(X)
#undef X
#define X(setting, preset, least, most, what)                                  \
	{#setting, SETTING_NUMBER, AT(limits.setting), NULL, preset, least,    \
	    most, false, what},
		    LIMITS(X)
#undef X
			{.name = NULL},
};

const struct setting *
conf_setting_find(const char *name)
{
	for (const struct setting *s = conf_settings; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static void *
place(struct conf *conf, const struct setting *setting)
{
	return (char *)conf + setting->offset;
}

char **
conf_text_at(struct conf *conf, const struct setting *setting)
{
	return place(conf, setting);
}

struct conf_list *
conf_list_at(struct conf *conf, const struct setting *setting)
{
	return place(conf, setting);
}

bool *
conf_bool_at(struct conf *conf, const struct setting *setting)
{
	return place(conf, setting);
}

uint64_t *
conf_number_at(struct conf *conf, const struct setting *setting)
{
	return place(conf, setting);
}

static void
add_quoted(struct buf *out, const char *text)
{
	buf_add_byte(out, '"');
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_byte(out, '\\');
		if (*text == '\n')
			buf_add_text(out, "\\n");
		else
			buf_add_byte(out, (uint8_t)*text);
	}
	buf_add_byte(out, '"');
}

void
conf_value_build(
    struct buf *out, const struct conf *conf, const struct setting *setting)
{
	const void *at = (const char *)conf + setting->offset;
	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
		add_quoted(out, *(char *const *)at);
		return;
	case SETTING_BOOL:
		buf_add_text(out, *(const bool *)at ? "true" : "false");
		return;
	case SETTING_NUMBER:
		buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
		/* libconfig reads what is over 31 bits only with the mark */
		if (*(const uint64_t *)at > INT32_MAX)
			buf_add_byte(out, 'L');
		return;
	case SETTING_LIST: {
		const struct conf_list *list = at;
		buf_add_byte(out, '[');
		for (size_t i = 0; i < list->count; i++) {
			buf_add_text(out, i == 0 ? " " : ", ");
			add_quoted(out, list->at[i]);
		}
		buf_add_text(out, " ]");
		return;
	}
	}
}

void
conf_print(struct buf *out, const struct conf *conf)
{
	for (const struct setting *s = conf_settings; s->name != NULL; s++) {
		buf_printf(out, "# %s", s->what);
		if (s->type == SETTING_NUMBER)
			buf_printf(out, " (%" PRIu64 " to %" PRIu64 ")",
			    s->least, s->most);
		buf_printf(out, "\n%s = ", s->name);
		conf_value_build(out, conf, s);
		buf_add_text(out, ";\n");
	}
}

void
conf_restart_names(
    struct buf *out, const struct conf *old, const struct conf *new)
{
	struct buf a;
	struct buf b;
	buf_init(&a, CONF_TEXT_MAX);
	buf_init(&b, CONF_TEXT_MAX);
	for (const struct setting *s = conf_settings; s->name != NULL; s++) {
		if (!s->restart)
			continue;
		buf_reset(&a);
		buf_reset(&b);
		conf_value_build(&a, old, s);
		conf_value_build(&b, new, s);
		if (span_equal(buf_span(&a), buf_span(&b)))
			continue;
		if (out->size > 0)
			buf_add_byte(out, ' ');
		buf_add_text(out, s->name);
	}
	buf_clear(&a);
	buf_clear(&b);
}
