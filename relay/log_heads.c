#include "relay/log_heads.h"

#include "base/log.h"
#include "base/text.h"
#include "formats/checkpoint.h"
#include "formats/note.h"
#include "relay/http.h"

#include <stdlib.h>
#include <string.h>

#define FIELD_BYTES 400

struct log_heads {
	struct log_head_told at[SPOOL_LOGS_MAX];
	size_t count;
	char field[FIELD_BYTES]; /* of the newest */
};

struct log_heads *
log_heads_new(void)
{
	return calloc(1, sizeof(struct log_heads));
}

static void
told_clear(struct log_head_told *told)
{
	free(told->origin);
	buf_clear(&told->note);
	buf_clear(&told->key);
}

void
log_heads_free(struct log_heads *heads)
{
	if (heads == NULL)
		return;
	for (size_t i = 0; i < heads->count; i++)
		told_clear(&heads->at[i]);
	free(heads);
}

static int
told_read(const struct spool_checkpoint *from, struct log_head_told *told,
    struct why *why)
{
	struct note note;
	struct checkpoint checkpoint;
	int code = note_parse(from->note, &note, why);

	if (code == 0)
		code = checkpoint_parse(note.text, &checkpoint, why);
	if (code != 0)
		return code;
	*told = (struct log_head_told){.epoch = from->epoch,
	    .size = checkpoint.size,
	    .root = checkpoint.root,
	    .origin = strndup(
		(const char *)checkpoint.origin.at, checkpoint.origin.size)};
	buf_init(&told->note, from->note.size);
	buf_init(&told->key, from->key.size);
	buf_add_span(&told->note, from->note);
	buf_add_span(&told->key, from->key);
	if (told->origin != NULL && buf_ok(&told->note) && buf_ok(&told->key))
		return 0;
	told_clear(told);
	return why_set(why, WHY_NOMEM, "a checkpoint");
}

/* "ORIGIN SIZE ROOT", as the three lines of a checkpoint. */
static void
field_make(struct log_heads *heads)
{
	const struct log_head_told *newest = &heads->at[heads->count - 1];
	struct buf text;

	buf_init(&text, FIELD_BYTES);
	buf_printf(&text, "%s %llu ", newest->origin,
	    (unsigned long long)newest->size);
	base64_build(&text, span_of(newest->root.at, MERKLE_HASH_SIZE));
	const char *field = buf_text(&text);
	size_t size = field == NULL ? 0 : strlen(field);
	if (size < FIELD_BYTES)
		memcpy(heads->field, field == NULL ? "" : field, size + 1);
	buf_clear(&text);
}

/* Where this epoch stands, or would. */
static size_t
place_of(const struct log_heads *heads, uint32_t epoch)
{
	size_t i = 0;

	while (i < heads->count && heads->at[i].epoch < epoch)
		i++;
	return i;
}

static int
take(struct log_heads *heads, struct span body, struct why *why)
{
	struct spool_checkpoint from;
	struct log_head_told told;
	int code = spool_checkpoint_parse(body, &from, why);

	if (code == 0)
		code = told_read(&from, &told, why);
	if (code != 0)
		return code;
	size_t i = place_of(heads, told.epoch);
	bool known = i < heads->count && heads->at[i].epoch == told.epoch;
	if ((known && told.size < heads->at[i].size) ||
	    (!known && heads->count == SPOOL_LOGS_MAX)) {
		told_clear(&told);
		return why_set(why, WHY_STATE,
		    "a log that became smaller, or "
		    "one too many");
	}
	if (known) {
		told_clear(&heads->at[i]);
	} else {
		memmove(&heads->at[i + 1], &heads->at[i],
		    (heads->count - i) * sizeof(heads->at[0]));
		heads->count++;
	}
	heads->at[i] = told;
	field_make(heads);
	return 0;
}

void
log_heads_take(struct log_heads *heads, struct span body)
{
	struct why why = {0};

	if (take(heads, body, &why) != 0)
		log_event(LOG_ERROR, "log.checkpoint-refused",
		    LOGS("code", why_name(why.code)), LOGS("error", why.text));
}

const struct log_head_told *
log_heads_of(const struct log_heads *heads, uint32_t epoch)
{
	size_t i = place_of(heads, epoch);

	return i < heads->count && heads->at[i].epoch == epoch ? &heads->at[i]
							       : NULL;
}

const struct log_head_told *
log_heads_at(const struct log_heads *heads, size_t index)
{
	return index < heads->count ? &heads->at[index] : NULL;
}

void
log_heads_field_add(const struct log_heads *heads, struct http_request *request)
{
	if (heads->field[0] != '\0')
		http_field_add(request, "Budstikke-Checkpoint", heads->field);
}
