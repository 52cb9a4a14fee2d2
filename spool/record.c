/*
 * record - see record.h. Every field is named once, in a walk that both builds
 * and reads: so the two cannot differ.
 */
#include "spool/record.h"

#include <string.h>

/* One walk over a record's fields; out when building, bytes when reading. */
struct walk {
	struct buf *out;
	struct span bytes;
	size_t at;
	int version; /* of the layout */
	bool failed;
};

static const uint8_t *
walk_take(struct walk *walk, size_t size)
{
	if (walk->failed || walk->bytes.size - walk->at < size) {
		walk->failed = true;
		return NULL;
	}
	const uint8_t *at = walk->bytes.at + walk->at;
	walk->at += size;
	return at;
}

/* An unsigned number of size bytes, big-endian. */
static void
walk_number(struct walk *walk, uint64_t *value, size_t size)
{
	if (walk->out != NULL) {
		for (size_t i = size; i-- > 0;)
			buf_add_byte(walk->out, (uint8_t)(*value >> (8 * i)));
		return;
	}
	const uint8_t *at = walk_take(walk, size);
	*value = 0;
	for (size_t i = 0; at != NULL && i < size; i++)
		*value = *value << 8 | at[i];
}

static void
walk_u64(struct walk *walk, uint64_t *value)
{
	walk_number(walk, value, 8);
}

static void
walk_u32(struct walk *walk, uint32_t *value)
{
	uint64_t wide = *value;
	walk_number(walk, &wide, 4);
	*value = (uint32_t)wide;
}

static void
walk_u16(struct walk *walk, uint16_t *value)
{
	uint64_t wide = *value;
	walk_number(walk, &wide, 2);
	*value = (uint16_t)wide;
}

/* A time: never before 1970. */
static void
walk_time(struct walk *walk, int64_t *value)
{
	uint64_t wide = (uint64_t)*value;
	walk_number(walk, &wide, 8);
	if (wide > INT64_MAX)
		walk->failed = true;
	*value = (int64_t)(wide & INT64_MAX);
}

/* A small number between least and most. */
static unsigned
walk_small(struct walk *walk, unsigned value, unsigned least, unsigned most)
{
	uint64_t wide = value;
	walk_number(walk, &wide, 1);
	if (wide < least || wide > most)
		walk->failed = true;
	return (unsigned)wide;
}

#define WALK_ENUM(walk, field, least, most)                                    \
	((field) = (__typeof__(field))walk_small(                              \
	     (walk), (unsigned)(field), (least), (most)))

static void
walk_bool(struct walk *walk, bool *value)
{
	*value = walk_small(walk, *value, 0, 1) != 0;
}

static void
walk_bytes(struct walk *walk, void *field, size_t size)
{
	if (walk->out != NULL) {
		buf_add(walk->out, field, size);
		return;
	}
	const uint8_t *at = walk_take(walk, size);
	if (at != NULL)
		memcpy(field, at, size);
}

static void
walk_word(struct walk *walk, char *field, size_t size)
{
	size_t length = walk->out != NULL ? strnlen(field, size) : 0;
	length = walk_small(walk, (unsigned)length, 0, (unsigned)size - 1);
	if (walk->out != NULL) {
		buf_add(walk->out, field, length);
		return;
	}
	const uint8_t *at = walk_take(walk, length);
	memset(field, 0, size);
	if (at == NULL)
		return;
	if (memchr(at, 0, length) != NULL)
		walk->failed = true;
	memcpy(field, at, length);
}

#define WALK_WORD(walk, field) walk_word((walk), (field), sizeof(field))

static void
walk_span(struct walk *walk, struct span *span)
{
	uint32_t size = (uint32_t)span->size;
	walk_u32(walk, &size);
	if (walk->out != NULL) {
		buf_add_span(walk->out, *span);
		return;
	}
	span->at = walk_take(walk, size);
	span->size = span->at == NULL ? 0 : size;
}

static void
walk_id(struct walk *walk, struct id *id)
{
	walk_bytes(walk, id->at, ID_SIZE);
}

static void
walk_position(struct walk *walk, struct spool_position *at)
{
	walk_u32(walk, &at->epoch);
	walk_u64(walk, &at->sequence);
}

/* ---- the records ---- */

