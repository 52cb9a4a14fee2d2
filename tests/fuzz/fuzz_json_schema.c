/* Any bytes as payload of digisos-soknad: read and checked, never crashed on.
 */
#include "formats/json.h"
#include "formats/profile.h"
#include "formats/schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static struct profile *profile;
	static struct limits limits;
	struct json_bounds bounds = {1 << 20, 64};
	struct findings findings;
	struct why why;
	json_t *value;

	if (profile == NULL) {
		limits_init(&limits);
		if (profile_load("formats/profiles/digisos-soknad", &limits,
			&profile, &why) < 0)
			abort();
	}
	if (json_text_read(span_of(at, size), &bounds, &value, &why) < 0)
		return 0;
	findings_init(&findings, 20);
	if ((schema_check(profile->schema, value, "payload", &findings, &why) ==
		0) != findings_none(&findings))
		abort();
	findings_clear(&findings);
	json_decref(value);
	return 0;
}
