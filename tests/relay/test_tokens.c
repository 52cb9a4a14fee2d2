/*
 * Access tokens: good ones, and a table of hostile ones, each signed as well
 * as its attacker could.
 */
#include "relay/tokens.h"

#include "base/text.h"
#include "relay/conf.h"
#include "relay/key_set.h"
#include "tests/support/token_issuer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)
#define ISS "\"iss\":\"https://issuer.example/\""
#define TIMES "\"iat\":1799999990,\"exp\":1800000110"
#define ORG(n) "{\"authority\":\"iso6523-actorid-upis\",\"ID\":\"0192:" n "\"}"
#define WHO "\"consumer\":" ORG("900000006")
#define SCOPE "\"scope\":\"other ks:fiks\""
#define GOOD ISS "," TIMES "," WHO "," SCOPE
#define RSA_HEAD "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"

static struct token_issuer issuer;
static struct conf conf;
static struct callers *callers;
static struct tokens *tokens;

static int
open_all(void **state)
{
	struct why why = {0};
	struct buf jwks;
	size_t count;

	(void)state;
	token_issuer_open(&issuer);
	conf.token_issuer = strdup("https://issuer.example/");
	conf.token_audience = strdup("https://relay.example");
	conf.token_delegation.at[0] = strdup("https://altinn.example/");
	conf.token_delegation.count = 1;
	int code = callers_parse(
	    span_text("callers = ({ name = \"nav\"; organisation = "
		      "\"900000006\"; roles = [\"sender\"]; scope = "
		      "\"ks:fiks\"; }, { name = \"b\"; organisation = "
		      "\"900000014\"; roles = [\"recipient\"]; scope = "
		      "\"ks:fiks\"; });"),
	    "c", &callers, &why);
	assert_int_equal(code, 0);
	tokens = tokens_new(&conf, callers);
	assert_non_null(tokens);
	buf_init(&jwks, KEY_SET_BYTES);
	token_issuer_jwks(&issuer, &jwks);
	if (tokens_keys_set(tokens, buf_span(&jwks), &count, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(count, 3); /* not the weak one */
	buf_clear(&jwks);
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	tokens_free(tokens);
	callers_free(callers);
	free(conf.token_issuer);
	free(conf.token_audience);
	free(conf.token_delegation.at[0]);
	token_issuer_close(&issuer);
	return 0;
}

static const uint8_t *shown; /* the client certificate's digest */

static enum token_verdict
check_at(int key, const char *header, const char *claims, int64_t now_ms,
    struct token_answer *answer, struct why *why)
{
	struct buf text;

	buf_init(&text, 64u << 10);
	token_issuer_sign(&issuer, key, header, claims, &text);
	enum token_verdict verdict =
	    tokens_check(tokens, buf_span(&text), shown, now_ms, answer, why);
	buf_clear(&text);
	return verdict;
}

static void
good(int key, const char *header, const char *claims)
{
	struct token_answer answer;
	struct why why = {0};

	if (check_at(key, header, claims, NOW_S * 1000, &answer, &why) !=
	    TOKEN_GOOD)
		fail_msg("%s %s: %s", header, claims, why.text);
	assert_string_equal(answer.caller->name, "nav");
	assert_string_equal(answer.consumer, "900000006");
}

static void
each_algorithm_is_good_with_its_own_key(void **state)
{
	(void)state;
	good(ISSUER_RSA, RSA_HEAD, "{" GOOD "}");
	good(ISSUER_PSS, "{\"alg\":\"PS256\",\"kid\":\"pss\"}", "{" GOOD "}");
	good(ISSUER_EC, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
	    "{" GOOD "}");
}

static void
what_a_token_may_say_besides_is_good(void **state)
{
	(void)state;
	good(ISSUER_RSA, RSA_HEAD,
	    "{" GOOD ",\"aud\":\"https://relay.example\",\"token_type\":"
	    "\"Bearer\",\"client_id\":\"x\",\"jti\":\"y\"}");
	good(ISSUER_RSA, RSA_HEAD,
	    "{" GOOD ",\"aud\":[\"z\",\"https://relay.example\"]}");
	good(ISSUER_RSA, RSA_HEAD,
	    "{" GOOD ",\"supplier\":" ORG("900000014") ",\"delegation_source\":"
						       "\"https://"
						       "altinn.example/\"}");
	/* ten seconds ahead of our clock */
	good(ISSUER_RSA, RSA_HEAD,
	    "{" ISS ",\"iat\":1800000010,\"exp\":1800000110," WHO "," SCOPE
	    "}");
}

/* key: what it is signed with, see token_issuer_sign(). */
static const struct hostile {
	int key;
	enum token_verdict verdict;
	const char *header, *claims, *sentence;
} hostile[] = {
#define BY_RSA(verdict, claims, sentence)                                      \
	{                                                                      \
		ISSUER_RSA, verdict, RSA_HEAD, "{" claims "}", sentence        \
	}
    {-1, TOKEN_REFUSED, "{\"alg\":\"none\",\"kid\":\"rsa\"}", "{" GOOD "}",
	"three pieces"},
    {ISSUER_RSA, TOKEN_REFUSED, "{\"alg\":\"none\",\"kid\":\"rsa\"}",
	"{" GOOD "}", "alg is not"},
    {-2, TOKEN_REFUSED, "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "{" GOOD "}",
	"alg is not"},
    {-2, TOKEN_REFUSED, RSA_HEAD, "{" GOOD "}", "signature"},
    {ISSUER_PSS, TOKEN_REFUSED, "{\"alg\":\"RS256\",\"kid\":\"pss\"}",
	"{" GOOD "}", "not that of its key"},
    {ISSUER_RSA, TOKEN_REFUSED, "{\"alg\":\"ES256\",\"kid\":\"rsa\"}",
	"{" GOOD "}", "not that of its key"},
    {ISSUER_RSA, TOKEN_REFUSED, "{\"alg\":\"PS256\",\"kid\":\"pss\"}",
	"{" GOOD "}", "signature"},
    {ISSUER_WEAK, TOKEN_KEY_UNKNOWN, "{\"alg\":\"RS256\",\"kid\":\"weak\"}",
	"{" GOOD "}", "kid is not known"},
    {ISSUER_RSA, TOKEN_KEY_UNKNOWN, "{\"alg\":\"RS256\",\"kid\":\"RSA\"}",
	"{" GOOD "}", "kid is not known"},
    {ISSUER_RSA, TOKEN_REFUSED, "{\"alg\":\"RS256\"}", "{" GOOD "}", "kid"},
    {ISSUER_RSA, TOKEN_REFUSED, "{\"alg\":\"RS256\",\"kid\":[\"rsa\"]}",
	"{" GOOD "}", "kid"},
    {ISSUER_RSA, TOKEN_REFUSED,
	"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"kid\":\"rsa\"}", "{" GOOD "}",
	""},
    {ISSUER_RSA, TOKEN_REFUSED,
	"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"]}", "{" GOOD "}",
	"crit"},
    {ISSUER_RSA, TOKEN_REFUSED,
	"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://x\"}",
	"{" GOOD "}", "jku"},
    {ISSUER_RSA, TOKEN_REFUSED,
	"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"dpop+jwt\"}",
	"{" GOOD "}", "typ"},
    BY_RSA(TOKEN_REFUSED,
	"\"iss\":\"https://issuer.example\"," TIMES "," WHO "," SCOPE, "iss"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"iss\":\"https://issuer.example/\"", ""),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"scope\":\"ks:fiks\"", ""),
    BY_RSA(TOKEN_EXPIRED,
	ISS ",\"iat\":1799999900,\"exp\":1799999999," WHO "," SCOPE, "expired"),
    BY_RSA(TOKEN_EXPIRED,
	ISS ",\"iat\":1799999900,\"exp\":1800000000," WHO "," SCOPE, "expired"),
    BY_RSA(TOKEN_REFUSED,
	ISS ",\"iat\":1800000011,\"exp\":1800000110," WHO "," SCOPE, "future"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"nbf\":1800000011", "future"),
    BY_RSA(TOKEN_REFUSED,
	ISS ",\"iat\":1799999900,\"exp\":\"1800000110\"," WHO "," SCOPE, "exp"),
    BY_RSA(TOKEN_REFUSED, ISS ",\"iat\":1799999900,\"exp\":1e99," WHO "," SCOPE,
	"exp"),
    BY_RSA(TOKEN_REFUSED,
	ISS ",\"iat\":1799999900,\"exp\":9223372036854775807," WHO "," SCOPE,
	"exp"),
    BY_RSA(TOKEN_REFUSED, ISS ",\"exp\":1800000110," WHO "," SCOPE, "iat"),
    BY_RSA(TOKEN_STRANGER,
	ISS "," TIMES "," WHO ",\"scope\":\"ks:fiks2 xks:fiks ks:fik\"",
	"scope"),
    BY_RSA(TOKEN_STRANGER,
	ISS "," TIMES "," WHO ",\"scope\":\"other\\tks:fiks\"", "scope"),
    BY_RSA(TOKEN_REFUSED, ISS "," TIMES "," WHO ",\"scope\":[\"ks:fiks\"]",
	"scope"),
    BY_RSA(TOKEN_STRANGER,
	ISS "," TIMES ",\"consumer\":" ORG("900000022") "," SCOPE, "consumer"),
    BY_RSA(TOKEN_REFUSED,
	ISS "," TIMES ",\"consumer\":" ORG("900000007") "," SCOPE, "consumer"),
    BY_RSA(TOKEN_REFUSED,
	ISS "," TIMES ",\"consumer\":{\"authority\":\"iso6523-actorid-upis\","
	    "\"ID\":\"9908:900000006\"}," SCOPE,
	"consumer"),
    BY_RSA(TOKEN_REFUSED,
	ISS "," TIMES ",\"consumer\":\"0192:900000006\"," SCOPE, "consumer"),
    BY_RSA(TOKEN_REFUSED, ISS "," TIMES "," SCOPE, "consumer"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"supplier\":" ORG("900000014"), "delegation"),
    BY_RSA(TOKEN_REFUSED,
	GOOD ",\"supplier\":" ORG("900000014") ",\"delegation_source\":"
					       "\"https://altinn.example\"",
	"delegation"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"aud\":\"https://relay.example/x\"", "aud"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"aud\":[]", "aud"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"aud\":7", "aud"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"token_type\":\"DPoP\"", "token_type"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"cnf\":{\"jkt\":\"x\"}", "cnf"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"cnf\":{\"x5t#S256\":\"AAAA\"}", "cnf"),
    BY_RSA(TOKEN_REFUSED,
	GOOD ",\"cnf\":{\"x5t#S256\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	     "AAA\"}",
	"bound"),
    BY_RSA(TOKEN_REFUSED, GOOD ",\"a\":[[[[[[[[[0]]]]]]]]]", ""),
