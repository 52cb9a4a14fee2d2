/* Hostile certificates, each refused by the name of its fault. */
#include "keys/trust.h"

#include "base/clock.h"
#include "tests/support/made_ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DAY_S (24 * 3600)

static struct made_ca ca;
static struct made_ca other; /* the same name, another key */
static struct anchors *anchors;

static int
open_ca(void **state)
{
	struct why why;
	(void)state;
	made_ca_open(&ca);
	made_ca_open(&other);
	return anchors_parse(buf_span(&ca.pem), &anchors, &why);
}

static int
close_ca(void **state)
{
	(void)state;
	anchors_free(anchors);
	made_ca_close(&ca);
	made_ca_close(&other);
	return 0;
}

static const struct trust_question *
chained(enum certificate_purpose purpose)
{
	static struct trust_question question;
	question = (struct trust_question){.policy = CERTIFICATE_CHAINED,
	    .purpose = purpose,
	    .at_ms = clock_wall_ms(),
	    .anchors = anchors,
	    .organisation = TEST_CA_ORGANISATION};
	return &question;
}

/* What is said of the certificate, which is freed. */
static enum trust_fault
judge(X509 *x509, const struct trust_question *question)
{
	struct certificate *certificate;
	struct why why = {0};
	enum trust_fault fault;
	assert_int_equal(made_ca_parse(x509, &certificate, &why), 0);
	int ret = trust_check(certificate, question, &fault, &why);
	assert_int_equal(ret, fault == TRUST_HOLDS ? 0 : WHY_DENIED);
	if (fault != TRUST_HOLDS) {
		assert_int_equal(why.code, WHY_DENIED);
		assert_int_not_equal(strlen(why.text), 0);
	}
	certificate_free(certificate);
	X509_free(x509);
	return fault;
}

static void
assert_judged(const char *what, const struct made_ca_wish *wish,
    enum certificate_purpose purpose, enum trust_fault expected)
{
	enum trust_fault fault =
	    judge(made_ca_issue(&ca, wish), chained(purpose));
	if (fault != expected)
		fail_msg("%s: %s, expected %s", what, trust_fault_name(fault),
		    trust_fault_name(expected));
}

static void
an_honest_certificate_is_trusted(void **state)
{
	(void)state;
	static const struct made_ca_wish honest[] = {
	    {0},
	    {.extended = "emailProtection"},
	    {.extended = "clientAuth,emailProtection"},
	    {.usage = "critical,keyEncipherment,digitalSignature"},
	    {.usage = ""}, /* none: everything (RFC 5280 section 4.2.1.3) */
	    {.organisation = "", .serial_name = TEST_CA_ORGANISATION},
	    {.name_type = V_ASN1_PRINTABLESTRING},
	};
	for (size_t i = 0; i < sizeof honest / sizeof *honest; i++)
		assert_judged(
		    "honest", &honest[i], CERTIFICATE_FOR_SEALING, TRUST_HOLDS);
	assert_judged("client",
	    &(struct made_ca_wish){
		.usage = "critical,digitalSignature", .extended = "clientAuth"},
	    CERTIFICATE_FOR_CLIENT, TRUST_HOLDS);
}

