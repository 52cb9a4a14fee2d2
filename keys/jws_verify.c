/*
 * jws_verify - reads a compact JWS of ours strictly and says whom it is from.
 *
 * The header is a JSON object of four known fields; a scanner for just that is
 * here, so that this room needs no JSON library.
 *
 * SECURITY: reads hostile bytes.
 */
#include "base/text.h"
#include "keys/jws_priv.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

/* What the header says; spans point into its text. */
struct header {
	struct span algorithm;
	struct span type;
	struct span thumbprint;
	struct span chain[JWS_CHAIN_MAX]; /* base64 of DER */
	size_t chain_count;
};

/* A cursor whose error sticks. */
struct scan {
	struct span rest;
	bool failed;
};

static int
malformed(struct why *why, const char *what)
{
	return why_set(why, WHY_MALFORMED, "JWS: %s", what);
}

static void
skip_space(struct scan *scan)
{
	while (scan->rest.size > 0 && strchr(" \t\r\n", scan->rest.at[0]) &&
	       scan->rest.at[0] != '\0') {
		scan->rest.at++;
		scan->rest.size--;
	}
}

/* The byte if it is next, behind white space. */
static bool
scan_is(struct scan *scan, char byte)
{
	skip_space(scan);
	if (scan->failed || scan->rest.size == 0 ||
	    scan->rest.at[0] != (uint8_t)byte)
		return false;
	scan->rest.at++;
	scan->rest.size--;
	return true;
}

static void
scan_need(struct scan *scan, char byte)
{
	if (!scan_is(scan, byte))
		scan->failed = true;
}

/* A string of printable ASCII without escapes: no header of ours needs them. */
static struct span
scan_string(struct scan *scan)
{
	scan_need(scan, '"');
	struct span text = span_of(scan->rest.at, 0);
	while (!scan->failed) {
		if (scan->rest.size == 0) {
			scan->failed = true;
			break;
		}
		uint8_t byte = scan->rest.at[0];
		scan->rest.at++;
		scan->rest.size--;
		if (byte == '"')
			return text;
		if (byte < 0x20 || byte > 0x7e || byte == '\\')
			scan->failed = true;
		text.size++;
	}
	return SPAN_NONE;
}

static void
scan_chain(struct scan *scan, struct header *header)
{
	scan_need(scan, '[');
	do {
		struct span one = scan_string(scan);
		if (scan->failed || header->chain_count == JWS_CHAIN_MAX) {
			scan->failed = true;
			return;
		}
		header->chain[header->chain_count++] = one;
	} while (scan_is(scan, ','));
	scan_need(scan, ']');
}

static void
scan_field(struct scan *scan, struct header *header)
{
	struct span name = scan_string(scan);
	scan_need(scan, ':');
	if (scan->failed)
		return;
	if (span_is(name, "x5c")) {
		if (header->chain_count > 0)
			scan->failed = true;
		else
			scan_chain(scan, header);
		return;
	}
	struct span *at = span_is(name, "alg")        ? &header->algorithm
			  : span_is(name, "typ")      ? &header->type
			  : span_is(name, "x5t#S256") ? &header->thumbprint
						      : NULL;
	if (at == NULL || at->at != NULL) {
		scan->failed = true;
		return;
	}
	*at = scan_string(scan);
}

static int
read_header(struct span text, struct header *header, struct why *why)
{
	struct scan scan = {text, false};
	memset(header, 0, sizeof *header);
	scan_need(&scan, '{');
	do
		scan_field(&scan, header);
	while (scan_is(&scan, ','));
	scan_need(&scan, '}');
	skip_space(&scan);
	if (scan.failed || scan.rest.size > 0 || header->algorithm.at == NULL ||
	    header->type.at == NULL || header->thumbprint.at == NULL ||
	    header->chain_count == 0)
		return malformed(why,
		    "the header is not alg, typ, x5t#S256 and x5c, each "
		    "once");
	return 0;
}

/* One DER certificate of x5c. */
static bool
chain_der(struct span text, struct buf *der)
{
	buf_init(der, CERTIFICATE_BYTES_MAX);
	return base64_parse(der, text) && buf_ok(der);
}

static int
read_signer(
    const struct header *header, struct certificate **out, struct why *why)
{
	struct buf der;
	struct buf thumbprint;
	struct certificate *certificate = NULL;
	int ret = 0;
	buf_init(&thumbprint, CERTIFICATE_FINGERPRINT_SIZE);
	if (!chain_der(header->chain[0], &der) ||
	    !base64url_parse(&thumbprint, header->thumbprint))
		ret = malformed(why, "x5c or x5t#S256 is not base64");
	if (ret == 0)
		ret = certificate_parse(buf_span(&der), &certificate, why);
	if (ret == 0 && !span_equal(buf_span(&thumbprint),
			    span_of(certificate_facts(certificate)->fingerprint,
				CERTIFICATE_FINGERPRINT_SIZE)))
		ret = malformed(
		    why, "x5t#S256 is not the digest of x5c's certificate");
	buf_clear(&thumbprint);
	buf_clear(&der);
	if (ret < 0) {
		certificate_free(certificate);
		return ret;
	}
	*out = certificate;
	return 0;
}

static bool
der_of_raw(struct span raw, size_t half, unsigned char **der, int *size)
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.at, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(raw.at + half, (int)half, NULL);
	if (signature == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(signature);
		return false;
	}
	*size = i2d_ECDSA_SIG(signature, der);
	ECDSA_SIG_free(signature);
	return *size > 0;
}

