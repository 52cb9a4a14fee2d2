#include "tools/coverage.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tools/file.h"
#include "tools/say.h"

int
coverage_read(struct unit_list *units, const char *const *paths, size_t count,
    struct why *why)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < count; i++) {
		struct why inner = {0};
		struct buf text;

		buf_init(&text, UNIT_DOCUMENT_BYTES);
		code = file_read(paths[i], &text, &inner);
		if (code == 0)
			code = unit_list_add(units, buf_span(&text), &inner);
		if (code != 0)
			why_set(why, code, "%s: %s", paths[i], inner.text);
		buf_clear(&text);
	}
	return code == 0 ? unit_list_close(units, why) : code;
}

/* The states of all mailboxes, by organisation; page after page. */
static int
states_get(struct client *client, json_t *states, struct client_answer *answer,
    struct why *why)
{
	char after[32] = "";
	bool more = true;

	while (more) {
		const json_t *mailbox;
		size_t i;
		int code = client_get(
		    client, answer, why, "/v1/mailboxes?after=%s", after);

		if (code != 0)
			return code;
		json_array_foreach(
		    json_object_get(answer->json, "mailboxes"), i, mailbox)
		{
			const char *recipient = json_string_value(
			    json_object_get(mailbox, "recipient"));
			if (recipient == NULL)
				return why_set(why, WHY_MALFORMED,
				    "the relay's list has no recipient");
			snprintf(after, sizeof(after), "%s", recipient);
			json_object_set(states, recipient,
			    json_object_get(mailbox, "state"));
		}
		more = i > 0 &&
		       json_is_true(json_object_get(answer->json, "more"));
		client_answer_clear(answer);
	}
	return 0;
}

static json_t *
unit_tell(const struct unit *unit, const json_t *states, bool *is_open)
{
	const char *state =
	    json_string_value(json_object_get(states, unit->number));
	char form[UNIT_FORM_SIZE];
	char name[UNIT_NAME_SIZE];

	if (state == NULL)
		state = "none";
	*is_open = strcmp(state, "open") == 0;
	say_result("%s %-7s %-4s %s", unit->number, state,
	    say_clean(form, sizeof(form), unit->form),
	    say_clean(name, sizeof(name), unit->name));
	return json_pack("{s:s,s:s*,s:s,s:s}", "organisation", unit->number,
	    "parent", unit->parent[0] == '\0' ? NULL : unit->parent, "form",
	    unit->form, "state", state);
}

static json_t *
units_tell(const struct unit_list *units, const json_t *states, size_t *lacking)
{
	json_t *told = json_array();
	size_t gone = 0;

	*lacking = 0;
	for (size_t i = 0; i < units->count; i++) {
		bool is_open;

		if (units->at[i].is_gone) {
			gone++;
			continue;
		}
		json_array_append_new(
		    told, unit_tell(&units->at[i], states, &is_open));
		*lacking += !is_open;
	}
	say("%zu organisations, %zu without an open mailbox; %zu struck off",
	    units->count - gone, *lacking, gone);
	return json_pack("{s:o,s:I,s:I}", "units", told, "lacking",
	    (json_int_t)*lacking, "gone", (json_int_t)gone);
}

int
coverage_tell(struct client *client, const struct unit_list *units,
    json_t **result, size_t *lacking, struct client_answer *answer,
    struct why *why)
{
	json_t *states = json_object();
	int code = states_get(client, states, answer, why);

	if (code == 0)
		*result = units_tell(units, states, lacking);
	json_decref(states);
	return code;
}
