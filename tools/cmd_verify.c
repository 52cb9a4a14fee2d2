/*
 * verify - is a receipt genuine, is it in the log, did the log only grow?
 * Without the relay, and without believing it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "formats/json.h"
#include "tools/arguments.h"
#include "tools/bundle.h"
#include "tools/client_file.h"
#include "tools/file.h"
#include "tools/growth.h"
#include "tools/receipt.h"
#include "tools/say.h"

struct verifying {
	struct arguments arguments;
	const char *ca;
	const char *log_key;
	struct log_trust logs; /* count 0: none are believed */
	char *found;           /* path of the authority's certificates */
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
told_bad(struct verifying *verifying, const char *path, const struct why *why)
{
	verifying->bad++;
	say_result("BAD   %s: %s", path, why->text);
	json_array_append_new(
	    verifying->told, json_pack("{s:s,s:b,s:s}", "file", path, "valid",
				 0, "detail", why->text));
}

/* place: where in a log it is, NULL when that was not asked. */
static void
told_good(struct verifying *verifying, const char *path,
    const struct receipt *receipt, const struct bundle_place *place)
{
	json_t *object = json_pack("{s:s,s:b,s:O}", "file", path, "valid", 1,
	    "evidence", receipt->payload);
	char where[80] = "";

	if (place != NULL) {
		(void)snprintf(where, sizeof(where), ", leaf %llu of %llu",
		    (unsigned long long)place->index,
		    (unsigned long long)place->size);
		json_object_set_new(
		    object, "leaf", json_integer((json_int_t)place->index));
		json_object_set_new(
		    object, "logSize", json_integer((json_int_t)place->size));
	}
	verifying->good++;
	say_result("good  %s: %s %s%s%s at %s%s", path, receipt->level,
	    receipt->message, receipt->recipient[0] == '\0' ? "" : " by ",
	    receipt->recipient, receipt->time, where);
	json_array_append_new(verifying->told, object);
}

static void
one(struct verifying *verifying, const char *path, struct span compact)
{
	struct receipt receipt;
	struct why why;

	if (receipt_verify(compact, verifying->anchors, &receipt, &why) == 0)
		told_good(verifying, path, &receipt, NULL);
	else
		told_bad(verifying, path, &why);
	receipt_clear(&receipt);
}

static bool
needs_log(struct verifying *verifying, const char *path)
{
	struct why why;

	if (verifying->logs.count > 0)
		return false;
	(void)why_set(&why, WHY_DENIED,
	    "whose log? Say --log-key FILE, as the relay publishes it");
	told_bad(verifying, path, &why);
	return true;
}

static void
bundle_one(struct verifying *verifying, const char *path, struct span text)
{
	const struct bundle_trust trust = {
	    verifying->anchors, &verifying->logs};
	struct receipt receipt = {0};
	struct bundle_place place;
	struct why why;

	if (needs_log(verifying, path))
		return;
	if (bundle_verify(text, &trust, &receipt, &place, &why) == 0)
		told_good(verifying, path, &receipt, &place);
	else
		told_bad(verifying, path, &why);
	receipt_clear(&receipt);
}

static void
growth_one(struct verifying *verifying, const char *path, struct span text)
{
	struct growth growth;
	struct why why;

	if (needs_log(verifying, path))
		return;
	if (growth_verify(text, &verifying->logs, &growth, &why) != 0) {
		told_bad(verifying, path, &why);
		return;
	}
	verifying->good++;
	say_result("good  %s: the log grew from %llu to %llu", path,
	    (unsigned long long)growth.from, (unsigned long long)growth.to);
	json_array_append_new(verifying->told,
	    json_pack("{s:s,s:b,s:I,s:I}", "file", path, "valid", 1, "from",
		(json_int_t)growth.from, "to", (json_int_t)growth.to));
}

/* The next line that is not empty; *rest moves on. */
static struct span
line_next(struct span *rest)
{
	struct span line = SPAN_NONE;

	while (line.size == 0 && rest->size > 0) {
		const uint8_t *end = memchr(rest->at, '\n', rest->size);
		size_t size =
		    end == NULL ? rest->size : (size_t)(end - rest->at);

		line = span_of(rest->at, size);
		rest->at += size + (end != NULL);
		rest->size -= size + (end != NULL);
	}
	return line;
}

/* What log(1) writes: bundles and growth, a line each. False: the first line is
 * neither, the file may have receipts. */
static bool
proofs_verify(struct verifying *verifying, const char *path, struct span text)
{
	static const struct json_bounds bounds = {RECEIPT_FILE_BYTES, 8};
	struct span line = line_next(&text);

	for (bool first = true; line.size > 0; first = false) {
		json_t *value = NULL;
		bool is_proof =
		    json_text_read(line, &bounds, &value, NULL) == 0 &&
		    json_object_get(value, "proof") != NULL;

		if (is_proof && json_object_get(value, "old") != NULL)
			growth_one(verifying, path, line);
		else if (is_proof || !first)
			bundle_one(verifying, path, line);
		json_decref(value);
		if (!is_proof && first)
			return false;
		line = line_next(&text);
	}
	return true;
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
	if (code == 0 && !proofs_verify(verifying, path, buf_span(&text)) &&
	    receipt_list(buf_span(&text), &list, why) != 0)
		told_bad(verifying, path, why);
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
	const struct option_row rows[] = {{"--ca", &verifying.ca, NULL},
	    {"--log-key", &verifying.log_key, NULL}, {NULL, NULL, NULL}};
	struct why why;
	int leave = arguments_read(
	    &verifying.arguments, &verb_verify, argc, argv, rows);
	int code = 0;

	if (leave < 0 && verifying.arguments.count == 0)
		leave = say_usage(&verb_verify, "expected FILE");
	if (leave < 0)
		leave = anchors_find(&verifying, &why);
	if (leave < 0 && verifying.log_key != NULL &&
	    log_trust_read(verifying.log_key, &verifying.logs, &why) != 0) {
		say_failure(&why);
		leave = LEAVE_USAGE;
	}
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
    "[--ca FILE|-c CLIENT.conf] [--log-key FILE] FILE...",
    "Verify receipts and their proofs, offline",
    "FILE is a receipt as send, fetch and status write it, or a compact\n"
    "JWS. Checked: the signature, the signer's chain to an authority\n"
    "that you believe, its certificate at the time of the evidence.\n"
    "Or it is what log wrote: of a bundle that the receipt is in the log,\n"
    "of growth that the log was not rewritten in between.\n\n"
    "  --log-key FILE  public keys of the logs that you believe\n"
    "  --ca FILE  PEM file of the authorities; default: the client file's, or\n"
    "             a ca.crt in the first FILE's folder or up to three above "
    "it\n"};