#undef BY_RSA
};

static void
hostile_tokens_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		const struct hostile *h = &hostile[i];
		struct token_answer answer;
		struct why why = {0};
		enum token_verdict verdict = check_at(
		    h->key, h->header, h->claims, NOW_S * 1000, &answer, &why);
		if (verdict != h->verdict || !strstr(why.text, h->sentence))
			fail_msg(
			    "%zu: verdict %d, %s", i, (int)verdict, why.text);
		assert_null(answer.caller);
	}
}

static void
a_token_of_nine_kibibytes_is_refused(void **state)
{
	(void)state;
	char *claims = malloc(9 << 10);
	struct token_answer answer;
	struct why why = {0};

	assert_non_null(claims);
	(void)snprintf(claims, 9 << 10, "{" GOOD ",\"pad\":\"%06500d\"}", 0);
	assert_int_equal(
	    check_at(ISSUER_RSA, RSA_HEAD, claims, NOW_S * 1000, &answer, &why),
	    TOKEN_REFUSED);
	assert_non_null(strstr(why.text, "large"));
	/* and one just under the limit is not */
	(void)snprintf(claims, 9 << 10, "{" GOOD ",\"pad\":\"%05400d\"}", 0);
	good(ISSUER_RSA, RSA_HEAD, claims);
	free(claims);
}

