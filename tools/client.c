/*
 * client - see client.h. One libcurl handle, so that the connection is kept
 * between calls.
 */
#include "tools/client.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "formats/json.h"
#include "tools/client_answer.h"
#include "tools/file.h"

#define CONNECT_SECONDS 10L
#define STALL_SECONDS 60L
#define TOKEN_BYTES (16u << 10)
#define PAUSE_FIRST_MS 200
#define PAUSE_MOST_MS 8000

struct client {
	struct client_file file;
	char *url;
	char *authorization; /* "Authorization: Bearer ..." or NULL */
	CURL *curl;
	unsigned patience_seconds;
};

/* One call under way. */
struct flight {
	const struct client_call *call;
	struct client_answer *answer;
	struct client *client;
	struct why failure; /* of the caller's source or sink */
	uint64_t at;        /* next offset of the source */
	bool begun;
};

static volatile sig_atomic_t stopped;

static void
stop(int number)
{
	(void)number;
	stopped = 1;
}

void
client_stoppable(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool
client_stopped(void)
{
	return stopped != 0;
}

static int
token_load(struct client *client, struct why *why)
{
	struct buf text;
	const char *token = client->file.token;
	int code = 0;

	buf_init(&text, TOKEN_BYTES);
	if (token == NULL && client->file.token_file != NULL) {
		code = file_read(client->file.token_file, &text, why);
		while (text.size > 0 && text.at[text.size - 1] <= ' ')
			text.size--;
		token = buf_text(&text);
		if (code == 0 && token == NULL)
			code = why_set(why, WHY_NOMEM, "no memory for a token");
	}
	if (code == 0 && token != NULL &&
	    asprintf(
		&client->authorization, "Authorization: Bearer %s", token) < 0)
		code = why_set(why, WHY_NOMEM, "no memory for a token");
	buf_wipe(&text);
	return code;
}

static int
readable(const char *path, struct why *why)
{
	if (path != NULL && access(path, R_OK) != 0)
		return why_errno(why, "read %s", path);
	return 0;
}

int
client_open(const char *path, struct client **out, struct why *why)
{
	struct client *client = calloc(1, sizeof(*client));
	int code;

	if (client == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a client");
	client->patience_seconds = CLIENT_PATIENCE_SECONDS;
	code = client_file_read(path, &client->file, why);
	if (code == 0)
		code = readable(client->file.ca, why);
	if (code == 0)
		code = readable(client->file.certificate, why);
	if (code == 0)
		code = readable(client->file.key, why);
	if (code == 0)
		code = token_load(client, why);
	if (code == 0)
		code = client_file_url(&client->file, &client->url, why);
	if (code == 0 && strncmp(client->url, "https://", 8) != 0)
		code = why_set(why, WHY_INVALID,
		    "%s: expected a url that begins with https://", path);
	if (code == 0 && (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
			     (client->curl = curl_easy_init()) == NULL))
		code = why_set(why, WHY_NOMEM, "no memory for libcurl");
	if (code != 0) {
		client_close(client);
		return code;
	}
	signal(SIGPIPE, SIG_IGN);
	*out = client;
	return 0;
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	if (client->curl != NULL)
		curl_easy_cleanup(client->curl);
	if (client->authorization != NULL)
		explicit_bzero(
		    client->authorization, strlen(client->authorization));
	free(client->authorization);
	free(client->url);
	client_file_clear(&client->file);
	free(client);
}

const struct client_file *
client_settings(const struct client *client)
{
	return &client->file;
}

void
client_patience_set(struct client *client, unsigned seconds)
{
	client->patience_seconds = seconds;
}

/* ---- what libcurl calls ---- */

static size_t
on_header(char *at, size_t size, size_t count, void *arg)
{
	struct flight *flight = arg;

	client_answer_header(flight->answer, span_of(at, size * count));
	return size * count;
}

static size_t
on_body(char *at, size_t size, size_t count, void *arg)
{
	struct flight *flight = arg;
	struct client_answer *answer = flight->answer;
	struct span bytes = span_of(at, size * count);

	curl_easy_getinfo(
	    flight->client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	if (flight->call->sink == NULL ||
	    (answer->status != 200 && answer->status != 206)) {
		buf_add_span(&answer->body, bytes);
		if (buf_ok(&answer->body))
			return bytes.size;
		why_set(&flight->failure, WHY_TOO_LARGE,
		    "the relay's answer is over %u bytes", CLIENT_ANSWER_BYTES);
		return CURL_WRITEFUNC_ERROR;
	}
	if (!flight->begun && flight->call->begins != NULL &&
	    flight->call->begins(flight->call->arg, answer, &flight->failure) !=
		0)
		return CURL_WRITEFUNC_ERROR;
	flight->begun = true;
	if (flight->call->sink->write(
		flight->call->sink->context, bytes, &flight->failure) != 0)
		return CURL_WRITEFUNC_ERROR;
	return bytes.size;
}

static size_t
on_source(char *at, size_t size, size_t count, void *arg)
{
	struct flight *flight = arg;
	const struct client_source *source = &flight->call->source;
	size_t got = 0;

	if (source->read(source->arg, flight->at, at, size * count, &got,
		&flight->failure) != 0)
		return CURL_READFUNC_ABORT;
	flight->at += got;
	return got;
}

static int
on_source_seek(void *arg, curl_off_t offset, int origin)
{
	struct flight *flight = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	flight->at = flight->call->from_offset + (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up)
{
	struct flight *flight = arg;

	(void)down_total;
	(void)up_total;
	if (flight->call->moved != NULL)
		flight->call->moved(
		    flight->call->arg, (uint64_t)up, (uint64_t)down);
	return stopped != 0;
}

/* A part's own reading position: a source is shared, its offset is not. */
struct part_flight {
	struct flight *flight;
	const struct client_part *part;
	uint64_t at;
};

static size_t
on_part(char *at, size_t size, size_t count, void *arg)
{
	struct part_flight *reading = arg;
	const struct client_source *source = &reading->part->source;
	uint64_t left = source->size - reading->at;
	size_t want = size * count;
	size_t got = 0;

	if (want > left)
		want = (size_t)left;
	if (want == 0)
		return 0;
	if (source->read(source->arg, reading->at, at, want, &got,
		&reading->flight->failure) != 0)
		return CURL_READFUNC_ABORT;
	reading->at += got;
	return got;
}

static int
on_part_seek(void *arg, curl_off_t offset, int origin)
{
	struct part_flight *reading = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	reading->at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void
on_part_free(void *arg)
{
	free(arg);
}

/* ---- one try ---- */

static curl_mime *
parts_build(CURL *curl, struct flight *flight)
{
	const struct client_call *call = flight->call;
	curl_mime *mime = curl_mime_init(curl);

	for (size_t i = 0; mime != NULL && i < call->parts_count; i++) {
		const struct client_part *part = &call->parts[i];
		curl_mimepart *to = curl_mime_addpart(mime);
		CURLcode set = to == NULL ? CURLE_OUT_OF_MEMORY
					  : curl_mime_name(to, part->name);
		struct part_flight *reading;

		if (set == CURLE_OK && part->filename != NULL)
			set = curl_mime_filename(to, part->filename);
		if (set == CURLE_OK && part->media_type != NULL)
			set = curl_mime_type(to, part->media_type);
		if (set == CURLE_OK && part->source.read == NULL) {
			set = curl_mime_data(to,
			    part->bytes.size == 0
				? ""
				: (const char *)part->bytes.at,
			    part->bytes.size);
		} else if (set == CURLE_OK) {
			reading = calloc(1, sizeof(*reading));
			if (reading != NULL)
				*reading =
				    (struct part_flight){flight, part, 0};
			set = reading == NULL
				  ? CURLE_OUT_OF_MEMORY
				  : curl_mime_data_cb(to,
					(curl_off_t)part->source.size, on_part,
					on_part_seek, on_part_free, reading);
		}
		if (set != CURLE_OK) {
			curl_mime_free(mime);
			mime = NULL;
		}
	}
	return mime;
}

static void
set_security(struct client *client)
{
	CURL *curl = client->curl;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	/* a proxy of the surroundings is for the world outside */
	if (strncmp(client->url, "https://127.", 12) == 0 ||
	    strncmp(client->url, "https://localhost", 17) == 0 ||
	    strncmp(client->url, "https://[::1]", 13) == 0)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (client->file.ca != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->file.ca);
	if (client->file.certificate != NULL) {
		curl_easy_setopt(
		    curl, CURLOPT_SSLCERT, client->file.certificate);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, client->file.key);
	}
}

static void
set_body(struct client *client, struct flight *flight, curl_mime *mime)
{
	const struct client_call *call = flight->call;
	CURL *curl = client->curl;

	if (mime != NULL) {
		curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime);
	} else if (call->source.read != NULL) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
		    (curl_off_t)(call->source.size - call->from_offset));
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_source);
		curl_easy_setopt(curl, CURLOPT_READDATA, flight);
		curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_source_seek);
		curl_easy_setopt(curl, CURLOPT_SEEKDATA, flight);
		curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
	} else if (call->body.at != NULL || strcmp(call->method, "POST") == 0 ||
		   strcmp(call->method, "PUT") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)call->body.size);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
		    call->body.at == NULL ? "" : (const char *)call->body.at);
	}
	if (strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (mime == NULL || strcmp(call->method, "POST") != 0)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

static struct curl_slist *
set_headers(struct client *client, const struct client_call *call)
{
	struct curl_slist *list = NULL;
	char type[256];

	list = curl_slist_append(list, "Accept: application/json");
	if (client->authorization != NULL)
		list = curl_slist_append(list, client->authorization);
	if (call->media_type != NULL) {
		snprintf(
		    type, sizeof(type), "Content-Type: %s", call->media_type);
		list = curl_slist_append(list, type);
	}
	for (size_t i = 0; i < CLIENT_HEADERS_MAX && call->headers[i] != NULL;
	     i++)
		list = curl_slist_append(list, call->headers[i]);
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, list);
	return list;
}

