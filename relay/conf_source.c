/*
 * conf_source - the bytes a configuration is made of, read once by the parent
 * and handed to every role.
 */
#include "relay/conf.h"

#include "formats/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
text_read(struct buf *text, const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "%s", path);
	int code = 0;
	for (;;) {
		uint8_t *room = buf_room(text, 4096);
		if (room == NULL) {
			code = why_set(why, WHY_TOO_LARGE,
			    "%s: expected less than %llu bytes", path,
			    (unsigned long long)CONF_TEXT_MAX);
			break;
		}
		ssize_t size = read(fd, room, 4096);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			code = why_errno(why, "%s", path);
		if (size <= 0)
			break;
		buf_used(text, (size_t)size);
	}
	(void)close(fd);
	return code;
}

/* The folder is made absolute, for the roles do not share our cwd for long. */
static int
place_find(struct conf_source *source, const char *path, struct why *why)
{
	char whole[PATH_MAX];
	if (realpath(path, whole) == NULL)
		return why_errno(why, "%s", path);
	char *slash = strrchr(whole, '/');
	source->name = strdup(slash + 1);
	*(slash == whole ? slash + 1 : slash) = '\0';
	source->directory = strdup(whole);
	if (source->name == NULL || source->directory == NULL)
		return why_set(why, WHY_NOMEM, "configuration");
	return 0;
}

static int
override_add(struct conf_source *source, const char *text, struct why *why)
{
	if (source->override_count == CONF_OVERRIDES_MAX)
		return why_set(why, WHY_TOO_LARGE, "expected at most %d -o",
		    CONF_OVERRIDES_MAX);
	char *copy = strdup(text);
	if (copy == NULL)
		return why_set(why, WHY_NOMEM, "configuration");
	source->overrides[source->override_count++] = copy;
	return 0;
}

int
conf_source_read(struct conf_source *source, const char *path,
    char *const overrides[], size_t count, struct why *why)
{
	*source = (struct conf_source){0};
	buf_init(&source->text, CONF_TEXT_MAX);
	int code = place_find(source, path, why);
	if (code == 0)
		code = text_read(&source->text, path, why);
	for (size_t i = 0; i < count && code == 0; i++)
		code = override_add(source, overrides[i], why);
	if (code < 0)
		conf_source_clear(source);
	return code;
}

void
conf_source_clear(struct conf_source *source)
{
	free(source->directory);
	free(source->name);
	buf_clear(&source->text);
	for (size_t i = 0; i < source->override_count; i++)
		free(source->overrides[i]);
	*source = (struct conf_source){.text.max = source->text.max};
}

void
conf_source_build(struct buf *out, const struct conf_source *source)
{
	wire_put_text(out, source->directory);
	wire_put_text(out, source->name);
	wire_put_bytes(out, buf_span(&source->text));
	buf_add_u32(out, (uint32_t)source->override_count);
	for (size_t i = 0; i < source->override_count; i++)
		wire_put_text(out, source->overrides[i]);
}

static char *
text_take(struct wire_in *in)
{
	struct span text = wire_text(in);
	char *copy =
	    strndup(text.size == 0 ? "" : (const char *)text.at, text.size);
	if (copy == NULL)
		wire_fail(in);
	return copy;
}

int
conf_source_parse(struct span in, struct conf_source *source, struct why *why)
{
	struct wire_in body = wire_open(in);
	*source = (struct conf_source){0};
	buf_init(&source->text, CONF_TEXT_MAX);
	source->directory = text_take(&body);
	source->name = text_take(&body);
	buf_add_span(&source->text, wire_bytes(&body));
	uint32_t count = wire_count(&body, 4);
	if (count > CONF_OVERRIDES_MAX)
		wire_fail(&body);
	for (uint32_t i = 0; i < count && !body.failed; i++) {
		source->overrides[i] = text_take(&body);
		source->override_count++;
	}
	if (!wire_end(&body) || !buf_ok(&source->text)) {
		conf_source_clear(source);
		return why_set(
		    why, WHY_MALFORMED, "configuration on the control socket");
	}
	return 0;
}
