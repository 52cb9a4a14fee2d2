/*
 * problem - every error answer of the API: application/problem+json (RFC 9457)
 * with a code from this closed list.
 *
 * {"type","title","status","code","party","errors":[{"part","pointer",
 * "expected"}]}. party says who can mend it. An error names a part, a place in
 * it and what was expected there: never a value that was found.
 */
#pragma once

#include "base/why.h"
#include "formats/findings.h"

#include <stddef.h>

struct http_request;

enum problem_party {
	PARTY_SENDER,
	PARTY_RECIPIENT,
	PARTY_RELAY,
	PARTY_CALLER, /* recipient under /v1/mailbox, else sender */
};

/* X(name, code, status, party, title) */
#define PROBLEMS(X)                                                            \
	/* the request itself */                                               \
	X(MALFORMED, "request-malformed", 400, CALLER,                         \
	    "The request cannot be read")                                      \
	X(PARAMETER, "parameter-invalid", 400, CALLER,                         \
	    "A path or query parameter is not valid")                          \
	X(HEADER, "header-invalid", 400, CALLER,                               \
	    "A header field is missing or not valid")                          \
	X(KEY_MISSING, "idempotency-key-required", 400, SENDER,                \
	    "Idempotency-Key is required")                                     \
	X(TRUNCATED, "body-truncated", 400, CALLER, "The body is not whole")   \
	X(NO_CREDENTIALS, "credentials-missing", 401, CALLER,                  \
	    "A client certificate, token or password is required")             \
	X(BAD_CREDENTIALS, "credentials-unknown", 401, CALLER,                 \
	    "The certificate, token or password is not known")                 \
	X(OLD_CREDENTIALS, "credentials-expired", 401, CALLER,                 \
	    "The certificate, token or password has expired")                  \
	X(ROLE, "role-missing", 403, CALLER,                                   \
	    "The caller may not use this operation")                           \
	X(TYPE_DENIED, "type-denied", 403, SENDER,                             \
	    "The caller may not send messages of this type")                   \
	X(NOT_FOUND, "not-found", 404, CALLER, "There is no such resource")    \
	X(MESSAGE_UNKNOWN, "message-unknown", 404, CALLER,                     \
	    "There is no such message for this caller")                        \
	X(MAILBOX_UNKNOWN, "mailbox-unknown", 404, CALLER,                     \
	    "There is no such mailbox for this caller")                        \
	X(CERTIFICATE_UNKNOWN, "certificate-unknown", 404, RECIPIENT,          \
	    "There is no such certificate")                                    \
	X(ALARM_UNKNOWN, "alarm-unknown", 404, CALLER,                         \
	    "There is no such alarm for this caller")                          \
	X(UPLOAD_UNKNOWN, "upload-unknown", 404, SENDER,                       \
	    "There is no such upload; start again with the same key")          \
	X(EVIDENCE_UNKNOWN, "evidence-unknown", 404, CALLER,                   \
	    "There is no such evidence of this message for this caller")       \
	X(LOG_UNKNOWN, "log-unknown", 404, CALLER,                             \
	    "There is no such log, or it is not as large as that")             \
	X(SLOW, "request-too-slow", 408, CALLER,                               \
	    "The request did not come in time")                                \
	X(METHOD, "method-not-allowed", 405, CALLER,                           \
	    "The resource does not know this method")                          \
	/* state */                                                            \
	X(KEY_CONFLICT, "idempotency-conflict", 409, SENDER,                   \
	    "The key was used for another message")                            \
	X(KEY_RUNNING, "idempotency-in-progress", 409, SENDER,                 \
	    "The first request with this key is still running")                \
	X(HANDED_OUT, "already-handed-out", 409, SENDER,                       \
	    "The recipient may have got the message")                          \
	X(FINAL, "already-final", 409, CALLER,                                 \
	    "The delivery has another final outcome")                          \
	X(PROOF_WRONG, "proof-wrong", 409, RECIPIENT,                          \
	    "The proof does not belong to this message")                       \
	X(OFFSET, "upload-offset-wrong", 409, SENDER,                          \
	    "Upload-Offset is not where the upload stands")                    \
	X(MAILBOX_STATE, "mailbox-state", 409, CALLER,                         \
	    "The mailbox's state does not allow this")                         \
	X(CERTIFICATE_STATE, "certificate-state", 409, RECIPIENT,              \
	    "The certificate's state does not allow this")                     \
	X(ALARM_STATE, "alarm-state", 409, CALLER,                             \
	    "This alarm is not closed by hand")                                \
	X(DELIVERY_STATE, "delivery-state", 409, CALLER,                       \
	    "The delivery's state does not allow this")                        \
	X(RECALLED, "recalled", 410, RECIPIENT,                                \
	    "The sender has taken the message back")                           \
	X(ERASED, "content-erased", 410, RECIPIENT,                            \
	    "The content has been erased after its time")                      \
	X(PROOF_ERASED, "proof-erased", 410, CALLER,                           \
	    "What proves this evidence was erased with the message's content") \
	/* sizes and kinds */                                                  \
	X(TOO_LARGE, "too-large", 413, CALLER, "The body is over a limit")     \
	X(URI, "uri-too-long", 414, CALLER, "The request line is too long")    \
	X(MEDIA_TYPE, "media-type-unsupported", 415, CALLER,                   \
	    "The operation does not take this media type")                     \
	X(RANGE, "range-unsatisfiable", 416, RECIPIENT,                        \
	    "No byte of the content is in this range")                         \
	X(EXPECTATION, "expectation-unknown", 417, CALLER,                     \
	    "Only 100-continue may be expected")                               \
	X(HEADER_LARGE, "header-too-large", 431, CALLER,                       \
	    "The header is over a limit")                                      \
	/* content */                                                          \
	X(BODY, "body-invalid", 422, CALLER, "The body breaks the contract")   \
	X(ENVELOPE, "envelope-invalid", 422, SENDER,                           \
	    "The envelope breaks the contract")                                \
	X(TYPE_UNKNOWN, "type-unknown", 422, SENDER,                           \
	    "The message type is not known")                                   \
	X(RECIPIENT, "recipient-not-open", 422, SENDER,                        \
	    "A recipient cannot take this message")                            \
	X(TYPE_CLOSED, "type-not-open", 422, SENDER,                           \
	    "A recipient has not opened the message type")                     \
	X(KEY_UNPROVED, "recipient-key-unproved", 422, SENDER,                 \
	    "A recipient has no certificate that it has proved")               \
	X(KEY_EXPIRED, "recipient-key-expired", 422, SENDER,                   \
	    "A recipient's certificate is past its end")                       \
	X(PARTS, "parts-mismatch", 422, SENDER,                                \
	    "The parts are not those that the envelope names")                 \
	X(DIGEST, "digest-mismatch", 422, SENDER,                              \
	    "A part has not the size or digest that was declared")             \
	X(PAYLOAD, "payload-invalid", 422, SENDER,                             \
	    "The payload breaks its message type's rules")                     \
	X(ATTACHMENT, "attachment-refused", 422, SENDER,                       \
	    "An attachment is not allowed")                                    \
	X(REFERENCE, "reference-required", 422, RECIPIENT,                     \
	    "This message type demands the recipient's own reference")         \
	X(CERTIFICATE, "certificate-invalid", 422, RECIPIENT,                  \
	    "The certificate cannot be used")                                  \
	X(CHALLENGE, "challenge-wrong", 422, RECIPIENT,                        \
	    "The answer to the challenge is not right")                        \
	/* shares and troubles */                                              \
	X(RATE, "rate-limited", 429, CALLER,                                   \
	    "The organisation's share is used up for now")                     \
	X(INTERNAL, "internal", 500, RELAY, "The relay made a mistake")        \
	X(NOT_OFFERED, "not-offered", 501, RELAY,                              \
	    "The relay does not offer this")                                   \
	X(UNAVAILABLE, "temporarily-unavailable", 503, RELAY,                  \
	    "The relay cannot do this right now; the same request may be "     \
	    "repeated")                                                        \
	X(CHECKPOINT, "checkpoint-pending", 503, RELAY,                        \
	    "No checkpoint of the log reaches so far yet; it comes within "    \
	    "seconds")                                                         \
	X(VERSION, "http-version", 505, CALLER,                                \
	    "Only HTTP/1.0 and HTTP/1.1 are spoken")                           \
	X(STORE_FULL, "store-full", 507, RELAY,                                \
	    "The relay has no room for new messages right now")

