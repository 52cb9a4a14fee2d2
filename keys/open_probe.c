/*
 * open_probe - puts known-good and known-bad messages through our own opening.
 *
 * The messages are made on the spot: sealed by keys/seal.h, then altered at the
 * octet that matters, so that no vector can go out of date.
 */
#include "keys/open_probe.h"

#include "base/id.h"
#include "keys/keys_priv.h"
#include "keys/make.h"
#include "keys/open.h"
#include "keys/seal.h"

#include <openssl/crypto.h>
#include <string.h>

#define PROBE_BYTES_MAX 8192
#define PROBE_PLAIN 100
#define PROBE_YEAR_MS (INT64_C(366) * 24 * 3600 * 1000)

struct probe {
	struct private_key *key;
	struct certificate *certificate;
	struct private_key *other_key;
	struct certificate *other_certificate;
	uint8_t plain[PROBE_PLAIN];
	struct buf cbc; /* sealed messages */
	struct buf gcm;
};

static int
to_buf(void *context, struct span bytes, struct why *why)
{
	struct buf *out = context;
	buf_add_span(out, bytes);
	return buf_ok(out) ? 0 : why_set(why, WHY_NOMEM, "probe: no room");
}

static int
make_owner(
    struct private_key **key, struct certificate **certificate, struct why *why)
{
	const struct make_request request = {MAKE_SEAL, "probe", NULL, NULL,
	    NULL, PROBE_YEAR_MS, 2 * PROBE_YEAR_MS};
	struct buf pem;
	buf_init(&pem, PROBE_BYTES_MAX);
	int ret;
	if ((ret = make_private_key(MAKE_P256, key, why)) == 0 &&
	    (ret = make_certificate(&request, *key, NULL, NULL, &pem, why)) ==
		0)
		ret = certificate_parse(buf_span(&pem), certificate, why);
	buf_clear(&pem);
	return ret;
}

static int
make_message(const struct probe *probe, enum seal_suite suite, struct buf *out,
    struct why *why)
{
	struct sink sink = {to_buf, out};
	struct seal *seal = NULL;
	int ret = seal_new(probe->certificate, suite, &sink, &seal, why);
	if (ret == 0)
		ret = seal_write(seal, span_of(probe->plain, PROBE_PLAIN), why);
	if (ret == 0)
		ret = seal_finish(seal, why);
	seal_free(seal);
	return ret;
}

/* What opening says to the whole message. */
static int
open_code(const struct probe *probe, struct span message, bool with_other_key)
{
	const struct open_key key = {
	    with_other_key ? probe->other_certificate : probe->certificate,
	    with_other_key ? probe->other_key : probe->key};
	struct buf plain;
	buf_init(&plain, PROBE_BYTES_MAX);
	struct sink sink = {to_buf, &plain};
	struct opening *opening = NULL;
	struct why why;
	int ret = opening_new(&key, 1, NULL, &sink, &opening, &why);
	if (ret == 0)
		ret = opening_write(opening, message, &why);
	if (ret == 0)
		ret = opening_finish(opening, &why);
	if (ret == 0 &&
	    !span_equal(buf_span(&plain), span_of(probe->plain, PROBE_PLAIN)))
		ret = WHY_BUG;
	opening_free(opening);
	buf_clear(&plain);
	return ret;
}

/* Where the octets occur in the message. */
static uint8_t *
seek(struct buf *message, const void *octets, size_t size)
{
	return memmem(message->at, message->size, octets, size);
}

/* GCMParameters end with the tag's length; the tag is 04 10 and 16 octets
 * before the ends of three containers. */
static bool
cut_tag(struct buf *message, uint8_t size)
{
	static const uint8_t length[] = {0x02, 0x01, 0x10};
	uint8_t *parameter = seek(message, length, sizeof length);
	if (parameter == NULL)
		return false;
	/* AuthEnvelopedData, [0], ContentInfo: three ends behind the tag */
	size_t ends = 6;
	if (message->size < ends + 18)
		return false;
	uint8_t *tag = message->at + message->size - ends - 18;
	if (tag[0] != 0x04 || tag[1] != 0x10)
		return false;
	parameter[2] = size;
	tag[1] = size;
	memmove(tag + 2 + size, tag + 18, ends);
	message->size -= (size_t)16 - size;
	return true;
}

/* The content type's identifier, one for the other; the outer lengths are
 * indefinite, so nothing else moves. */
