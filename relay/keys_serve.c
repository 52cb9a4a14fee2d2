/*
 * keys_serve - the role that holds the private keys. It loads them, checks its
 * own opening path, and then answers one request after the other.
 *
 * New keys come with a new process (reload).
 */
#include "base/clock.h"
#include "base/log.h"
#include "keys/open_probe.h"
#include "keys/token.h"
#include "relay/keys_answer.h"
#include "relay/keys_wire.h"
#include "relay/pipe.h"
#include "relay/role.h"

#include <limits.h>
#include <stdio.h>

struct keys_role {
	struct key_store *store;
	struct buf answer; /* wiped after use: it may hold keys */
};

/* Its address in role_peer.own says: this one has had the metadata keys. */
static char had_metakeys;

static void
keys_frame(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct keys_role *keys = role->own;
	struct why why = {0};
	bool given = peer->own == &had_metakeys;
	if (frame->request == 0 || (frame->flags & WIRE_MORE) != 0) {
		log_event(LOG_WARNING, "keys.refused",
		    LOGS("peer", role_name(peer->kind)),
		    LOGN("type", frame->type),
		    LOGS("code", why_name(WHY_MALFORMED)));
		return;
	}
	int ret = keys_answer(keys->store, peer->kind, &given, frame->type,
	    frame->body, &keys->answer, &why);
	if (given)
		peer->own = &had_metakeys;
	if (ret < 0) {
		log_event(LOG_WARNING, "keys.refused",
		    LOGS("peer", role_name(peer->kind)),
		    LOGN("type", frame->type), LOGS("code", why_name(ret)));
		pipe_refuse(peer, frame->request, &why);
	} else {
		pipe_answer(peer, frame->request, frame->type, 0,
		    buf_span(&keys->answer));
	}
	buf_wipe(&keys->answer);
}

static int
load(struct keys_role *keys, const struct conf *conf, struct why *why)
{
	static const char *const names[] = {"evidence.key", "evidence.crt",
	    "package.key", "package.crt", "meta.key", "log.key"};
	char files[sizeof names / sizeof *names][PATH_MAX];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int size = snprintf(
		    files[i], sizeof files[i], "%s/%s", conf->keys, names[i]);
		if (size < 0 || size >= PATH_MAX)
			return why_set(
			    why, WHY_INVALID, "the name of keys is too long");
	}
	if (conf->pkcs11_module[0] != '\0') {
		int ret = token_open(conf->pkcs11_module, why);
		if (ret < 0)
			return ret;
	}
	char base[CONF_ORIGIN_MAX];
	conf_log_origin(conf, base);
	const struct key_store_paths paths = {
	    .evidence_key = files[0],
	    .evidence_certificate = files[1],
	    .package_key = files[2],
	    .package_certificate = files[3],
	    .metadata_keys = files[4],
	    .log_key = files[5],
	    .log_base = base,
	};
	return key_store_load(&paths, clock_wall_ms(), &keys->store, why);
}

/* What OpenSSL opens late must be open before the jail: sign once. */
static int
warm(const struct keys_role *keys, struct why *why)
{
	struct buf token;
	buf_init(&token, JWS_BYTES_MAX);
	int ret = jws_sign(
	    key_store_signer(keys->store), span_text("{}"), &token, why);
	if (ret == 0)
		ret = cades_sign(key_store_package_signer(keys->store),
		    span_text("{}"), &token, why);
	buf_clear(&token);
	return ret;
}

int
keys_role_serve(struct role *role)
{
	static const struct pipe_hooks hooks = {.frame = keys_frame};
	struct keys_role keys = {0};
	struct why why = {0};
	buf_init(&keys.answer, KEYS_BODY_BYTES);
	int ret;
	if ((ret = load(&keys, role->conf, &why)) < 0 ||
	    (ret = open_probe_run(&why)) < 0 || (ret = warm(&keys, &why)) < 0)
		goto out;
	role->own = &keys;
	if ((ret = role_enter(role, &why)) < 0)
		goto out;
	ret = pipe_serve(role, &hooks);
out:
	if (why.code < 0)
		log_event(LOG_ERROR, "keys.failed",
		    LOGS("code", why_name(why.code)), LOGS("reason", why.text));
	role->own = NULL;
	key_store_free(keys.store);
	buf_wipe(&keys.answer);
	return ret;
}
