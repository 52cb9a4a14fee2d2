#include "tests/support/http_site.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the site ---- */

struct visit {
	struct http_request *request;
	struct site *site;
	struct event *timer;
	uint64_t size;
	uint64_t sum;
	uint64_t at;
	uint64_t total;
	uint64_t rested_at;
	bool slow;
	bool breaks;
};

static struct event_base *current; /* of the running site; one at a time */

static void
visit_free(struct visit *visit)
{
	if (visit->timer)
		event_free(visit->timer);
	free(visit);
}

static void
visit_answered(struct http_request *request, void *arg)
{
	struct visit *visit = arg;
	(void)request;
	atomic_fetch_add(&visit->site->counts.answered, 1);
	visit_free(visit);
}

static void
visit_abort(struct http_request *request, void *arg)
{
	struct visit *visit = arg;
	(void)request;
	atomic_fetch_add(&visit->site->counts.aborts, 1);
	visit_free(visit);
}

static void
visit_rested(evutil_socket_t fd, short what, void *arg)
{
	struct visit *visit = arg;
	(void)fd;
	(void)what;
	http_body_resume(visit->request);
}

static void
visit_later(evutil_socket_t fd, short what, void *arg)
{
	struct visit *visit = arg;
	(void)fd;
	(void)what;
	http_answer(visit->request, 200, "text/plain", span_text("later\n"));
}

static void
visit_body(struct http_request *request, struct span piece, void *arg)
{
	struct visit *visit = arg;
	for (size_t i = 0; i < piece.size; i++)
		visit->sum = visit->sum * 31 + piece.at[i];
	visit->size += piece.size;
	if (visit->slow && visit->size - visit->rested_at > 65536) {
		struct timeval rest = {0, 2000};
		visit->rested_at = visit->size;
		http_body_pause(request);
		event_add(visit->timer, &rest);
	}
}

static void
visit_end(struct http_request *request, void *arg)
{
	struct visit *visit = arg;
	char text[80];
	atomic_fetch_add(&visit->site->counts.ends, 1);
	snprintf(text, sizeof(text), "%llu %llu\n",
	    (unsigned long long)visit->size, (unsigned long long)visit->sum);
	http_answer(request, 200, "text/plain", span_text(text));
}

static void
visit_room(struct http_request *request, size_t room, void *arg)
{
	struct visit *visit = arg;
	uint8_t *piece = malloc(room);
	if (visit->breaks && visit->at >= visit->total / 2) {
		free(piece);
		http_answer_break(request);
		return;
	}
	for (size_t i = 0; i < room; i++)
		piece[i] = (uint8_t)('a' + (visit->at + i) % 23);
	http_answer_write(request, span_of(piece, room));
	visit->at += room;
	free(piece);
}

static const struct http_calls visit_calls = {.on_body = visit_body,
    .on_end = visit_end,
    .on_room = visit_room,
    .on_answered = visit_answered,
    .on_abort = visit_abort};

static void
visit_who(struct http_request *request)
{
	char text[2 * TLS_DIGEST_SIZE + 1] = "nobody";
	if (http_digest(request))
		hex_build(text, http_digest(request), TLS_DIGEST_SIZE);
	http_answer(request, 200, "text/plain", span_text(text));
}

static void
visit_stream(struct visit *visit, struct http_request *request)
{
	const char *size = http_query(request, "size");
	visit->total = size ? strtoull(size, NULL, 10) : 0;
	visit->breaks = strcmp(http_head(request)->path, "/break") == 0;
	http_answer_start(request, 200, visit->total);
}

