/*
 * folder - writing the files of a message into one folder and nowhere else.
 *
 * SECURITY: names come from a package, that is from anybody who knows our
 * certificate. Every file is made anew (O_EXCL, O_NOFOLLOW), relative to a
 * folder that is held open; a name is one part, or one part under attachments/,
 * and passes filename_check().
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

struct folder {
	int fd;             /* -1: not open */
	int attachments_fd; /* -1: not made */
};

#define FOLDER_NONE ((struct folder){-1, -1})

/* Make a folder that does not exist yet and open it. */
int folder_make(
    int dir_fd, const char *name, struct folder *folder, struct why *why);
void folder_close(struct folder *folder);

/* A new file for the package's name. *fd is the caller's. */
int folder_create(
    struct folder *folder, struct span name, int *fd, struct why *why);

/* Sync and close a file. */
int folder_file_finish(int take_fd, struct why *why);
/* Sync the folders: after this, the files in them survive a power cut. */
int folder_sync(const struct folder *folder, struct why *why);

/* Remove a file, or a folder and all in it; nothing there is fine. */
int folder_remove(int dir_fd, const char *name, struct why *why);