/* A hash for each bit of the size. */
static void
walk_frontier(struct walk *walk, struct merkle_frontier *frontier)
{
	walk_u64(walk, &frontier->size);
	if (frontier->size > MERKLE_SIZE_MAX)
		walk->failed = true;
	for (size_t i = 0; !walk->failed && i < MERKLE_HEIGHTS; i++)
		if ((frontier->size >> i & 1) != 0)
			walk_bytes(
			    walk, &frontier->at[i], sizeof frontier->at[i]);
}

static void
walk_meta(struct walk *walk, struct meta_record *r)
{
	walk_position(walk, &r->position);
	walk_time(walk, &r->created_ms);
	walk_bool(walk, &r->restored);
	walk_position(walk, &r->previous);
	walk_time(walk, &r->taken_ms);
	walk_time(walk, &r->restored_ms);
	if (walk->version >= 2)
		walk_frontier(walk, &r->tree);
}

static void
walk_message(struct walk *walk, struct message_record *r)
{
	WALK_WORD(walk, r->sender);
	WALK_WORD(walk, r->type);
	WALK_WORD(walk, r->version);
	walk_time(walk, &r->submitted_ms);
	walk_time(walk, &r->accepted_ms);
	walk_bytes(walk, r->key, sizeof r->key);
	walk_bytes(walk, r->fingerprint, sizeof r->fingerprint);
	walk_position(walk, &r->evidence);
	walk_time(walk, &r->forget_ms);
	walk_u16(walk, &r->unpurged);
	walk_u16(walk, &r->count);
	walk_span(walk, &r->recipients);
	if (r->recipients.size != (size_t)r->count * SPOOL_ORG_SIZE ||
	    r->unpurged > r->count)
		walk->failed = true;
	for (size_t i = 0; !walk->failed && i < r->count; i++)
		if (r->recipients.at[(i + 1) * SPOOL_ORG_SIZE - 1] != 0)
			walk->failed = true;
}

static void
walk_stages(struct walk *walk, struct delivery_record *r)
{
	WALK_ENUM(walk, r->stage_count, 0, SPOOL_DEADLINES_MAX);
	for (size_t i = 0; !walk->failed && i < r->stage_count; i++) {
		struct stage_record *stage = &r->stages[i];
		walk_time(walk, &stage->at_ms);
		WALK_ENUM(walk, stage->kind, SPOOL_DEADLINE_FETCH,
		    SPOOL_DEADLINE_CONFIRM);
		WALK_ENUM(walk, stage->severity, SPOOL_WARNING, SPOOL_CRITICAL);
		walk_bool(walk, &stage->fired);
	}
}

static void
walk_ranges(struct walk *walk, struct delivery_record *r)
{
	WALK_ENUM(walk, r->range_count, 0, RANGES_MAX);
	for (size_t i = 0; !walk->failed && i < r->range_count; i++) {
		struct range *range = &r->ranges[i];
		walk_u64(walk, &range->from);
		walk_u64(walk, &range->to);
		if (range->from >= range->to || range->to > r->size ||
		    (i > 0 && r->ranges[i - 1].to >= range->from))
			walk->failed = true;
	}
}

static void
walk_delivery(struct walk *walk, struct delivery_record *r)
{
	WALK_ENUM(walk, r->state, SPOOL_ACCEPTED, SPOOL_RECALLED);
	walk_u32(walk, &r->flags);
	WALK_WORD(walk, r->sender);
	WALK_WORD(walk, r->type);
	walk_u64(walk, &r->size);
	walk_id(walk, &r->upload);
	walk_u32(walk, &r->content);
	walk_bytes(walk, r->proof_hash, sizeof r->proof_hash);
	WALK_ENUM(walk, r->form, SPOOL_FORM_ZIP, SPOOL_FORM_SVARINN);
	WALK_WORD(walk, r->suite);
	walk_bytes(walk, r->certificate, sizeof r->certificate);
	walk_u32(walk, &r->seal);
	walk_time(walk, &r->accepted_ms);
	walk_time(walk, &r->handed_out_ms);
	walk_time(walk, &r->fetched_ms);
	walk_time(walk, &r->final_ms);
	walk_time(walk, &r->expires_ms);
	walk_time(walk, &r->grace_ms);
	walk_time(walk, &r->purge_ms);
	walk_time(walk, &r->recheck_ms);
	walk_time(walk, &r->late_content_ms);
	walk_position(walk, &r->listed);
	walk_position(walk, &r->evidence);
	walk_position(walk, &r->outcome);
	walk_position(walk, &r->opened);
	walk_position(walk, &r->refused);
	WALK_WORD(walk, r->refused_reason);
	for (size_t i = 0; i < LATES; i++)
		walk_position(walk, &r->late[i]);
	walk_u32(walk, &r->alarms);
	walk_stages(walk, r);
	walk_ranges(walk, r);
}

