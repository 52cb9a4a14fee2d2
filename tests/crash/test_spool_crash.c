/*
 * A child works on a spool at random and is killed at every crash point of the
 * engine, three times at each, after different numbers of passes. It notes in
 * a pipe what was acknowledged, after the commit. The parent opens the store
 * anew: every invariant holds, nothing acknowledged is lost, nothing is half
 * there, and what was sent again gives the first receipt.
 *
 * BUDSTIKKE_KILLS=N asks for N kills at each point.
 */
#include "tests/support/spool_house.h"

#include "base/crash.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef TEST_HOOKS

#define MESSAGES 600
#define STEPS 400

/* What the child says once it is durable. */
struct note {
	uint32_t message; /* its number */
	uint32_t state;   /* 0: a final state of the delivery not said */
	uint64_t sequence;
	int64_t now_ms;
};

static unsigned long seed;

static unsigned
dice(unsigned sides)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(seed >> 33) % sides;
}

/* Message number n is the same in every process. */
static struct house_message
message_of(uint32_t n)
{
	struct house_message message = {
	    .size = 100 + n % 7 * 30000,
	    .expires_in_ms = (1 + n % 9) * HOUSE_DAY,
	    .grace_ms = HOUSE_DAY,
	    .deadline_count = 2,
	    .deadlines = {{HOUSE_DAY / 2, SPOOL_DEADLINE_FETCH, SPOOL_WARNING},
		{HOUSE_DAY, SPOOL_DEADLINE_CONFIRM, SPOOL_CRITICAL}},
	    .sender = HOUSE_SENDER,
	    .type = "document",
	};
	memcpy(message.id.at, &n, sizeof n);
	memcpy(message.id.at + 12, &n, sizeof n);
	memcpy(message.key, &n, sizeof n);
	memcpy(message.fingerprint, &n, sizeof n);
	return message;
}

/* ---- the child ---- */

struct child {
	struct house house;
	int out;
	uint32_t next;
	struct note notes[32];
	size_t count;
};

static void
child_note(
    struct child *child, uint32_t n, enum spool_state state, uint64_t sequence)
{
	child->notes[child->count++] =
	    (struct note){n, state, sequence, child->house.now_ms};
}

static void
child_stage(struct child *child, const struct house_message *message)
{
	static uint8_t bytes[40000];
	uint64_t staged;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = house_byte(&message->id, i);
	(void)spool_stage(child->house.group, &message->id, 7, HOUSE_OSLO, 0,
	    span_of(bytes, sizeof bytes), &staged, NULL);
	if (dice(3) == 0)
		(void)spool_stage_drop(
		    child->house.group, &message->id, 7, HOUSE_OSLO, NULL);
}

static void
child_receipt(struct child *child, uint32_t n, const struct id *id)
{
	char proof[SPOOL_PROOF_SIZE];
	struct spool_verdict_done done;
	struct spool_receipt receipt = {
	    .message = *id,
	    .recipient = HOUSE_OSLO,
	    .verdict = (enum spool_verdict)(1 + dice(3)),
	    .permanent = dice(2) == 0,
	    .reason = dice(2) == 0 ? "a" : "b",
	};
	house_proof(id, proof, receipt.proof_hash);
	receipt.proof = proof;
	if (dice(4) == 0)
		receipt.proof_hash[31] ^= 1;
	if (spool_receipt(child->house.group, &receipt, &done, NULL) == 0)
		child_note(child, n,
		    spool_state_final(done.state) ? done.state : 0,
		    done.evidence.sequence);
}

static void
child_alarm(struct child *child)
{
	struct spool_group *group = child->house.group;
	struct spool_notice notices[4];
	size_t count = 0;
	struct id member = {{(uint8_t)dice(2)}};
	struct id other = {{(uint8_t)dice(2)}};
	(void)spool_alarm_raise(group, "", SPOOL_CAUSE_FAULT,
	    (enum spool_severity)(1 + dice(3)), &member, 1, NULL);
	(void)spool_alarm_clear(group, "", SPOOL_CAUSE_FAULT, &other, NULL);
	(void)spool_outbox_claim(group, 1000, notices, 4, &count, NULL);
	for (size_t i = 0; i < count; i++) {
		if (dice(2) == 0)
			(void)spool_outbox_done(group, &notices[i], NULL);
		else
			(void)spool_outbox_retry(
			    group, &notices[i], child->house.now_ms + 5, NULL);
	}
}

static void
child_certificate(struct child *child)
{
	struct house *house = &child->house;
	struct spool_certificate_add add = {
	    .recipient = HOUSE_BERGEN,
	    .fingerprint = {(uint8_t)dice(20), 1},
	    .der = span_text("DER"),
	    .suite = "suite",
	    .policy = SPOOL_CHAINED,
	    .valid_from_ms = house->now_ms,
	    /* some live until a day before their end */
	    .valid_to_ms = house->now_ms + HOUSE_DAY / 4 + dice(3) * HOUSE_DAY,
	};
	(void)spool_certificate_add(house->group, &add, NULL, NULL);
	(void)spool_certificate_prove(house->group, HOUSE_BERGEN,
	    add.fingerprint, add.challenge_hash, NULL);
	if (dice(3) == 0)
		(void)spool_certificate_suspend(
		    house->group, HOUSE_BERGEN, add.fingerprint, NULL);
}

