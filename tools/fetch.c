/*
 * fetch - see fetch.h: the order of the steps, and what a failure of each
 * leaves behind.
 */
#include "tools/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "formats/json.h"
#include "tools/file.h"
#include "tools/folder.h"
#include "tools/say.h"

static const struct json_bounds envelope_bounds = {CLIENT_ANSWER_BYTES, 64};

/* The message is the sealed bytes' fault, not ours or the network's. */
static bool
is_fault_of_message(int code)
{
	return code == WHY_MALFORMED || code == WHY_CRYPTO ||
	       code == WHY_UNSUPPORTED || code == WHY_NOT_FOUND ||
	       code == WHY_INVALID || code == WHY_TOO_LARGE ||
	       code == WHY_EXISTS;
}

static int
detail_get(struct fetching *fetching, struct why *why)
{
	struct client_answer *answer = &fetching->result->answer;
	json_int_t size = -1;
	int code = client_get(fetching->fetch->client, answer, why,
	    "/v1/mailbox/%s/messages/%s", fetching->fetch->recipient,
	    fetching->id);

	if (code != 0)
		return code;
	if (json_unpack(answer->json, "{s:I}", "size", &size) != 0 || size <= 0)
		return why_set(why, WHY_MALFORMED,
		    "the relay does not say how big the message is");
	fetching->size = (uint64_t)size;
	fetching->detail = json_incref(answer->json);
	client_answer_clear(answer);
	return 0;
}

static int
part_folder_open(struct fetching *fetching, struct why *why)
{
	int part_fd = fetching->fetch->part_fd;

	if (mkdirat(part_fd, fetching->id, 0700) != 0 && errno != EEXIST)
		return why_errno(why, "make .part/%s", fetching->id);
	fetching->dir_fd = openat(part_fd, fetching->id,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fetching->dir_fd < 0
		   ? why_errno(why, "open .part/%s", fetching->id)
		   : 0;
}

/* Open and unpack; a download that was gone on with is tried once more from its
 * beginning, since a break may have left bytes that are not what was sent. */
static int
make_whole(struct fetching *fetching, struct why *why)
{
	int code = fetch_download(fetching, why);

	if (code != 0)
		return code;
	code = fetch_open(fetching, why);
	if (code == 0)
		code = fetch_unpack(fetching, why);
	if (code == 0 || !is_fault_of_message(code))
		return code;
	if (fetching->resumed) {
		fetching->resumed = false;
		if (unlinkat(fetching->dir_fd, "sealed.cms", 0) != 0)
			return why_errno(why, "remove sealed.cms");
		client_answer_clear(&fetching->result->answer);
		code = fetch_download(fetching, why);
		if (code != 0)
			return code;
		code = fetch_open(fetching, why);
		if (code == 0)
			code = fetch_unpack(fetching, why);
	}
	if (is_fault_of_message(code)) {
		struct why not_told;

		if (fetch_reject(fetching, code, &not_told) != 0)
			say("budstikke: %s: the relay could not be told: %s",
			    fetching->id, not_told.text);
	}
	return code;
}

static int
publish(struct fetching *fetching, struct why *why)
{
	struct fetch *fetch = fetching->fetch;
	struct why not_cleared;

	if (renameat2(fetching->dir_fd, "out", fetch->out_fd, fetching->id,
		RENAME_NOREPLACE) != 0)
		return why_errno(
		    why, "rename to %s/%s", fetch->out, fetching->id);
	fetching->result->stored = true;
	if (fsync(fetch->out_fd) != 0 || fsync(fetching->dir_fd) != 0)
		return why_errno(why, "sync %s", fetch->out);
	/* what is left over harms nobody: it goes next time, too */
	if (folder_remove(fetch->part_fd, fetching->id, &not_cleared) != 0)
		say("budstikke: .part/%s: %s", fetching->id, not_cleared.text);
	return 0;
}

/* DIR/ID is there from an earlier run that did not get to confirm, or that the
 * relay has forgotten (a restore): its proof is in envelope.json. */
static int
proof_read(struct fetching *fetching, struct why *why)
{
	const char *proof = NULL;
	char name[128];
	struct buf text;
	char *path;
	int code;

	snprintf(name, sizeof(name), "%s/envelope.json", fetching->id);
	path = file_path(fetching->fetch->out, name);
	buf_init(&text, CLIENT_ANSWER_BYTES);
	if (path == NULL)
		code = why_set(why, WHY_NOMEM, "no memory for a path");
	else
		code = file_read(path, &text, why);
	if (code == 0)
		code = json_object_read(
		    buf_span(&text), &envelope_bounds, &fetching->detail, why);
	if (code == 0 &&
	    (json_unpack(fetching->detail, "{s:s}", "proof", &proof) != 0 ||
		strlen(proof) != 64))
		code = why_set(why, WHY_STATE,
		    "%s is there, but is not ours: its envelope.json has no "
		    "proof",
		    fetching->id);
	if (code == 0)
		snprintf(fetching->proof, sizeof(fetching->proof), "%s", proof);
	buf_clear(&text);
	if (path != NULL)
		free(path);
	return code;
}

static int
store(struct fetching *fetching, struct why *why)
{
	int code = detail_get(fetching, why);

	if (code == 0)
		code = part_folder_open(fetching, why);
	if (code == 0)
		code = make_whole(fetching, why);
	if (code == 0)
		code = publish(fetching, why);
	return code;
}

int
fetch_message(struct fetch *fetch, const char *id, struct fetch_result *result,
    struct why *why)
{
	struct fetching fetching = {
	    .fetch = fetch, .id = id, .dir_fd = -1, .result = result};
	struct stat about;
	struct id parsed;
	struct why not_cleared; /* what is left over harms nobody */
	int code;

	*result = (struct fetch_result){0};
	/* the id becomes a folder's name: nothing but an id may */
	if (!id_parse(id, &parsed))
		return why_set(why, WHY_MALFORMED,
		    "the relay lists something that is no message id");
	if (fstatat(fetch->out_fd, id, &about, AT_SYMLINK_NOFOLLOW) == 0) {
		code = proof_read(&fetching, why);
		/* the earlier run may have ended before its rename was safe */
		if (code == 0 && fsync(fetch->out_fd) != 0)
			code = why_errno(why, "sync %s", fetch->out);
		result->stored = code == 0;
	} else {
		code = store(&fetching, why);
	}
	if (code == 0) {
		client_answer_clear(&result->answer);
		code = fetch_confirm(&fetching, why);
	} else if (strcmp(result->answer.problem, "recalled") == 0) {
		result->recalled = true;
		(void)folder_remove(fetch->part_fd, id, &not_cleared);
	}
	if (fetching.dir_fd >= 0)
		close(fetching.dir_fd);
	json_decref(fetching.detail);
	return code;
}
