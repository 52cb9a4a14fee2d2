/*
 * store - what the keys role holds, loaded before its jail.
 */
#pragma once

#include "base/why.h"
#include "keys/cades.h"
#include "keys/jws.h"
#include "keys/log_signer.h"
#include "keys/metakey.h"

#include <stddef.h>

struct key_store_paths {
	const char *evidence_key;         /* PEM, mode 0600 */
	const char *evidence_certificate; /* PEM, the chain may follow */
	const char *package_key;          /* signs packages, as above */
	const char *package_certificate;
	const char *metadata_keys; /* see metakey.h, mode 0600 */
	const char *log_key;       /* see log_signer.h, mode 0600 */
	const char *log_base;      /* origin of its logs, without epoch */
};

struct key_store; /* owns everything it loaded */

/*
 * Load, and check that the parts belong together: each certificate's key, its
 * purpose (signing) and its validity at now_ms. Every failure names the file.
 */
int key_store_load(const struct key_store_paths *paths, int64_t now_ms,
    struct key_store **out, struct why *why);
void key_store_free(struct key_store *store); /* wipes; NULL is fine */

/* Lent. */
const struct jws_signer *key_store_signer(const struct key_store *store);
const struct cades_signer *key_store_package_signer(
    const struct key_store *store);
const struct metakeys *key_store_metakeys(const struct key_store *store);
struct log_signer *key_store_log_signer(const struct key_store *store);
const struct certificate *key_store_evidence_certificate(
    const struct key_store *store);
