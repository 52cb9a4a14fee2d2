/*
 * routes - the API on one screen, and the way every request takes: path,
 * method, caller, role, share, handler.
 *
 * SECURITY: nothing of a request but its path and method is looked at before
 * the caller is known; a handler sees only callers with its role.
 */
#include "relay/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "relay/fair.h"
#include "relay/issuer.h"
#include "relay/log_heads.h"
#include "relay/metrics.h"
#include "relay/net.h"
#include "relay/openapi.h"
#include "relay/problem.h"
#include "relay/refuse.h"
#include "relay/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEGMENT_BYTES 127
#define BASIC_BYTES 512
#define TURN_BYTES (256u << 10) /* of a submission that takes turns */

#define GET HTTP_VERB_GET
#define HEAD HTTP_VERB_HEAD
#define POST HTTP_VERB_POST
#define PUT HTTP_VERB_PUT
#define PATCH HTTP_VERB_PATCH
#define DELETE HTTP_VERB_DELETE

const struct route routes_table[] = {
    {POST, "/v1/messages", ACT_SEND, submission_post, "dry-run"},
    {POST, "/v1/probes", ACT_PROBE, submission_post, ""},
    {GET, "/v1/messages/{}", ACT_MESSAGE_SEE, api_message_get, ""},
    {DELETE, "/v1/messages/{}", ACT_RECALL, api_message_recall, "recipient"},
    {GET, "/v1/messages/{}/evidence", ACT_EVIDENCE_SEE, api_message_evidence,
	""},
    {GET, "/v1/messages/{}/evidence/{}", ACT_EVIDENCE_SEE, api_message_bundle,
	""},
    {POST, "/v1/messages/{}/extension", ACT_EXTEND, api_message_extend, ""},
    {POST, "/v1/uploads", ACT_UPLOAD, upload_post, ""},
    {HEAD, "/v1/uploads/{}", ACT_UPLOAD, upload_get, ""},
    {PATCH, "/v1/uploads/{}", ACT_UPLOAD, upload_patch, ""},
    {DELETE, "/v1/uploads/{}", ACT_UPLOAD, upload_delete, ""},
    {GET, "/v1/mailboxes", ACT_MAILBOXES_SEE, api_mailboxes, "after"},
    {GET, "/v1/mailbox/{}", ACT_MAILBOX_SEE, api_mailbox_get, ""},
    {PUT, "/v1/mailbox/{}", ACT_MAILBOX_SET, api_mailbox_put, ""},
    {GET, "/v1/mailbox/{}/messages", ACT_LIST, api_mailbox_list, "cursor wait"},
    {GET, "/v1/mailbox/{}/messages/{}", ACT_LIST, api_mailbox_entry, ""},
    {GET, "/v1/mailbox/{}/messages/{}/content", ACT_FETCH, api_mailbox_content,
	""},
    {POST, "/v1/mailbox/{}/messages/{}/receipt", ACT_RECEIPT,
	api_mailbox_receipt, ""},
    {GET, "/v1/mailbox/{}/certificates", ACT_CERTIFICATES_SEE,
	api_certificate_list, ""},
    {POST, "/v1/mailbox/{}/certificates", ACT_CERTIFICATE_ADD,
	api_certificate_add, ""},
    {POST, "/v1/mailbox/{}/certificates/{}/proof", ACT_CERTIFICATE_ADD,
	api_certificate_prove, ""},
    {DELETE, "/v1/mailbox/{}/certificates/{}", ACT_CERTIFICATE_SUSPEND,
	api_certificate_suspend, ""},
    {GET, "/v1/feed", ACT_FEED, api_feed, "cursor wait"},
    {GET, "/v1/alarms", ACT_ALARMS_SEE, api_alarms, "resolved"},
    {POST, "/v1/alarms/{}/closure", ACT_ALARM_CLOSE, api_alarm_close, ""},
    {GET, "/v1/log", ACT_NONE, api_logs, ""},
    {GET, "/v1/log/{}/checkpoint", ACT_NONE, api_log_checkpoint, ""},
    {GET, "/v1/log/{}/tile/{*}", ACT_LOG_SEE, api_log_tile, ""},
    {GET, "/v1/log/{}/consistency", ACT_LOG_SEE, api_log_consistency,
	"from to"},
    {GET, "/v1/conservation", ACT_MAILBOXES_SEE, api_conservation, ""},
    {POST, "/v1/conservation", ACT_MAILBOXES_SEE, api_conservation_ask, ""},
    {GET, "/v1/openapi.json", ACT_NONE, api_document, ""},
    {GET, NULL, ACT_NONE, NULL, NULL},
};

