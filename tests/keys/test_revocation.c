/* Revocation: OCSP answers and CRLs, honest and hostile, and what the openssl
 * program makes of our questions. */
#include "keys/revocation.h"

#include "base/clock.h"
#include "keys/keys_priv.h"
#include "tests/support/made_ca.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HOUR_S 3600L

static struct made_ca ca;
static struct made_ca other;
static X509 *member_x509;
static X509 *sibling_x509;
static struct certificate *member;
static struct certificate *issuer;

static int
open_ca(void **state)
{
	struct why why;
	(void)state;
	made_ca_open(&ca);
	made_ca_open(&other);
	member_x509 = made_ca_issue(
	    &ca, &(struct made_ca_wish){.serial = 0x1001,
		     .more = {"authorityInfoAccess", "crlDistributionPoints"},
		     .more_value = {"caIssuers;URI:http://a.test/ca,"
				    "OCSP;URI:ldap://a.test/x,"
				    "OCSP;URI:http://ocsp.test/status",
			 "URI:http://crl.test/list.crl"}});
	sibling_x509 =
	    made_ca_issue(&ca, &(struct made_ca_wish){.serial = 0x1002});
	assert_int_equal(made_ca_parse(member_x509, &member, &why), 0);
	return made_ca_parse(ca.x509, &issuer, &why);
}

static int
close_ca(void **state)
{
	(void)state;
	certificate_free(member);
	certificate_free(issuer);
	X509_free(member_x509);
	X509_free(sibling_x509);
	made_ca_close(&ca);
	made_ca_close(&other);
	return 0;
}

/* ---- an OCSP responder of our own, which does what it is told ---- */

struct say {
	X509 *about;          /* NULL: member */
	int status;           /* V_OCSP_CERTSTATUS_ */
	long made_s;          /* after now */
	long next_s;          /* after now; 0: without nextUpdate */
	X509 *signer;         /* NULL: the authority */
	EVP_PKEY *key;        /* NULL: the authority's */
	const EVP_MD *digest; /* NULL: SHA-256 */
};

static void
response_der(OCSP_BASICRESP *basic, int status, struct buf *out)
{
	unsigned char *der = NULL;
	OCSP_RESPONSE *response = OCSP_response_create(status, basic);
	int size = i2d_OCSP_RESPONSE(response, &der);
	assert_true(size > 0);
	buf_init(out, 1u << 20);
	buf_add(out, der, (size_t)size);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
}

static void
say_it(const struct say *say, struct buf *out)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	X509 *signer = say->signer == NULL ? ca.x509 : say->signer;
	OCSP_CERTID *id = OCSP_cert_to_id(
	    EVP_sha1(), say->about == NULL ? member_x509 : say->about, ca.x509);
	ASN1_TIME *made = X509_gmtime_adj(NULL, say->made_s);
	ASN1_TIME *next =
	    say->next_s == 0 ? NULL : X509_gmtime_adj(NULL, say->next_s);
	ASN1_TIME *revoked = X509_gmtime_adj(NULL, -2 * HOUR_S);
	bool gone = say->status == V_OCSP_CERTSTATUS_REVOKED;
	assert_non_null(OCSP_basic_add1_status(basic, id, say->status,
	    OCSP_REVOKED_STATUS_KEYCOMPROMISE, gone ? revoked : NULL, made,
	    next));
	assert_int_equal(
	    OCSP_basic_sign(basic, signer, say->key == NULL ? ca.key : say->key,
		say->digest == NULL ? EVP_sha256() : say->digest, NULL, 0),
	    1);
	response_der(basic, OCSP_RESPONSE_STATUS_SUCCESSFUL, out);
	ASN1_TIME_free(made);
	ASN1_TIME_free(next);
	ASN1_TIME_free(revoked);
	OCSP_CERTID_free(id);
	OCSP_BASICRESP_free(basic);
}

static int
hear(struct span answer, struct revocation *out)
{
	struct why why = {0};
	return revocation_ocsp_read(
	    answer, member, issuer, clock_wall_ms(), out, &why);
}

