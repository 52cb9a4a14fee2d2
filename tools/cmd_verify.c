/*
 * verify - is a receipt genuine? Without the relay, and without believing it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/arguments.h"
#include "tools/client_file.h"
#include "tools/file.h"
#include "tools/receipt.h"
#include "tools/say.h"

struct verifying {
	struct arguments arguments;
	const char *ca;
	char *found; /* path of the authority's certificates */
	struct anchors *anchors;
	json_t *told;
	unsigned bad;
	unsigned good;
};

/* ca.crt in the file's folder or one of the three above: receipts of send lie
 * in DIR/clients/receipts. NULL when there is none. */
static char *
ca_near(const char *file)
{
	static const char *const ups[] = {"", "../", "../../", "../../../"};
	char *folder = file_folder(file);
	char *path = NULL;

	for (size_t i = 0; folder != NULL && i < 4; i++) {
		if (asprintf(&path, "%s/%sca.crt", folder, ups[i]) < 0) {
			path = NULL;
			break;
		}
		if (access(path, R_OK) == 0)
			break;
		free(path);
		path = NULL;
	}
	free(folder);
	return path;
}

/* --ca, the client file's authority, or one beside the receipts. -1: go on. */
static int
anchors_find(struct verifying *verifying, struct why *why)
{
	struct client_file file = {0};
	int code;

	if (verifying->ca != NULL) {
		verifying->found = strdup(verifying->ca);
	} else if (verifying->arguments.conf != NULL) {
		code = client_file_read(verifying->arguments.conf, &file, why);
		if (code == 0 && (file.evidence_ca != NULL || file.ca != NULL))
			verifying->found =
			    strdup(file.evidence_ca != NULL ? file.evidence_ca
							    : file.ca);
		client_file_clear(&file);
		if (code != 0) {
			say_failure(why);
			return LEAVE_USAGE;
		}
	} else {
		verifying->found = ca_near(verifying->arguments.operands[0]);
	}
	if (verifying->found == NULL)
		return say_usage(&verb_verify,
		    "whom to believe? Say --ca FILE or -c CLIENT.conf (no "
		    "ca.crt near %s)",
		    verifying->arguments.operands[0]);
	if (receipt_anchors(verifying->found, &verifying->anchors, why) != 0) {
		say_failure(why);
		return LEAVE_USAGE;
	}
	return -1;
}

static void
one(struct verifying *verifying, const char *path, struct span compact)
{
	struct receipt receipt;
	struct why why;
	int code = receipt_verify(compact, verifying->anchors, &receipt, &why);
	json_t *object;

	if (code == 0) {
		verifying->good++;
		say_result("good  %s: %s %s%s%s at %s", path, receipt.level,
		    receipt.message, receipt.recipient[0] == '\0' ? "" : " by ",
		    receipt.recipient, receipt.time);
	} else {
		verifying->bad++;
		say_result("BAD   %s: %s", path, why.text);
	}
	object = json_pack("{s:s,s:b}", "file", path, "valid", code == 0);
	if (code == 0)
		json_object_set(object, "evidence", receipt.payload);
	else
		json_object_set_new(object, "detail", json_string(why.text));
	json_array_append_new(verifying->told, object);
	receipt_clear(&receipt);
}

static int
file_verify(struct verifying *verifying, const char *path, struct why *why)
{
	json_t *list = NULL;
	struct buf text;
	json_t *item;
	size_t i;
	int code;

	buf_init(&text, RECEIPT_FILE_BYTES);
	code = file_read(path, &text, why);
	if (code == 0) {
		code = receipt_list(buf_span(&text), &list, why);
		if (code != 0) {
			verifying->bad++;
			say_result("BAD   %s: %s", path, why->text);
			json_array_append_new(verifying->told,
			    json_pack("{s:s,s:b,s:s}", "file", path, "valid", 0,
				"detail", why->text));
			code = 0;
		}
	}
	json_array_foreach(list, i, item)
	    one(verifying, path, span_text(json_string_value(item)));
	json_decref(list);
	buf_clear(&text);
	return code;
}

static int
verify_run(int argc, char **argv)
{
	struct verifying verifying = {.told = json_array()};
	const struct option_row rows[] = {
	    {"--ca", &verifying.ca, NULL}, {NULL, NULL, NULL}};
	struct why why;
	int leave = arguments_read(
	    &verifying.arguments, &verb_verify, argc, argv, rows);
	int code = 0;

	if (leave < 0 && verifying.arguments.count == 0)
		leave = say_usage(&verb_verify, "expected FILE");
	if (leave < 0)
		leave = anchors_find(&verifying, &why);
	if (leave < 0) {
		for (size_t i = 0; code == 0 && i < verifying.arguments.count;
		     i++)
			code = file_verify(
			    &verifying, verifying.arguments.operands[i], &why);
		if (code != 0) {
			say_failure(&why);
			leave = LEAVE_USAGE;
		} else {
			say("believed: %s", verifying.found);
			say_object(json_pack("{s:b,s:O}", "valid",
			    verifying.bad == 0, "receipts", verifying.told));
			leave = verifying.bad == 0 ? LEAVE_DONE : LEAVE_PROOF;
		}
	}
	anchors_free(verifying.anchors);
	json_decref(verifying.told);
	free(verifying.found);
	return leave;
}

const struct verb verb_verify = {"verify", verify_run,
    "[--ca FILE|-c CLIENT.conf] FILE...", "Verify receipts, offline",
    "FILE is a receipt as send, fetch and status write it, or a compact\n"
    "JWS. Checked: the signature, the signer's chain to an authority\n"
    "that you believe, its certificate at the time of the evidence.\n\n"
    "  --ca FILE  PEM file of the authorities; default: the client file's, or\n"
    "             a ca.crt in the first FILE's folder or up to three above "
    "it\n"};
