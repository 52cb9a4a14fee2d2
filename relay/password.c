#include "relay/password.h"

#include "base/text.h"
#include "relay/digest.h"

#include <openssl/crypto.h>
#include <string.h>

bool
password_parse(const char *text, struct password *out)
{
	uint8_t salt[PASSWORD_SALT_DIGITS / 2];

	if (strlen(text) <= PASSWORD_SALT_DIGITS ||
	    text[PASSWORD_SALT_DIGITS] != ':')
		return false;
	memcpy(out->salt, text, PASSWORD_SALT_DIGITS);
	out->salt[PASSWORD_SALT_DIGITS] = 0;
	return hex_parse(out->salt, salt, sizeof(salt)) &&
	       hex_parse(text + PASSWORD_SALT_DIGITS + 1, out->digest,
		   sizeof(out->digest));
}

/* SHA-256 of salt, colon and password. */
static bool
digest_salted(const char *salt, struct span shown, uint8_t digest[32])
{
	struct buf text;

	buf_init(&text, PASSWORD_SALT_DIGITS + 1 + PASSWORD_BYTES_MOST);
	buf_add(&text, salt, PASSWORD_SALT_DIGITS);
	buf_add_byte(&text, ':');
	buf_add_span(&text, shown);
	bool made = buf_ok(&text) && digest_make(buf_span(&text), digest);
	buf_wipe(&text);
	return made;
}

bool
password_is(const struct password *stored, struct span shown)
{
	static const struct password none = {
	    .salt = "00000000000000000000000000000000"};
	bool is_one = stored != NULL;
	uint8_t digest[32];

	if (shown.size < PASSWORD_BYTES_LEAST ||
	    shown.size > PASSWORD_BYTES_MOST)
		return false;
	if (!is_one)
		stored = &none;
	return digest_salted(stored->salt, shown, digest) &&
	       (CRYPTO_memcmp(stored->digest, digest, sizeof(digest)) == 0) &&
	       is_one;
}
