/*
 * The slow lane: connections that may wait for everybody else are worked on one
 * at each turn of the event loop, after what has come by then for the others.
 * So who is let wait never waits for good, and who is not waits for one piece
 * of their work and not for all of it.
 */
#include "relay/http_priv.h"

#include <stddef.h>

static void
lane_move(struct http_server *server)
{
	static const struct timeval next_turn = {0, 0};

	/* a timer, for an event made active would come in this turn again */
	if (!TAILQ_EMPTY(&server->lane) &&
	    !evtimer_pending(&server->lane_turn, NULL) &&
	    !event_pending(&server->lane_work, EV_TIMEOUT, NULL))
		evtimer_add(&server->lane_turn, &next_turn);
}

/* What others' sockets brought in this turn is called for only now. */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)what;
	event_active(&server->lane_work, EV_TIMEOUT, 0);
}

static void
on_work(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;
	struct http_request *request = TAILQ_FIRST(&server->lane);

	(void)fd;
	(void)what;
	if (!request)
		return;
	lane_leave(request);
	connection_read(request);
	lane_move(server);
}

void
lane_open(struct http_server *server)
{
	TAILQ_INIT(&server->lane);
	evtimer_assign(&server->lane_turn, server->base, on_turn, server);
	event_assign(&server->lane_work, server->base, -1, 0, on_work, server);
}

void
lane_close(struct http_server *server)
{
	event_del(&server->lane_turn);
	event_del(&server->lane_work);
}

bool
lane_put(struct http_request *request)
{
	if (!request->slow)
		return false;
	if (!request->in_lane) {
		request->in_lane = true;
		TAILQ_INSERT_TAIL(&request->server->lane, request, lane_links);
		lane_move(request->server);
	}
	return true;
}

void
lane_leave(struct http_request *request)
{
	if (!request->in_lane)
		return;
	request->in_lane = false;
	TAILQ_REMOVE(&request->server->lane, request, lane_links);
}

void
http_let_wait(struct http_request *request, bool slow)
{
	request->slow = slow;
}