static void
each_hostile_certificate_is_refused_by_its_fault(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct made_ca_wish wish;
		enum trust_fault fault;
	} table[] = {
	    {"another organisation", {.organisation = "NTRNO-987654317"},
		TRUST_OTHER_ORGANISATION},
	    {"the number in the common name only",
		{.organisation = "", .common_name = "NTRNO-987654325"},
		TRUST_NO_ORGANISATION},
	    {"the number of another country",
		{.organisation = "NTRSE-987654325",
		    .serial_name = TEST_CA_ORGANISATION},
		TRUST_NO_ORGANISATION},
	    {"a Cyrillic letter that looks like T",
		{.organisation = "N\xd0\xa2RNO-987654325"},
		TRUST_NO_ORGANISATION},
	    {"a full-width digit",
		{.organisation = "NTRNO-98765432\xef\xbc\x95"},
		TRUST_NO_ORGANISATION},
	    {"a small letter l for the digit",
		{.organisation = "NTRNO-98765432l"}, TRUST_NO_ORGANISATION},
	    {"a space without width",
		{.organisation = "NTRNO-\xe2\x80\x8b" TEST_CA_ORGANISATION},
		TRUST_NO_ORGANISATION},
	    {"the number in two-byte characters",
		{.name_type = V_ASN1_BMPSTRING,
		    .organisation = "N\x01T\x01R\x01N\x01O\x01-\x01"
				    "9\x01"},
		TRUST_NO_ORGANISATION},
	    {"not yet valid", {.from_s = DAY_S}, TRUST_NOT_YET_VALID},
	    {"expired", {.from_s = -2 * DAY_S, .to_s = -DAY_S}, TRUST_EXPIRED},
	    {"only for signatures", {.usage = "critical,digitalSignature"},
		TRUST_WRONG_USAGE},
	    {"only for code", {.extended = "codeSigning"}, TRUST_WRONG_USAGE},
	    {"only for servers", {.extended = "serverAuth"}, TRUST_WRONG_USAGE},
	    {"an unknown critical extension", {.critical = 1},
		TRUST_CRITICAL_EXTENSION},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_judged(table[i].what, &table[i].wish,
		    CERTIFICATE_FOR_SEALING, table[i].fault);
}

static void
a_client_certificate_is_one_for_clients(void **state)
{
	(void)state;
	assert_judged("sealing", &(struct made_ca_wish){0},
	    CERTIFICATE_FOR_CLIENT, TRUST_WRONG_USAGE);
	assert_judged("server",
	    &(struct made_ca_wish){
		.usage = "critical,digitalSignature", .extended = "serverAuth"},
	    CERTIFICATE_FOR_CLIENT, TRUST_WRONG_USAGE);
	assert_judged("mail",
	    &(struct made_ca_wish){.usage = "critical,digitalSignature",
		.extended = "emailProtection"},
	    CERTIFICATE_FOR_CLIENT, TRUST_WRONG_USAGE);
}

static void
weak_signatures_are_refused(void **state)
{
	(void)state;
	assert_judged("SHA-1", &(struct made_ca_wish){.digest = EVP_sha1()},
	    CERTIFICATE_FOR_SEALING, TRUST_WEAK_SIGNATURE);
	assert_judged("MD5", &(struct made_ca_wish){.digest = EVP_md5()},
	    CERTIFICATE_FOR_SEALING, TRUST_WEAK_SIGNATURE);
}

static void
a_key_of_1024_bits_is_refused_when_it_is_read(void **state)
{
	(void)state;
	struct certificate *certificate;
	struct why why;
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	X509 *x509 = made_ca_issue(&ca, &(struct made_ca_wish){.key = weak});
	assert_int_equal(made_ca_parse(x509, &certificate, &why), WHY_INVALID);
	assert_string_equal(
	    why.text, "RSA key of 1024 bits, expected 2048 or more");
	X509_free(x509);
	EVP_PKEY_free(weak);
}

/* The chain that an attacker brings along is tried and not believed. */
static enum trust_fault
judge_with(X509 *x509, X509 *extra)
{
	struct buf der;
	struct trust_question question = *chained(CERTIFICATE_FOR_SEALING);
	made_ca_der(extra, &der);
	struct span span = buf_span(&der);
	question.extra_der = &span;
	question.extra_count = 1;
	enum trust_fault fault = judge(x509, &question);
	buf_clear(&der);
	return fault;
}

