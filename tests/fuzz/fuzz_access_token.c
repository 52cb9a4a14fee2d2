/* Access tokens: what is accepted has what a token must have, and no signature
 * of the input's own making is good. The input is header, claims and signature
 * with line feeds between; or, without one, the token as it is. */
#include "formats/access_token.h"

#include "base/text.h"
#include "relay/key_set.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

/* An RSA key a and a P-256 key b; the private ones are gone. */
static const char keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"a\",\""
    "n\":\"6Uxo211pQGy3eqmNMn2a9YMCuwV38jU-YyfEs7xm5QKlP7vFiTtE0G"
    "yXMSTWIzggBCp-eimT7KXP0RzzvDnvba12TptMZXCs4ND0jk4bct_pJlJ3gB"
    "UUgnlN9jE48pT2X8smH3u6LS1aVihCCi1uktD_6iGq_ByQMNAZlW1zpOI5S9"
    "2vojMLIfU1pL_jMGuCVTBTn3mY-wJhU2e5liE4pD4zUSgwDZGqAkIGilJZiu"
    "ooy7DJkKO-Dn0A972D6Pj54inlKegFSrK-LT3m1kcQ0SAGsXMcgIbSm1fvuE"
    "GFlJXsbSxcztJnQQd9Z2wGsdPcXxRa8FYK6ZdI_ruz_lAH1w\",\"e\":\"A"
    "QAB\"},{\"kty\":\"EC\",\"kid\":\"b\",\"crv\":\"P-256\",\"x\""
    ":\"cWf6AV6--8kSbIAIpdfAVLC0jmDpqJlF802nwyGW7Tw\",\"y\":\"sQc"
    "vRpk-YXMFfszYOL25Dx17Nkwu0XFY4BDEUqJSTuc\"}]}";

static const struct key_set *
key_set(void)
{
	static struct key_set *set;

	if (!set && key_set_parse(span_text(keys), &set, NULL) != 0)
		assert(0);
	return set;
}

static void
text_build(struct buf *text, const uint8_t *at, size_t size)
{
	for (const uint8_t *end; (end = memchr(at, '\n', size)) != NULL;) {
		size_t part = (size_t)(end - at);
		base64url_build(text, span_of(at, part));
		buf_add_text(text, ".");
		at += part + 1;
		size -= part + 1;
	}
	base64url_build(text, span_of(at, size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct access_token token;
	struct why why = {0};
	struct buf text;

	buf_init(&text, 64u << 10);
	if (size > 0 && memchr(at, '\n', size))
		text_build(&text, at, size);
	else
		buf_add(&text, at, size);
	int code = access_token_parse(buf_span(&text), &token, &why);
	assert(code == 0 || why.text[0] != '\0');
	if (code == 0) {
		assert(orgnr_valid(token.consumer));
		assert(!token.supplier[0] || orgnr_valid(token.supplier));
		assert(token.expires_s > 0 && token.issued_s > 0);
		assert(!access_token_has_scope(&token, ""));
		(void)access_token_is_for(&token, "x");
		assert(key_set_verify(key_set(), token.alg, token.kid,
			   buf_span(&text), &why) < 0);
		access_token_clear(&token);
	}
	buf_clear(&text);
	return 0;
}
