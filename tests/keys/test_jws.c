#include "base/text.h"
#include "keys/jws.h"
#include "tests/keys/fixture.h"

static struct owner authority;
static struct owner p256;
static struct owner p384;
static struct owner rsa;
static struct anchors *anchors;

static const char payload[] = "{\"event\":\"accepted\",\"æ\":1}";

static int
make_owners(void **state)
{
	(void)state;
	struct why why;
	fixture_owner(&authority, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&p256, MAKE_P256, MAKE_EVIDENCE, &authority);
	fixture_owner(&p384, MAKE_P384, MAKE_EVIDENCE, &authority);
	fixture_owner(&rsa, MAKE_RSA_2048, MAKE_EVIDENCE, &authority);
	fixture_ok(
	    anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	return 0;
}

static int
clear_owners(void **state)
{
	(void)state;
	anchors_free(anchors);
	fixture_owner_clear(&authority);
	fixture_owner_clear(&p256);
	fixture_owner_clear(&p384);
	fixture_owner_clear(&rsa);
	return 0;
}

static void
sign_as(
    const struct owner *owner, bool rs256, const char *type, struct buf *token)
{
	struct jws_signer *signer;
	struct why why;
	const struct certificate *chain[] = {owner->certificate};
	fixture_ok(
	    jws_signer_new(owner->key, chain, 1, type, rs256, &signer, &why),
	    &why);
	fixture_ok(jws_sign(signer, span_text(payload), token, &why), &why);
	jws_signer_free(signer);
}

static int
verify_code(struct span token, const struct anchors *trusted)
{
	struct jws jws;
	struct why why;
	int ret = jws_verify(token, trusted, JWS_EVIDENCE_TYPE, &jws, &why);
	if (ret == 0) {
		assert_true(span_is(buf_span(&jws.payload), payload));
		jws_clear(&jws);
	}
	return ret;
}

static void
every_kind_of_key_signs_what_verifies(void **state)
{
	(void)state;
	const struct {
		const struct owner *owner;
		bool rs256;
		const char *algorithm;
	} cases[] = {{&p256, false, "ES256"}, {&p384, false, "ES384"},
	    {&rsa, false, "PS256"}, {&rsa, true, "RS256"}};
	for (size_t i = 0; i < 4; i++) {
		/* r and s are short now and then: many times */
		for (int turn = 0; turn < (i == 0 ? 600 : 5); turn++) {
			struct buf token;
			struct jws jws;
			struct why why;
			buf_init(&token, JWS_BYTES_MAX);
			sign_as(cases[i].owner, cases[i].rs256,
			    JWS_EVIDENCE_TYPE, &token);
			fixture_ok(jws_verify(buf_span(&token), anchors,
				       JWS_EVIDENCE_TYPE, &jws, &why),
			    &why);
			assert_true(span_is(buf_span(&jws.payload), payload));
			assert_string_equal(jws.algorithm, cases[i].algorithm);
			assert_int_equal(
			    jws_check_time(&jws, clock_wall_ms(), &why), 0);
			assert_int_equal(
			    jws_check_time(&jws,
				clock_wall_ms() + 31 * CLOCK_DAY_MS, &why),
			    WHY_INVALID);
			jws_clear(&jws);
			buf_clear(&token);
		}
	}
}

static void
an_altered_token_is_refused_wherever_it_was_altered(void **state)
{
	(void)state;
	struct buf token;
	buf_init(&token, JWS_BYTES_MAX);
	sign_as(&p256, false, JWS_EVIDENCE_TYPE, &token);
	for (size_t i = 0; i < token.size; i++) {
		uint8_t was = token.at[i];
		token.at[i] = was == 'A' ? 'B' : 'A';
		assert_true(verify_code(buf_span(&token), anchors) < 0);
		token.at[i] = was;
	}
	for (size_t size = 0; size < token.size; size += 11)
		assert_true(verify_code(span_of(token.at, size), anchors) < 0);
	assert_int_equal(verify_code(buf_span(&token), anchors), 0);
	buf_add_byte(&token, '.');
	assert_int_equal(verify_code(buf_span(&token), anchors), WHY_MALFORMED);
	buf_clear(&token);
}

static void
a_signer_without_trust_is_refused(void **state)
{
	(void)state;
	struct owner stranger;
	struct owner alone;
	struct owner sealing;
	struct anchors *others;
	struct buf token;
	struct why why;
	fixture_owner(&stranger, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&alone, MAKE_P256, MAKE_EVIDENCE, NULL);
	fixture_owner(&sealing, MAKE_P256, MAKE_SEAL, &authority);
	buf_init(&token, JWS_BYTES_MAX);
	sign_as(&p256, false, JWS_EVIDENCE_TYPE, &token);
	fixture_ok(anchors_parse(buf_span(&stranger.pem), &others, &why), &why);
	assert_int_equal(verify_code(buf_span(&token), others), WHY_DENIED);
	buf_reset(&token);
	sign_as(&alone, false, JWS_EVIDENCE_TYPE, &token);
	assert_int_equal(verify_code(buf_span(&token), anchors), WHY_DENIED);
	/* a certificate for sealing signs nothing */
	buf_reset(&token);
	sign_as(&sealing, false, JWS_EVIDENCE_TYPE, &token);
	assert_int_equal(verify_code(buf_span(&token), anchors), WHY_INVALID);
	anchors_free(others);
	buf_clear(&token);
	fixture_owner_clear(&stranger);
	fixture_owner_clear(&alone);
	fixture_owner_clear(&sealing);
}

static void
another_type_is_refused(void **state)
{
	(void)state;
	struct buf token;
	buf_init(&token, JWS_BYTES_MAX);
	sign_as(&p256, false, "JWT", &token);
	assert_int_equal(
	    verify_code(buf_span(&token), anchors), WHY_UNSUPPORTED);
	buf_clear(&token);
}

/* The token's header with one text for another, the rest as it was: the
 * signature is then wrong too, but the header must be what is refused. */
static int
header_code(const struct buf *token, const char *from, const char *to)
{
	struct buf header;
	struct buf made;
	struct buf out;
	const uint8_t *dot = memchr(token->at, '.', token->size);
	buf_init(&header, JWS_BYTES_MAX);
	buf_init(&made, JWS_BYTES_MAX);
	buf_init(&out, JWS_BYTES_MAX);
	size_t size = (size_t)(dot - token->at);
	assert_true(base64url_parse(&header, span_of(token->at, size)));
	const char *text = buf_text(&header);
	const char *at = strstr(text, from);
	assert_non_null(at);
	buf_add(&made, text, (size_t)(at - text));
	buf_add_text(&made, to);
	buf_add_text(&made, at + strlen(from));
	base64url_build(&out, buf_span(&made));
	buf_add(&out, dot, token->size - size);
	int ret = verify_code(buf_span(&out), anchors);
	buf_clear(&header);
	buf_clear(&made);
	buf_clear(&out);
	return ret;
}

static void
a_header_that_is_not_ours_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		const char *to;
		int code;
	} cases[] = {
	    {"\"alg\"", " \"alg\" ", WHY_CRYPTO}, /* allowed, but not signed */
	    {"ES256", "none", WHY_UNSUPPORTED},
	    {"ES256", "HS256", WHY_UNSUPPORTED},
	    {"ES256", "RS256", WHY_MALFORMED},
	    {"ES256", "ES384", WHY_MALFORMED},
	    {"ES256", "ES\\u0032\\u0035\\u0036", WHY_MALFORMED},
	    {"{\"alg\"", "{\"alg\":\"ES256\",\"alg\"", WHY_MALFORMED},
	    {"{\"alg\"", "{\"crit\":[\"b64\"],\"alg\"", WHY_MALFORMED},
	    {"{\"alg\"", "{\"jku\":\"https://x/\",\"alg\"", WHY_MALFORMED},
	    {"{\"alg\"", "{\"x5c\":[\"AAAA\"],\"alg\"", WHY_MALFORMED},
	    {"]}", "],}", WHY_MALFORMED},
	    {"]}", "]} x", WHY_MALFORMED},
	    {"]}", ",\"\",\"\",\"\",\"\"]}", WHY_MALFORMED},
	    {"\"x5t#S256\":\"", "\"x5t#S256\":\"A", WHY_MALFORMED},
	    {"[\"", "[\"=", WHY_MALFORMED},
	};
	struct buf token;
	buf_init(&token, JWS_BYTES_MAX);
	sign_as(&p256, false, JWS_EVIDENCE_TYPE, &token);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
		    header_code(&token, cases[i].from, cases[i].to),
		    cases[i].code);
	buf_clear(&token);
}

