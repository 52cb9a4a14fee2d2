/* Any bytes as vedlegg.json against two files. */
#include "formats/profile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const struct profile_file files[] = {
	    {"lonn-1a2b3c4d.pdf", "00"}, {"b.pdf", "11"}};
	static struct profile *profile;
	static struct limits limits;
	struct findings findings;
	struct why why;

	if (profile == NULL) {
		limits_init(&limits);
		if (profile_load("formats/profiles/digisos-soknad", &limits,
			&profile, &why) < 0)
			abort();
	}
	findings_init(&findings, 20);
	if ((profile_list_check(profile, span_of(at, size), &limits, files, 2,
		 "vedlegg.json", &findings, &why) == 0) !=
	    findings_none(&findings))
		abort();
	findings_clear(&findings);
	return 0;
}