/* ---- which ---- */

struct match {
	char text[ROUTE_VARIABLES][SEGMENT_BYTES + 1];
	const char *variables[ROUTE_VARIABLES];
};

/* Does the path fit the pattern? Its variable segments are copied. */
static bool
path_fits(const char *pattern, const char *path, struct match *match)
{
	size_t variable = 0;

	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/");
		size_t have = strcspn(++path, "/");
		bool rest = want == 3 && memcmp(pattern, "{*}", 3) == 0;
		if (rest)
			have = strlen(path);
		if (rest || (want == 2 && memcmp(pattern, "{}", 2) == 0)) {
			if (have == 0 || have > SEGMENT_BYTES)
				return false;
			memcpy(match->text[variable], path, have);
			match->text[variable][have] = 0;
			match->variables[variable] = match->text[variable];
			variable++;
		} else if (want != have || memcmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return *pattern == 0 && *path == 0;
}

static bool
verb_fits(const struct route *route, enum http_verb verb)
{
	return route->verb == verb ||
	       (route->verb == HTTP_VERB_GET && verb == HTTP_VERB_HEAD);
}

/* NULL after an answer: 404, or 405 with what is allowed. */
static const struct route *
route_find(struct http_request *request, struct match *match)
{
	const struct http_head *head = http_head(request);
	char allow[80] = "";

	for (const struct route *route = routes_table; route->pattern;
	     route++) {
		memset(match, 0, sizeof(*match));
		if (!path_fits(route->pattern, head->path, match))
			continue;
		if (verb_fits(route, head->verb)) {
			http_route_set(request, route->pattern);
			return route;
		}
		size_t size = strlen(allow);
		(void)snprintf(allow + size, sizeof(allow) - size, "%s%s%s",
		    size ? ", " : "", http_verb_text(route->verb),
		    route->verb == HTTP_VERB_GET ? ", HEAD" : "");
	}
	if (!*allow) {
		problem_send(request, PROBLEM_NOT_FOUND);
		return NULL;
	}
	http_field_add(request, "Allow", allow);
	problem_send(request, PROBLEM_METHOD);
	return NULL;
}

/* ---- who ---- */

static void
token_log(const struct http_request *request, enum token_verdict verdict,
    const struct token_answer *answer, const struct why *why)
{
	const char *route = http_route(request);

	if (verdict == TOKEN_GOOD)
		log_event(LOG_INFO, "token.taken",
		    LOGS("caller", answer->caller->name),
		    LOGS("organisation", answer->consumer),
		    LOGS("supplier", answer->supplier));
	else
		log_event(LOG_WARNING, "token.refused",
		    LOGS("route", route ? route : ""),
		    LOGS("organisation", answer->consumer),
		    LOGS("error", why->text));
}

/* Who has a login beside its scope shows it in two header fields of its own. */
static bool
integration_is(const struct net *net, const struct http_request *request,
    const struct caller *caller)
{
	const char *login = http_field(request, "integrasjonid");
	const char *password = http_field(request, "integrasjonpassord");

	if (!caller->login)
		return true;
	return login && password &&
	       callers_login_is(
		   net->callers, caller, span_text(login), span_text(password));
}

/* An access token of the issuer's. NULL: *code says why. */
static const struct caller *
caller_by_access_token(struct net *net, const struct http_request *request,
    struct span token, enum problem_code *code)
{
	struct token_answer answer;
	struct why why = {0};
	enum token_verdict verdict = tokens_check(net->tokens, token,
	    http_digest(request), clock_wall_ms(), &answer, &why);

	if (verdict != TOKEN_GOOD || answer.is_new)
		token_log(request, verdict, &answer, &why);
	if (verdict == TOKEN_EXPIRED)
		*code = PROBLEM_OLD_CREDENTIALS;
	else if (verdict == TOKEN_STRANGER)
		*code = PROBLEM_ROLE;
	else if (verdict == TOKEN_KEY_UNKNOWN && issuer_refetch(net))
		*code = PROBLEM_UNAVAILABLE;
	if (answer.caller && !integration_is(net, request, answer.caller)) {
		net_denied(request, answer.caller, DENIAL_PASSWORD, NULL);
		return NULL;
	}
	return answer.caller;
}

/* Basic: base64 of login, colon, password (RFC 7617). */
static const struct caller *
caller_by_password(const struct net *net, const char *text)
{
	const struct caller *caller = NULL;
	struct buf both;

	buf_init(&both, BASIC_BYTES);
	if (base64_parse(&both, span_text(text)) && both.size > 0) {
		const uint8_t *colon = memchr(both.at, ':', both.size);
		size_t login = colon ? (size_t)(colon - both.at) : 0;
		if (colon)
			caller = callers_find_login(net->callers,
			    span_of(both.at, login),
			    span_of(colon + 1, both.size - login - 1));
	}
	buf_wipe(&both);
	return caller;
}

/* A token where one is shown, else the certificate. NULL: *code says why. */
static const struct caller *
caller_find(struct net *net, const struct http_request *request,
    enum problem_code *code)
{
	const char *authorization = http_field(request, "authorization");
	const uint8_t *digest = http_digest(request);
	const struct caller *caller = NULL;

	if (!authorization && !digest) {
		*code = PROBLEM_NO_CREDENTIALS;
		return NULL;
	}
	*code = PROBLEM_BAD_CREDENTIALS;
	if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0) {
		const char *token = authorization + 7;
		token += strspn(token, " ");
		caller = callers_find_token(net->callers, span_text(token));
		if (!caller && net->tokens)
			caller = caller_by_access_token(
			    net, request, span_text(token), code);
	} else if (authorization &&
		   strncasecmp(authorization, "Basic ", 6) == 0) {
		const char *text = authorization + 6;
		caller = caller_by_password(net, text + strspn(text, " "));
	} else if (!authorization) {
		caller = callers_find_certificate(net->callers, digest);
	}
	if (caller && caller->expires_ms &&
	    caller->expires_ms <= clock_wall_ms()) {
		*code = PROBLEM_OLD_CREDENTIALS;
		return NULL;
	}
	return caller;
}