static void
walk_staged(struct walk *walk, struct staged_record *r)
{
	walk_u64(walk, &r->size);
	walk_time(walk, &r->touched_ms);
	walk_time(walk, &r->sweep_ms);
	WALK_WORD(walk, r->recipient);
}

static void
walk_known(struct walk *walk, struct known_record *r)
{
	walk_bytes(walk, r->fingerprint, sizeof r->fingerprint);
	walk_id(walk, &r->message);
	walk_position(walk, &r->evidence);
}

static void
walk_leaf(struct walk *walk, struct evidence_record *r)
{
	walk_bool(walk, &r->is_salted);
	if (r->is_salted)
		walk_bytes(walk, r->salt, sizeof r->salt);
	walk_span(walk, &r->nodes);
	if (r->nodes.size == 0 || r->nodes.size % MERKLE_HASH_SIZE != 0 ||
	    r->nodes.size > MERKLE_HEIGHTS * MERKLE_HASH_SIZE)
		walk->failed = true;
}

static void
walk_evidence(struct walk *walk, struct evidence_record *r)
{
	walk_id(walk, &r->id);
	walk_time(walk, &r->time_ms);
	WALK_ENUM(walk, r->level, SPOOL_LEVEL_ACCEPTED, SPOOL_LEVEL_RESTORED);
	WALK_ENUM(walk, r->tried, 0, SPOOL_LEVEL_RESTORED);
	WALK_ENUM(walk, r->state, 0, SPOOL_RECALLED);
	walk_bool(walk, &r->has_message);
	walk_id(walk, &r->message);
	WALK_WORD(walk, r->sender);
	WALK_WORD(walk, r->recipient);
	WALK_WORD(walk, r->type);
	walk_time(walk, &r->missing_after_ms);
	if (walk->version >= 2)
		walk_leaf(walk, r);
	walk_span(walk, &r->jws);
}

static void
walk_counts(struct walk *walk, struct spool_counts *counts)
{
	walk_u64(walk, &counts->accepted);
	for (size_t i = 1; i < SPOOL_STATES; i++)
		walk_u64(walk, &counts->now[i]);
	walk_u64(walk, &counts->unproven);
	walk_u64(walk, &counts->waiting_bytes);
}

static void
walk_party(struct walk *walk, struct party_record *r)
{
	WALK_ENUM(walk, r->state, SPOOL_MAILBOX_NEW, SPOOL_MAILBOX_PROVING);
	WALK_ENUM(walk, r->form, SPOOL_FORM_ZIP, SPOOL_FORM_SVARINN);
	walk_bool(walk, &r->stop_at_certificate_end);
	walk_time(walk, &r->created_ms);
	walk_time(walk, &r->polled_ms);
	walk_time(walk, &r->newest_ms);
	walk_u64(walk, &r->next_sequence);
	walk_counts(walk, &r->counts);
	for (size_t i = 1; i < SPOOL_STATES; i++)
		walk_u64(walk, &r->forgotten[i]);
	walk_u64(walk, &r->forgotten_unproven);
	walk_u16(walk, &r->type_count);
	walk_span(walk, &r->types);
	if (r->type_count > SPOOL_TYPES_MAX)
		walk->failed = true;
	struct span rest = r->types;
	char type[SPOOL_TYPE_SIZE];
	for (size_t i = 0; !walk->failed && i < r->type_count; i++)
		if (!type_next(&rest, type))
			walk->failed = true;
	if (rest.size != 0)
		walk->failed = true;
}

static void
walk_sender(struct walk *walk, struct sender_record *r)
{
	walk_u64(walk, &r->waiting_bytes);
	walk_u64(walk, &r->waiting);
}

