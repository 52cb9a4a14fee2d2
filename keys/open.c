/*
 * open - reads CMS as it comes: a list of stages, each wanting one small value,
 * the opening or the end of a container, or content octets.
 *
 * Only the value under way is kept (at most OPEN_RECIPIENT_BYTES), and
 * OPEN_PIECE_BYTES of plaintext.
 *
 * SECURITY: hands hostile bytes to the stages, which read nothing past the
 * innermost container of known length.
 */
#include "keys/open_stage_priv.h"

#include <stdlib.h>
#include <string.h>

static int
step(struct opening *opening, struct span view, size_t *used, struct why *why)
{
	switch (opening->stage) {
	case STAGE_CONTENT_INFO:
		return open_enter_to(opening, view, BER_SEQUENCE, used,
		    "not CMS in BER or DER", STAGE_CONTENT_TYPE, why);
	case STAGE_CONTENT_TYPE:
		return open_read_content_type(opening, view, used, why);
	case STAGE_EXPLICIT:
		return open_enter_to(opening, view, BER_CONTEXT_CONSTRUCTED(0),
		    used, "content", STAGE_ENVELOPE, why);
	case STAGE_ENVELOPE:
		return open_enter_to(opening, view, BER_SEQUENCE, used,
		    "envelope", STAGE_VERSION, why);
	case STAGE_VERSION:
		return open_read_version(opening, view, used, why);
	case STAGE_ORIGINATOR:
		return open_read_originator(opening, view, used, why);
	case STAGE_RECIPIENT:
		return open_read_recipient(opening, view, used, why);
	case STAGE_ENCRYPTED:
		return open_enter_to(opening, view, BER_SEQUENCE, used,
		    "encrypted content info", STAGE_INNER_TYPE, why);
	case STAGE_INNER_TYPE:
		return open_read_inner_type(opening, view, used, why);
	case STAGE_CIPHER:
		return open_read_cipher(opening, view, used, why);
	case STAGE_CONTENT:
		return open_read_content(opening, view, used, why);
	case STAGE_PIECE:
		return open_read_piece(opening, view, used, why);
	case STAGE_OCTETS:
		return open_read_octets(opening, view, used, why);
	case STAGE_ENCRYPTED_END:
		return open_must_leave(
		    opening, view, used, STAGE_ATTRIBUTES, why);
	case STAGE_ATTRIBUTES:
		return open_read_attributes(opening, view, why);
	case STAGE_MAC:
		return open_read_mac(opening, view, used, why);
	case STAGE_MAC_AFTER:
		return open_read_mac_after(opening, view, why);
	case STAGE_ENVELOPE_END:
		return open_must_leave(
		    opening, view, used, STAGE_EXPLICIT_END, why);
	case STAGE_EXPLICIT_END:
		return open_must_leave(opening, view, used, STAGE_END, why);
	case STAGE_END:
		return open_must_leave(opening, view, used, STAGE_DONE, why);
	case STAGE_DONE:
		break;
	}
	if (view.size > 0)
		return open_malformed(opening, "something after the end", why);
	return STEP_MORE;
}

/* Steps until more octets are needed; *used of them were consumed. */
static int
run(struct opening *opening, struct span view, size_t *used, struct why *why)
{
	*used = 0;
	for (;;) {
		size_t n = 0;
		int ret = step(opening,
		    span_of(view.at + *used, view.size - *used), &n, why);
		if (ret <= 0)
			return ret;
		*used += n;
		opening->position += n;
	}
}

/* ---- the caller's side ---- */

int
opening_new(const struct open_key *keys, size_t count,
    const struct open_options *options, const struct sink *sink,
    struct opening **out, struct why *why)
{
	if (count == 0 || count > OPEN_KEYS_MAX)
		return why_set(why, WHY_INVALID, "opening takes 1 to %d keys",
		    OPEN_KEYS_MAX);
	for (size_t i = 0; i < count; i++) {
		int ret = private_key_check_pair(
		    keys[i].key, keys[i].certificate, why);
		if (ret < 0)
			return ret;
	}
	struct opening *opening = malloc(sizeof *opening);
	if (opening == NULL)
		return why_set(why, WHY_NOMEM, "no memory to open");
	memset(opening, 0, offsetof(struct opening, piece));
	memcpy(opening->keys, keys, count * sizeof *keys);
	opening->keys_count = count;
	if (options != NULL)
		opening->options = *options;
	opening->sink = *sink;
	buf_init(&opening->held, OPEN_HELD_BYTES);
	int ret = secret_init(&opening->found.key, OPEN_RSA_MAX, why);
	if (ret < 0) {
		opening_free(opening);
		return ret;
	}
	*out = opening;
	return 0;
}

/* Complete the value that an earlier write began, in the held octets. */
static int
write_held(struct opening *opening, struct span *bytes, struct why *why)
{
	size_t used;
	size_t room = OPEN_HELD_BYTES - opening->held.size;
	size_t n = bytes->size < room ? bytes->size : room;
	buf_add(&opening->held, bytes->at, n);
	if (!buf_ok(&opening->held))
		return why_set(why, WHY_NOMEM, "no memory to open");
	bytes->at += n;
	bytes->size -= n;
	int ret = run(opening, buf_span(&opening->held), &used, why);
	if (ret < 0)
		return ret;
	buf_drop(&opening->held, used);
	if (opening->held.size == OPEN_HELD_BYTES)
		return why_set(
		    why, WHY_BUG, "opening waits for more than it holds");
	return 0;
}

static int
write_all(struct opening *opening, struct span bytes, struct why *why)
{
	int ret = 0;
	while (bytes.size > 0 && opening->held.size > 0 && ret == 0)
		ret = write_held(opening, &bytes, why);
	if (ret < 0 || bytes.size == 0)
		return ret;
	size_t used;
	if ((ret = run(opening, bytes, &used, why)) < 0)
		return ret;
	buf_add(&opening->held, bytes.at + used, bytes.size - used);
	if (!buf_ok(&opening->held))
		return why_set(
		    why, WHY_BUG, "opening waits for more than it holds");
	return 0;
}

int
opening_write(struct opening *opening, struct span bytes, struct why *why)
{
	if (opening->failed || opening->finished)
		return why_set(why, WHY_BUG, "opening has ended already");
	int ret = write_all(opening, bytes, why);
	opening->failed = ret < 0;
	return ret;
}

static int
finish(struct opening *opening, struct why *why)
{
	if (opening->stage != STAGE_DONE)
		return open_malformed(opening, "the message is cut short", why);
	return open_content_end(opening, why);
}

int
opening_finish(struct opening *opening, struct why *why)
{
	if (opening->failed || opening->finished)
		return why_set(why, WHY_BUG, "opening has ended already");
	int ret = finish(opening, why);
	opening->finished = ret == 0;
	opening->failed = ret < 0;
	return ret;
}

void
opening_free(struct opening *opening)
{
	if (opening == NULL)
		return;
	EVP_CIPHER_CTX_free(opening->cipher.context);
	secret_clear(&opening->found.key);
	buf_wipe(&opening->held);
	OPENSSL_cleanse(opening, sizeof *opening);
	free(opening);
}

bool
opening_authenticated(const struct opening *opening)
{
	return opening->finished && opening->cipher.gcm;
}
