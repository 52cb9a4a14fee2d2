/* Any bytes as a schema: compiled or refused, and what was compiled checks
 * values of each type. The first byte chooses the draft of a text without one.
 */
#include "formats/json.h"
#include "formats/schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static void
check_all(const struct schema *schema)
{
	static const char *const values[] = {"null", "true", "-1.5", "3",
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"", "[1,\"a\",{},[]]",
	    "{\"a\":1,\"b\":{\"a\":[1.0]},\"kind\":\"x\"}"};
	struct findings findings;
	struct why why;
	int ret;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		json_t *value = json_loads(values[i], JSON_DECODE_ANY, NULL);

		findings_init(&findings, 20);
		ret = schema_check(schema, value, "p", &findings, &why);
		if (ret != WHY_TOO_LARGE &&
		    (ret == 0) != findings_none(&findings))
			abort();
		findings_clear(&findings);
		json_decref(value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const char *const drafts[] = {
	    "http://json-schema.org/draft-04/schema#",
	    "http://json-schema.org/draft-06/schema#",
	    "http://json-schema.org/draft-07/schema#"};
	struct json_bounds bounds = {1 << 16, 64};
	struct schema *schema = NULL;
	struct limits limits;
	struct why why;
	json_t *text;

	if (size == 0)
		return 0;
	limits_init(&limits);
	limits.schema_steps = 20000;
	limits.pattern_steps = 2000;
	if (json_text_read(span_of(at + 1, size - 1), &bounds, &text, &why) < 0)
		return 0;
	if (json_is_object(text) && json_object_get(text, "$schema") == NULL)
		json_object_set_new(
		    text, "$schema", json_string(drafts[at[0] % 3]));
	if (schema_compile("s", text, NULL, &limits, NULL, &schema, &why) == 0)
		check_all(schema);
	schema_free(schema);
	json_decref(text);
	return 0;
}
