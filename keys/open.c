/*
 * open - reads CMS as it comes: a list of stages, each wanting one small value,
 * the opening or the end of a container, or content octets.
 *
 * Only the value under way is kept (at most OPEN_RECIPIENT_BYTES), and
 * OPEN_PIECE_BYTES of plaintext.
 *
 * SECURITY: reads hostile bytes. Every container's end is checked against those
 * around it; nothing is read past the innermost one of known length.
 */
#include "keys/open.h"

#include "base/id.h"
#include "keys/open_priv.h"

#include <inttypes.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_KEYS_MAX 64
#define OPEN_HELD_BYTES (OPEN_RECIPIENT_BYTES + 64)
#define OPEN_GCM_BYTES_MAX ((UINT64_C(1) << 36) - 32)
#define OPEN_CIPHER_STEP (16u << 10)

enum stage {
	STAGE_CONTENT_INFO,
	STAGE_CONTENT_TYPE,
	STAGE_EXPLICIT,
	STAGE_ENVELOPE,
	STAGE_VERSION,
	STAGE_ORIGINATOR,
	STAGE_RECIPIENT,
	STAGE_ENCRYPTED,
	STAGE_INNER_TYPE,
	STAGE_CIPHER,
	STAGE_CONTENT,
	STAGE_PIECE,
	STAGE_OCTETS,
	STAGE_ENCRYPTED_END,
	STAGE_ATTRIBUTES,
	STAGE_MAC,
	STAGE_MAC_AFTER,
	STAGE_ENVELOPE_END,
	STAGE_EXPLICIT_END,
	STAGE_END,
	STAGE_DONE
};

/* A container that is open. */
struct frame {
	bool indefinite;
	uint64_t limit; /* position where it, or what holds it, ends */
};

struct opening {
	struct open_key keys[OPEN_KEYS_MAX];
	size_t keys_count;
	struct open_options options;
	struct sink sink;
	enum stage stage;
	bool authenticated;
	bool failed;
	bool finished;
	uint64_t position; /* octets consumed */
	struct frame frames[OPEN_DEPTH_MAX];
	size_t depth;
	size_t recipients;
	uint64_t recipients_from;
	struct open_found found;
	struct open_cipher cipher;
	uint64_t octets; /* left in the piece of content under way */
	uint8_t mac[OPEN_TAG_SIZE];
	struct buf held; /* the beginning of a value */
	size_t piece_size;
	uint8_t piece[OPEN_PIECE_BYTES];
};

/* What a stage answers: it went on, or wants more octets; or a failure. */
#define STEP_ON 1
#define STEP_MORE 0

static int
malformed(const struct opening *opening, const char *what, struct why *why)
{
	return why_set(why, WHY_MALFORMED, "CMS: %s at byte %" PRIu64, what,
	    opening->position);
}

static uint64_t
limit_of(const struct opening *opening)
{
	return opening->depth == 0 ? UINT64_MAX
				   : opening->frames[opening->depth - 1].limit;
}

/* ---- containers and small values ---- */

/* Enter a container with this tag. */
static int
enter(struct opening *opening, struct span view, uint8_t tag, size_t *used,
    const char *what, struct why *why)
{
	struct ber_head head;
	int ret = ber_head_read(view, &head);
	if (ret == 0)
		return STEP_MORE;
	if (ret < 0 || head.tag != tag)
		return malformed(opening, what, why);
	if (opening->depth == OPEN_DEPTH_MAX)
		return malformed(opening, "nesting too deep", why);
	uint64_t start = opening->position + head.size;
	uint64_t limit = limit_of(opening);
	if (start > limit || (!head.indefinite && head.length > limit - start))
		return malformed(opening, "value longer than its holder", why);
	opening->frames[opening->depth++] = (struct frame){
	    head.indefinite, head.indefinite ? limit : start + head.length};
	*used = head.size;
	return STEP_ON;
}

static int
enter_to(struct opening *opening, struct span view, uint8_t tag, size_t *used,
    const char *what, enum stage next, struct why *why)
{
	int ret = enter(opening, view, tag, used, what, why);
	if (ret == STEP_ON)
		opening->stage = next;
	return ret;
}