static void
what_is_not_canonical_is_refused(void **state)
{
	(void)state;
	struct token_answer answer;
	struct why why = {0};
	struct buf text;

	buf_init(&text, 16u << 10);
	token_issuer_sign(&issuer, ISSUER_RSA, RSA_HEAD, "{" GOOD "}", &text);
	assert_int_equal(tokens_check(tokens, buf_span(&text), NULL,
			     NOW_S * 1000, &answer, &why),
	    TOKEN_GOOD);
	/* 256 octets end in four bits that nobody reads */
	uint8_t last = text.at[text.size - 1];
	text.at[text.size - 1]++;
	assert_int_equal(tokens_check(tokens, buf_span(&text), NULL,
			     NOW_S * 1000, &answer, &why),
	    TOKEN_REFUSED);
	assert_non_null(strstr(why.text, "canonical"));
	text.at[text.size - 1] = last;
	for (const char *tail = "=. \n"; *tail; tail++) {
		buf_add_byte(&text, (uint8_t)*tail);
		assert_int_equal(tokens_check(tokens, buf_span(&text), NULL,
				     NOW_S * 1000, &answer, &why),
		    TOKEN_REFUSED);
		text.size--;
	}
	for (size_t size = 0; size < text.size; size++)
		assert_int_not_equal(
		    tokens_check(tokens, span_of(text.at, size), NULL,
			NOW_S * 1000, &answer, &why),
		    TOKEN_GOOD);
	buf_clear(&text);
}