static void
on_request(struct http_request *request, void *arg)
{
	struct site *site = arg;
	const char *path = http_head(request)->path;
	struct visit *visit = calloc(1, sizeof(*visit));
	struct timeval later = {0, 50000};

	atomic_fetch_add(&site->counts.requests, 1);
	visit->request = request;
	visit->site = site;
	http_calls_set(request, &visit_calls, visit);
	http_route_set(request, "test");
	if (strcmp(path, "/hello") == 0) {
		http_field_add(request, "X-Field", "value");
		http_answer(request, 200, "text/plain", span_text("hello\n"));
	} else if (strcmp(path, "/echo") == 0) {
		http_body_take(request, 64 * MIB);
	} else if (strcmp(path, "/small") == 0) {
		http_body_take(request, 100);
	} else if (strcmp(path, "/slow") == 0) {
		visit->slow = true;
		visit->timer = evtimer_new(current, visit_rested, visit);
		http_body_take(request, 256 * MIB);
	} else if (strcmp(path, "/refuse") == 0) {
		http_answer(request, 401, "text/plain", span_text("no\n"));
	} else if (strcmp(path, "/later") == 0) {
		visit->timer = evtimer_new(current, visit_later, visit);
		event_add(visit->timer, &later);
	} else if (strcmp(path, "/stream") == 0 ||
		   strcmp(path, "/break") == 0) {
		visit_stream(visit, request);
	} else if (strcmp(path, "/who") == 0) {
		visit_who(request);
	} else if (strcmp(path, "/bad") == 0) {
		http_field_add(request, "X-Field", "a\r\nX-Evil: b");
		http_answer(request, 200, "text/plain", span_text("bad\n"));
	} else if (strcmp(path, "/never") != 0) {
		http_answer(request, 404, NULL, SPAN_NONE);
	}
}

static void
on_finished(const struct http_record *record, void *arg)
{
	struct site *site = arg;
	site->counts.last_status = (int)record->status;
	atomic_fetch_add(&site->counts.finished, 1);
}

static void
on_refused(enum http_kind kind, unsigned status, const char *reason,
    struct buf *body, void *arg)
{
	struct site *site = arg;
	(void)kind;
	site->counts.last_status = (int)status;
	if (body)
		buf_printf(
		    body, "{\"status\":%u,\"title\":\"%s\"}", status, reason);
	atomic_fetch_add(&site->counts.refused, 1);
}

static const struct http_app app = {
    .on_request = on_request,
    .on_finished = on_finished,
    .on_refused = on_refused,
};

struct running {
	struct site *site;
	struct event_base *base;
	struct http_server *server;
	int listen_fd;
	int command;
	struct tls *tls;
};

static void
on_drained(void *arg)
{
	(void)arg;
}

static void
on_command(evutil_socket_t fd, short what, void *arg)
{
	struct running *running = arg;
	char command;
	(void)what;
	if (read(fd, &command, 1) != 1 || command == 'q')
		event_base_loopbreak(running->base);
	else if (command == 'd')
		http_drain(running->server, on_drained, running);
}

static void *
site_run(void *arg)
{
	struct running *running = arg;
	struct event *command = event_new(running->base, running->command,
	    EV_READ | EV_PERSIST, on_command, running);
	event_add(command, NULL);
	event_base_loop(running->base, EVLOOP_NO_EXIT_ON_EMPTY);
	http_free(running->server);
	/* libevent frees streams from its loop */
	event_base_loop(running->base, EVLOOP_NONBLOCK);
	event_free(command);
	event_base_free(running->base);
	tls_close(running->tls);
	close(running->command);
	free(running);
	return NULL;
}

/* ---- certificates ---- */

