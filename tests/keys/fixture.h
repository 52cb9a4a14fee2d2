/*
 * fixture - keys, certificates and whole-message sealing for the keys tests.
 */
#pragma once

#include "base/clock.h"
#include "keys/certificate.h"
#include "keys/make.h"
#include "keys/open.h"
#include "keys/private_key.h"
#include "keys/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURE_BYTES_MAX (64u << 20)

struct owner {
	struct private_key *key;
	struct certificate *certificate;
	struct buf pem;
};

static inline void
fixture_ok(int ret, const struct why *why)
{
	if (ret < 0)
		fail_msg("%s: %s", why_name(ret), why->text);
}

static inline void
fixture_owner_as(struct owner *owner, enum make_key kind,
    const struct make_request *request, const struct owner *issuer)
{
	struct why why;
	buf_init(&owner->pem, 65536);
	fixture_ok(make_private_key(kind, &owner->key, &why), &why);
	fixture_ok(make_certificate(request, owner->key,
		       issuer == NULL ? NULL : issuer->certificate,
		       issuer == NULL ? NULL : issuer->key, &owner->pem, &why),
	    &why);
	fixture_ok(
	    certificate_parse(buf_span(&owner->pem), &owner->certificate, &why),
	    &why);
}

static inline struct make_request
fixture_request(enum make_profile profile)
{
	int64_t now = clock_wall_ms();
	return (struct make_request){profile,
	    profile == MAKE_AUTHORITY ? "Testautoritet" : "Testmottak",
	    "Test kommune", "987654325", NULL, now - CLOCK_HOUR_MS,
	    now + 30 * CLOCK_DAY_MS};
}

static inline void
fixture_owner(struct owner *owner, enum make_key kind,
    enum make_profile profile, const struct owner *issuer)
{
	struct make_request request = fixture_request(profile);
	fixture_owner_as(owner, kind, &request, issuer);
}

static inline void
fixture_owner_clear(struct owner *owner)
{
	private_key_free(owner->key);
	certificate_free(owner->certificate);
	buf_wipe(&owner->pem);
}

static inline int
fixture_to_buf(void *context, struct span bytes, struct why *why)
{
	buf_add_span(context, bytes);
	return buf_ok(context) ? 0 : why_set(why, WHY_FULL, "the sink is full");
}

static inline void
fixture_seal(const struct owner *owner, enum seal_suite suite,
    struct span plain, size_t step, struct buf *out)
{
	struct why why;
	struct seal *seal;
	struct sink sink = {fixture_to_buf, out};
	fixture_ok(
	    seal_new(owner->certificate, suite, &sink, &seal, &why), &why);
	while (plain.size > 0) {
		size_t n = plain.size < step ? plain.size : step;
		fixture_ok(seal_write(seal, span_of(plain.at, n), &why), &why);
		plain.at += n;
		plain.size -= n;
	}
	fixture_ok(seal_finish(seal, &why), &why);
	assert_int_equal(seal_size(seal), out->size);
	seal_free(seal);
}

/* What opening says when it is fed `step` bytes at a time. */
static inline int
fixture_open_as(const struct owner *owner, const struct open_options *options,
    struct span message, size_t step, struct buf *plain, struct why *why)
{
	struct opening *opening;
	const struct open_key key = {owner->certificate, owner->key};
	struct sink sink = {fixture_to_buf, plain};
	fixture_ok(opening_new(&key, 1, options, &sink, &opening, why), why);
	int ret = 0;
	while (message.size > 0 && ret == 0) {
		size_t n = message.size < step ? message.size : step;
		ret = opening_write(opening, span_of(message.at, n), why);
		message.at += n;
		message.size -= n;
	}
	if (ret == 0)
		ret = opening_finish(opening, why);
	opening_free(opening);
	return ret;
}

static inline int
fixture_open(const struct owner *owner, struct span message, size_t step,
    struct buf *plain, struct why *why)
{
	return fixture_open_as(owner, NULL, message, step, plain, why);
}
