/*
 * store - loads what the keys role holds and checks that it fits together.
 */
#include "keys/store.h"

#include "keys/keys_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN_MAX 4
_Static_assert(CHAIN_MAX <= JWS_CHAIN_MAX && CHAIN_MAX <= CADES_CHAIN_MAX,
    "a chain that a file may hold fits into every signature");

/* A key that signs, and the certificates that say whose it is. */
struct pair {
	struct private_key *key;
	struct certificate *chain[CHAIN_MAX];
	size_t count;
};

struct key_store {
	struct pair evidence;
	struct pair package;
	struct jws_signer *signer;
	struct cades_signer *package_signer;
	struct metakeys *metakeys;
	struct log_signer *log_signer;
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
load_chain(struct pair *pair, const char *path, struct why *why)
{
	struct buf text;
	buf_init(&text, (size_t)CHAIN_MAX * 2 * CERTIFICATE_BYTES_MAX);
	int ret = read_file(path, &text, why);
	struct span rest = buf_span(&text);
	while (ret == 0 && rest.size > 0) {
		struct why inner;
		struct buf der;
		buf_init(&der, CERTIFICATE_BYTES_MAX);
		if (pair->count == CHAIN_MAX)
			ret = why_set(why, WHY_TOO_LARGE,
			    "%s: more than %d certificates", path, CHAIN_MAX);
		else if (!pem_next(&rest, "CERTIFICATE", &der))
			ret = why_set(why, WHY_MALFORMED,
			    "%s: not certificates in PEM", path);
		else if ((ret = certificate_parse(buf_span(&der),
			      &pair->chain[pair->count], &inner)) < 0)
			ret = why_set(why, ret, "%s: %s", path, inner.text);
		else
			pair->count++;
		buf_clear(&der);
	}
	buf_clear(&text);
	if (ret == 0 && pair->count == 0)
		ret = why_set(
		    why, WHY_MALFORMED, "%s: no certificate in it", path);
	return ret;
}

static int
check_pair(
    const struct pair *pair, const char *path, int64_t now_ms, struct why *why)
{
	int ret;
	struct why inner;
	const struct certificate *certificate = pair->chain[0];
	if ((ret = private_key_check_pair(pair->key, certificate, &inner)) <
		0 ||
	    (ret = certificate_check_purpose(
		 certificate, CERTIFICATE_FOR_SIGNING, &inner)) < 0 ||
	    (ret = certificate_check_time(certificate, now_ms, &inner)) < 0)
		return why_set(why, ret, "%s: %s", path, inner.text);
	return 0;
}

static int
load_pair(struct pair *pair, const char *key, const char *certificate,
    int64_t now_ms, struct why *why)
{
	int ret = private_key_load(key, &pair->key, why);
	if (ret == 0)
		ret = load_chain(pair, certificate, why);
	if (ret == 0)
		ret = check_pair(pair, certificate, now_ms, why);
	return ret;
}

static void
pair_clear(struct pair *pair)
{
	private_key_free(pair->key);
	for (size_t i = 0; i < pair->count; i++)
		certificate_free(pair->chain[i]);
}

static int
make_signers(struct key_store *store, struct why *why)
{
	const struct certificate *evidence[CHAIN_MAX];
	const struct certificate *package[CHAIN_MAX];
	memcpy(evidence, store->evidence.chain, sizeof evidence);
	memcpy(package, store->package.chain, sizeof package);
	int ret =
	    jws_signer_new(store->evidence.key, evidence, store->evidence.count,
		JWS_EVIDENCE_TYPE, false, &store->signer, why);
	if (ret == 0)
		ret = cades_signer_new(store->package.key, package,
		    store->package.count, &store->package_signer, why);
	return ret;
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
	if ((ret = load_pair(&store->evidence, paths->evidence_key,
		 paths->evidence_certificate, now_ms, why)) == 0 &&
	    (ret = load_pair(&store->package, paths->package_key,
		 paths->package_certificate, now_ms, why)) == 0 &&
	    (ret = metakeys_load(
		 paths->metadata_keys, &store->metakeys, why)) == 0 &&
	    (ret = log_signer_load(paths->log_key, paths->log_base,
		 &store->log_signer, why)) == 0 &&
	    (ret = make_signers(store, why)) == 0) {
		*out = store;
		return 0;
	}
	key_store_free(store);
	return ret;
}

void
key_store_free(struct key_store *store)
{
	if (store == NULL)
		return;
	jws_signer_free(store->signer);
	cades_signer_free(store->package_signer);
	pair_clear(&store->evidence);
	pair_clear(&store->package);
	metakeys_free(store->metakeys);
	log_signer_free(store->log_signer);
	free(store);
}

const struct jws_signer *
key_store_signer(const struct key_store *store)
{
	return store->signer;
}

const struct cades_signer *
key_store_package_signer(const struct key_store *store)
{
	return store->package_signer;
}

struct log_signer *
key_store_log_signer(const struct key_store *store)
{
	return store->log_signer;
}

const struct metakeys *
key_store_metakeys(const struct key_store *store)
{
	return store->metakeys;
}

const struct certificate *
key_store_evidence_certificate(const struct key_store *store)
{
	return store->evidence.chain[0];
}
