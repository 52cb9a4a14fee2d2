/*
 * profile_priv - what profile_read.c (files), profile.c (profile.json to
 * struct profile) and profile_list.c share.
 */
#pragma once

#include "formats/profile.h"

#include <jansson.h>

/* A profile while it is read. */
struct profile_source {
	int dir;    /* of the folder */
	int beside; /* where files are that it does not have; -1: nowhere */
	const struct limits *limits;
	struct findings *findings; /* every fault of every file */
	struct why *why;
};

/*
 * The whole of one file of the folder into text. WHY_NOT_FOUND or WHY_SYSTEM.
 */
int profile_file_read(
    const struct profile_source *source, const char *name, struct buf *text);

/* As JSON; a fault becomes a finding with its line. */
int profile_json_read(
    const struct profile_source *source, const char *name, json_t **out);

/* A schema of the folder, with the files that it refers to. named_at is where
 * profile.json has its name. */
int profile_schema_read(const struct profile_source *source, const char *name,
    const char *named_at, struct schema **out);

/* A RELAX NG schema or an XML Schema of the folder. */
int profile_xml_schema_read(const struct profile_source *source,
    const char *name, const char *named_at, struct xml_schema **out);

/* Lines for findings whose part is a file of the folder, by their pointers. */
void profile_lines_find(const struct profile_source *source);

/* profile.json into a new profile; the caller's. */
int profile_build(
    struct profile_source *source, const char *folder, struct profile **out);

/* Open the folder beside this one that "files" names; NULL: none. */
int profile_beside_open(struct profile_source *source, const char *name);
