/*
 * A large body on TLS, read past libevent: it takes one record (at most 16 KiB)
 * in each turn of the loop, and of a large body more is there.
 */
#include "relay/http_priv.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Filled and used up within one call: a slow client costs no buffer here. */
static uint8_t slab[HTTP_SLAB];

/*
 * What came, and what the session has, into slab. Whole records only: of bytes
 * that stay inside the session libevent would not hear again. False when
 * nothing will come any more.
 */
static bool
slab_fill(struct http_request *request, SSL *ssl, size_t *size)
{
	struct evbuffer *input = bufferevent_get_input(request->stream);
	int before = evbuffer_remove(input, slab, sizeof(slab));
	int got = 1;

	*size = before > 0 ? (size_t)before : 0;
	while (got > 0 && sizeof(slab) - *size >= SSL3_RT_MAX_PLAIN_LENGTH) {
		got = SSL_read(ssl, slab + *size, (int)(sizeof(slab) - *size));
		if (got > 0)
			*size += (size_t)got;
	}
	int error = got > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, got);
	ERR_clear_error();
	return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ ||
	       error == SSL_ERROR_WANT_WRITE;
}

/* Hand on what is in slab; what is not taken goes back to the stream. */
static void
slab_read(struct http_request *request, size_t size)
{
	struct span rest = span_of(slab, size);
	size_t used;
	bool more = true;

	while (more && connection_may_read(request)) {
		more = connection_step(request, NULL, rest, &used);
		rest.at += used;
		rest.size -= used;
	}
	if (rest.size > 0 && !request->dead &&
	    evbuffer_prepend(bufferevent_get_input(request->stream), rest.at,
		rest.size) != 0)
		connection_close(request);
}

bool
body_is_large(const struct http_request *request)
{
	return !request->dead && !request->broken && !request->over &&
	       request->phase == PHASE_REQUEST && request_waits(request) &&
	       request->reader.state == HTTP_READER_BODY &&
	       (request->reader.head.chunked ||
		   request->reader.left >= SSL3_RT_MAX_PLAIN_LENGTH);
}

bool
body_read(struct http_request *request, SSL *ssl)
{
	size_t size;
	bool open = slab_fill(request, ssl, &size);

	slab_read(request, size);
	return open || request->dead || !request_waits(request);
}