static void
child_mailbox(struct child *child)
{
	const char *types[] = {"document"};
	struct spool_mailbox_put put = {
	    .recipient = HOUSE_BERGEN,
	    .state = SPOOL_MAILBOX_OPEN,
	    .without_probe = true,
	    .form = SPOOL_FORM_ZIP,
	    .types = types,
	    .type_count = 1,
	};
	(void)spool_mailbox_put(child->house.group, &put, NULL);
}

static void
child_delivery(struct child *child)
{
	struct spool_group *group = child->house.group;
	bool fetched;
	enum spool_state state;
	if (child->next == 0)
		return;
	uint32_t n = dice(child->next);
	struct house_message message = message_of(n);
	switch (dice(5)) {
	case 0:
		if (spool_hand_out(group, &message.id, HOUSE_OSLO, NULL) == 0)
			(void)spool_fetched(group, &message.id, HOUSE_OSLO, 0,
			    message.size, &fetched, NULL);
		break;
	case 1:
		if (spool_recall(
			group, &message.id, HOUSE_OSLO, &state, NULL) == 0)
			child_note(child, n, SPOOL_RECALLED, 0);
		break;
	case 2:
		(void)spool_extend(group, &message.id, HOUSE_OSLO,
		    child->house.now_ms + 12 * HOUSE_DAY, NULL);
		break;
	default:
		child_receipt(child, n, &message.id);
		break;
	}
}

static void
child_step(struct child *child)
{
	struct spool_accepted out;
	struct house_message message = message_of(child->next);
	switch (dice(8)) {
	case 0:
	case 1:
	case 2:
		if (child->next < MESSAGES &&
		    house_accept_in(&child->house, &message, HOUSE_OSLO,
			child->next % 3 == 0 ? HOUSE_BERGEN : NULL,
			&out) == 0) {
			child_note(
			    child, child->next, 0, out.evidence.sequence);
			child->next++;
		}
		break;
	case 3:
		child_stage(child, &message);
		break;
	case 4:
		child_alarm(child);
		break;
	case 5:
		child_mailbox(child);
		child_certificate(child);
		(void)spool_polled(child->house.group, HOUSE_OSLO, NULL);
		break;
	default:
		child_delivery(child);
		break;
	}
}

static void
child_work(struct child *child)
{
	size_t fired;
	for (size_t i = 0; i < STEPS; i++) {
		unsigned size = 1 + dice(6);
		child->count = 0;
		house_begin(&child->house);
		(void)spool_due(child->house.group, 50, &fired, NULL);
		for (; size > 0; size--)
			child_step(child);
		if (house_commit(&child->house) != 0)
			_exit(3);
		size_t bytes = child->count * sizeof child->notes[0];
		if (bytes > 0 &&
		    write(child->out, child->notes, bytes) != (ssize_t)bytes)
			_exit(4);
		child->house.now_ms += dice(HOUSE_DAY / 4);
		if (i % 60 == 59) /* long enough for purges and forgetting */
			child->house.now_ms += 4 * HOUSE_DAY;
	}
}

/* ---- the parent ---- */

struct acknowledged {
	uint64_t first[MESSAGES]; /* sequence of the receipt; 0: not accepted */
	uint32_t final[MESSAGES];
	uint32_t count;
	int64_t now_ms;
};

static void
read_notes(int fd, struct acknowledged *known)
{
	struct note note;
	while (read(fd, &note, sizeof note) == sizeof note) {
		known->now_ms = note.now_ms;
		if (note.message >= MESSAGES)
			fail_msg("a note that is none");
		if (known->first[note.message] == 0 && note.state == 0) {
			known->first[note.message] = note.sequence;
			known->count++;
		}
		if (note.state != 0)
			known->final[note.message] = note.state;
	}
}

static void
check_known(struct house *house, const struct acknowledged *known, uint32_t n,
    bool may_forget)
{
	struct house_message message = message_of(n);
	struct spool_known found;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	int ret = spool_view_known(
	    house->view, HOUSE_SENDER, message.key, &found, &house->why);
	struct spool_evidence evidence;
	bool in_log = spool_view_evidence(house->view,
			  (struct spool_position){1, known->first[n]},
			  &evidence, NULL) == 0 &&
		      id_equal(&evidence.message, &message.id);
	spool_view_end(house->view);
	if (!in_log || (ret != 0 && !may_forget))
		fail_msg("message %u was acknowledged and is lost", n);
	if (ret != 0)
		return;
	assert_int_equal(found.evidence.sequence, known->first[n]);
	if (known->final[n] != 0)
		assert_int_equal(house_state(house, &message.id, HOUSE_OSLO),
		    known->final[n]);
	struct spool_accepted out;
	house_begin(house);
	assert_int_equal(
	    house_accept_in(house, &message, HOUSE_OSLO, NULL, &out), 0);
	assert_true(out.repeated);
	assert_int_equal(out.evidence.sequence, known->first[n]);
	assert_int_equal(house_commit(house), 0);
}