static int
hear_said(const struct say *say, struct revocation *out)
{
	struct buf answer;
	say_it(say, &answer);
	int ret = hear(buf_span(&answer), out);
	buf_clear(&answer);
	return ret;
}

static void
the_places_are_the_first_web_addresses(void **state)
{
	(void)state;
	struct revocation_places places;
	revocation_places(member, &places);
	assert_string_equal(places.ocsp, "http://ocsp.test/status");
	assert_string_equal(places.crl, "http://crl.test/list.crl");
	revocation_places(issuer, &places);
	assert_string_equal(places.ocsp, "");
	assert_string_equal(places.crl, "");
}

static void
the_issuer_is_the_next_in_the_chain(void **state)
{
	(void)state;
	struct anchors *anchors;
	struct certificate *found;
	struct why why;
	assert_int_equal(anchors_parse(buf_span(&ca.pem), &anchors, &why), 0);
	assert_int_equal(revocation_issuer(member, anchors, NULL, 0,
			     clock_wall_ms(), &found, &why),
	    0);
	assert_string_equal(certificate_facts(found)->fingerprint_text,
	    certificate_facts(issuer)->fingerprint_text);
	certificate_free(found);
	anchors_free(anchors);
	assert_int_equal(
	    anchors_parse(buf_span(&other.pem), &anchors, &why), 0);
	assert_int_equal(revocation_issuer(member, anchors, NULL, 0,
			     clock_wall_ms(), &found, &why),
	    WHY_DENIED);
	anchors_free(anchors);
}

static void
an_honest_answer_is_heard(void **state)
{
	(void)state;
	struct revocation read;
	const struct say good = {.status = V_OCSP_CERTSTATUS_GOOD,
	    .made_s = -HOUR_S,
	    .next_s = HOUR_S};
	struct say say = good;
	assert_int_equal(hear_said(&say, &read), 0);
	assert_int_equal(read.state, REVOCATION_GOOD);
	assert_int_equal(read.next_ms - read.made_ms, 2 * HOUR_S * 1000);
	assert_int_equal(read.revoked_ms, 0);
	say.next_s = 0;
	assert_int_equal(hear_said(&say, &read), 0);
	assert_int_equal(read.next_ms - read.made_ms, REVOCATION_OLDEST_MS);
	say.status = V_OCSP_CERTSTATUS_REVOKED;
	assert_int_equal(hear_said(&say, &read), 0);
	assert_int_equal(read.state, REVOCATION_REVOKED);
	assert_true(read.revoked_ms > 0 && read.revoked_ms < read.made_ms);
	say.status = V_OCSP_CERTSTATUS_UNKNOWN;
	assert_int_equal(hear_said(&say, &read), 0);
	assert_int_equal(read.state, REVOCATION_UNKNOWN);
}

static void
a_hostile_answer_is_never_good(void **state)
{
	(void)state;
	struct {
		const char *what;
		struct say say;
		int code;
	} table[] = {
	    {"old", {.made_s = -2 * HOUR_S, .next_s = -HOUR_S}, WHY_INVALID},
	    {"old, without an end", {.made_s = -25 * HOUR_S}, WHY_INVALID},
	    {"from the future", {.made_s = HOUR_S, .next_s = 2 * HOUR_S},
		WHY_INVALID},
	    {"of another certificate",
		{.about = sibling_x509, .made_s = -HOUR_S}, WHY_NOT_FOUND},
	    {"forged by a stranger of the issuer's name",
		{.signer = other.x509, .key = other.key, .made_s = -HOUR_S},
		WHY_CRYPTO},
	    {"by SHA-1", {.digest = EVP_sha1(), .made_s = -HOUR_S}, WHY_CRYPTO},
	    {"forged by a member without the right",
		{.signer = sibling_x509, .key = ca.member, .made_s = -HOUR_S},
		WHY_CRYPTO},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct revocation read = {0};
		table[i].say.status = V_OCSP_CERTSTATUS_GOOD;
		int ret = hear_said(&table[i].say, &read);
		if (ret != table[i].code)
			fail_msg("%s: %s, expected %s", table[i].what,
			    why_name(ret), why_name(table[i].code));
		assert_int_equal(read.state, 0); /* nothing was written */
	}
}