/* Known, with a role for the act, within its share; false after an
 * answer. */
static bool
caller_admit(struct call *call)
{
	static const struct resource nothing_known;
	enum denial denial;
	enum problem_code code;
	unsigned retry_s = 1;

	call->caller = caller_find(call->net, call->request, &code);
	if (!call->caller) {
		problem_send(call->request, code);
		return false;
	}
	if (authority_decide(
		call->caller, call->act, &nothing_known, &denial) == 0) {
		net_denied(call->request, call->caller, denial, NULL);
		problem_send(call->request, PROBLEM_ROLE);
		return false;
	}
	http_let_wait(
	    call->request, fair_is_behind(call->net->fair, call->caller));
	if (fair_request(call->net->fair, call->caller, &retry_s))
		return true;
	struct problem *problem = problem_new(PROBLEM_RATE);
	problem_error(problem, "", "", "at most %llu requests in a second",
	    (unsigned long long)call->net->limits->requests_per_second);
	refuse_slowly(call->net, call->request, problem, retry_s);
	return false;
}

/* ---- how ---- */

static bool
is_known(const char *known, const char *name)
{
	size_t size = strlen(name);

	while (*known) {
		size_t next = strcspn(known, " ");
		if (next == size && memcmp(known, name, size) == 0)
			return true;
		known += next + (known[next] == ' ');
	}
	return false;
}

