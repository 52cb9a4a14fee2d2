/*
 * Any bytes as any record: read it, and what reads must build the same bytes
 * again. The first byte chooses which record.
 */
#include "spool/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define X(name, version)                                                       \
	static void one_##name(struct span bytes)                              \
	{                                                                      \
		struct name##_record record;                                   \
		struct buf out;                                                \
		if (!record_read_##name(bytes, &record))                       \
			return;                                                \
		buf_init(&out, bytes.size);                                    \
		record_build_##name(&out, &record);                            \
		if (!buf_ok(&out) || !span_equal(buf_span(&out), bytes))       \
			abort();                                               \
		buf_clear(&out);                                               \
	}
RECORDS(X)
#undef X

static void (*const ones[])(struct span bytes) = {
#define X(name, version) one_##name,
    RECORDS(X)
#undef X
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct due due;
	char org[SPOOL_ORG_SIZE];
	if (size < 1)
		return 0;
	struct span bytes = span_of(data + 1, size - 1);
	ones[data[0] % (sizeof ones / sizeof ones[0])](bytes);
	if (key_read_due(bytes, &due)) {
		struct key key = key_due(&due);
		/* what stands behind an owner's end is not told, so a key may
		 * differ there; its length may not */
		if (key.size != bytes.size)
			abort();
	}
	(void)key_read_org(bytes, org);
	return 0;
}