static void
a_responder_that_the_issuer_named_is_heard(void **state)
{
	(void)state;
	struct revocation read;
	struct made_ca_wish wish = {.key = other.key,
	    .common_name = "Svarer",
	    .organisation = "",
	    .usage = "critical,digitalSignature",
	    .extended = "OCSPSigning"};
	X509 *named = made_ca_issue(&ca, &wish);
	/* of the same words, by another authority */
	wish.key = ca.member;
	X509 *strange = made_ca_issue(&other, &wish);
	struct say say = {.status = V_OCSP_CERTSTATUS_GOOD,
	    .made_s = -HOUR_S,
	    .signer = named,
	    .key = other.key};
	assert_int_equal(hear_said(&say, &read), 0);
	assert_int_equal(read.state, REVOCATION_GOOD);
	say.signer = strange;
	say.key = ca.member;
	assert_int_equal(hear_said(&say, &read), WHY_CRYPTO);
	X509_free(named);
	X509_free(strange);
}

static void
what_is_no_answer_is_refused(void **state)
{
	(void)state;
	struct buf answer;
	struct revocation read;
	say_it(
	    &(struct say){.status = V_OCSP_CERTSTATUS_GOOD, .made_s = -HOUR_S},
	    &answer);
	for (size_t size = 0; size < answer.size; size += 3)
		assert_int_equal(
		    hear(span_of(answer.at, size), &read), WHY_MALFORMED);
	buf_add_byte(&answer, 0);
	assert_int_equal(hear(buf_span(&answer), &read), WHY_MALFORMED);
	assert_non_null(buf_room(&answer, REVOCATION_OCSP_BYTES_MAX));
	assert_int_equal(
	    hear(span_of(answer.at, REVOCATION_OCSP_BYTES_MAX + 1), &read),
	    WHY_TOO_LARGE);
	buf_clear(&answer);
	response_der(NULL, OCSP_RESPONSE_STATUS_TRYLATER, &answer);
	assert_int_equal(hear(buf_span(&answer), &read), WHY_BUSY);
	buf_clear(&answer);
	response_der(NULL, OCSP_RESPONSE_STATUS_UNAUTHORIZED, &answer);
	assert_int_equal(hear(buf_span(&answer), &read), WHY_DENIED);
	buf_clear(&answer);
}

static void
an_answer_with_any_bit_turned_is_never_good(void **state)
{
	(void)state;
	struct buf answer;
	say_it(&(struct say){.status = V_OCSP_CERTSTATUS_REVOKED,
		   .made_s = -HOUR_S},
	    &answer);
	for (size_t i = 0; i < answer.size; i++) {
		struct revocation read = {0};
		answer.at[i] ^= (uint8_t)(1u << (i % 8));
		if (hear(buf_span(&answer), &read) == 0)
			assert_int_equal(read.state, REVOCATION_REVOKED);
		answer.at[i] ^= (uint8_t)(1u << (i % 8));
	}
	buf_clear(&answer);
}

/* ---- lists ---- */

struct list {
	X509 *issuer;  /* NULL: the authority */
	EVP_PKEY *key; /* NULL: the authority's */
	long revokes;  /* a serial number; 0: none */
	long made_s;
	long next_s;
	const EVP_MD *digest;
	int extension; /* a nid to add; 0: none */
};

