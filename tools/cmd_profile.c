/*
 * profile - is a message type's folder sound?
 */
#include <string.h>

#include "base/limits.h"
#include "formats/findings.h"
#include "formats/profile.h"
#include "tools/arguments.h"
#include "tools/say.h"

static int
profile_run(int argc, char **argv)
{
	struct arguments arguments;
	struct findings findings;
	struct limits limits;
	struct why why;
	json_t *list;
	int leave = arguments_read(&arguments, &verb_profile, argc, argv, NULL);
	int code;

	if (leave >= 0)
		return leave;
	if (arguments.count != 2 || strcmp(arguments.operands[0], "check") != 0)
		return say_usage(&verb_profile, "expected check DIR");
	limits_init(&limits);
	findings_init(&findings, limits.findings);
	list = json_array();
	code = profile_check(arguments.operands[1], &limits, &findings, &why);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.at[i];

		say_result("%s:%u:%u: %s: %s", finding->part, finding->line,
		    finding->column, finding->pointer, finding->expected);
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:i,s:i,s:s,s:s}", "part",
			finding->part, "pointer", finding->pointer, "line",
			(int)finding->line, "column", (int)finding->column,
			"rule", finding->rule, "expected", finding->expected));
	}
	if (findings.left_off > 0)
		say("and %zu more", findings.left_off);
	if (code == 0)
		say_result("sound");
	if (code == 0 || findings.count > 0) {
		say_object(
		    json_pack("{s:b,s:O}", "sound", code == 0, "errors", list));
		leave = code == 0 ? LEAVE_DONE : LEAVE_REFUSED;
	} else {
		leave = say_failure(&why);
	}
	json_decref(list);
	findings_clear(&findings);
	return leave;
}

const struct verb verb_profile = {"profile", profile_run, "check DIR",
    "Check the folder of a message type",
    "Names every fault as file:line:column: pointer; status 3 when there is "
    "one.\n"};
