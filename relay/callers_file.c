/*
 * callers_file - callers.conf: libconfig text, read once.
 *
 *	callers = (
 *		{ name = "nav"; organisation = "889640782";
 *		  roles = ["sender"]; types = ["digisos-soknad"];
 *		  certificate_sha256 = "...";
 *		  expires = "2027-01-01T00:00:00Z"; }
 *	);
 */
#include "relay/callers_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLERS_MOST 10000

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
		struct callers_entry *entry =
		    &callers->entries[callers->count++];
		int code = callers_entry_read(callers, entry,
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
		free(callers->entries[i].receives);
		free(callers->entries[i].mailboxes);
	}
	free(callers->entries);
	config_destroy(&callers->config);
	free(callers);
}