/* Is the innermost container at its end? Then it is left and *ended set. */
static int
leave(struct opening *opening, struct span view, size_t *used, bool *ended,
    struct why *why)
{
	const struct frame *frame = &opening->frames[opening->depth - 1];
	*ended = false;
	if (!frame->indefinite) {
		*ended = opening->position == frame->limit;
	} else {
		if (view.size == 0 || (view.size == 1 && view.at[0] == 0))
			return STEP_MORE;
		*ended = view.at[0] == 0 && view.at[1] == 0;
		if (*ended && frame->limit - opening->position < 2)
			return malformed(
			    opening, "value longer than its holder", why);
		if (*ended)
			*used = 2;
	}
	if (*ended)
		opening->depth--;
	return STEP_ON;
}

/* The container must be at its end. */
static int
must_leave(struct opening *opening, struct span view, size_t *used,
    enum stage next, struct why *why)
{
	bool ended;
	int ret = leave(opening, view, used, &ended, why);
	if (ret != STEP_ON)
		return ret;
	if (!ended)
		return malformed(
		    opening, "something after the last field", why);
	opening->stage = next;
	return STEP_ON;
}

/* One whole value of at most max octets. */
static int
value(struct opening *opening, struct span view, size_t max, struct span *whole,
    const char *what, struct why *why)
{
	size_t size = 0;
	int ret = ber_value_size(view, max, &size);
	if (ret == 0)
		return STEP_MORE;
	if (ret == -2)
		return why_set(
		    why, WHY_TOO_LARGE, "CMS: %s is over %zu bytes", what, max);
	if (ret < 0)
		return malformed(opening, what, why);
	if (size > limit_of(opening) - opening->position)
		return malformed(opening, "value longer than its holder", why);
	*whole = span_of(view.at, size);
	return STEP_ON;
}

/* ---- stages before the content ---- */

