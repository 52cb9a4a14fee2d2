#include "tools/client_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tools/file.h"

struct setting {
	const char *name;
	size_t at;    /* offset of a char * in struct client_file */
	size_t count; /* offset of its size_t count, 0: not a list */
	bool path;
};

#define ONE(name, member, path)                                                \
	{                                                                      \
		name, offsetof(struct client_file, member), 0, path            \
	}
#define MANY(name, member, count)                                              \
	{                                                                      \
		name, offsetof(struct client_file, member),                    \
		    offsetof(struct client_file, count), true                  \
	}

static const struct setting settings[] = {
    ONE("name", name, false),
    ONE("organisation", organisation, false),
    ONE("url", url, false),
    ONE("port-file", port_file, true),
    ONE("ca", ca, true),
    ONE("evidence-ca", evidence_ca, true),
    ONE("certificate", certificate, true),
    ONE("key", key, true),
    ONE("token", token, false),
    ONE("token-file", token_file, true),
    MANY("seal-certificate", seal_certificates, seal_certificate_count),
    MANY("seal-key", seal_keys, seal_key_count),
};

static int
setting_take(struct client_file *file, const struct setting *setting,
    const char *value, const char *where, unsigned line, struct why *why)
{
	char **at = (char **)(void *)((char *)file + setting->at);

	if (value[0] == '\0')
		return why_set(why, WHY_INVALID, "%s:%u: %s is empty", where,
		    line, setting->name);
	if (setting->count != 0) {
		size_t *count =
		    (size_t *)(void *)((char *)file + setting->count);

		if (*count == CLIENT_FILE_SEALS)
			return why_set(why, WHY_INVALID,
			    "%s:%u: more than %d of %s", where, line,
			    CLIENT_FILE_SEALS, setting->name);
		at += (*count)++;
	} else if (*at != NULL) {
		return why_set(why, WHY_INVALID, "%s:%u: %s comes twice", where,
		    line, setting->name);
	}
	*at = setting->path ? file_path(file->folder, value) : strdup(value);
	return *at == NULL ? why_set(why, WHY_NOMEM, "no memory for %s", where)
			   : 0;
}

/* Cut white space (and what a configuration language might add) off. */
static char *
trimmed(char *text, bool value)
{
	size_t size;

	while (isspace((unsigned char)*text))
		text++;
	size = strlen(text);
	while (size > 0 && (isspace((unsigned char)text[size - 1]) ||
			       (value && text[size - 1] == ';')))
		size--;
	if (value && size >= 2 && text[0] == '"' && text[size - 1] == '"') {
		text++;
		size -= 2;
	}
	text[size] = '\0';
	return text;
}

static int
line_take(struct client_file *file, char *text, const char *where,
    unsigned line, struct why *why)
{
	char *equals;
	char *name = trimmed(text, false);

	if (name[0] == '\0' || name[0] == '#')
		return 0;
	equals = strchr(name, '=');
	if (equals == NULL)
		return why_set(why, WHY_INVALID, "%s:%u: expected name = value",
		    where, line);
	*equals = '\0';
	name = trimmed(name, false);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].name, name) == 0)
			return setting_take(file, &settings[i],
			    trimmed(equals + 1, true), where, line, why);
	return why_set(why, WHY_INVALID, "%s:%u: no such setting", where, line);
}

static int
file_check(const struct client_file *file, const char *where, struct why *why)
{
	if ((file->url == NULL) == (file->port_file == NULL))
		return why_set(why, WHY_INVALID,
		    "%s: expected one of url and port-file", where);
	if ((file->certificate == NULL) != (file->key == NULL))
		return why_set(why, WHY_INVALID,
		    "%s: certificate and key go together", where);
	if (file->token != NULL && file->token_file != NULL)
		return why_set(why, WHY_INVALID,
		    "%s: expected one of token and token-file", where);
	if (file->seal_certificate_count != file->seal_key_count)
		return why_set(why, WHY_INVALID,
		    "%s: as many seal-key as seal-certificate", where);
	if (file->organisation != NULL && !orgnr_valid(file->organisation))
		return why_set(why, WHY_INVALID,
		    "%s: organisation is no organisation number", where);
	return 0;
}

int
client_file_read(const char *path, struct client_file *file, struct why *why)
{
	struct buf text;
	char *copy = NULL;
	char *next;
	unsigned line = 0;
	int code;

	*file = (struct client_file){.folder = file_folder(path)};
	buf_init(&text, CLIENT_FILE_BYTES);
	code = file_read(path, &text, why);
	if (code != 0)
		goto out;
	buf_add_byte(&text, 0);
	copy = (char *)text.at;
	if (!buf_ok(&text) || file->folder == NULL) {
		code = why_set(why, WHY_NOMEM, "no memory for %s", path);
		goto out;
	}
	for (; code == 0 && copy != NULL; copy = next) {
		next = strchr(copy, '\n');
		if (next != NULL)
			*next++ = '\0';
		code = line_take(file, copy, path, ++line, why);
	}
	if (code == 0)
		code = file_check(file, path, why);
out:
	buf_wipe(&text);
	return code;
}

void
client_file_clear(struct client_file *file)
{
	for (size_t i = 0; i < file->seal_certificate_count; i++)
		free(file->seal_certificates[i]);
	for (size_t i = 0; i < file->seal_key_count; i++)
		free(file->seal_keys[i]);
	if (file->token != NULL)
		explicit_bzero(file->token, strlen(file->token));
	free(file->folder);
	free(file->name);
	free(file->organisation);
	free(file->url);
	free(file->port_file);
	free(file->ca);
	free(file->evidence_ca);
	free(file->certificate);
	free(file->key);
	free(file->token);
	free(file->token_file);
	*file = (struct client_file){0};
}

int
client_file_url(const struct client_file *file, char **url, struct why *why)
{
	struct buf text;
	char *port;
	int code;

	if (file->url != NULL) {
		size_t size = strlen(file->url);

		while (size > 0 && file->url[size - 1] == '/')
			size--;
		*url = strndup(file->url, size);
		return *url == NULL ? why_set(why, WHY_NOMEM, "no memory") : 0;
	}
	buf_init(&text, 512);
	code = file_read(file->port_file, &text, why);
	if (code == WHY_NOT_FOUND)
		why_set(why, WHY_GONE, "the relay is not running: no %s",
		    file->port_file);
	if (code == WHY_NOT_FOUND)
		code = WHY_GONE;
	buf_add_byte(&text, 0);
	if (code == 0 && !buf_ok(&text))
		code =
		    why_set(why, WHY_INVALID, "%s: too long", file->port_file);
	if (code != 0) {
		buf_clear(&text);
		return code;
	}
	/* PORT, HOST:PORT or a whole URL */
	port = trimmed((char *)text.at, false);
	if (port[0] == '\0')
		code = why_set(
		    why, WHY_INVALID, "%s: expected a port", file->port_file);
	else if (strncmp(port, "https://", 8) == 0)
		*url = strdup(port);
	else if (asprintf(url, "https://%s%s",
		     strchr(port, ':') == NULL ? "127.0.0.1:" : "", port) < 0)
		*url = NULL;
	if (code == 0 && *url == NULL)
		code = why_set(why, WHY_NOMEM, "no memory");
	buf_clear(&text);
	return code;
}