static bool
swap_type(struct buf *message, bool to_authenticated)
{
	static const uint8_t plain[] = {
	    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
	static const uint8_t authenticated[] = {0x06, 0x0b, 0x2a, 0x86, 0x48,
	    0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17};
	struct span from = to_authenticated
			       ? span_of(plain, sizeof plain)
			       : span_of(authenticated, sizeof authenticated);
	struct span to = to_authenticated
			     ? span_of(authenticated, sizeof authenticated)
			     : span_of(plain, sizeof plain);
	uint8_t *at = seek(message, from.at, from.size);
	if (at == NULL)
		return false;
	struct buf made;
	buf_init(&made, PROBE_BYTES_MAX);
	size_t before = (size_t)(at - message->at);
	buf_add(&made, message->at, before);
	buf_add_span(&made, to);
	buf_add(&made, at + from.size, message->size - before - from.size);
	buf_clear(message);
	*message = made;
	return buf_ok(message);
}

/* As the forgery of 2026 had it: AES-CBC content, any tag behind it. */
static bool
cbc_authenticated(struct buf *message)
{
	static const uint8_t version[] = {0x30, 0x80, 0x02, 0x01};
	uint8_t tag[18] = {0x04, 0x10};
	if (!swap_type(message, true) || message->size < 6)
		return false;
	/* the first is ContentInfo's own; the version is the one value that
	 * follows SEQUENCE of indefinite length and is an INTEGER */
	uint8_t *at = seek(message, version, sizeof version);
	if (at == NULL)
		return false;
	at[4] = 0;
	uint8_t ends[6] = {0};
	message->size -= sizeof ends;
	buf_add(message, tag, sizeof tag);
	buf_add(message, ends, sizeof ends);
	return buf_ok(message);
}

static bool
gcm_plain(struct buf *message)
{
	return swap_type(message, false);
}

static bool
flip_bit(struct buf *message)
{
	/* inside the tag, behind which three ends stand */
	if (message->size < 7)
		return false;
	message->at[message->size - 7] ^= 1;
	return true;
}

static bool
cut_tag_1(struct buf *message)
{
	return cut_tag(message, 1);
}

static bool
cut_tag_4(struct buf *message)
{
	return cut_tag(message, 4);
}

static bool
cut_tag_12(struct buf *message)
{
	return cut_tag(message, 12);
}

static bool
cut_end(struct buf *message)
{
	message->size -= 2;
	return true;
}

static const struct {
	const char *name;
	bool (*alter)(struct buf *message);
	int code; /* why it must be refused, and no other reason */
	bool gcm;
} bad[] = {
    {"AES-CBC inside AuthEnvelopedData", cbc_authenticated, WHY_UNSUPPORTED,
	false},
    {"AES-GCM inside EnvelopedData", gcm_plain, WHY_UNSUPPORTED, true},
    {"GCM tag of 1 octet", cut_tag_1, WHY_UNSUPPORTED, true},
    {"GCM tag of 4 octets", cut_tag_4, WHY_UNSUPPORTED, true},
    {"GCM tag of 12 octets", cut_tag_12, WHY_UNSUPPORTED, true},
    {"GCM tag with a flipped bit", flip_bit, WHY_CRYPTO, true},
    {"message without its end", cut_end, WHY_MALFORMED, true},
};

static int
try_bad(const struct probe *probe, size_t i, struct why *why)
{
	int ret = 0;
	int code;
	struct buf message;
	buf_init(&message, PROBE_BYTES_MAX);
	buf_add_span(
	    &message, buf_span(bad[i].gcm ? &probe->gcm : &probe->cbc));
	if (!buf_ok(&message) || !bad[i].alter(&message))
		ret = why_set(
		    why, WHY_BUG, "probe: cannot make \"%s\"", bad[i].name);
	else if ((code = open_code(probe, buf_span(&message), false)) == 0)
		ret = why_set(why, WHY_CRYPTO,
		    "opening accepts what it must refuse: %s", bad[i].name);
	else if (code != bad[i].code)
		ret = why_set(why, WHY_BUG,
		    "opening refuses as %s, expected %s: %s", why_name(code),
		    why_name(bad[i].code), bad[i].name);
	buf_clear(&message);
	return ret;
}

static int
run(struct probe *probe, struct why *why)
{
	int ret;
	random_fill(probe->plain, sizeof probe->plain);
	if ((ret = make_owner(&probe->key, &probe->certificate, why)) < 0 ||
	    (ret = make_owner(
		 &probe->other_key, &probe->other_certificate, why)) < 0 ||
	    (ret = make_message(probe, SEAL_CMS_CBC_ECDH, &probe->cbc, why)) <
		0 ||
	    (ret = make_message(probe, SEAL_CMS_GCM_ECDH, &probe->gcm, why)) <
		0)
		return ret;
	if (open_code(probe, buf_span(&probe->cbc), false) != 0 ||
	    open_code(probe, buf_span(&probe->gcm), false) != 0)
		return why_set(
		    why, WHY_CRYPTO, "opening refuses what was just sealed");
	if (open_code(probe, buf_span(&probe->gcm), true) != WHY_NOT_FOUND)
		return why_set(
		    why, WHY_CRYPTO, "opening accepts another's message");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if ((ret = try_bad(probe, i, why)) < 0)
			return ret;
	return 0;
}

int
open_probe_run(struct why *why)
{
	struct probe probe = {0};
	buf_init(&probe.cbc, PROBE_BYTES_MAX);
	buf_init(&probe.gcm, PROBE_BYTES_MAX);
	int ret = run(&probe, why);
	private_key_free(probe.key);
	private_key_free(probe.other_key);
	certificate_free(probe.certificate);
	certificate_free(probe.other_certificate);
	buf_clear(&probe.cbc);
	buf_clear(&probe.gcm);
	return ret;
}
