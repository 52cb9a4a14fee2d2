#include "keys/log_signer.h"

#include "formats/checkpoint.h"
#include "keys/keys_priv.h"
#include "keys/log_key.h"
#include "keys/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_BYTES_MAX (4u << 10)

struct log_signer {
	struct secret pem;
	char base[LOG_BASE_MAX + 1];
	struct log_key *key; /* under the name of epoch */
	uint32_t epoch;
};

/* The name is part of a key: another epoch, another key object. */
static int
key_turn(struct log_signer *signer, uint32_t epoch, struct why *why)
{
	char name[NOTE_NAME_BYTES + 1];
	struct log_key *key = NULL;

	if (signer->key != NULL && signer->epoch == epoch)
		return 0;
	(void)snprintf(name, sizeof(name), "%s/%u", signer->base, epoch);
	int code = log_key_parse(
	    span_of(signer->pem.at, signer->pem.size), name, &key, why);
	if (code != 0)
		return code;
	log_key_free(signer->key);
	signer->key = key;
	signer->epoch = epoch;
	return 0;
}

int
log_signer_load(const char *path, const char *base, struct log_signer **out,
    struct why *why)
{
	struct why inner = {0};
	struct log_signer *signer = calloc(1, sizeof(*signer));

	if (signer == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a key");
	int code = strlen(base) > LOG_BASE_MAX
		       ? why_set(why, WHY_INVALID,
			     "log_origin: at most %d octets", LOG_BASE_MAX)
		       : secret_load(path, PEM_BYTES_MAX, &signer->pem, why);
	if (code == 0) {
		(void)snprintf(signer->base, sizeof(signer->base), "%s", base);
		code = key_turn(signer, 1, &inner);
		if (code != 0)
			code = why_set(why, code, "%s: %s", path, inner.text);
	}
	if (code == 0)
		*out = signer;
	else
		log_signer_free(signer);
	return code;
}

void
log_signer_free(struct log_signer *signer)
{
	if (signer == NULL)
		return;
	log_key_free(signer->key);
	secret_clear(&signer->pem);
	free(signer);
}

int
log_signer_sign(struct log_signer *signer, const struct log_head *head,
    struct buf *note, struct why *why)
{
	struct buf text;
	int code = key_turn(signer, head->epoch, why);

	if (code != 0)
		return code;
	const struct checkpoint checkpoint = {
	    .origin = span_text(log_key_public(signer->key)->name),
	    .size = head->size,
	    .root = head->root};
	buf_init(&text, NOTE_BYTES_MAX);
	checkpoint_build(&checkpoint, &text);
	code = buf_ok(&text)
		   ? log_key_sign(signer->key, buf_span(&text), note, why)
		   : why_set(why, WHY_NOMEM, "no memory for a checkpoint");
	buf_clear(&text);
	return code;
}

int
log_signer_public(struct log_signer *signer, uint32_t epoch, struct buf *line,
    struct why *why)
{
	int code = key_turn(signer, epoch, why);

	if (code != 0)
		return code;
	log_public_key_build(log_key_public(signer->key), line);
	return buf_ok(line) ? 0 : why_set(why, WHY_NOMEM, "no memory");
}
