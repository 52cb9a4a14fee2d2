/* OpenSSL 3 calls all of its engine interface deprecated; what comes in its
 * place, a provider, Debian 12 does not have. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "keys/token.h"

#include "keys/keys_priv.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_URI_MAX 1024

static const char scheme[] = "pkcs11:";
static ENGINE *engine; /* lives as long as the process and its keys */

int
token_open(const char *module, struct why *why)
{
	if (engine != NULL)
		return 0;
	if (access(module, R_OK) < 0)
		return why_set(
		    why, WHY_NOT_FOUND, "%s: no such PKCS#11 module", module);
	ENGINE *found = ENGINE_by_id("pkcs11");
	if (found == NULL)
		return why_openssl(why, WHY_NOT_FOUND,
		    "OpenSSL's engine pkcs11 (package "
		    "libengine-pkcs11-openssl)");
	/* quiet: it would print names of keys, with their PIN */
	if (ENGINE_ctrl_cmd_string(found, "QUIET", NULL, 0) != 1 ||
	    ENGINE_ctrl_cmd_string(found, "MODULE_PATH", module, 0) != 1 ||
	    ENGINE_init(found) != 1) {
		ENGINE_free(found);
		return why_openssl(why, WHY_CRYPTO, "loading a PKCS#11 module");
	}
	engine = found;
	return 0;
}

bool
token_uri_is(struct span text)
{
	return text.size >= sizeof scheme - 1 &&
	       memcmp(text.at, scheme, sizeof scheme - 1) == 0;
}

/* Does the URI say which key it means? One without would get any. */
static bool
names_a_key(struct span uri)
{
	static const char *const attributes[] = {
	    ":object=", ";object=", ":id=", ";id="};
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		if (memmem(uri.at, uri.size, attributes[i],
			strlen(attributes[i])) != NULL)
			return true;
	return false;
}

int
token_key(struct span uri, struct private_key **out, struct why *why)
{
	struct secret text = SECRET_NONE;
	while (uri.size > 0 && uri.at[uri.size - 1] <= ' ')
		uri.size--;
	if (uri.size > TOKEN_URI_MAX || memchr(uri.at, 0, uri.size) != NULL)
		return why_set(why, WHY_INVALID,
		    "the name of a key in a token is over %d bytes or holds "
		    "NUL",
		    TOKEN_URI_MAX);
	if (!names_a_key(uri))
		return why_set(why, WHY_INVALID,
		    "the name of a key in a token has neither object nor id");
	if (engine == NULL)
		return why_set(why, WHY_STATE,
		    "the key is in a token, and pkcs11_module is not set");
	int ret = secret_init(&text, uri.size + 1, why);
	if (ret < 0)
		return ret;
	memcpy(text.at, uri.at, uri.size);
	EVP_PKEY *pkey =
	    ENGINE_load_private_key(engine, (const char *)text.at, NULL, NULL);
	secret_clear(&text);
	ERR_clear_error();
	if (pkey == NULL)
		return why_set(why, WHY_NOT_FOUND,
		    "the token does not give the key: token, object or PIN is "
		    "wrong");
	return private_key_adopt(pkey, out, why);
}
