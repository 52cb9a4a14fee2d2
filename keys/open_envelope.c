/*
 * open_envelope - the stages around the content: versions, recipients, the
 * cipher before it; attributes and the tag behind it.
 *
 * SECURITY: reads hostile bytes; each value and the recipients in all are
 * capped.
 */
#include "keys/open_stage_priv.h"

#include "base/id.h"

#include <string.h>

/* ---- before the content ---- */

/* An object identifier alone. */
static int
read_oid(struct opening *opening, struct span view, const char *what,
    size_t *used, struct span *oid, struct why *why)
{
	struct span whole;
	int ret = open_value(opening, view, 64, &whole, what, why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	*oid = ber_take(&in, BER_OID);
	if (in.failed)
		return open_malformed(opening, what, why);
	*used = whole.size;
	return STEP_ON;
}

int
open_read_content_type(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span oid;
	int ret = read_oid(opening, view, "content type", used, &oid, why);
	if (ret != STEP_ON)
		return ret;
	if (OID_IS(oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23))
		opening->authenticated = true;
	else if (!OID_IS(oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3))
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS: neither EnvelopedData nor AuthEnvelopedData");
	opening->stage = STAGE_EXPLICIT;
	return STEP_ON;
}

int
open_read_version(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = open_value(opening, view, 8, &whole, "version", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	uint32_t version = ber_take_number(&in);
	if (in.failed || version > 4 ||
	    (opening->authenticated && version != 0))
		return open_malformed(opening, "version", why);
	*used = whole.size;
	opening->stage = STAGE_ORIGINATOR;
	return STEP_ON;
}

/* Certificates that the sender sends along tell us nothing: passed over. */
int
open_read_originator(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	if (view.size == 0)
		return STEP_MORE;
	if (view.at[0] == BER_CONTEXT_CONSTRUCTED(0) &&
	    opening->recipients_from == 0) {
		int ret = open_value(opening, view, OPEN_HEADER_BYTES, &whole,
		    "originator info", why);
		if (ret != STEP_ON)
			return ret;
		*used = whole.size;
		opening->recipients_from = 1;
		return STEP_ON;
	}
	int ret = open_enter(opening, view, BER_SET, used, "recipients", why);
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

int
open_read_recipient(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	bool ended;
	struct span whole;
	int ret = open_leave(opening, view, used, &ended, why);
	if (ret != STEP_ON)
		return ret;
	if (ended)
		return recipients_end(opening, why);
	ret = open_value(
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

int
open_read_inner_type(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span oid;
	int ret = read_oid(opening, view, "inner type", used, &oid, why);
	if (ret != STEP_ON)
		return ret;
	if (!OID_IS(oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1))
		return why_set(
		    why, WHY_UNSUPPORTED, "CMS: the inner type is not id-data");
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

int
open_read_cipher(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = open_value(
	    opening, view, 256, &whole, "content cipher identifier", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	struct span contents = ber_take(&in, BER_SEQUENCE);
	if (in.failed)
		return open_malformed(
		    opening, "content cipher identifier", why);
	ret = open_cipher_read(
	    &opening->cipher, contents, opening->authenticated, why);
	if (ret < 0 || (ret = begin_cipher(opening, why)) < 0)
		return ret;
	*used = whole.size;
	opening->stage = STAGE_CONTENT;
	return STEP_ON;
}

/* ---- behind the content ---- */

/* Attributes that are authenticated come behind what they are authenticated
 * with: a reader that streams cannot check them. The others are not protected.
 */
int
open_read_attributes(struct opening *opening, struct span view, struct why *why)
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

int
open_read_mac(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	struct span whole;
	int ret = open_value(opening, view, 64, &whole, "tag", why);
	if (ret != STEP_ON)
		return ret;
	struct ber in = ber_of(whole);
	struct span mac = ber_take(&in, BER_OCTETS);
	if (in.failed)
		return open_malformed(opening, "tag", why);
	if (mac.size != OPEN_TAG_SIZE)
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS: a tag of %zu octets, expected %d", mac.size,
		    OPEN_TAG_SIZE);
	memcpy(opening->mac, mac.at, mac.size);
	*used = whole.size;
	opening->stage = STAGE_MAC_AFTER;
	return STEP_ON;
}

int
open_read_mac_after(struct opening *opening, struct span view, struct why *why)
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