static void
list_make(const struct list *list, struct buf *out)
{
	unsigned char *der = NULL;
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *made = X509_gmtime_adj(NULL, list->made_s);
	ASN1_TIME *next = X509_gmtime_adj(NULL, list->next_s);
	assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	assert_int_equal(
	    X509_CRL_set_issuer_name(
		crl, X509_get_subject_name(
			 list->issuer == NULL ? ca.x509 : list->issuer)),
	    1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, made), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, next), 1);
	if (list->revokes != 0) {
		X509_REVOKED *entry = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();
		ASN1_INTEGER_set(serial, list->revokes);
		X509_REVOKED_set_serialNumber(entry, serial);
		X509_REVOKED_set_revocationDate(entry, made);
		assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
		ASN1_INTEGER_free(serial);
	}
	if (list->extension == NID_delta_crl) {
		ASN1_INTEGER *base = ASN1_INTEGER_new();
		ASN1_INTEGER_set(base, 1);
		assert_int_equal(
		    X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
		ASN1_INTEGER_free(base);
	}
	X509_CRL_sort(crl);
	assert_true(
	    X509_CRL_sign(crl, list->key == NULL ? ca.key : list->key,
		list->digest == NULL ? EVP_sha256() : list->digest) > 0);
	int size = i2d_X509_CRL(crl, &der);
	buf_init(out, 1u << 20);
	buf_add(out, der, (size_t)size);
	OPENSSL_free(der);
	ASN1_TIME_free(made);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

static int
look_up(const struct list *list, struct revocation *out)
{
	struct buf der;
	struct why why;
	list_make(list, &der);
	int ret = revocation_crl_read(
	    buf_span(&der), member, issuer, clock_wall_ms(), out, &why);
	buf_clear(&der);
	return ret;
}

static void
a_list_says_who_is_on_it(void **state)
{
	(void)state;
	struct revocation read;
	struct list list = {.made_s = -HOUR_S, .next_s = HOUR_S};
	assert_int_equal(look_up(&list, &read), 0);
	assert_int_equal(read.state, REVOCATION_GOOD);
	list.revokes = 0x1002;
	assert_int_equal(look_up(&list, &read), 0);
	assert_int_equal(read.state, REVOCATION_GOOD);
	list.revokes = 0x1001;
	assert_int_equal(look_up(&list, &read), 0);
	assert_int_equal(read.state, REVOCATION_REVOKED);
	assert_int_equal(read.revoked_ms, read.made_ms);
}

static void
a_hostile_list_is_never_good(void **state)
{
	(void)state;
	const struct {
		const char *what;
		struct list list;
		int code;
	} table[] = {
	    {"old", {.made_s = -2 * HOUR_S, .next_s = -HOUR_S}, WHY_INVALID},
	    {"from the future", {.made_s = HOUR_S, .next_s = 2 * HOUR_S},
		WHY_INVALID},
	    {"forged", {.key = other.key, .made_s = -HOUR_S, .next_s = HOUR_S},
		WHY_CRYPTO},
	    {"of another issuer",
		{.issuer = member_x509, .made_s = -HOUR_S, .next_s = HOUR_S},
		WHY_NOT_FOUND},
	    {"by SHA-1",
		{.digest = EVP_sha1(), .made_s = -HOUR_S, .next_s = HOUR_S},
		WHY_CRYPTO},
	    {"only what is new",
		{.extension = NID_delta_crl,
		    .made_s = -HOUR_S,
		    .next_s = HOUR_S},
		WHY_UNSUPPORTED},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct revocation read = {0};
		int ret = look_up(&table[i].list, &read);
		if (ret != table[i].code)
			fail_msg("%s: %s, expected %s", table[i].what,
			    why_name(ret), why_name(table[i].code));
		assert_int_equal(read.state, 0);
	}
}

/* ---- the openssl program as the responder ---- */

static char folder[] = "/tmp/revocation-test-XXXXXX";

static void
path_of(char path[128], const char *name)
{
	(void)snprintf(path, 128, "%s/%s", folder, name);
}

static FILE *
open_file(const char *name, const char *mode)
{
	char path[128];
	path_of(path, name);
	FILE *file = fopen(path, mode);
	assert_non_null(file);
	return file;
}

static void
read_file(const char *name, struct buf *out)
{
	FILE *file = open_file(name, "r");
	buf_init(out, 1u << 20);
	uint8_t *at = buf_room(out, 64u << 10);
	assert_non_null(at);
	buf_used(out, fread(at, 1, 64u << 10, file));
	(void)fclose(file);
}

/* The authority's files as `openssl ca` keeps them. */
static void
write_authority(void)
{
	FILE *file = open_file("ca.key", "w");
	assert_int_equal(
	    PEM_write_PrivateKey(file, ca.key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	file = open_file("ca.crt", "w");
	assert_int_equal(PEM_write_X509(file, ca.x509), 1);
	(void)fclose(file);
	file = open_file("ca.conf", "w");
	(void)fprintf(file,
	    "[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\ndefault_md=sha256\n"
	    "default_crl_days=1\n",
	    folder);
	(void)fclose(file);
}

static void
write_index(const char *line)
{
	FILE *file = open_file("index", "w");
	(void)fprintf(file, "%s", line);
	(void)fclose(file);
}

static void
run(const char *format)
{
	char command[1024];
	(void)snprintf(command, sizeof command, "cd %s && openssl %s >out 2>&1",
	    folder, format);
	/* NOLINTNEXTLINE(cert-env33-c): the responder is a program */
	assert_int_equal(system(command), 0);
}

static void
openssl_answers(enum revocation_state expected)
{
	struct buf bytes;
	struct revocation read;
	struct why why;
	run("ocsp -index index -CA ca.crt -rsigner ca.crt -rkey ca.key "
	    "-reqin ask.der -respout answer.der -ndays 1");
	read_file("answer.der", &bytes);
	assert_int_equal(hear(buf_span(&bytes), &read), 0);
	assert_int_equal(read.state, expected);
	buf_clear(&bytes);
	run("ca -config ca.conf -gencrl -cert ca.crt -keyfile ca.key "
	    "-out list.pem");
	read_file("list.pem", &bytes);
	assert_int_equal(revocation_crl_read(buf_span(&bytes), member, issuer,
			     clock_wall_ms(), &read, &why),
	    0);
	/* a list knows only who is on it */
	assert_int_equal(read.state, expected == REVOCATION_REVOKED
					 ? REVOCATION_REVOKED
					 : REVOCATION_GOOD);
	buf_clear(&bytes);
}

static void
the_openssl_program_understands_our_question(void **state)
{
	(void)state;
	struct buf ask;
	struct why why;
	char command[160];
	assert_non_null(mkdtemp(folder));
	write_authority();
	buf_init(&ask, 4096);
	assert_int_equal(revocation_ocsp_ask(member, issuer, &ask, &why), 0);
	FILE *file = open_file("ask.der", "w");
	assert_int_equal(fwrite(ask.at, 1, ask.size, file), ask.size);
	(void)fclose(file);
	buf_clear(&ask);
	write_index("V\t391231235959Z\t\t1001\tunknown\t/CN=Testmottak\n");
	openssl_answers(REVOCATION_GOOD);
	write_index("R\t391231235959Z\t250101000000Z,keyCompromise\t1001\t"
		    "unknown\t/CN=Testmottak\n");
	openssl_answers(REVOCATION_REVOKED);
	write_index("");
	openssl_answers(REVOCATION_UNKNOWN);
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	/* NOLINTNEXTLINE(cert-env33-c): a folder of our own */
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_places_are_the_first_web_addresses),
	    cmocka_unit_test(the_issuer_is_the_next_in_the_chain),
	    cmocka_unit_test(an_honest_answer_is_heard),
	    cmocka_unit_test(a_hostile_answer_is_never_good),
	    cmocka_unit_test(a_responder_that_the_issuer_named_is_heard),
	    cmocka_unit_test(what_is_no_answer_is_refused),
	    cmocka_unit_test(an_answer_with_any_bit_turned_is_never_good),
	    cmocka_unit_test(a_list_says_who_is_on_it),
	    cmocka_unit_test(a_hostile_list_is_never_good),
	    cmocka_unit_test(the_openssl_program_understands_our_question),
	};
	return cmocka_run_group_tests(tests, open_ca, close_ca);
}