/* A parameter that nobody knows may be a slip: "dryrun=1" would send,
 * "recipent=..." recall from everybody. False after an answer. */
static bool
query_check(const struct route *route, struct http_request *request)
{
	const struct http_head *head = http_head(request);

	for (size_t i = 0; i < head->query_count; i++) {
		if (is_known(route->query, head->query[i].name))
			continue;
		problem_say(request, PROBLEM_PARAMETER, "query", "",
		    "only the parameters of this operation%s%s",
		    *route->query ? ": " : ", which has none", route->query);
		return false;
	}
	return true;
}

/* ---- when ---- */

/* A call that waits for its turn, or has it. */
struct turn {
	struct call call;
	struct fair_turn *place;
};

static void
turn_go(void *arg)
{
	struct turn *turn = arg;

	submission_post(&turn->call);
}

/* Submissions take turns. One that is longer may come slowly, and must not
 * hold those up that come behind it. */
static bool
takes_turn(const struct route *route, const struct http_request *request)
{
	const struct http_head *head = http_head(request);

	return route->handle == submission_post && !head->chunked &&
	       head->length <= TURN_BYTES;
}

static void
turn_take(const struct call *call)
{
	struct turn *turn = calloc(1, sizeof(*turn));
	bool now = false;

	if (turn) {
		turn->call = *call;
		memset(turn->call.variables, 0, sizeof(turn->call.variables));
		turn->place = fair_turn_begin(
		    call->net->fair, call->caller, turn_go, turn, &now);
	}
	if (!turn || !turn->place) {
		free(turn);
		struct problem *problem = problem_new(PROBLEM_RATE);
		problem_error(problem, "", "",
		    "at most %llu submissions at once",
		    (unsigned long long)
			call->net->limits->uploads_per_organisation);
		refuse_slowly(call->net, call->request, problem, 1);
		return;
	}
	http_tag_set(call->request, turn);
	if (now)
		turn_go(turn);
}

static void
turn_give(struct turn *turn)
{
	if (!turn)
		return;
	fair_turn_end(turn->place);
	free(turn);
}

/* ---- the app ---- */

static void
on_request(struct http_request *request, void *arg)
{
	struct call call = {.net = arg, .request = request};
	struct match match;

	http_field_add(request, "Cache-Control", "no-store");
	log_heads_field_add(call.net->log_heads, request);
	const struct route *route = route_find(request, &match);
	if (!route)
		return;
	call.act = route->act;
	if (call.act != ACT_NONE && !caller_admit(&call))
		return;
	if (!query_check(route, request))
		return;
	memcpy(call.variables, match.variables, sizeof(call.variables));
	if (takes_turn(route, request))
		turn_take(&call);
	else
		route->handle(&call);
}

static void
on_finished(const struct http_record *record, void *arg)
{
	struct net *net = arg;

	turn_give(record->tag);
	metrics_request(net->metrics, record);
	log_event(LOG_DEBUG, "request.done",
	    LOGS("verb", http_verb_text(record->verb)),
	    LOGS("route", record->route ? record->route : "none"),
	    LOGN("status", record->status), LOGN("whole", record->whole),
	    LOGN("bytes_in", record->bytes_in),
	    LOGN("bytes_out", record->bytes_out), LOGN("ms", record->ms));
}

static void
on_refused(enum http_kind kind, unsigned status, const char *reason,
    struct buf *body, void *arg)
{
	struct net *net = arg;

	(void)kind;
	metrics_refused(net->metrics, status);
	log_event(LOG_DEBUG, "request.refused", LOGN("status", status),
	    LOGS("reason", reason));
	if (body)
		problem_build(body, problem_of_status(status), reason);
}

const struct http_app routes_app = {.on_request = on_request,
    .on_finished = on_finished,
    .on_refused = on_refused};

void
api_document(const struct call *call)
{
	http_answer(call->request, 200, "application/json", openapi_document());
}
