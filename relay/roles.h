/*
 * roles - who runs, with what rights, and who may talk to whom.
 *
 * The table in roles.c is the security model on one screen. spawn.c, jail.c
 * and parent.c do what it says and know no role by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct role;
struct conf;

enum role_kind {
	ROLE_PARENT,
	ROLE_NET,
	ROLE_RENDER,
	ROLE_SCAN,
	ROLE_KEYS,
	ROLE_SPOOL,
	ROLE_COURIER,
	ROLE_KINDS
};

/* What a role may open by name after role_enter(); before it, all. */
enum role_files {
	FILES_NONE,
	FILES_SPOOL,    /* everything under the spool directory */
	FILES_RESOLVER, /* reading names, CA files and libraries of the system
			 */
	FILES_TOKEN, /* reading what a PKCS#11 module reads of the system, and
			writing under pkcs11_files */
};

enum role_network {
	NETWORK_NONE,     /* no new socket of any kind */
	NETWORK_INBOUND,  /* accept on what the parent bound; no new socket */
	NETWORK_CLAMD,    /* Unix sockets only, and only when clamd is set */
	NETWORK_LOCAL,    /* Unix sockets only */
	NETWORK_OUTBOUND, /* connect */
};

struct role_spec {
	enum role_kind kind;
	const char *name;
	enum role_files files;
	enum role_network network;
	bool threads;    /* may start threads (never processes) */
	uint64_t memory; /* RLIMIT_AS in bytes, 0 for none */
	uint32_t talks;  /* bit set of ROLE_BIT(kind) */
	int start;       /* roles start in this order and leave in reverse */
	bool overlaps; /* at reload the new one starts before the old leaves */
	bool worker;   /* pipe_serve(): asked, never asks */
};

#define ROLE_BIT(kind) (UINT32_C(1) << (kind))

const struct role_spec *role_spec(enum role_kind kind); /* not of the parent */
/* The row that holds under a configuration: keys has a wider one when its keys
 * are in a token. */
const struct role_spec *role_spec_for(
    enum role_kind kind, const struct conf *conf);
/* All of them in order of start; NULL after the last. */
const struct role_spec *role_spec_at(size_t index);
const struct role_spec *role_spec_named(const char *name); /* or NULL */
const char *role_name(enum role_kind kind);                /* static */
bool role_talks(enum role_kind a, enum role_kind b);
/* How many processes of a kind the configuration asks for. */
unsigned role_copies(enum role_kind kind, const struct conf *conf);

/*
 * One function a role. It reads what it needs from role->conf, opens all its
 * files, calls role_enter() and then works until role_run() or pipe_serve()
 * returns.
 */
int net_serve(struct role *role);
int render_serve(struct role *role);
int scan_serve(struct role *role);
int keys_role_serve(struct role *role);
int spool_role_serve(struct role *role);
int courier_serve(struct role *role);