static void
a_bound_token_wants_its_certificate(void **state)
{
	(void)state;
	static const char claims[] =
	    "{" GOOD ",\"cnf\":{\"x5t#S256\":"
	    "\"ERERERERERERERERERERERERERERERERERERERERERE\"}}";
	uint8_t digest[32];
	struct token_answer answer;
	struct why why = {0};

	memset(digest, 0x11, sizeof(digest));
	shown = digest;
	good(ISSUER_RSA, RSA_HEAD, claims);
	good(ISSUER_RSA, RSA_HEAD, claims); /* remembered */
	digest[31] ^= 1;
	assert_int_equal(
	    check_at(ISSUER_RSA, RSA_HEAD, claims, NOW_S * 1000, &answer, &why),
	    TOKEN_REFUSED);
	shown = NULL;
	assert_int_equal(
	    check_at(ISSUER_RSA, RSA_HEAD, claims, NOW_S * 1000, &answer, &why),
	    TOKEN_REFUSED);
}

static void
a_token_is_remembered_until_it_expires_or_the_keys_change(void **state)
{
	(void)state;
	static const char claims[] = "{" GOOD ",\"jti\":\"memory\"}";
	struct token_answer answer;
	struct why why = {0};
	struct buf jwks;
	size_t count;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(check_at(ISSUER_RSA, RSA_HEAD, claims,
				     NOW_S * 1000, &answer, &why),
		    TOKEN_GOOD);
		assert_int_equal(answer.is_new, i == 0);
	}
	assert_int_equal(check_at(ISSUER_RSA, RSA_HEAD, claims,
			     (NOW_S + 110) * 1000, &answer, &why),
	    TOKEN_EXPIRED);
	tokens_keys_drop(tokens);
	assert_int_equal(
	    check_at(ISSUER_RSA, RSA_HEAD, claims, NOW_S * 1000, &answer, &why),
	    TOKEN_KEY_UNKNOWN);
	buf_init(&jwks, KEY_SET_BYTES);
	token_issuer_jwks(&issuer, &jwks);
	assert_int_equal(
	    tokens_keys_set(tokens, buf_span(&jwks), &count, &why), 0);
	buf_clear(&jwks);
	good(ISSUER_RSA, RSA_HEAD, claims);
}

static void
hostile_key_sets_are_refused_and_the_old_keys_stay(void **state)
{
	(void)state;
	static const char *const sets[] = {"", "[]", "{}", "{\"keys\":{}}",
	    "{\"keys\":[]}", "{\"keys\":[7,null,{}]}",
	    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}",
	    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"!\",\"e\":"
	    "\"AQAB\"}]}",
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"x\":"
	    "\"AAAA\",\"y\":\"AAAA\"}]}",
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"d\":"
	    "\"AAAA\"}]}",
	    /* of a length that base64 cannot have: cjose would end us */
	    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AAAAA\",\"e\":"
	    "\"AQAB\"}]}",
	    "{\"keys\":[],\"keys\":[]}"};
	struct why why = {0};
	struct buf twice;
	size_t count;

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		if (tokens_keys_set(tokens, span_text(sets[i]), &count, &why) ==
		    0)
			fail_msg("taken: %s", sets[i]);
	buf_init(&twice, 2 * KEY_SET_BYTES);
	token_issuer_jwks(&issuer, &twice);
	twice.size -= 2;
	buf_add_text(&twice, ",");
	size_t one = twice.size;
	for (size_t i = strlen("{\"keys\":["); i < one - 1; i++)
		buf_add_byte(&twice, twice.at[i]);
	buf_add_text(&twice, "]}");
	assert_int_equal(
	    tokens_keys_set(tokens, buf_span(&twice), &count, &why),
	    WHY_INVALID);
	assert_non_null(strstr(why.text, "twice"));
	buf_clear(&twice);
	good(ISSUER_RSA, RSA_HEAD, "{" GOOD ",\"jti\":\"after\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_algorithm_is_good_with_its_own_key),
	    cmocka_unit_test(what_a_token_may_say_besides_is_good),
	    cmocka_unit_test(hostile_tokens_are_refused),
	    cmocka_unit_test(a_token_of_nine_kibibytes_is_refused),
	    cmocka_unit_test(what_is_not_canonical_is_refused),
	    cmocka_unit_test(a_bound_token_wants_its_certificate),
	    cmocka_unit_test(
		a_token_is_remembered_until_it_expires_or_the_keys_change),
	    cmocka_unit_test(
		hostile_key_sets_are_refused_and_the_old_keys_stay),
	};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
