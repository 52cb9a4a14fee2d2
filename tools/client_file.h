/*
 * client_file - who we are and where the relay is: lines "name = value".
 *
 *   organisation = 987654321
 *   port-file = ../relay.port        or   url = https://relay.example:8443
 *   ca = ../ca.crt                   whom to believe
 *   certificate = nav.crt            or   token-file = nav.token
 *   key = nav.key
 *   seal-certificate = oslo.seal.crt (may come several times, newest last)
 *   seal-key = oslo.seal.key         (one after each certificate)
 *   evidence-ca = evidence-ca.crt    (receipts; default: ca)
 *
 * Quotes around a value and a semicolon after it are allowed; '#' begins a
 * comment line. Paths are relative to the file's own folder.
 */
#pragma once

#include "base/why.h"

#include <stddef.h>

#define CLIENT_FILE_BYTES (64u << 10)
#define CLIENT_FILE_SEALS 16

struct client_file {
	char *folder; /* of the file */
	char *name;   /* NULL when not given */
	char *organisation;
	char *url;
	char *port_file;
	char *ca;
	char *evidence_ca;
	char *certificate;
	char *key;
	char *token;
	char *token_file;
	char *seal_certificates[CLIENT_FILE_SEALS];
	char *seal_keys[CLIENT_FILE_SEALS];
	size_t seal_certificate_count;
	size_t seal_key_count;
};

/* Paths come out usable from here. WHY_INVALID names line and setting. Clear
 * it in every case. */
int client_file_read(
    const char *path, struct client_file *file, struct why *why);
void client_file_clear(struct client_file *file); /* wipes the token */

/* The relay's URL without a slash at the end, read from the port file when it
 * is not given; the caller frees. */
int client_file_url(
    const struct client_file *file, char **url, struct why *why);
