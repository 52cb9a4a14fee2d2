#include "tools/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/filename.h"

#define ATTACHMENTS "attachments"
#define NAME_BYTES 255

static int
open_folder(int dir_fd, const char *name)
{
	return openat(
	    dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
folder_make(
    int dir_fd, const char *name, struct folder *folder, struct why *why)
{
	*folder = FOLDER_NONE;
	if (mkdirat(dir_fd, name, 0700) != 0)
		return why_errno(why, "make a folder");
	folder->fd = open_folder(dir_fd, name);
	return folder->fd < 0 ? why_errno(why, "open a folder") : 0;
}

void
folder_close(struct folder *folder)
{
	if (folder->attachments_fd >= 0)
		close(folder->attachments_fd);
	if (folder->fd >= 0)
		close(folder->fd);
	*folder = FOLDER_NONE;
}

static int
attachments_open(struct folder *folder, struct why *why)
{
	if (folder->attachments_fd >= 0)
		return 0;
	if (mkdirat(folder->fd, ATTACHMENTS, 0700) != 0)
		return why_errno(why, "make a folder");
	folder->attachments_fd = open_folder(folder->fd, ATTACHMENTS);
	return folder->attachments_fd < 0 ? why_errno(why, "open a folder") : 0;
}

int
folder_create(struct folder *folder, struct span name, int *fd, struct why *why)
{
	static const char prefix[] = ATTACHMENTS "/";
	char text[NAME_BYTES + 1];
	int at = folder->fd;
	int code;

	if (name.size > sizeof(prefix) - 1 &&
	    memcmp(name.at, prefix, sizeof(prefix) - 1) == 0) {
		name.at += sizeof(prefix) - 1;
		name.size -= sizeof(prefix) - 1;
		code = attachments_open(folder, why);
		if (code != 0)
			return code;
		at = folder->attachments_fd;
	}
	code = filename_check(name, NAME_BYTES, why);
	if (code != 0)
		return code;
	memcpy(text, name.at, name.size);
	text[name.size] = '\0';
	*fd = openat(at, text,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? why_errno(why, "create a file of the message") : 0;
}

int
folder_file_finish(int take_fd, struct why *why)
{
	int code = fsync(take_fd) == 0 ? 0 : why_errno(why, "sync a file");

	if (close(take_fd) != 0 && code == 0)
		code = why_errno(why, "close a file");
	return code;
}

int
folder_sync(const struct folder *folder, struct why *why)
{
	if (folder->attachments_fd >= 0 && fsync(folder->attachments_fd) != 0)
		return why_errno(why, "sync a folder");
	return fsync(folder->fd) == 0 ? 0 : why_errno(why, "sync a folder");
}

/* Our folders are two deep; a deeper one is not ours to clear. */
static int
remove_under(int dir_fd, const char *name, unsigned depth, struct why *why)
{
	int fd = open_folder(dir_fd, name);
	struct dirent *entry;
	DIR *dir;
	int code = 0;

	if (fd < 0)
		return why_errno(why, "open a folder to clear it");
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return why_errno(why, "read a folder to clear it");
	}
	while (code == 0 && (entry = readdir(dir)) != NULL) {
		const char *under = entry->d_name;

		if (strcmp(under, ".") == 0 || strcmp(under, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), under, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			code = why_errno(why, "remove a file");
		else if (depth == 0)
			code = why_set(why, WHY_SYSTEM,
			    "a folder to clear holds folders that are not "
			    "ours");
		else
			code = remove_under(dirfd(dir), under, depth - 1, why);
	}
	closedir(dir);
	if (code == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) != 0)
		code = why_errno(why, "remove a folder");
	return code;
}

int
folder_remove(int dir_fd, const char *name, struct why *why)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return why_errno(why, "remove %s", name);
	return remove_under(dir_fd, name, 3, why);
}
