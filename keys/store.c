/*
 * store - loads what the keys role holds and checks that it fits together.
 */
#include "keys/store.h"

#include "keys/keys_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct key_store {
	struct private_key *evidence;
	struct certificate *chain[JWS_CHAIN_MAX];
	size_t chain_count;
	struct jws_signer *signer;
	struct metakeys *metakeys;
};

/* A public file, whole. */
static int
read_file(const char *path, struct buf *out, struct why *why)
{
	int ret = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return why_errno(why, "%s", path);
	for (;;) {
		uint8_t *room = buf_room(out, 4096);
		if (room == NULL) {
			ret = why_set(why, WHY_TOO_LARGE,
			    "%s is over %zu bytes", path, out->max - 4096);
			break;
		}
		ssize_t n = read(fd, room, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = why_errno(why, "%s", path);
		if (n <= 0)
			break;
		buf_used(out, (size_t)n);
	}
	(void)close(fd);
	return ret;
}

static int
load_chain(struct key_store *store, const char *path, struct why *why)
{
	struct buf text;
	buf_init(&text, (size_t)JWS_CHAIN_MAX * 2 * CERTIFICATE_BYTES_MAX);
	int ret = read_file(path, &text, why);
	struct span rest = buf_span(&text);
	while (ret == 0 && rest.size > 0) {
		struct why inner;
		struct buf der;
		buf_init(&der, CERTIFICATE_BYTES_MAX);
		if (store->chain_count == JWS_CHAIN_MAX)
			ret = why_set(why, WHY_TOO_LARGE,
			    "%s: more than %d certificates", path,
			    JWS_CHAIN_MAX);
		else if (!pem_next(&rest, "CERTIFICATE", &der))
			ret = why_set(why, WHY_MALFORMED,
			    "%s: not certificates in PEM", path);
		else if ((ret = certificate_parse(buf_span(&der),
			      &store->chain[store->chain_count], &inner)) < 0)
			ret = why_set(why, ret, "%s: %s", path, inner.text);
		else
			store->chain_count++;
		buf_clear(&der);
	}
	buf_clear(&text);
	if (ret == 0 && store->chain_count == 0)
		ret = why_set(
		    why, WHY_MALFORMED, "%s: no certificate in it", path);
	return ret;
}

static int
check_evidence(const struct key_store *store, const char *path, int64_t now_ms,
    struct why *why)
{
	int ret;
	struct why inner;
	const struct certificate *certificate = store->chain[0];
	if ((ret = private_key_check_pair(
		 store->evidence, certificate, &inner)) < 0 ||
	    (ret = certificate_check_purpose(
		 certificate, CERTIFICATE_FOR_SIGNING, &inner)) < 0 ||
	    (ret = certificate_check_time(certificate, now_ms, &inner)) < 0)
		return why_set(why, ret, "%s: %s", path, inner.text);
	return 0;
}

int
key_store_load(const struct key_store_paths *paths, int64_t now_ms,
    struct key_store **out, struct why *why)
{
	int ret = secret_heap_init(why);
	if (ret < 0)
		return ret;
	struct key_store *store = calloc(1, sizeof *store);
	if (store == NULL)
		return why_set(why, WHY_NOMEM, "no memory for keys");
	if ((ret = private_key_load(
		 paths->evidence_key, &store->evidence, why)) < 0 ||
	    (ret = load_chain(store, paths->evidence_certificate, why)) < 0 ||
	    (ret = check_evidence(
		 store, paths->evidence_certificate, now_ms, why)) < 0 ||
	    (ret = metakeys_load(paths->metadata_keys, &store->metakeys, why)) <
		0)
		goto out;
	const struct certificate *chain[JWS_CHAIN_MAX];
	for (size_t i = 0; i < store->chain_count; i++)
		chain[i] = store->chain[i];
	if ((ret = jws_signer_new(store->evidence, chain, store->chain_count,
		 JWS_EVIDENCE_TYPE, false, &store->signer, why)) < 0)
		goto out;
	*out = store;
	store = NULL;
out:
	key_store_free(store);
	return ret;
}

void
key_store_free(struct key_store *store)
{
	if (store == NULL)
		return;
	jws_signer_free(store->signer);
	private_key_free(store->evidence);
	for (size_t i = 0; i < store->chain_count; i++)
		certificate_free(store->chain[i]);
	metakeys_free(store->metakeys);
	free(store);
}

const struct jws_signer *
key_store_signer(const struct key_store *store)
{
	return store->signer;
}

const struct metakeys *
key_store_metakeys(const struct key_store *store)
{
	return store->metakeys;
}

const struct certificate *
key_store_evidence_certificate(const struct key_store *store)
{
	return store->chain[0];
}