static bool
verify_bytes(EVP_PKEY *pkey, const struct jws_algorithm *algorithm,
    struct span signed_bytes, struct span signature)
{
	unsigned char *der = NULL;
	int size = 0;
	if (algorithm->half > 0) {
		if (signature.size != 2 * algorithm->half ||
		    !der_of_raw(signature, algorithm->half, &der, &size))
			return false;
		signature = span_of(der, (size_t)size);
	}
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	bool good = context != NULL &&
		    EVP_DigestVerifyInit_ex(context, &key_context,
			algorithm->digest, NULL, NULL, pkey, NULL) == 1 &&
		    jws_padding_set(key_context, algorithm) &&
		    EVP_DigestVerify(context, signature.at, signature.size,
			signed_bytes.at, signed_bytes.size) == 1;
	EVP_MD_CTX_free(context);
	OPENSSL_free(der);
	ERR_clear_error();
	return good;
}

static int
check_trust(const struct header *header, const struct certificate *certificate,
    const struct anchors *anchors, struct why *why)
{
	struct buf der[JWS_CHAIN_MAX];
	struct span extra[JWS_CHAIN_MAX];
	size_t count = 0;
	int ret = 0;
	for (size_t i = 1; i < header->chain_count && ret == 0; i++) {
		if (!chain_der(header->chain[i], &der[count]))
			ret = malformed(why, "x5c is not base64");
		extra[count] = buf_span(&der[count]);
		count++;
	}
	if (ret == 0)
		ret = certificate_check_purpose(
		    certificate, CERTIFICATE_FOR_SIGNING, why);
	if (ret == 0)
		ret = certificate_check_chain(certificate, anchors, extra,
		    count, certificate_facts(certificate)->not_before_ms, false,
		    why);
	for (size_t i = 0; i < count; i++)
		buf_clear(&der[i]);
	return ret;
}

/* The three parts between two dots. */
struct parts {
	struct span header;
	struct span payload;
	struct span signature;
	struct span signed_bytes; /* header, dot, payload */
};

static bool
split(struct span compact, struct parts *parts)
{
	struct span *part[] = {
	    &parts->header, &parts->payload, &parts->signature};
	size_t start = 0;
	size_t n = 0;
	for (size_t i = 0; i <= compact.size; i++) {
		if (i < compact.size && compact.at[i] != '.')
			continue;
		if (n == 3)
			return false;
		*part[n++] = span_of(compact.at + start, i - start);
		if (n == 2)
			parts->signed_bytes = span_of(compact.at, i);
		start = i + 1;
	}
	return n == 3;
}

static int
verify_parts(const struct parts *parts, struct span header_text,
    struct span signature, const struct anchors *anchors, const char *type,
    struct jws *out, struct why *why)
{
	struct header header;
	int ret = read_header(header_text, &header, why);
	if (ret < 0)
		return ret;
	const struct jws_algorithm *algorithm =
	    jws_algorithm_named(header.algorithm);
	if (algorithm == NULL)
		return why_set(why, WHY_UNSUPPORTED,
		    "JWS: alg is not ES256, ES384, PS256 or RS256");
	if (!span_is(header.type, type))
		return why_set(
		    why, WHY_UNSUPPORTED, "JWS: typ is not %s", type);
	if ((ret = read_signer(&header, &out->certificate, why)) < 0)
		return ret;
	if (certificate_facts(out->certificate)->key != algorithm->key)
		return malformed(why, "alg does not go with the key in x5c");
	if (!verify_bytes(certificate_pkey(out->certificate), algorithm,
		parts->signed_bytes, signature))
		return why_set(why, WHY_CRYPTO, "JWS: the signature is wrong");
	OPENSSL_strlcpy(out->algorithm, algorithm->name, sizeof out->algorithm);
	return check_trust(&header, out->certificate, anchors, why);
}

int
jws_verify(struct span compact, const struct anchors *anchors, const char *type,
    struct jws *out, struct why *why)
{
	struct parts parts = {0};
	struct buf header;
	struct buf signature;
	int ret;
	memset(out, 0, sizeof *out);
	buf_init(&out->payload, JWS_BYTES_MAX);
	if (compact.size > JWS_BYTES_MAX)
		return why_set(
		    why, WHY_TOO_LARGE, "JWS: over %u bytes", JWS_BYTES_MAX);
	buf_init(&header, JWS_HEADER_BYTES_MAX);
	buf_init(&signature, 2048);
	if (compact.size == 0 || !split(compact, &parts))
		ret = malformed(why, "not three parts with two dots");
	else if (!base64url_parse(&header, parts.header) ||
		 !base64url_parse(&out->payload, parts.payload) ||
		 !base64url_parse(&signature, parts.signature) ||
		 !buf_ok(&header) || !buf_ok(&out->payload) ||
		 !buf_ok(&signature))
		ret = malformed(why, "a part is not base64url");
	else
		ret = verify_parts(&parts, buf_span(&header),
		    buf_span(&signature), anchors, type, out, why);
	buf_clear(&header);
	buf_clear(&signature);
	if (ret < 0)
		jws_clear(out);
	return ret;
}

void
jws_clear(struct jws *jws)
{
	buf_clear(&jws->payload);
	certificate_free(jws->certificate);
	jws->certificate = NULL;
	jws->algorithm[0] = '\0';
}

int
jws_check_time(const struct jws *jws, int64_t at_ms, struct why *why)
{
	return certificate_check_time(jws->certificate, at_ms, why);
}
