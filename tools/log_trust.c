#include "tools/log_trust.h"

#include "formats/note.h"
#include "tools/file.h"

#include <string.h>

#define FILE_BYTES (64u << 10)

int
log_trust_parse(struct span text, struct log_trust *trust, struct why *why)
{
	unsigned number = 0;

	trust->count = 0;
	while (text.size > 0) {
		const uint8_t *end = memchr(text.at, '\n', text.size);
		size_t size = end == NULL ? text.size : (size_t)(end - text.at);
		struct span line = span_of(text.at, size);
		struct why inner = {0};

		number++;
		text.at += size + (end != NULL);
		text.size -= size + (end != NULL);
		if (line.size == 0 || line.at[0] == '#')
			continue;
		if (trust->count == LOG_TRUST_MOST)
			return why_set(why, WHY_TOO_LARGE,
			    "line %u: at most %d keys", number, LOG_TRUST_MOST);
		int code = log_public_key_parse(
		    line, &trust->keys[trust->count++], &inner);
		if (code != 0)
			return why_set(
			    why, code, "line %u: %s", number, inner.text);
	}
	return trust->count > 0
		   ? 0
		   : why_set(why, WHY_INVALID, "expected a line NAME+ID+KEY");
}

int
log_trust_read(const char *path, struct log_trust *trust, struct why *why)
{
	struct buf text;
	struct why inner = {0};

	buf_init(&text, FILE_BYTES);
	int code = file_read(path, &text, why);
	if (code == 0) {
		code = log_trust_parse(buf_span(&text), trust, &inner);
		if (code != 0)
			(void)why_set(why, code, "%s: %s", path, inner.text);
	}
	buf_clear(&text);
	return code;
}

int
log_trust_checkpoint(const struct log_trust *trust, struct span bytes,
    struct checkpoint *checkpoint, struct why *why)
{
	struct note note;
	int code = note_parse(bytes, &note, why);

	if (code == 0)
		code = checkpoint_parse(note.text, checkpoint, why);
	if (code != 0)
		return code;
	for (size_t i = 0; i < trust->count; i++)
		if (span_is(checkpoint->origin, trust->keys[i].name))
			return log_public_key_verify(
			    &trust->keys[i], &note, why);
	return why_set(why, WHY_DENIED,
	    "checkpoint: of a log that is not "
	    "believed");
}
