#include "tools/growth.h"

#include "formats/log_growth.h"
#include "keys/log_hash.h"

static int
proof_verify(const struct log_growth *file, const struct checkpoint *old,
    const struct checkpoint *new, struct why *why)
{
	if (!span_equal(old->origin, new->origin))
		return why_set(why, WHY_CRYPTO, "two checkpoints of two logs");
	if (old->size == 0 && file->proof.count == 0)
		return 0; /* every log begins with the empty one */
	if (merkle_consistency_verify(log_sha256, old->size, &old->root,
		new->size, &new->root, &file->proof))
		return 0;
	return why_set(why, WHY_CRYPTO,
	    "the log was rewritten: what it had at %llu is not the beginning "
	    "of what it has at %llu",
	    (unsigned long long)old->size, (unsigned long long)new->size);
}

int
growth_verify(struct span text, const struct log_trust *trust,
    struct growth *growth, struct why *why)
{
	struct log_growth file;
	struct checkpoint old;
	struct checkpoint new;
	int code = log_growth_parse(text, &file, why);

	if (code != 0)
		return code;
	code = log_trust_checkpoint(trust, file.old_note, &old, why);
	if (code == 0)
		code = log_trust_checkpoint(trust, file.new_note, &new, why);
	if (code == 0)
		code = proof_verify(&file, &old, &new, why);
	if (code == 0)
		*growth = (struct growth){old.size, new.size};
	log_growth_clear(&file);
	return code;
}