enum problem_code {
#define X(name, code, status, party, title) PROBLEM_##name,
	PROBLEMS(X)
#undef X
	    PROBLEM_CODES
};

const char *problem_code_text(enum problem_code code); /* static */
unsigned problem_code_status(enum problem_code code);

struct problem; /* one error answer being made */

/* The caller's until problem_answer(). NULL without memory, which every
 * function below bears: the answer is then a bare 500. */
struct problem *problem_new(enum problem_code code);
enum problem_code problem_code_of(const struct problem *problem);
/* Another code for the same errors; NULL is fine. */
void problem_recode(struct problem *problem, enum problem_code code);
void problem_free(struct problem *problem);

/* One entry of errors. part and pointer may be "" (a header field is part
 * "header", pointer "Range"; a query parameter part "query"). Texts are
 * copied. */
void problem_error(struct problem *problem, const char *part,
    const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* All findings as entries. */
void problem_findings(struct problem *problem, const struct findings *findings);
size_t problem_errors(const struct problem *problem);

/* Send it. 429, 503, 507 and idempotency-in-progress carry Retry-After (1 s
 * unless retry_s says more); 401 WWW-Authenticate. */
void problem_answer(struct http_request *request, struct problem *take_problem);
void problem_answer_later(struct http_request *request,
    struct problem *take_problem, unsigned retry_s);

/* One without errors, or with one. */
void problem_send(struct http_request *request, enum problem_code code);
void problem_say(struct http_request *request, enum problem_code code,
    const char *part, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The body alone, for what was refused before it was a request. */
struct buf;
void problem_build(
    struct buf *out, enum problem_code code, const char *expected);
/* The code for a status that the HTTP layer refuses with. */
enum problem_code problem_of_status(unsigned status);

/* What a failure means when the operation has nothing more exact to say:
 * WHY_GONE, WHY_NOMEM, WHY_SYSTEM, WHY_DOUBT 503, WHY_FULL 507, WHY_BUSY 429,
 * WHY_TOO_LARGE 413, WHY_MALFORMED 400, WHY_INVALID 422, WHY_NOT_FOUND 404,
 * the rest 500. */
enum problem_code problem_of_why(int code);
