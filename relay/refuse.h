/*
 * refuse - the refusal of what is over an organisation's share.
 *
 * It takes its time (limits.refusal_ms): a client that tries again at once,
 * whatever Retry-After says, would otherwise cost the others as much by being
 * refused as by being served.
 */
#pragma once

struct net;
struct http_request;
struct problem;

/* Answer later, as problem_answer_later() does; the client may leave before.
 * Takes the problem. Without memory it is answered at once. */
void refuse_slowly(struct net *net, struct http_request *request,
    struct problem *take_problem, unsigned retry_s);