static void
make_certificate(
    const char *directory, const char *name, const char *issuer, bool authority)
{
	char path[128];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY *issuer_key = key;
	X509 *made = X509_new();
	X509 *from = NULL;
	FILE *file;

	if (issuer) {
		snprintf(path, sizeof(path), "%s/%s.key", directory, issuer);
		file = fopen(path, "r");
		issuer_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		fclose(file);
		snprintf(path, sizeof(path), "%s/%s.crt", directory, issuer);
		file = fopen(path, "r");
		from = PEM_read_X509(file, NULL, NULL, NULL);
		fclose(file);
	}
	X509_set_version(made, 2);
	ASN1_INTEGER_set_uint64(
	    X509_get_serialNumber(made), (uint64_t)random() + 1);
	X509_gmtime_adj(X509_getm_notBefore(made), -3600);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN",
	    MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(from ? from : made));
	X509_set_pubkey(made, key);
	if (authority) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(
		    NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
		X509_add_ext(made, extension, -1);
		X509_EXTENSION_free(extension);
	}
	assert(X509_sign(made, issuer_key, EVP_sha256()) > 0);
	snprintf(path, sizeof(path), "%s/%s.crt", directory, name);
	file = fopen(path, "w");
	PEM_write_X509(file, made);
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s.key", directory, name);
	file = fopen(path, "w");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	if (issuer)
		EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(key);
	X509_free(made);
	X509_free(from);
}

static bool certificates_made;

/* Made once a process, gone with its end. */
static const char *
certificates(void)
{
	static char directory[] = "/tmp/http-site-XXXXXX";

	if (!certificates_made) {
		assert(mkdtemp(directory));
		make_certificate(directory, "authority", NULL, true);
		make_certificate(directory, "server", "authority", false);
		make_certificate(directory, "client", "authority", false);
		make_certificate(directory, "stranger", NULL, false);
		certificates_made = true;
	}
	return directory;
}

static void __attribute__((destructor)) certificates_remove(void)
{
	static const char *const names[] = {
	    "authority", "server", "client", "stranger"};
	char path[128];

	/* every test links this file, few make certificates; and OpenSSL is
	 * gone by now */
	if (!certificates_made)
		return;
	const char *directory = certificates();

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s.crt", directory, names[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s.key", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

/* ---- start and stop ---- */

void
site_init(struct site *site)
{
	memset(site, 0, sizeof(*site));
	limits_init(&site->limits);
}

static int
listen_tcp(struct site *site)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	assert(listen(fd, 512) == 0);
	getsockname(fd, (struct sockaddr *)&in, &size);
	site->port = ntohs(in.sin_port);
	return fd;
}

static int
listen_local(struct site *site)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* abstract: nothing to clean up */
	snprintf(
	    un.sun_path + 1, sizeof(un.sun_path) - 1, "http-site-%d", getpid());
	assert(bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	assert(listen(fd, 512) == 0);
	(void)site;
	return fd;
}

