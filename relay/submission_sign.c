/*
 * The signatures of packages in form asice: asked of keys as soon as the
 * packages begin, for what they cover is known by then, and needed only when
 * they end.
 */
#include "relay/submission_priv.h"

#include "relay/digest.h"
#include "relay/keys_wire.h"
#include "relay/role.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* One digest at a time in this process: the writer takes it within one call. */
static EVP_MD_CTX *manifest_digest;

static int
on_digest_begin(void *context, struct why *why)
{
	(void)context;
	if (manifest_digest == NULL)
		manifest_digest = EVP_MD_CTX_new();
	return manifest_digest != NULL && EVP_DigestInit_ex(manifest_digest,
					      digest_sha256(), NULL) == 1
		   ? 0
		   : why_set(why, WHY_NOMEM, "digest of a manifest");
}

static int
on_digest_add(void *context, struct span bytes, struct why *why)
{
	(void)context;
	return EVP_DigestUpdate(manifest_digest, bytes.at, bytes.size) == 1
		   ? 0
		   : why_set(why, WHY_NOMEM, "digest of a manifest");
}

static int
on_digest_end(void *context, uint8_t digest[32], struct why *why)
{
	(void)context;
	return EVP_DigestFinal_ex(manifest_digest, digest, NULL) == 1
		   ? 0
		   : why_set(why, WHY_NOMEM, "digest of a manifest");
}

const struct package_sha256 submission_sha256 = {
    on_digest_begin, on_digest_add, on_digest_end, NULL};

static bool
needs_signature(const struct content *content)
{
	return content->form == SPOOL_FORM_ASICE;
}

/* The signatures, in the order in which they were asked for. */
static int
signatures_take(struct submission *s, const struct span *signatures,
    size_t count, struct why *why)
{
	size_t next = 0;
	int code = 0;
	for (size_t i = 0; i < s->contents_count && code == 0; i++) {
		if (!needs_signature(&s->contents[i]))
			continue;
		code = next == count
			   ? why_set(why, WHY_BUG, "keys signed too few")
			   : package_writer_sign(s->contents[i].package,
				 signatures[next++], why);
	}
	if (code == 0 && next != count)
		code = why_set(why, WHY_BUG, "keys signed too many");
	return code;
}

static int
answer_take(struct submission *s, struct span body, struct why *why)
{
	struct span list;
	size_t count = 0;
	struct span *signatures =
	    calloc(s->contents_count + 1, sizeof *signatures);
	if (signatures == NULL)
		return why_set(why, WHY_NOMEM, "signatures");
	int code = keys_wire_answer_parse(body, &list, why);
	if (code == 0)
		code = keys_wire_list_parse(
		    list, signatures, s->contents_count, &count, why);
	if (code == 0)
		code = signatures_take(s, signatures, count, why);
	free(signatures);
	return code;
}

static void
on_signed(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct submission *s = arg;
	struct why wrong = {0};
	s->sign_ask = NULL;
	if (code == 0)
		code = answer_take(s, frame->body, &wrong);
	else
		wrong = *why;
	if (code != 0)
		submission_fail(s, &wrong);
	else
		submission_proceed(s);
}

int
submission_sign_ask(struct submission *s, struct why *why)
{
	size_t count = 0;
	struct buf body;
	struct span *manifests =
	    calloc(s->contents_count + 1, sizeof *manifests);
	if (manifests == NULL)
		return why_set(why, WHY_NOMEM, "signatures");
	for (size_t i = 0; i < s->contents_count; i++)
		if (needs_signature(&s->contents[i]))
			manifests[count++] =
			    package_writer_to_sign(s->contents[i].package);
	buf_init(&body, KEYS_BODY_BYTES);
	int code = 0;
	if (count > 0)
		code = keys_wire_list_build(manifests, count, &body, why);
	if (code == 0 && count > 0)
		code = role_ask_take(s->net->role, ROLE_KEYS, KEYS_PACKAGES,
		    &body, NULL, ROLE_ASK_AGAIN, on_signed, s, &s->sign_ask);
	if (code != 0 && why->code == 0)
		(void)why_set(why, code, "asking for signatures");
	buf_clear(&body);
	free(manifests);
	return code;
}

void
submission_sign_cancel(struct submission *s)
{
	role_ask_cancel(s->sign_ask);
	s->sign_ask = NULL;
}
