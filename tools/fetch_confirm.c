/*
 * fetch_confirm - say what became of a message, and keep the relay's receipt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/json.h"
#include "tools/fetch.h"
#include "tools/file.h"
#include "tools/receipt.h"
#include "tools/say.h"

#define REFERENCE_BYTES 256u

/* The first line that the command prints is the reference. Its folder and id
 * come in the environment, so that no shell reads them. */
static int
reference_ask(const struct fetching *fetching, char *text, struct why *why)
{
	const char *type = "";
	char *folder;
	FILE *pipe;
	size_t size;
	int status;

	json_unpack(fetching->detail, "{s?s}", "type", &type);
	if (asprintf(&folder, "%s/%s", fetching->fetch->out, fetching->id) < 0)
		return why_set(why, WHY_NOMEM, "no memory for a path");
	setenv("BUDSTIKKE_ID", fetching->id, 1);
	setenv("BUDSTIKKE_TYPE", type, 1);
	setenv("BUDSTIKKE_FOLDER", folder, 1);
	free(folder);
	fflush(NULL);
	pipe = popen(fetching->fetch->reference_command, "re");
	if (pipe == NULL)
		return why_errno(why, "start the reference command");
	size = fread(text, 1, REFERENCE_BYTES, pipe);
	while (fgetc(pipe) != EOF)
		continue; /* let it end by itself */
	status = pclose(pipe);
	text[size] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (status == -1)
		return why_errno(why, "wait for the reference command");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return why_set(why, WHY_GONE,
		    "the reference command failed with status %d; not "
		    "confirmed",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	if (text[0] == '\0')
		return why_set(why, WHY_GONE,
		    "the reference command printed nothing; not confirmed");
	return 0;
}

static int
receipt_check(const struct fetching *fetching, json_t *answer, struct why *why)
{
	struct receipt receipt = {0};
	struct buf text;
	json_t *list = NULL;
	int code;

	if (fetching->fetch->anchors == NULL)
		return 0;
	buf_init(&text, CLIENT_ANSWER_BYTES);
	json_text_build(&text, answer);
	code = receipt_list(buf_span(&text), &list, why);
	buf_clear(&text);
	if (code != 0)
		return code;
	code = receipt_verify(
	    span_text(json_string_value(json_array_get(list, 0))),
	    fetching->fetch->anchors, &receipt, why);
	if (code == 0 && (strcmp(receipt.message, fetching->id) != 0 ||
			     strcmp(receipt.level, "imported") != 0))
		code = why_set(
		    why, WHY_CRYPTO, "the receipt speaks of something else");
	receipt_clear(&receipt);
	json_decref(list);
	return code;
}

static int
receipt_write(const struct fetching *fetching, json_t *answer, struct why *why)
{
	char name[128];
	struct buf text;
	int code;

	snprintf(name, sizeof(name), "%s/receipt.json", fetching->id);
	buf_init(&text, CLIENT_ANSWER_BYTES);
	json_text_build(&text, answer);
	buf_add_byte(&text, '\n');
	code = buf_ok(&text) ? file_write_at(fetching->fetch->out_fd, name,
				   buf_span(&text), 0600, why)
			     : why_set(why, WHY_NOMEM, "no memory");
	buf_clear(&text);
	return code;
}

int
fetch_confirm(struct fetching *fetching, struct why *why)
{
	struct fetch *fetch = fetching->fetch;
	struct client_answer *answer = &fetching->result->answer;
	char reference[REFERENCE_BYTES + 1] = "";
	json_t *body;
	int code = 0;

	if (fetch->reference_command != NULL)
		code = reference_ask(fetching, reference, why);
	else if (fetch->reference != NULL)
		snprintf(reference, sizeof(reference), "%s", fetch->reference);
	if (code != 0)
		return code;
	body = json_pack(
	    "{s:s,s:s}", "status", "imported", "proof", fetching->proof);
	if (reference[0] != '\0' &&
	    json_object_set_new(body, "reference", json_string(reference)) != 0)
		code = why_set(why, WHY_INVALID, "the reference is not UTF-8");
	if (code == 0)
		code = client_send(fetch->client, "POST", body, answer, why,
		    "/v1/mailbox/%s/messages/%s/receipt", fetch->recipient,
		    fetching->id);
	json_decref(body);
	if (code != 0)
		return code;
	fetching->result->confirmed = true;
	code = receipt_write(fetching, answer->json, why);
	return code == 0 ? receipt_check(fetching, answer->json, why) : code;
}

static const char *
reason_of(int code)
{
	switch (code) {
	case WHY_NOT_FOUND:
		return "no-key";
	case WHY_CRYPTO:
		return "decryption-failed";
	case WHY_UNSUPPORTED:
		return "sealing-unsupported";
	case WHY_TOO_LARGE:
		return "too-large";
	default:
		return "package-invalid";
	}
}

int
fetch_reject(struct fetching *fetching, int code, struct why *why)
{
	struct fetch *fetch = fetching->fetch;
	struct client_answer answer;
	json_t *body;

	if (fetch->reject == FETCH_REJECT_NEVER)
		return 0;
	body = json_pack("{s:s,s:s,s:b}", "status", "rejected", "reason",
	    reason_of(code), "permanent",
	    (int)(fetch->reject == FETCH_REJECT_PERMANENT));
	code = client_send(fetch->client, "POST", body, &answer, why,
	    "/v1/mailbox/%s/messages/%s/receipt", fetch->recipient,
	    fetching->id);
	json_decref(body);
	client_answer_clear(&answer);
	if (code == 0)
		fetching->result->rejected = true;
	return code;
}
