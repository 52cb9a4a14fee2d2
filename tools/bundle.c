#include "tools/bundle.h"

#include "formats/checkpoint.h"
#include "formats/log_proof.h"
#include "formats/receipt_bundle.h"
#include "keys/log_hash.h"

static int
refuse(struct why *why, const char *what)
{
	return why_set(why, WHY_CRYPTO, "%s", what);
}

static int
inclusion_verify(const struct receipt_bundle *bundle,
    const struct log_trust *logs, struct bundle_place *place, struct why *why)
{
	struct checkpoint checkpoint;
	struct merkle_hash leaf;
	struct log_proof proof;
	int code = log_proof_parse(bundle->proof, &proof, why);

	if (code == 0)
		code = log_trust_checkpoint(
		    logs, proof.checkpoint_note, &checkpoint, why);
	if (code != 0)
		return code;
	if (proof.extra_size != LOG_SALT_SIZE)
		return refuse(why, "log proof: no salt of 32 octets");
	if (!log_leaf(proof.extra, bundle->receipt, &leaf))
		return why_set(why, WHY_NOMEM, "no memory for a digest");
	if (!merkle_inclusion_verify(log_sha256, proof.index, checkpoint.size,
		&leaf, &proof.inclusion, &checkpoint.root))
		return refuse(
		    why, "the receipt is not in the log where the proof says");
	*place = (struct bundle_place){proof.index, checkpoint.size};
	return 0;
}

int
bundle_verify(struct span text, const struct bundle_trust *trust,
    struct receipt *receipt, struct bundle_place *place, struct why *why)
{
	struct receipt_bundle bundle;

	*receipt = (struct receipt){0};
	int code = receipt_bundle_parse(text, &bundle, why);
	if (code != 0)
		return code;
	code = inclusion_verify(&bundle, trust->logs, place, why);
	if (code == 0)
		code = receipt_verify(
		    bundle.receipt, trust->anchors, receipt, why);
	if (code != 0)
		receipt_clear(receipt);
	receipt_bundle_clear(&bundle);
	return code;
}
