/*
 * body - a small JSON object as the body of a request: gathered, read strictly,
 * handed to a function. Everything that can be wrong with it is answered here.
 */
#pragma once

#include "formats/findings.h"
#include "relay/problem.h"
#include "relay/routes.h"

struct json_t;

/*
 * Take the body (application/json, at most limits.json_body_bytes) and call
 * read with it, once, from the event loop. The call given there is a copy that
 * lives as long as that function; so does body. read must answer, or keep the
 * request.
 */
void body_take(const struct call *call,
    void (*read)(const struct call *call, struct json_t *body, void *arg),
    void *arg);

/* Is it "application/json", with or without parameters? False after a 415. */
bool body_is_json(struct http_request *request);

/* A finding for each member whose name is not in the list (NULL ends it). */
void body_members(const struct json_t *body, const char *const names[],
    struct findings *findings);

/* Answer with the findings, and clear them. */
void body_refuse(struct http_request *request, enum problem_code code,
    struct findings *take_findings);