static int
no_answer(
    CURLcode result, const char *said, struct flight *flight, struct why *why)
{
	struct client_answer *answer = flight->answer;
	const char *text = said[0] != '\0' ? said : curl_easy_strerror(result);

	if (flight->failure.code != 0) {
		*why = flight->failure;
		return why->code;
	}
	if (stopped)
		return why_set(why, WHY_GONE, "stopped by a signal");
	switch ((int)result) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return why_set(why, WHY_CRYPTO,
		    "the relay's certificate is not to be believed: %s", text);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return why_set(why, WHY_INVALID, "%s", text);
	default:
		answer->passing = true;
		return why_set(why, WHY_GONE, "no answer: %s", text);
	}
}

static int
do_once(struct client *client, const struct client_call *call,
    struct client_answer *answer, struct why *why)
{
	struct flight flight = {.call = call,
	    .answer = answer,
	    .client = client,
	    .at = call->from_offset};
	char said[CURL_ERROR_SIZE] = "";
	char *url = NULL;
	CURL *curl = client->curl;
	struct curl_slist *list;
	curl_mime *mime = NULL;
	CURLcode result;

	curl_easy_reset(curl);
	if (asprintf(&url, "%s%s", client->url, call->path) < 0)
		return why_set(why, WHY_NOMEM, "no memory for an address");
	if (call->parts_count > 0 &&
	    (mime = parts_build(curl, &flight)) == NULL) {
		free(url);
		return why_set(why, WHY_NOMEM, "no memory for a request");
	}
	set_security(client);
	set_body(client, &flight, mime);
	list = set_headers(client, call);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
	    STALL_SECONDS + (long)call->wait_seconds);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 262144L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &flight);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &flight);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &flight);
	result = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_slist_free_all(list);
	curl_mime_free(mime);
	free(url);
	/* a refusal that was read is an answer, whatever broke after it */
	if (result != CURLE_OK &&
	    (answer->status < 400 || flight.failure.code != 0)) {
		answer->status = 0;
		return no_answer(result, said, &flight, why);
	}
	return client_answer_judge(answer, why);
}

