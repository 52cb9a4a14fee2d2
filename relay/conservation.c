#include "relay/conservation.h"

#include "base/text.h"
#include "formats/json.h"
#include "formats/json_write.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_BYTES (64u << 10)
#define LINES_FIRST 64

void
conservation_clear(struct conservation *account)
{
	free(account->lines);
	*account = (struct conservation){.lines = NULL};
}

/* ---- lines ---- */

/* Where the recipient's line stands, or would. */
static size_t
place_of(const struct conservation *account, const char *recipient)
{
	size_t low = 0;
	size_t high = account->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(account->lines[middle].recipient, recipient) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has_room(struct conservation *account)
{
	size_t capacity =
	    account->capacity == 0 ? LINES_FIRST : 2 * account->capacity;

	if (account->count < account->capacity)
		return true;
	void *at = realloc(account->lines, capacity * sizeof(*account->lines));
	if (at == NULL)
		return false;
	account->lines = at;
	account->capacity = capacity;
	return true;
}

static int
line_of(struct conservation *account, const char *recipient,
    struct conservation_line **out, struct why *why)
{
	size_t size = recipient == NULL ? 0 : strlen(recipient);
	struct conservation_line *lines;

	if (size == 0 || size >= SPOOL_ORG_SIZE)
		return why_set(why, WHY_MALFORMED, "evidence: its recipient");
	size_t i = place_of(account, recipient);
	if (i < account->count &&
	    strcmp(account->lines[i].recipient, recipient) == 0) {
		*out = &account->lines[i];
		return 0;
	}
	if (!has_room(account))
		return why_set(why, WHY_NOMEM, "lines of the account");
	lines = account->lines;
	memmove(
	    &lines[i + 1], &lines[i], (account->count - i) * sizeof(*lines));
	lines[i] = (struct conservation_line){.accepted = 0};
	memcpy(lines[i].recipient, recipient, size + 1);
	account->count++;
	*out = &lines[i];
	return 0;
}

int
conservation_waits(
    struct conservation *account, const char *recipient, struct why *why)
{
	struct conservation_line *line;
	int code = line_of(account, recipient, &line, why);

	if (code == 0)
		line->waiting++;
	return code;
}

/* ---- evidence ---- */

static const char *
text_of(const json_t *payload, const char *name)
{
	const char *text = json_string_value(json_object_get(payload, name));

	return text == NULL ? "" : text;
}

static int
accepted_add(
    struct conservation *account, const json_t *payload, struct why *why)
{
	struct conservation_line *line;
	const json_t *recipients = json_object_get(payload, "recipients");
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_array_size(recipients); i++) {
		code = line_of(account,
		    json_string_value(json_array_get(recipients, i)), &line,
		    why);
		if (code == 0)
			line->accepted++;
	}
	return code;
}

static int
outcome_add(struct conservation *account, const json_t *payload,
    const char *level, struct why *why)
{
	struct conservation_line *line;
	int code = line_of(account, text_of(payload, "recipient"), &line, why);

	if (code != 0)
		return code;
	line->imported += strcmp(level, "imported") == 0;
	line->unproven += strcmp(level, "imported") == 0 &&
			  !json_is_true(json_object_get(payload, "proven"));
	line->rejected += strcmp(level, "rejected") == 0;
	line->expired += strcmp(level, "expired") == 0;
	line->recalled += strcmp(level, "recalled") == 0;
	return 0;
}

static bool
is_outcome(const char *level)
{
	static const char *const outcomes[] = {
	    "imported", "rejected", "expired", "recalled"};

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		if (strcmp(outcomes[i], level) == 0)
			return true;
	return false;
}

/* The next place, or the first of a later epoch: a restore begins it. */
static void
place_add(struct conservation *account, const json_t *payload)
{
	struct spool_position at = {
	    (uint32_t)json_integer_value(json_object_get(payload, "epoch")),
	    (uint64_t)json_integer_value(json_object_get(payload, "sequence"))};
	uint64_t next =
	    at.epoch == account->last.epoch ? account->last.sequence + 1 : 1;

	if (at.sequence != next || at.epoch < account->last.epoch)
		account->gaps++;
	account->last = at;
}

static int
payload_add(
    struct conservation *account, const json_t *payload, struct why *why)
{
	const char *level = text_of(payload, "level");

	place_add(account, payload);
	if (strcmp(level, "accepted") == 0)
		return accepted_add(account, payload, why);
	return is_outcome(level) ? outcome_add(account, payload, level, why)
				 : 0;
}

