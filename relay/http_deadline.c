/*
 * The phases of a connection, and how long each may take.
 */
#include "relay/http_priv.h"

#include <stdbool.h>

size_t
request_unsent(const struct http_request *request)
{
	return evbuffer_get_length(bufferevent_get_output(request->stream));
}

uint64_t
request_sent(const struct http_request *request)
{
	return request->bytes_out - request_unsent(request);
}

static void
timer_set(struct http_request *request, uint64_t ms)
{
	struct timeval wait = {.tv_sec = (time_t)(ms / 1000),
	    .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	request->sent_before = request_sent(request);
	event_add(&request->timer, &wait);
}

bool
request_waits(const struct http_request *request)
{
	return request->body_taken && !request->body_paused &&
	       !request->body_ended && !request->answered;
}

/* In a request the client must take or give bytes; time that the handler needs
 * is the handler's. */
void
deadline_update(struct http_request *request)
{
	if (request->phase != PHASE_REQUEST)
		return; /* set where the phase began: absolute */
	if (request_waits(request) || request_unsent(request) > 0) {
		if (!evtimer_pending(&request->timer, NULL))
			timer_set(request,
			    request->server->limits.body_stall_seconds * 1000);
	} else {
		event_del(&request->timer);
	}
}

void
request_phase(struct http_request *request, enum phase phase)
{
	const struct limits *limits = &request->server->limits;

	request->phase = phase;
	if (request->is_idle != (phase == PHASE_IDLE)) {
		request->is_idle = phase == PHASE_IDLE;
		if (request->is_idle)
			TAILQ_INSERT_TAIL(
			    &request->server->idle, request, idle_links);
		else
			TAILQ_REMOVE(
			    &request->server->idle, request, idle_links);
	}
	switch (phase) {
	case PHASE_HANDSHAKE:
		timer_set(request, limits->handshake_seconds * 1000);
		break;
	case PHASE_IDLE:
		timer_set(
		    request, (request->fresh ? limits->header_seconds
					     : limits->keepalive_seconds) *
				 1000);
		break;
	case PHASE_HEAD:
		if (!request->fresh)
			timer_set(request, limits->header_seconds * 1000);
		break;
	case PHASE_LINGER:
		timer_set(request, limits->linger_ms);
		break;
	case PHASE_REQUEST:
		event_del(&request->timer);
		break;
	}
}