static struct tls *
open_tls(struct site *site)
{
	char certificate[128], key[128], ca[128];
	struct tls_config config = {.certificate_path = certificate,
	    .key_path = key,
	    .allow_tls12 = site->allow_tls12};
	struct tls *tls = NULL;
	struct why why;

	snprintf(
	    certificate, sizeof(certificate), "%s/server.crt", certificates());
	snprintf(key, sizeof(key), "%s/server.key", certificates());
	snprintf(ca, sizeof(ca), "%s/authority.crt", certificates());
	if (site->client_ca)
		config.client_ca_path = ca;
	if (tls_open(&config, &tls, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	return tls;
}

void
site_start(struct site *site)
{
	struct running *running = calloc(1, sizeof(*running));
	struct http_listener listener = {.app = &app, .arg = site};
	pthread_t thread;
	struct why why;
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	site->command = pair[0];
	running->command = pair[1];
	running->site = site;
	running->base = event_base_new();
	current = running->base;
	running->server = http_new(running->base, &site->limits);
	listener.kind = site->tls     ? HTTP_TLS
			: site->local ? HTTP_UNIX
				      : HTTP_PLAIN;
	listener.certificate_header = site->certificate_header;
	if (site->tls)
		listener.tls = running->tls = open_tls(site);
	listener.fd = site->local ? listen_local(site) : listen_tcp(site);
	assert(http_listen(running->server, &listener, &why) == 0);
	assert(pthread_create(&thread, NULL, site_run, running) == 0);
	site->thread = thread;
}

void
site_drain(struct site *site)
{
	assert(write(site->command, "d", 1) == 1);
}

void
site_stop(struct site *site)
{
	assert(write(site->command, "q", 1) == 1);
	pthread_join(site->thread, NULL);
	close(site->command);
}

bool
site_wait(atomic_int *counter, int value)
{
	for (int i = 0; i < 2000; i++) {
		if (*counter >= value)
			return *counter == value;
		usleep(1000);
	}
	return false;
}

/* ---- clients ---- */

void
client_open(struct client *client, struct site *site)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct timeval patience = {5, 0};

	memset(client, 0, sizeof(*client));
	client->fd = socket(
	    site->local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	in.sin_port = htons((uint16_t)site->port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(
	    un.sun_path + 1, sizeof(un.sun_path) - 1, "http-site-%d", getpid());
	assert(
	    connect(client->fd,
		site->local ? (struct sockaddr *)&un : (struct sockaddr *)&in,
		site->local ? sizeof(un) : sizeof(in)) == 0);
	setsockopt(
	    client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int on = 1;
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool
client_tls(
    struct client *client, struct site *site, const char *name, int maximum)
{
	char path[128];
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	client_open(client, site);
	client->context = context;
	if (maximum)
		SSL_CTX_set_max_proto_version(context, maximum);
	if (name) {
		snprintf(path, sizeof(path), "%s/%s.crt", certificates(), name);
		SSL_CTX_use_certificate_chain_file(context, path);
		snprintf(path, sizeof(path), "%s/%s.key", certificates(), name);
		SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
	}
	client->ssl = SSL_new(context);
	SSL_set_fd(client->ssl, client->fd);
	return SSL_connect(client->ssl) == 1;
}

void
client_close(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	close(client->fd);
	memset(client, 0, sizeof(*client));
}

void
client_write(struct client *client, const void *at, size_t size)
{
	const uint8_t *from = at;
	while (size > 0) {
		ssize_t done = client->ssl
				   ? SSL_write(client->ssl, from, (int)size)
				   : send(client->fd, from, size, MSG_NOSIGNAL);
		if (done <= 0)
			return; /* the other side closed: the test sees it */
		from += done;
		size -= (size_t)done;
	}
}

void
client_say(struct client *client, const char *text)
{
	client_write(client, text, strlen(text));
}

ssize_t
client_read(struct client *client, void *at, size_t size)
{
	return client->ssl ? SSL_read(client->ssl, at, (int)size)
			   : recv(client->fd, at, size, 0);
}

char *
client_answer(struct client *client, bool has_body)
{
	struct buf text;
	uint8_t byte;
	char *copy;

	buf_init(&text, 512 * MIB);
	do {
		if (client_read(client, &byte, 1) <= 0) {
			buf_clear(&text);
			return NULL;
		}
		buf_add_byte(&text, byte);
	} while (text.size < 4 ||
		 memcmp(text.at + text.size - 4, "\r\n\r\n", 4) != 0);
	const char *length = strstr(buf_text(&text), "Content-Length: ");
	size_t left = length && has_body ? strtoull(length + 16, NULL, 10) : 0;
	while (left > 0) {
		uint8_t *room = buf_room(&text, left);
		ssize_t got = client_read(client, room, left);
		if (got <= 0)
			break;
		buf_used(&text, (size_t)got);
		left -= (size_t)got;
	}
	copy = strdup(buf_text(&text));
	buf_clear(&text);
	return copy;
}

bool
client_is_closed(struct client *client, int ms)
{
	struct timeval patience = {ms / 1000, ms % 1000 * 1000};
	char byte;

	setsockopt(
	    client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t got = client_read(client, &byte, 1);
	return got == 0 || (got < 0 && errno != EAGAIN && !client->ssl) ||
	       (client->ssl &&
		   SSL_get_error(client->ssl, (int)got) != SSL_ERROR_WANT_READ);
}