/* The payload stands between the two dots. */
static bool
payload_cut(struct span jws, struct span *out)
{
	const uint8_t *first = memchr(jws.at, '.', jws.size);
	const uint8_t *end = jws.at + jws.size;
	const uint8_t *second =
	    first == NULL ? NULL
			  : memchr(first + 1, '.', (size_t)(end - first - 1));

	if (second == NULL)
		return false;
	*out = span_of(first + 1, (size_t)(second - first - 1));
	return true;
}

int
conservation_add(struct conservation *account, struct span jws, struct why *why)
{
	static const struct json_bounds bounds = {PAYLOAD_BYTES, 16};
	struct span text;
	struct buf bytes;
	json_t *payload = NULL;
	int code;

	buf_init(&bytes, PAYLOAD_BYTES);
	if (jws.size == 0 || !payload_cut(jws, &text) ||
	    !base64url_parse(&bytes, text))
		code = why_set(why, WHY_MALFORMED, "evidence that is no JWS");
	else
		code =
		    json_object_read(buf_span(&bytes), &bounds, &payload, why);
	if (code == 0)
		code = payload_add(account, payload, why);
	json_decref(payload);
	buf_clear(&bytes);
	return code;
}

/* ---- the statement ---- */

bool
conservation_line_holds(const struct conservation_line *line)
{
	return line->accepted == line->waiting + line->imported +
				     line->rejected + line->expired +
				     line->recalled;
}

bool
conservation_holds(
    const struct conservation *account, const struct log_head *head)
{
	for (size_t i = 0; i < account->count; i++)
		if (!conservation_line_holds(&account->lines[i]))
			return false;
	return account->gaps == 0 &&
	       (account->last.epoch == head->epoch
		       ? account->last.sequence == head->size
		       : head->size == 0);
}

static void
line_write(
    struct buf *out, const char *name, const struct conservation_line *line)
{
	json_write_object(out, name);
	if (line->recipient[0] != '\0')
		json_write_text(out, "recipient", line->recipient);
	json_write_number(out, "accepted", (int64_t)line->accepted);
	json_write_number(out, "waiting", (int64_t)line->waiting);
	json_write_number(out, "imported", (int64_t)line->imported);
	json_write_number(out, "unproven", (int64_t)line->unproven);
	json_write_number(out, "rejected", (int64_t)line->rejected);
	json_write_number(out, "expired", (int64_t)line->expired);
	json_write_number(out, "recalled", (int64_t)line->recalled);
	json_write_object_end(out);
}

static struct conservation_line
total_of(const struct conservation *account)
{
	struct conservation_line all = {.accepted = 0};

	for (size_t i = 0; i < account->count; i++) {
		const struct conservation_line *line = &account->lines[i];
		all.accepted += line->accepted;
		all.waiting += line->waiting;
		all.imported += line->imported;
		all.unproven += line->unproven;
		all.rejected += line->rejected;
		all.expired += line->expired;
		all.recalled += line->recalled;
	}
	return all;
}

static void
head_write(struct buf *out, const struct log_head *head)
{
	struct buf root;

	buf_init(&root, 64);
	base64_build(&root, span_of(head->root.at, MERKLE_HASH_SIZE));
	json_write_number(out, "epoch", head->epoch);
	json_write_number(out, "size", (int64_t)head->size);
	json_write_span(out, "root", buf_span(&root));
	buf_clear(&root);
}

int
conservation_build(struct buf *out, const struct conservation *account,
    const struct log_head *head, int64_t time_ms, struct why *why)
{
	const struct conservation_line all = total_of(account);
	char time[TIME_TEXT_SIZE];

	time_build(time, time_ms);
	json_write_object(out, NULL);
	json_write_number(out, "version", 1);
	json_write_text(out, "statement", "conservation");
	json_write_text(out, "time", time);
	head_write(out, head);
	json_write_bool(out, "holds", conservation_holds(account, head));
	json_write_number(out, "gaps", (int64_t)account->gaps);
	line_write(out, "total", &all);
	json_write_array(out, "mailboxes");
	for (size_t i = 0; i < account->count; i++)
		line_write(out, NULL, &account->lines[i]);
	json_write_array_end(out);
	json_write_object_end(out);
	if (!buf_ok(out))
		return why_set(
		    why, WHY_TOO_LARGE, "a statement of so many mailboxes");
	return 0;
}
