/* Any bytes as profile.json, schema and presentation.json of a folder, with a
 * line "==" between them: checked to the end, loaded when it is sound. */
#include "formats/profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static char folder[64];

static void
leave(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	if (system(command) != 0)
		perror(folder);
}

static void
start(void)
{
	snprintf(folder, sizeof(folder), "/tmp/budstikke-fuzz-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
	atexit(leave);
}

static void
put(const char *name, const uint8_t *at, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/test/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, at, size) != (ssize_t)size)
		abort();
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const char *const names[] = {
	    "profile.json", "s.json", "presentation.json"};
	struct profile *profile = NULL;
	struct findings findings;
	struct limits limits;
	char path[96];
	struct why why;
	int checked, loaded;

	if (folder[0] == '\0')
		start();
	snprintf(path, sizeof(path), "%s/test", folder);
	(void)mkdir(path, 0700);
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *end = memmem(at, size, "\n==\n", 4);
		size_t part = end && i < 2 ? (size_t)(end - at) : size;

		put(names[i], at, part);
		at += end && i < 2 ? part + 4 : part;
		size -= end && i < 2 ? part + 4 : part;
	}
	limits_init(&limits);
	findings_init(&findings, 20);
	checked = profile_check(path, &limits, &findings, &why);
	if ((checked == 0) != findings_none(&findings) && checked == 0)
		abort();
	for (size_t i = 0; i < findings.count; i++) {
		if (findings.at[i].line == 0 || findings.at[i].column == 0)
			abort();
	}
	loaded = profile_load(path, &limits, &profile, &why);
	if ((loaded == 0) != (checked == 0))
		abort();
	profile_free(profile);
	findings_clear(&findings);
	return 0;
}
