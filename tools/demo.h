/*
 * demo - the parties of a demo relay: their keys, client files and mailboxes.
 *
 * Everything is made under a folder that is not yet the relay's: cmd_init.c
 * renames it when it is whole.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who signs the certificates of a fresh relay. */
struct authority {
	struct private_key *key;
	struct certificate *certificate;
	int64_t from_ms;
	int64_t to_ms;
};

int authority_new(const char *name, int64_t now_ms, const char *dir,
    struct authority *authority, struct why *why); /* writes ca.crt and key */
void authority_clear(struct authority *authority);

struct make_request;

/*
 * Make a key and its certificate; dir/NAME.key (0600) and dir/NAME.crt. der
 * (may be NULL) gets the certificate. request's times are filled in.
 */
int authority_issue(const struct authority *authority, int kind,
    struct make_request *request, const char *dir, const char *name,
    struct certificate **out, struct why *why);

/* A caller: one entry of callers.conf, and a client file. */
struct party {
	const char *name;
	const char *organisation;
	const char *title; /* the organisation's name */
	const char *role;  /* sender, recipient or operator */
	bool mailbox;      /* has one, open, with an active certificate */
};

extern const struct party demo_parties[]; /* ends with a NULL name */

/* Make a party's keys and clients/NAME.conf, and append its entry of
 * callers.conf. *seal is the caller's: NULL unless it has a mailbox. */
int party_make(const struct party *party, const struct authority *authority,
    const char *dir, struct buf *callers, struct certificate **seal,
    struct why *why);

/* The store with an open mailbox for each party that has one; types are those
 * of the message types known. seals: by party, in order. */
int demo_store_make(const char *spool_dir, const struct party *parties,
    struct certificate *const *seals, const char *const *types,
    size_t type_count, int64_t now_ms, struct why *why);