static void
walk_certificate(struct walk *walk, struct certificate_record *r)
{
	WALK_ENUM(walk, r->state, SPOOL_CERTIFICATE_PROVING,
	    SPOOL_CERTIFICATE_EXPIRED);
	WALK_ENUM(walk, r->policy, SPOOL_PINNED, SPOOL_CHAINED);
	WALK_WORD(walk, r->suite);
	walk_time(walk, &r->valid_from_ms);
	walk_time(walk, &r->valid_to_ms);
	walk_time(walk, &r->added_ms);
	walk_time(walk, &r->active_ms);
	walk_bool(walk, &r->end_due);
	walk_bytes(walk, r->challenge_hash, sizeof r->challenge_hash);
	walk_span(walk, &r->challenge);
	walk_span(walk, &r->der);
}

static void
walk_alarm(struct walk *walk, struct alarm_record *r)
{
	walk_id(walk, &r->id);
	WALK_ENUM(walk, r->severity, SPOOL_WARNING, SPOOL_CRITICAL);
	WALK_ENUM(walk, r->state, SPOOL_FIRING, SPOOL_RESOLVED);
	walk_u64(walk, &r->count);
	walk_time(walk, &r->oldest_ms);
	walk_time(walk, &r->raised_ms);
	walk_time(walk, &r->changed_ms);
}

static void
walk_notice(struct walk *walk, struct notice_record *r)
{
	walk_u32(walk, &r->tries);
	WALK_ENUM(walk, r->event, SPOOL_NOTICE_RAISED, SPOOL_NOTICE_RESOLVED);
	walk_time(walk, &r->time_ms);
	WALK_WORD(walk, r->mailbox);
	WALK_ENUM(
	    walk, r->cause, SPOOL_CAUSE_NEVER_POLLED, SPOOL_CAUSE_EXPIRING);
	walk_alarm(walk, &r->alarm);
}

int
record_version(struct span bytes)
{
	return bytes.size == 0 ? -1 : bytes.at[0];
}

/* Building never changes the record: a walk writes to a field only what it
 * read from it. A value out of range fails the buf, so it cannot be stored. */
#define X(name, number)                                                        \
	static bool read_##name(                                               \
	    struct span bytes, int version, struct name##_record *out)         \
	{                                                                      \
		struct walk walk = {                                           \
		    .bytes = bytes, .at = 1, .version = version};              \
		memset(out, 0, sizeof *out);                                   \
		if (record_version(bytes) != version)                          \
			return false;                                          \
		walk_##name(&walk, out);                                       \
		return !walk.failed && walk.at == bytes.size;                  \
	}                                                                      \
	void record_build_##name(                                              \
	    struct buf *out, const struct name##_record *in)                   \
	{                                                                      \
		struct name##_record copy = *in;                               \
		struct walk walk = {.out = out, .version = (number)};          \
		buf_add_byte(out, (number));                                   \
		walk_##name(&walk, &copy);                                     \
		if (walk.failed)                                               \
			out->failed = true;                                    \
	}                                                                      \
	bool record_read_##name(struct span bytes, struct name##_record *out)  \
	{                                                                      \
		return read_##name(bytes, (number), out);                      \
	}
RECORDS(X)
#undef X

bool
record_read_meta_1(struct span bytes, struct meta_record *out)
{
	return read_meta(bytes, 1, out);
}

bool
record_read_evidence_1(struct span bytes, struct evidence_record *out)
{
	return read_evidence(bytes, 1, out);
}

bool
word_copy(char *field, size_t size, const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);
	memset(field, 0, size);
	if (length >= size)
		return false;
	if (length > 0)
		memcpy(field, text, length);
	return true;
}

bool
type_next(struct span *rest, char type[SPOOL_TYPE_SIZE])
{
	memset(type, 0, SPOOL_TYPE_SIZE);
	if (rest->size == 0)
		return false;
	size_t length = rest->at[0];
	if (length == 0 || length >= SPOOL_TYPE_SIZE || length >= rest->size ||
	    memchr(rest->at + 1, 0, length) != NULL)
		return false;
	memcpy(type, rest->at + 1, length);
	rest->at += 1 + length;
	rest->size -= 1 + length;
	return true;
}