static void
only_the_anchors_say_who_may_issue(void **state)
{
	(void)state;
	/* an authority of the same name and another key */
	assert_int_equal(judge(made_ca_issue(&other, &(struct made_ca_wish){0}),
			     chained(CERTIFICATE_FOR_SEALING)),
	    TRUST_UNKNOWN_ISSUER);
	assert_int_equal(
	    judge_with(
		made_ca_issue(&other, &(struct made_ca_wish){0}), other.x509),
	    TRUST_UNKNOWN_ISSUER);
	/* our authority's name and key identifier, signed by another key */
	assert_int_equal(
	    judge(made_ca_issue(
		      &ca, &(struct made_ca_wish){.issuer_key = other.key}),
		chained(CERTIFICATE_FOR_SEALING)),
	    TRUST_BAD_SIGNATURE);
	/* a member that plays authority */
	X509 *member = made_ca_issue(&ca, &(struct made_ca_wish){0});
	X509 *issued =
	    made_ca_issue(&ca, &(struct made_ca_wish){.issuer = member,
				   .issuer_key = ca.member,
				   .key = other.member});
	assert_int_equal(judge_with(issued, member), TRUST_ISSUER_NO_AUTHORITY);
	X509_free(member);
}

static void
a_chain_through_an_honest_intermediate_holds(void **state)
{
	(void)state;
	X509 *middle =
	    made_ca_issue(&ca, &(struct made_ca_wish){.key = other.key,
				   .common_name = "Mellomledd",
				   .organisation = "",
				   .usage = "critical,keyCertSign,cRLSign",
				   .basic = "critical,CA:TRUE,pathlen:0"});
	struct made_ca_wish wish = {.issuer = middle, .issuer_key = other.key};
	assert_int_equal(
	    judge_with(made_ca_issue(&ca, &wish), middle), TRUST_HOLDS);
	assert_int_equal(
	    judge(made_ca_issue(&ca, &wish), chained(CERTIFICATE_FOR_SEALING)),
	    TRUST_UNKNOWN_ISSUER);
	X509_free(middle);
}

static void
a_pinned_certificate_needs_no_issuer_but_its_time_and_usage(void **state)
{
	(void)state;
	const struct trust_question pinned = {.policy = CERTIFICATE_PINNED,
	    .purpose = CERTIFICATE_FOR_SEALING,
	    .at_ms = clock_wall_ms()};
	static const struct {
		struct made_ca_wish wish;
		enum trust_fault fault;
	} table[] = {
	    {{0}, TRUST_HOLDS},
	    {{.organisation = ""}, TRUST_HOLDS},
	    {{.from_s = DAY_S}, TRUST_NOT_YET_VALID},
	    {{.from_s = -2 * DAY_S, .to_s = -DAY_S}, TRUST_EXPIRED},
	    {{.usage = "critical,digitalSignature"}, TRUST_WRONG_USAGE},
	    {{.critical = 1}, TRUST_CRITICAL_EXTENSION},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(
		    judge(made_ca_issue(&other, &table[i].wish), &pinned),
		    table[i].fault);
}

static void
every_fault_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = TRUST_HOLDS; i <= TRUST_CHAIN_BROKEN; i++)
		for (int k = TRUST_HOLDS; k < i; k++)
			assert_string_not_equal(
			    trust_fault_name((enum trust_fault)i),
			    trust_fault_name((enum trust_fault)k));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_honest_certificate_is_trusted),
	    cmocka_unit_test(each_hostile_certificate_is_refused_by_its_fault),
	    cmocka_unit_test(a_client_certificate_is_one_for_clients),
	    cmocka_unit_test(weak_signatures_are_refused),
	    cmocka_unit_test(a_key_of_1024_bits_is_refused_when_it_is_read),
	    cmocka_unit_test(only_the_anchors_say_who_may_issue),
	    cmocka_unit_test(a_chain_through_an_honest_intermediate_holds),
	    cmocka_unit_test(
		a_pinned_certificate_needs_no_issuer_but_its_time_and_usage),
	    cmocka_unit_test(every_fault_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests(tests, open_ca, close_ca);
}
