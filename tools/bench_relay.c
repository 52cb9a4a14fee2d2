#include "tools/bench_relay.h"
#include "keys/log_hash.h"

#include "base/clock.h"
#include "base/id.h"
#include "keys/make.h"
#include "spool/spool.h"
#include "tools/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONF_BYTES (64u << 10)
#define LOG_BYTES (1u << 20)
#define START_MS 20000
#define STOP_MS 40000

/* What would be measured instead of the relay, were it left as it is: shares
 * of one organisation, and the demo's alarms after seconds. */
static const char *const settings[] = {"requests_per_second=1000000",
    "uploads_per_organisation=1000", "polls_per_organisation=2000",
    "connections_per_address=4096", "not_fetched_seconds=86400",
    "not_confirmed_seconds=86400", "escalate_seconds=86400", NULL};

static const struct bench_mailbox presets[BENCH_MAILBOXES] = {
    {"oslo", "900000014", SEAL_CMS_CBC_OAEP, NULL, NULL},
    {"bergen", "900000022", SEAL_CMS_GCM_OAEP, NULL, NULL},
    {"trondheim", "900000030", SEAL_CMS_GCM_ECDH, NULL, NULL}};

/* ---- the directory ---- */

static int
remove_one(
    const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int
command(const char *const *arguments, struct why *why)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		if (null >= 0)
			(void)dup2(null, STDOUT_FILENO);
		execv(arguments[0], (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return why_errno(why, "run %s", arguments[0]);
	return status == 0 ? 0
			   : why_set(why, WHY_STATE, "%s failed (status %d)",
				 arguments[0], status);
}

static int
key_make(struct bench_mailbox *mailbox, struct why *why)
{
	struct make_request request = {.profile = MAKE_SEAL,
	    .common_name = mailbox->name,
	    .organisation = mailbox->organisation,
	    .not_before_ms = clock_wall_ms() - CLOCK_DAY_MS,
	    .not_after_ms = clock_wall_ms() + 3650 * CLOCK_DAY_MS};
	struct buf pem;
	int code = make_private_key(
	    mailbox->suite == SEAL_CMS_GCM_ECDH ? MAKE_P256 : MAKE_RSA_3072,
	    &mailbox->key, why);

	buf_init(&pem, CONF_BYTES);
	if (code == 0)
		code = make_certificate(
		    &request, mailbox->key, NULL, NULL, &pem, why);
	if (code == 0)
		code = certificate_parse(
		    buf_span(&pem), &mailbox->certificate, why);
	buf_clear(&pem);
	return code;
}

/* The newest proved certificate is the one that is sealed with. */
static int
mailbox_make(
    struct bench_mailbox *mailbox, struct spool_group *group, struct why *why)
{
	static const char *const types[] = {"document", "digisos-soknad"};
	/* the limit is of sealing and one signature, the receipt's */
	const struct spool_mailbox_put put = {
	    .recipient = mailbox->organisation,
	    .state = SPOOL_MAILBOX_OPEN,
	    .without_probe = true,
	    .form = SPOOL_FORM_ZIP,
	    .types = types,
	    .type_count = sizeof(types) / sizeof(types[0])};
	int code = key_make(mailbox, why);

	if (code == 0)
		code = spool_mailbox_put(group, &put, why);
	if (code != 0)
		return code;
	const struct certificate_facts *facts =
	    certificate_facts(mailbox->certificate);
	struct spool_certificate_add add = {.recipient = mailbox->organisation,
	    .der = certificate_der(mailbox->certificate),
	    .suite = seal_suite_name(mailbox->suite),
	    .policy = SPOOL_PINNED,
	    .valid_from_ms = facts->not_before_ms,
	    .valid_to_ms = facts->not_after_ms};

	memcpy(add.fingerprint, facts->fingerprint, SPOOL_HASH_SIZE);
	random_fill(add.challenge_hash, SPOOL_HASH_SIZE);
	code = spool_certificate_add(group, &add, NULL, why);
	return code != 0 ? code
			 : spool_certificate_prove(group, mailbox->organisation,
			       add.fingerprint, add.challenge_hash, why);
}

static int
mailboxes_make(struct bench_relay *relay, struct why *why)
{
	struct spool_options options;
	struct spool *spool = NULL;
	struct spool_group *group = NULL;
	char *folder = file_path(relay->directory, "spool");
	int code = folder == NULL ? why_set(why, WHY_NOMEM, "path") : 0;

	memcpy(relay->mailboxes, presets, sizeof(presets));
	spool_options_init(&options);
	options.sha256 = log_sha256;
	if (code == 0)
		code = spool_open(folder, &options, &spool, why);
	/* after what init wrote: which certificate is newer goes by time */
	if (code == 0)
		code = spool_group_begin(
		    spool, clock_wall_ms() + 1000, &group, why);
	for (size_t i = 0; code == 0 && i < BENCH_MAILBOXES; i++)
		code = mailbox_make(&relay->mailboxes[i], group, why);
	if (code == 0) {
		code = spool_group_commit(group, why);
		group = NULL;
	}
	spool_group_abort(group);
	spool_close(spool);
	free(folder);
	return code;
}

/* One more caller, known by a token: who polls without a certificate. */
static int
token_add(struct bench_relay *relay, struct why *why)
{
	uint8_t digest[32];
	struct buf text;
	struct buf out;
	char *path = file_path(relay->directory, "callers.conf");
	char hex[65] = "";
	const char *end;
	int code = path == NULL ? why_set(why, WHY_NOMEM, "path") : 0;

	buf_init(&text, CONF_BYTES);
	buf_init(&out, CONF_BYTES);
	if (code == 0)
		code = file_read(path, &text, why);
	if (code == 0)
		code = digest_bytes(span_text(BENCH_TOKEN), digest, why);
	for (size_t i = 0; code == 0 && i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	end = buf_text(&text) == NULL ? NULL : strstr(buf_text(&text), ");");
	if (code == 0 && end == NULL)
		code = why_set(why, WHY_MALFORMED, "%s has no end", path);
	if (code == 0) {
		buf_add(&out, text.at, (size_t)(end - (char *)text.at));
		buf_printf(&out,
		    ",\t{ name = \"bench\"; organisation = \"%s\";\n"
		    "\t  roles = [\"recipient\"];\n"
		    "\t  token_sha256 = \"%s\"; }\n);\n",
		    presets[0].organisation, hex);
		code = file_write_at(AT_FDCWD, path, buf_span(&out), 0644, why);
	}
	buf_clear(&text);
	buf_clear(&out);
	free(path);
	return code;
}

/* ---- start ---- */

static int
daemon_start(struct bench_relay *relay, const char *programs, struct why *why)
{
	char program[300];
	char conf[300];
	char log[300];
	const char *arguments[32] = {program, "-c", conf};
	size_t count = 3;

	snprintf(program, sizeof(program), "%s/budstikked", programs);
	snprintf(conf, sizeof(conf), "%s/relay.conf", relay->directory);
	snprintf(log, sizeof(log), "%s/relay.log", relay->directory);
	for (size_t i = 0; settings[i] != NULL; i++) {
		arguments[count++] = "-o";
		arguments[count++] = settings[i];
	}
	relay->pid = fork();
	if (relay->pid < 0)
		return why_errno(why, "fork");
	if (relay->pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);

		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (fd >= 0) {
			(void)dup2(fd, STDERR_FILENO);
			(void)dup2(fd, STDOUT_FILENO);
		}
		execv(program, (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	return 0;
}

static void
nap(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int
ready_await(struct bench_relay *relay, struct why *why)
{
	char path[300];
	int64_t end = clock_mono_ms() + START_MS;

	snprintf(path, sizeof(path), "%s/relay.log", relay->directory);
	while (clock_mono_ms() < end) {
		struct buf text;
		const char *at = NULL;
		unsigned port = 0;

		buf_init(&text, LOG_BYTES);
		if (file_read(path, &text, NULL) == 0 && buf_text(&text))
			at = strstr(buf_text(&text), "ready https://");
		if (at != NULL && strchr(at, '\n') != NULL)
			(void)sscanf(at, "ready https://127.0.0.1:%u", &port);
		buf_clear(&text);
		relay->port = (uint16_t)port;
		if (port != 0)
			return 0;
		if (waitpid(relay->pid, NULL, WNOHANG) == relay->pid) {
			relay->pid = 0;
			break;
		}
		nap(20);
	}
	return why_set(why, WHY_STATE, "the relay did not start, see %s", path);
}

static bool
process_look(const char *number, pid_t *parent, char name[24])
{
	char path[64];
	char text[256] = "";
	FILE *file;
	int found;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", number);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	found = fscanf(file, "%*d (%23[^)]) %*c %d", text, parent);
	fclose(file);
	memcpy(name, text, 24);
	return found == 2;
}

static void
process_add(struct bench_relay *relay, pid_t pid, const char *name)
{
	struct bench_process *process;

	if (relay->count == BENCH_PROCESSES_MAX)
		return;
	process = &relay->processes[relay->count++];
	process->pid = pid;
	snprintf(process->name, sizeof(process->name), "%s",
	    strncmp(name, "bud:", 4) == 0 ? name + 4 : name);
}

static void
processes_find(struct bench_relay *relay)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	relay->count = 0;
	process_add(relay, relay->pid, "parent");
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		pid_t parent;
		char name[24];

		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    process_look(entry->d_name, &parent, name) &&
		    parent == relay->pid)
			process_add(relay, (pid_t)atoi(entry->d_name), name);
	}
	if (proc != NULL)
		closedir(proc);
}

int
bench_relay_start(struct bench_relay *relay, const char *programs,
    const char *directory, struct why *why)
{
	char program[300];
	const char *init[] = {
	    program, "init", relay->directory, "--demo", NULL};
	int code;

	*relay = (struct bench_relay){0};
	snprintf(relay->directory, sizeof(relay->directory), "%s", directory);
	snprintf(program, sizeof(program), "%s/budstikke", programs);
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	code = command(init, why);
	if (code == 0)
		code = mailboxes_make(relay, why);
	if (code == 0)
		code = token_add(relay, why);
	if (code == 0)
		code = daemon_start(relay, programs, why);
	if (code == 0)
		code = ready_await(relay, why);
	if (code == 0)
		processes_find(relay);
	return code;
}

int
bench_relay_stop(struct bench_relay *relay, struct why *why)
{
	int64_t end = clock_mono_ms() + STOP_MS;
	int status = 0;

	kill(relay->pid, SIGTERM);
	while (waitpid(relay->pid, &status, WNOHANG) == 0) {
		if (clock_mono_ms() > end)
			return why_set(
			    why, WHY_STATE, "the relay did not leave");
		nap(10);
	}
	relay->pid = 0;
	bench_relay_kill(relay);
	return status == 0 ? 0
			   : why_set(why, WHY_STATE,
				 "the relay left with status %d", status);
}

void
bench_relay_kill(struct bench_relay *relay)
{
	if (relay->pid > 0) {
		kill(relay->pid, SIGKILL);
		waitpid(relay->pid, NULL, 0);
		relay->pid = 0;
	}
	for (size_t i = 0; i < BENCH_MAILBOXES; i++) {
		certificate_free(relay->mailboxes[i].certificate);
		private_key_free(relay->mailboxes[i].key);
		relay->mailboxes[i].certificate = NULL;
		relay->mailboxes[i].key = NULL;
	}
}

/* ---- what it uses ---- */

double
bench_process_cpu(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) != 0)
		return 0;
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void
bench_relay_cpu(
    const struct bench_relay *relay, double seconds[BENCH_PROCESSES_MAX])
{
	for (size_t i = 0; i < relay->count; i++)
		seconds[i] = bench_process_cpu(relay->processes[i].pid);
}

uint64_t
bench_relay_memory(
    const struct bench_relay *relay, uint64_t kib[BENCH_PROCESSES_MAX])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < relay->count; i++) {
		char path[64];
		char line[128];
		FILE *file;

		kib[i] = 0;
		snprintf(path, sizeof(path), "/proc/%d/status",
		    (int)relay->processes[i].pid);
		file = fopen(path, "r");
		while (file != NULL && fgets(line, sizeof(line), file))
			if (strncmp(line, "RssAnon:", 8) == 0)
				kib[i] = strtoull(line + 8, NULL, 10);
		if (file != NULL)
			fclose(file);
		sum += kib[i];
	}
	return sum;
}