static void
pause_ms(int64_t ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL); /* a signal may cut it short: it is wanted */
}

int
client_do(struct client *client, const struct client_call *call,
    struct client_answer *answer, struct why *why)
{
	int64_t end_ms =
	    clock_mono_ms() + (int64_t)client->patience_seconds * 1000;
	int64_t next_ms = PAUSE_FIRST_MS;

	for (;;) {
		uint8_t noise;
		int64_t wait_ms;
		int code;

		client_answer_init(answer);
		*why = (struct why){0};
		code = do_once(client, call, answer, why);
		if (code == 0 || !answer->passing || call->once || stopped)
			return code;
		random_fill(&noise, 1);
		wait_ms = next_ms + next_ms * noise / 512;
		if (answer->retry_after * 1000 > wait_ms)
			wait_ms = answer->retry_after * 1000;
		if (clock_mono_ms() + wait_ms > end_ms)
			return code;
		client_answer_clear(answer);
		pause_ms(wait_ms);
		next_ms =
		    next_ms * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS : next_ms * 2;
	}
}

int
client_get(struct client *client, struct client_answer *answer, struct why *why,
    const char *path_format, ...)
{
	char path[1024];
	va_list list;
	int code;

	va_start(list, path_format);
	vsnprintf(path, sizeof(path), path_format, list);
	va_end(list);
	code = client_do(client,
	    &(struct client_call){.method = "GET", .path = path}, answer, why);
	if (code == 0 && !json_is_object(answer->json))
		return why_set(why, WHY_MALFORMED,
		    "the relay's answer is not a JSON object");
	return code;
}

int
client_send(struct client *client, const char *method, const json_t *body,
    struct client_answer *answer, struct why *why, const char *path_format, ...)
{
	char path[1024];
	struct buf text;
	va_list list;
	int code;

	va_start(list, path_format);
	vsnprintf(path, sizeof(path), path_format, list);
	va_end(list);
	buf_init(&text, CLIENT_ANSWER_BYTES);
	if (body != NULL)
		json_text_build(&text, body);
	if (!buf_ok(&text)) {
		client_answer_init(answer);
		return why_set(why, WHY_NOMEM, "no memory for a request");
	}
	code = client_do(client,
	    &(struct client_call){.method = method,
		.path = path,
		.media_type = body == NULL ? NULL : "application/json",
		.body = buf_span(&text)},
	    answer, why);
	buf_clear(&text);
	return code;
}