static int
read_content_type(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = value(opening, view, 64, &whole, "content type", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	struct span oid = ber_take(&in, BER_OID);
	if (in.failed)
		return malformed(opening, "content type", why);
	if (OID_IS(oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23))
		opening->authenticated = true;
	else if (!OID_IS(oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3))
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS: neither EnvelopedData nor AuthEnvelopedData");
	*used = whole.size;
	opening->stage = STAGE_EXPLICIT;
	return STEP_ON;
}

static int
read_version(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = value(opening, view, 8, &whole, "version", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	uint32_t version = ber_take_number(&in);
	if (in.failed || version > 4 ||
	    (opening->authenticated && version != 0))
		return malformed(opening, "version", why);
	*used = whole.size;
	opening->stage = STAGE_ORIGINATOR;
	return STEP_ON;
}

/* Certificates that the sender sends along tell us nothing: passed over. */
static int
read_originator(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	if (view.size == 0)
		return STEP_MORE;
	if (view.at[0] == BER_CONTEXT_CONSTRUCTED(0) &&
	    opening->recipients_from == 0) {
		int ret = value(opening, view, OPEN_HEADER_BYTES, &whole,
		    "originator info", why);
		if (ret != STEP_ON)
			return ret;
		*used = whole.size;
		opening->recipients_from = 1;
		return STEP_ON;
	}
	int ret = enter(opening, view, BER_SET, used, "recipients", why);
	if (ret != STEP_ON)
		return ret;
	opening->recipients_from = opening->position;
	opening->stage = STAGE_RECIPIENT;
	return STEP_ON;
}

static int
recipients_end(struct opening *opening, struct why *why)
{
	const struct open_found *found = &opening->found;
	opening->stage = STAGE_ENCRYPTED;
	if (found->found)
		return STEP_ON;
	if (found->refused_pkcs1)
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS recipient: PKCS#1 v1.5 key transport, expected OAEP");
	if (found->refused_other)
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS recipient: a key algorithm refused here, expected "
		    "RSAES-OAEP or ECDH with SHA-2");
	return why_set(why, WHY_NOT_FOUND,
	    "CMS: none of %zu recipients is ours", opening->recipients);
}

static int
read_recipient(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	bool ended;
	struct span whole;
	int ret = leave(opening, view, used, &ended, why);
	if (ret != STEP_ON)
		return ret;
	if (ended)
		return recipients_end(opening, why);
	ret = value(
	    opening, view, OPEN_RECIPIENT_BYTES, &whole, "RecipientInfo", why);
	if (ret != STEP_ON)
		return ret;
	if (++opening->recipients > OPEN_RECIPIENTS_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "CMS: more than %d recipients", OPEN_RECIPIENTS_MAX);
	if (opening->position + whole.size - opening->recipients_from >
	    OPEN_RECIPIENTS_BYTES)
		return why_set(why, WHY_TOO_LARGE,
		    "CMS: recipients are over %u bytes", OPEN_RECIPIENTS_BYTES);
	ret = open_recipient(whole, opening->keys, opening->keys_count,
	    &opening->options, &opening->found, why);
	if (ret < 0)
		return ret;
	*used = whole.size;
	return STEP_ON;
}

static int
read_inner_type(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = value(opening, view, 64, &whole, "inner type", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	struct span oid = ber_take(&in, BER_OID);
	if (in.failed)
		return malformed(opening, "inner type", why);
	if (!OID_IS(oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1))
		return why_set(
		    why, WHY_UNSUPPORTED, "CMS: the inner type is not id-data");
	*used = whole.size;
	opening->stage = STAGE_CIPHER;
	return STEP_ON;
}

/* The unwrapped key meets the cipher. A key by PKCS#1 v1.5 that is wrong in any
 * way is replaced by a random one and fails as late as wrong content does. */
static int
begin_cipher(struct opening *opening, struct why *why)
{
	struct open_found *found = &opening->found;
	size_t size = opening->cipher.key_size;
	if (found->pkcs1) {
		uint8_t other[32];
		random_fill(other, sizeof other);
		if (found->pkcs1_bad || found->size != size)
			memcpy(found->key.at, other, size);
		OPENSSL_cleanse(other, sizeof other);
	} else if (found->size != size) {
		return why_set(why, WHY_CRYPTO,
		    "CMS: the content key does not fit the cipher");
	}
	int ret = open_cipher_begin(&opening->cipher, found->key.at, why);
	secret_clear(&found->key);
	return ret;
}

static int
read_cipher(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret =
	    value(opening, view, 256, &whole, "content cipher identifier", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	struct span contents = ber_take(&in, BER_SEQUENCE);
	if (in.failed)
		return malformed(opening, "content cipher identifier", why);
	ret = open_cipher_read(
	    &opening->cipher, contents, opening->authenticated, why);
	if (ret < 0 || (ret = begin_cipher(opening, why)) < 0)
		return ret;
	*used = whole.size;
	opening->stage = STAGE_CONTENT;
	return STEP_ON;
}

/* ---- the content ---- */

static int
give(struct opening *opening, struct why *why)
{
	struct span piece = span_of(opening->piece, opening->piece_size);
	if (piece.size == 0)
		return 0;
	opening->piece_size = 0;
	return opening->sink.write(opening->sink.context, piece, why);
}

static int
count_plain(struct opening *opening, size_t size, struct why *why)
{
	opening->piece_size += size;
	opening->cipher.given += size;
	uint64_t max = opening->options.max_bytes;
	if (max != 0 && opening->cipher.given > max)
		return why_set(why, WHY_TOO_LARGE,
		    "CMS: the content is over %" PRIu64 " bytes", max);
	if (opening->cipher.gcm && opening->cipher.given > OPEN_GCM_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "CMS: AES-GCM opens at most 64 GiB in one message");
	return 0;
}

static int
decrypt(struct opening *opening, struct span bytes, struct why *why)
{
	int ret = 0;
	while (bytes.size > 0 && ret == 0) {
		size_t step = bytes.size < OPEN_CIPHER_STEP ? bytes.size
							    : OPEN_CIPHER_STEP;
		size_t room = sizeof opening->piece - opening->piece_size;
		if (room < step + 16 && (ret = give(opening, why)) < 0)
			return ret;
		int size = 0;
		if (EVP_DecryptUpdate(opening->cipher.context,
			opening->piece + opening->piece_size, &size, bytes.at,
			(int)step) != 1)
			return why_openssl(why, WHY_CRYPTO, "CMS content");
		ret = count_plain(opening, (size_t)size, why);
		bytes.at += step;
		bytes.size -= step;
	}
	return ret;
}

/* [0] IMPLICIT OCTET STRING: all octets, or strings of octets. */
static int
read_content(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	if (view.size == 0)
		return STEP_MORE;
	if (view.at[0] == BER_CONTEXT_CONSTRUCTED(0))
		return enter_to(opening, view, view.at[0], used, "content",
		    STAGE_PIECE, why);
	struct ber_head head;
	int ret = ber_head_read(view, &head);
	if (ret == 0)
		return STEP_MORE;
	if (ret < 0 || head.tag != BER_CONTEXT(0))
		return malformed(opening, "no encrypted content", why);
	uint64_t limit = limit_of(opening);
	if (head.size > limit - opening->position ||
	    head.length > limit - opening->position - head.size)
		return malformed(opening, "value longer than its holder", why);
	*used = head.size;
	opening->octets = head.length;
	opening->stage = STAGE_OCTETS;
	return STEP_ON;
}

/* How many frames are open when the content's own ones are not. */
#define DEPTH_ENCRYPTED 4

static int
read_piece(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	bool ended;
	int ret = leave(opening, view, used, &ended, why);
	if (ret != STEP_ON)
		return ret;
	if (ended) {
		if (opening->depth == DEPTH_ENCRYPTED)
			opening->stage = STAGE_ENCRYPTED_END;
		return STEP_ON;
	}
	struct ber_head head;
	ret = ber_head_read(view, &head);
	if (ret == 0)
		return STEP_MORE;
	if (ret == 1 && head.tag == BER_OCTETS_CONSTRUCTED)
		return enter(opening, view, head.tag, used, "content", why);
	if (ret < 0 || head.tag != BER_OCTETS)
		return malformed(opening, "no octets of content", why);
	uint64_t limit = limit_of(opening);
	if (head.size > limit - opening->position ||
	    head.length > limit - opening->position - head.size)
		return malformed(opening, "value longer than its holder", why);
	*used = head.size;
	opening->octets = head.length;
	opening->stage = STAGE_OCTETS;
	return STEP_ON;
}

static int
read_octets(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	if (opening->octets == 0) {
		opening->stage = opening->depth == DEPTH_ENCRYPTED
				     ? STAGE_ENCRYPTED_END
				     : STAGE_PIECE;
		return STEP_ON;
	}
	if (view.size == 0)
		return STEP_MORE;
	if (view.size > opening->octets)
		view.size = (size_t)opening->octets;
	int ret = decrypt(opening, view, why);
	if (ret < 0)
		return ret;
	opening->octets -= view.size;
	*used = view.size;
	return STEP_ON;
}

/* ---- stages behind the content ---- */

/* Attributes that are authenticated come behind what they are authenticated
 * with: a reader that streams cannot check them. The others are not protected.
 */
static int
read_attributes(struct opening *opening, struct span view, struct why *why)
{
	const struct frame *frame = &opening->frames[opening->depth - 1];
	enum stage next =
	    opening->authenticated ? STAGE_MAC : STAGE_ENVELOPE_END;
	if (frame->indefinite || opening->position < frame->limit) {
		if (view.size == 0)
			return STEP_MORE;
		if (view.at[0] == BER_CONTEXT_CONSTRUCTED(1))
			return why_set(why, WHY_UNSUPPORTED,
			    "CMS: attributes beside the content");
	}
	opening->stage = next;
	return STEP_ON;
}

static int
read_mac(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = value(opening, view, 64, &whole, "tag", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	struct span mac = ber_take(&in, BER_OCTETS);
	if (in.failed)
		return malformed(opening, "tag", why);
	if (mac.size != OPEN_TAG_SIZE)
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS: a tag of %zu octets, expected %d", mac.size,
		    OPEN_TAG_SIZE);
	memcpy(opening->mac, mac.at, mac.size);
	*used = whole.size;
	opening->stage = STAGE_MAC_AFTER;
	return STEP_ON;
}

static int
read_mac_after(struct opening *opening, struct span view, struct why *why)
{
	const struct frame *frame = &opening->frames[opening->depth - 1];
	if (frame->indefinite || opening->position < frame->limit) {
		if (view.size == 0)
			return STEP_MORE;
		if (view.at[0] == BER_CONTEXT_CONSTRUCTED(2))
			return why_set(why, WHY_UNSUPPORTED,
			    "CMS: attributes beside the content");
	}
	opening->stage = STAGE_ENVELOPE_END;
	return STEP_ON;
}

static int
step(struct opening *opening, struct span view, size_t *used, struct why *why)
{
	switch (opening->stage) {
	case STAGE_CONTENT_INFO:
		return enter_to(opening, view, BER_SEQUENCE, used,
		    "not CMS in BER or DER", STAGE_CONTENT_TYPE, why);
	case STAGE_CONTENT_TYPE:
		return read_content_type(opening, view, used, why);
	case STAGE_EXPLICIT:
		return enter_to(opening, view, BER_CONTEXT_CONSTRUCTED(0), used,
		    "content", STAGE_ENVELOPE, why);
	case STAGE_ENVELOPE:
		return enter_to(opening, view, BER_SEQUENCE, used, "envelope",
		    STAGE_VERSION, why);
	case STAGE_VERSION:
		return read_version(opening, view, used, why);
	case STAGE_ORIGINATOR:
		return read_originator(opening, view, used, why);
	case STAGE_RECIPIENT:
		return read_recipient(opening, view, used, why);
	case STAGE_ENCRYPTED:
		return enter_to(opening, view, BER_SEQUENCE, used,
		    "encrypted content info", STAGE_INNER_TYPE, why);
	case STAGE_INNER_TYPE:
		return read_inner_type(opening, view, used, why);
	case STAGE_CIPHER:
		return read_cipher(opening, view, used, why);
	case STAGE_CONTENT:
		return read_content(opening, view, used, why);
	case STAGE_PIECE:
		return read_piece(opening, view, used, why);
	case STAGE_OCTETS:
		return read_octets(opening, view, used, why);
	case STAGE_ENCRYPTED_END:
		return must_leave(opening, view, used, STAGE_ATTRIBUTES, why);
	case STAGE_ATTRIBUTES:
		return read_attributes(opening, view, why);
	case STAGE_MAC:
		return read_mac(opening, view, used, why);
	case STAGE_MAC_AFTER:
		return read_mac_after(opening, view, why);
	case STAGE_ENVELOPE_END:
		return must_leave(opening, view, used, STAGE_EXPLICIT_END, why);
	case STAGE_EXPLICIT_END:
		return must_leave(opening, view, used, STAGE_END, why);
	case STAGE_END:
		return must_leave(opening, view, used, STAGE_DONE, why);
	case STAGE_DONE:
		break;
	}
	if (view.size > 0)
		return malformed(opening, "something after the end", why);
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
	struct open_cipher *cipher = &opening->cipher;
	int ret;
	int size = 0;
	if (opening->stage != STAGE_DONE)
		return malformed(opening, "the message is cut short", why);
	if (sizeof opening->piece - opening->piece_size < 16 &&
	    (ret = give(opening, why)) < 0)
		return ret;
	if (cipher->gcm &&
	    EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG,
		OPEN_TAG_SIZE, opening->mac) != 1)
		return why_openssl(why, WHY_CRYPTO, "CMS tag");
	if (EVP_DecryptFinal_ex(cipher->context,
		opening->piece + opening->piece_size, &size) != 1) {
		ERR_clear_error();
		return why_set(why, WHY_CRYPTO,
		    cipher->gcm ? "CMS: the tag is wrong"
				: "CMS: the content does not decrypt");
	}
	if ((ret = count_plain(opening, (size_t)size, why)) < 0)
		return ret;
	return give(opening, why);
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
