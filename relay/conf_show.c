/*
 * conf_show - settings on standard output, for people.
 */
#include "relay/conf_priv.h"

#include <stdio.h>

static int
parse(struct conf *conf, const struct conf_source *source)
{
	struct why why;
	*conf = (struct conf){0};
	int code = source == NULL ? conf_defaults_set(conf, &why)
				  : conf_parse(conf, source, &why);
	if (code < 0)
		(void)fprintf(stderr, "budstikked: %s\n", why.text);
	return code;
}

int
conf_show(const struct conf_source *source)
{
	struct conf conf;
	struct buf text;
	if (parse(&conf, source) < 0)
		return 1;
	buf_init(&text, MIB);
	conf_print(&text, &conf);
	bool good = buf_ok(&text) &&
		    fwrite(text.at, 1, text.size, stdout) == text.size &&
		    fflush(stdout) == 0;
	buf_clear(&text);
	conf_clear(&conf);
	return good ? 0 : 1;
}

int
conf_check(const struct conf_source *source)
{
	struct conf conf;
	if (parse(&conf, source) < 0)
		return 1;
	conf_clear(&conf);
	return printf("%s: good\n", source->name) < 0 || fflush(stdout) != 0;
}