static void
a_token_over_the_limit_is_refused_unread(void **state)
{
	(void)state;
	uint8_t *large = calloc(1, JWS_BYTES_MAX + 1);
	assert_int_equal(
	    verify_code(span_of(large, JWS_BYTES_MAX + 1), anchors),
	    WHY_TOO_LARGE);
	free(large);
}

static void
a_signer_takes_only_its_own_certificate(void **state)
{
	(void)state;
	struct jws_signer *signer;
	struct why why;
	const struct certificate *chain[] = {p384.certificate};
	assert_int_equal(
	    jws_signer_new(p256.key, chain, 1, "x", false, &signer, &why),
	    WHY_INVALID);
	chain[0] = p256.certificate;
	assert_int_equal(
	    jws_signer_new(p256.key, chain, 1, "a\"b", false, &signer, &why),
	    WHY_INVALID);
	assert_int_equal(
	    jws_signer_new(p256.key, chain, 0, "x", false, &signer, &why),
	    WHY_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_key_signs_what_verifies),
	    cmocka_unit_test(
		an_altered_token_is_refused_wherever_it_was_altered),
	    cmocka_unit_test(a_signer_without_trust_is_refused),
	    cmocka_unit_test(another_type_is_refused),
	    cmocka_unit_test(a_header_that_is_not_ours_is_refused),
	    cmocka_unit_test(a_token_over_the_limit_is_refused_unread),
	    cmocka_unit_test(a_signer_takes_only_its_own_certificate),
	};
	return cmocka_run_group_tests(tests, make_owners, clear_owners);
}
