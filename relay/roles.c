/*
 * roles - the security model on one screen.
 *
 * A channel exists only between kinds that name each other here, and carries
 * only the requests of its pair (wire.7).
 */
#include "relay/roles.h"

#include "base/limits.h"
#include "relay/conf.h"

#include <assert.h>
#include <string.h>

#define NET ROLE_BIT(ROLE_NET)
#define RENDER ROLE_BIT(ROLE_RENDER)
#define SCAN ROLE_BIT(ROLE_SCAN)
#define KEYS ROLE_BIT(ROLE_KEYS)
#define SPOOL ROLE_BIT(ROLE_SPOOL)
#define COURIER ROLE_BIT(ROLE_COURIER)

/*
 * start: keys first, then who needs them; leaving goes the other way, so that
 * net finishes what it accepted while all others are there. overlaps: spool
 * does not, for its store has one writer. worker: answers from a simple loop
 * and asks nobody.
 */
/* clang-format off */
static const struct role_spec roles[] = {
	{ ROLE_KEYS, "keys",
	  .files = FILES_NONE, .network = NETWORK_NONE,
	  .threads = false, .memory = 512 * MIB,
	  .talks = NET | SPOOL,
	  .start = 0, .overlaps = true, .worker = true },
	{ ROLE_SPOOL, "spool",
	  .files = FILES_SPOOL, .network = NETWORK_NONE,
	  .threads = false, .memory = 0,
	  .talks = NET | KEYS | COURIER,
	  .start = 1, .overlaps = false, .worker = false },
	{ ROLE_RENDER, "render",
	  .files = FILES_NONE, .network = NETWORK_NONE,
	  .threads = false, .memory = 1 * GIB,
	  .talks = NET,
	  .start = 2, .overlaps = true, .worker = true },
	{ ROLE_SCAN, "scan",
	  .files = FILES_NONE, .network = NETWORK_CLAMD,
	  .threads = false, .memory = 1 * GIB,
	  .talks = NET,
	  .start = 2, .overlaps = true, .worker = true },
	{ ROLE_COURIER, "courier",
	  .files = FILES_RESOLVER, .network = NETWORK_OUTBOUND,
	  .threads = true, .memory = 1 * GIB,
	  .talks = NET | SPOOL,
	  .start = 2, .overlaps = true, .worker = false },
	{ ROLE_NET, "net",
	  .files = FILES_NONE, .network = NETWORK_INBOUND,
	  .threads = false, .memory = 0,
	  .talks = RENDER | SCAN | KEYS | SPOOL | COURIER,
	  .start = 3, .overlaps = true, .worker = false },
};

/* keys in a token: its module opens files and may speak to a daemon of this
 * machine. Never to another: the roles' promise that keys has no network
 * stands. */
static const struct role_spec keys_in_token = {
	ROLE_KEYS, "keys",
	.files = FILES_TOKEN, .network = NETWORK_LOCAL,
	.threads = false, .memory = 512 * MIB,
	.talks = NET | SPOOL,
	.start = 0, .overlaps = true, .worker = true };
/* clang-format on */

#define COUNT (sizeof roles / sizeof *roles)

const struct role_spec *
role_spec(enum role_kind kind)
{
	for (size_t i = 0; i < COUNT; i++)
		if (roles[i].kind == kind)
			return &roles[i];
	assert(false); /* no such role */
	return NULL;
}

const struct role_spec *
role_spec_for(enum role_kind kind, const struct conf *conf)
{
	if (kind == ROLE_KEYS && conf->pkcs11_module[0] != '\0')
		return &keys_in_token;
	return role_spec(kind);
}

const struct role_spec *
role_spec_at(size_t index)
{
	return index < COUNT ? &roles[index] : NULL;
}

const struct role_spec *
role_spec_named(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(roles[i].name, name) == 0)
			return &roles[i];
	return NULL;
}

const char *
role_name(enum role_kind kind)
{
	return kind == ROLE_PARENT ? "parent" : role_spec(kind)->name;
}

bool
role_talks(enum role_kind a, enum role_kind b)
{
	return (role_spec(a)->talks & ROLE_BIT(b)) != 0;
}

unsigned
role_copies(enum role_kind kind, const struct conf *conf)
{
	if (kind == ROLE_RENDER)
		return (unsigned)conf->limits.render_processes;
	if (kind == ROLE_SCAN)
		return (unsigned)conf->limits.scan_processes;
	return 1;
}
