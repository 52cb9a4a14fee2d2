/*
 * keys_answer - the table of who may ask keys for what, and the answers.
 *
 * SECURITY: requests come from roles that may have been taken over. net gets
 * the metadata keys once and can have packages signed, under a key that signs
 * nothing else; spool can have evidence and checkpoints signed and gets no key.
 */
#include "relay/keys_answer.h"

#include "formats/asice.h"
#include "formats/wire.h"
#include "relay/keys_wire.h"

#include <stdlib.h>
#include <string.h>

typedef int sign_fn(const struct key_store *store, struct span payload,
    struct buf *out, struct why *why);

static int
sign_evidence(const struct key_store *store, struct span payload,
    struct buf *out, struct why *why)
{
	return jws_sign(key_store_signer(store), payload, out, why);
}

/* Nothing but a container's manifest: that key signs no other thing. */
static int
sign_package(const struct key_store *store, struct span manifest,
    struct buf *out, struct why *why)
{
	size_t head = strlen(asice_manifest_head);
	if (manifest.size < head ||
	    memcmp(manifest.at, asice_manifest_head, head) != 0)
		return why_set(why, WHY_MALFORMED,
		    "what is to be signed is no container's manifest");
	return cades_sign(key_store_package_signer(store), manifest, out, why);
}

/* One payload's signature, behind its size. */
static int
answer_one(const struct key_store *store, sign_fn *sign, struct span payload,
    struct buf *answer, struct why *why)
{
	size_t start = answer->size;
	buf_add_u32(answer, 0);
	int ret = sign(store, payload, answer, why);
	if (ret < 0 || !buf_ok(answer))
		return ret;
	size_t size = answer->size - start - 4;
	for (size_t i = 0; i < 4; i++)
		answer->at[start + i] = (uint8_t)(size >> (8 * (3 - i)));
	return 0;
}

/* A list of payloads, each of at most max bytes, by a list of signatures. */
static int
answer_list(const struct key_store *store, sign_fn *sign, size_t max,
    struct span body, struct buf *answer, struct why *why)
{
	size_t count = 0;
	struct wire_in in = wire_open(body);
	size_t claimed = wire_u16(&in);
	if (claimed > KEYS_SIGN_MAX)
		claimed = KEYS_SIGN_MAX; /* refused below */
	struct span *payloads = calloc(claimed + 1, sizeof *payloads);
	if (payloads == NULL)
		return why_set(why, WHY_NOMEM, "no memory to sign");
	int ret = keys_wire_list_parse(body, payloads, claimed, &count, why);
	keys_wire_ok_build(answer);
	buf_add_u16(answer, (uint16_t)count);
	for (size_t i = 0; i < count && ret == 0; i++) {
		if (payloads[i].size == 0 || payloads[i].size > max)
			ret = why_set(why, WHY_TOO_LARGE,
			    "payload %zu to sign has %zu bytes, expected 1 to "
			    "%zu",
			    i, payloads[i].size, max);
		else
			ret = answer_one(store, sign, payloads[i], answer, why);
	}
	free(payloads);
	return ret;
}

static int
answer_sign(const struct key_store *store, struct span body, struct buf *answer,
    struct why *why)
{
	return answer_list(
	    store, sign_evidence, KEYS_SIGN_BYTES, body, answer, why);
}

static int
answer_packages(const struct key_store *store, struct span body,
    struct buf *answer, struct why *why)
{
	return answer_list(
	    store, sign_package, KEYS_PACKAGE_BYTES, body, answer, why);
}

static int
answer_metakeys(const struct key_store *store, struct span body,
    struct buf *answer, struct why *why)
{
	if (body.size != 0)
		return why_set(why, WHY_MALFORMED,
		    "a request for metadata keys has no body");
	keys_wire_ok_build(answer);
	metakeys_build(key_store_metakeys(store), answer);
	return 0;
}

/* A text of ours about a tree of spool's: that key signs no other thing. */
static int
answer_checkpoint(const struct key_store *store, struct span body,
    struct buf *answer, struct why *why)
{
	struct log_signer *signer = key_store_log_signer(store);
	struct log_head head;
	struct buf note;
	struct buf line;
	struct wire_in in = wire_open(body);
	head.epoch = wire_u32(&in);
	head.size = wire_u64(&in);
	struct span root = wire_fixed(&in, sizeof head.root.at);
	if (root.size == sizeof head.root.at)
		memcpy(head.root.at, root.at, root.size);
	if (!wire_end(&in) || head.epoch == 0 || head.size > MERKLE_SIZE_MAX)
		return why_set(why, WHY_MALFORMED, "no checkpoint to sign");
	buf_init(&note, NOTE_BYTES_MAX);
	buf_init(&line, NOTE_BYTES_MAX);
	int ret = log_signer_sign(signer, &head, &note, why);
	if (ret == 0)
		ret = log_signer_public(signer, head.epoch, &line, why);
	const struct span both[] = {buf_span(&note), buf_span(&line)};
	keys_wire_ok_build(answer);
	if (ret == 0)
		ret = keys_wire_list_build(both, 2, answer, why);
	buf_clear(&note);
	buf_clear(&line);
	return ret;
}

static const struct {
	enum role_kind from;
	uint16_t type;
	bool once;
	int (*answer)(const struct key_store *store, struct span body,
	    struct buf *answer, struct why *why);
} allowed[] = {
    {ROLE_SPOOL, KEYS_SIGN, false, answer_sign},
    {ROLE_SPOOL, KEYS_CHECKPOINT, false, answer_checkpoint},
    {ROLE_NET, KEYS_METAKEYS, true, answer_metakeys},
    {ROLE_NET, KEYS_PACKAGES, false, answer_packages},
};

int
keys_answer(const struct key_store *store, enum role_kind from, bool *given,
    uint16_t type, struct span body, struct buf *answer, struct why *why)
{
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		if (allowed[i].from != from || allowed[i].type != type)
			continue;
		if (allowed[i].once && *given)
			return why_set(why, WHY_DENIED,
			    "this process had the metadata keys already");
		int ret = allowed[i].answer(store, body, answer, why);
		if (ret == 0 && !buf_ok(answer))
			ret = why_set(
			    why, WHY_TOO_LARGE, "keys' answer is too large");
		if (ret == 0 && allowed[i].once)
			*given = true;
		return ret;
	}
	return why_set(
	    why, WHY_DENIED, "this role may not ask keys for %#06x", type);
}
