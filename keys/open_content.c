/*
 * open_content - the content: pieces of octets, decrypted and given on.
 *
 * SECURITY: reads hostile bytes. What is given on is not authentic before
 * open_content_end() says so.
 */
#include "keys/open_stage_priv.h"

#include <inttypes.h>
#include <openssl/err.h>

#define OPEN_GCM_BYTES_MAX ((UINT64_C(1) << 36) - 32)
#define OPEN_CIPHER_STEP (16u << 10)

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

static int
begin_octets(struct opening *opening, const struct ber_head *head, size_t *used,
    struct why *why)
{
	uint64_t limit = open_limit(opening);
	if (head->size > limit - opening->position ||
	    head->length > limit - opening->position - head->size)
		return open_malformed(
		    opening, "value longer than its holder", why);
	*used = head->size;
	opening->octets = head->length;
	opening->stage = STAGE_OCTETS;
	return STEP_ON;
}

/* [0] IMPLICIT OCTET STRING: all octets, or strings of octets. */
int
open_read_content(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	if (view.size == 0)
		return STEP_MORE;
	if (view.at[0] == BER_CONTEXT_CONSTRUCTED(0))
		return open_enter_to(opening, view, view.at[0], used, "content",
		    STAGE_PIECE, why);
	struct ber_head head;
	int ret = ber_head_read(view, &head);
	if (ret == 0)
		return STEP_MORE;
	if (ret < 0 || head.tag != BER_CONTEXT(0))
		return open_malformed(opening, "no encrypted content", why);
	return begin_octets(opening, &head, used, why);
}

int
open_read_piece(
    struct opening *opening, struct span view, size_t *used, struct why *why)
{
	bool ended;
	int ret = open_leave(opening, view, used, &ended, why);
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
		return open_enter(
		    opening, view, head.tag, used, "content", why);
	if (ret < 0 || head.tag != BER_OCTETS)
		return open_malformed(opening, "no octets of content", why);
	return begin_octets(opening, &head, used, why);
}

int
open_read_octets(
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

int
open_content_end(struct opening *opening, struct why *why)
{
	struct open_cipher *cipher = &opening->cipher;
	int ret;
	int size = 0;
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