/* All the while another process looks on: what it sees is whole at any moment,
 * and its place in the readers' table survives the writer's death. */
static pid_t
start_reader(const char *dir, int control[2])
{
	assert_int_equal(pipe(control), 0);
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid != 0) {
		close(control[0]);
		return pid;
	}
	struct spool_view *view;
	struct pollfd end = {.fd = control[0], .events = POLLIN};
	close(control[1]);
	if (spool_view_open(dir, &view, NULL) != 0)
		_exit(1);
	do {
		static struct spool_mailbox mailbox;
		uint64_t sum = 0;
		if (spool_view_begin(view, NULL) != 0 ||
		    spool_view_mailbox(view, HOUSE_OSLO, &mailbox, NULL) != 0)
			_exit(2);
		spool_view_end(view);
		for (size_t i = 1; i < SPOOL_STATES; i++)
			sum += mailbox.counts.now[i];
		if (sum != mailbox.counts.accepted)
			_exit(3);
	} while (poll(&end, 1, 2) == 0);
	spool_view_close(view);
	_exit(0);
}

static bool
kill_once(const char *point, unsigned long pass, unsigned long start)
{
	static struct child child;
	static struct acknowledged known;
	int notes[2];
	memset(&child, 0, sizeof child);
	memset(&known, 0, sizeof known);
	house_open(&child.house, 128 * MIB);
	house_close_spool(&child.house);
	int control[2];
	pid_t reader = start_reader(child.house.dir, control);
	assert_int_equal(pipe(notes), 0);
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		char at[100];
		(void)snprintf(at, sizeof at, "%s:%lu", point, pass);
		(void)setenv("BUDSTIKKE_CRASH_AT", at, 1);
		close(notes[0]);
		child.out = notes[1];
		seed = start;
		child.house.options.recheck_ms = 1000;
		child.house.options.hand_out_ms = 2 * HOUSE_DAY;
		child.house.options.purge_chunks = 1;
		if (strcmp(point, "spool.forgotten") == 0)
			child.house.options.limits.idempotency_days = 2;
		house_reopen(&child.house);
		crash_restart();
		child_work(&child);
		_exit(0);
	}
	close(notes[1]);
	known.now_ms = child.house.now_ms;
	read_notes(notes[0], &known);
	close(notes[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (!killed && status != 0)
		fail_msg("%s: the child ended with %d", point, status);
	child.house.now_ms = known.now_ms;
	house_reopen(&child.house);
	house_clean(&child.house);
	for (uint32_t n = 0; n < MESSAGES; n++)
		if (known.first[n] != 0)
			check_known(&child.house, &known, n,
			    strcmp(point, "spool.forgotten") == 0);
	house_clean(&child.house);
	close(control[1]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	if (status != 0)
		fail_msg("%s: the reader ended with %d", point, status);
	house_close(&child.house);
	return killed;
}

/* Other walks are tried until one comes by the point often enough. */
static unsigned long
kill_at(const char *point, unsigned long pass, unsigned long start)
{
	for (unsigned long i = 0; i < 10; i++)
		if (kill_once(point, pass, start + i))
			return 1;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
nothing_acknowledged_is_lost_wherever_it_is_killed(void **state)
{
	(void)state;
	size_t count;
	const char *const *list = crash_list(&count);
	const char *names[200];
	const char *asked = getenv("BUDSTIKKE_KILLS");
	unsigned long kills = asked == NULL ? 3 : strtoul(asked, NULL, 10);
	unsigned long all = 0;
	size_t distinct = 0;
	assert_true(count > 0 && count < 200);
	memcpy(names, list, count * sizeof *names);
	qsort(names, count, sizeof *names, by_name);
	for (size_t i = 0; i < count; i++) {
		if (strncmp(names[i], "spool.", 6) != 0 ||
		    (i > 0 && strcmp(names[i], names[i - 1]) == 0))
			continue;
		distinct++;
		unsigned long done = 0;
		for (unsigned long k = 0; k < kills; k++)
			done += kill_at(names[i], 1 + k * k, 17 + 10 * k);
		print_message("%-32s killed %lu times\n", names[i], done);
		if (done < kills)
			fail_msg("%s was reached %lu times of %lu", names[i],
			    done, kills);
		all += done;
	}
	print_message("%zu points, %lu kills\n", distinct, all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		nothing_acknowledged_is_lost_wherever_it_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	printf("1..0 # SKIP built without TEST_HOOKS\n");
	return 0;
}

#endif
