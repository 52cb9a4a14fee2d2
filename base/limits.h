/*
 * limits - every limit has a name, a unit, a default and a reason, here.
 *
 * Each is a setting of the same name in relay.conf (and -o NAME=VALUE). What is
 * over a limit is refused early with an error that names the limit.
 *
 * Not here: rooms inside a role that refuse nobody, only make what is large
 * wait. They are shares of its 64 MiB, add up to it where they are defined
 * (relay/submission_seal.c, relay/http_priv.h), and tests/scenarios/bounds.sh
 * measures the sum; a setting could only break that.
 */
#pragma once

#include <stdint.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define CERTIFICATES_MOST 1024 /* one answer lists them all */

/* X(name, default, least, most, what it bounds) */
#define LIMITS(X)                                                              \
	/* HTTP */                                                             \
	X(request_line_bytes, 8 * KIB, 256, 64 * KIB,                          \
	    "bytes of one request line")                                       \
	X(header_bytes, 32 * KIB, 1 * KIB, 256 * KIB,                          \
	    "bytes of all header fields of a request")                         \
	X(header_fields, 100, 10, 1000, "header fields in a request")          \
	X(header_seconds, 10, 1, 120,                                          \
	    "seconds from the first byte of a request to the end of its "      \
	    "header")                                                          \
	X(handshake_seconds, 10, 1, 120, "seconds for a TLS handshake")        \
	X(keepalive_seconds, 60, 1, 3600,                                      \
	    "seconds an idle connection stays open")                           \
	X(body_stall_seconds, 30, 1, 600,                                      \
	    "seconds without a byte of a request's body, or of an answer "     \
	    "taken")                                                           \
	X(linger_bytes, 1 * MIB, 0, 64 * MIB,                                  \
	    "bytes read after an early refusal, so that the client can read "  \
	    "it")                                                              \
	X(linger_ms, 2000, 0, 60000, "milliseconds spent on the same")         \
	X(connections, 4096, 16, 100000, "open connections")                   \
	X(connections_per_address, 1024, 1, 100000,                            \
	    "open connections from one address (not on a Unix socket)")        \
	X(json_body_bytes, 64 * KIB, 1 * KIB, 16 * MIB,                        \
	    "bytes of a small JSON request body")                              \
	X(poll_seconds, 60, 1, 600, "seconds a long-poll may wait")            \
	/* submission */                                                       \
	X(message_bytes, 4 * GIB, 1 * KIB, 1024 * GIB,                         \
	    "bytes of all parts of a message")                                 \
	X(part_bytes, 4 * GIB, 1 * KIB, 1024 * GIB, "bytes of one part")       \
	X(payload_bytes, 1 * MIB, 1 * KIB, 64 * MIB,                           \
	    "bytes of a structured payload")                                   \
	X(envelope_bytes, 256 * KIB, 1 * KIB, 4 * MIB,                         \
	    "bytes of the envelope")                                           \
	X(parts_per_message, 1000, 1, 100000,                                  \
	    "parts of a message, besides the envelope")                        \
	X(part_header_bytes, 8 * KIB, 256, 64 * KIB,                           \
	    "bytes of one multipart part's header fields")                     \
	X(part_name_bytes, 128, 1, 1024, "bytes of a part's name")             \
	X(filename_bytes, 255, 1, 1024, "bytes of a file name")                \
	X(reference_bytes, 256, 1, 4096,                                       \
	    "bytes of a sender's or recipient's reference")                    \
	X(recipients_per_message, 20, 1, 1000, "recipients of one message")    \
	X(idempotency_key_bytes, 128, 16, 1024, "bytes of an Idempotency-Key") \
	X(json_depth, 64, 4, 512, "depth of nesting in JSON")                  \
	X(json_values, 150000, 100, 10000000,                                  \
	    "commas and opening brackets of a JSON payload")                   \
	X(xml_depth, 64, 4, 200, "depth of nesting in XML")                    \
	X(xml_nodes, 20000, 100, 1000000,                                      \
	    "elements, attributes and texts of an XML payload")                \
	X(xml_attributes, 64, 4, 1000, "attributes of one XML element")        \
	X(schema_steps, 5000000, 1000, INT64_C(1000000000),                    \
	    "rules tried when one JSON text is checked")                       \
	X(pattern_steps, 100000, 1000, 100000000,                              \
	    "steps when one text is matched with one pattern")                 \
	X(findings, 100, 1, 10000, "errors listed in one answer")              \
	X(upload_hours, 24, 1, 720, "hours an unfinished upload is kept")      \
	/* fair shares, per organisation */                                    \
	X(uploads_per_organisation, 32, 1, 10000,                              \
	    "submissions under way at once")                                   \
	X(requests_per_second, 2000, 1, 1000000,                               \
	    "requests, averaged over a second")                                \
	X(waiting_bytes, 16 * GIB, 1 * MIB, 1024 * GIB,                        \
	    "bytes of a sender's messages that wait, or are being sent")       \
	X(polls_per_organisation, 64, 1, 10000, "long-polls at once")          \
	X(turns_per_organisation, 4, 1, 10000,                                 \
	    "small submissions worked on at once while other organisations "   \
	    "send too; the others wait for their turn")                        \
	X(refusal_ms, 200, 0, 10000,                                           \
	    "milliseconds that the refusal of what is over a share takes")     \
	/* mailbox and feed */                                                 \
	X(certificates_per_mailbox, 256, 2, CERTIFICATES_MOST,                 \
	    "certificates of one mailbox; at the limit, one that ended is "    \
	    "forgotten for a new one")                                         \
	X(list_entries, 200, 1, 10000, "entries in one page of a list")        \
	/* spool */                                                            \
	X(map_bytes, 64 * GIB, 16 * MIB, 1024 * GIB,                           \
	    "size of the store's map")                                         \
	X(reserve_bytes, 64 * MIB, 1 * MIB, 16 * GIB,                          \
	    "bytes kept free for receipts, alarms and purges")                 \
	X(group_requests, 256, 1, 10000, "requests in one commit")             \
	X(group_bytes, 12 * MIB, 1 * MIB, 1 * GIB, "bytes in one commit")      \
	X(stage_bytes, 4 * MIB, 64 * KIB, 64 * MIB,                            \
	    "sealed bytes gathered before they are staged")                    \
	X(reader_seconds, 10, 1, 600,                                          \
	    "seconds a reader may hold a transaction")                         \
	X(idempotency_days, 90, 1, 3650,                                       \
	    "days an idempotency key is kept after purge")                     \
	X(staged_hours, 26, 1, 720, "hours staged chunks of nobody are kept")  \
	X(purge_bytes, 128 * MIB, 64 * KIB, 1 * GIB,                           \
	    "bytes of one content that one step of a purge erases")            \
	X(step_hold_seconds, 60, 0, 86400,                                     \
	    "seconds without deadlines after the clock was set by over a "     \
	    "minute")                                                          \
	/* roles */                                                            \
	X(render_processes, 1, 1, 64, "render roles")                          \
	X(scan_processes, 1, 1, 64, "scan roles")                              \
	X(role_wait_ms, 5000, 100, 60000,                                      \
	    "milliseconds a request waits for a role that died")               \
	X(role_deaths, 5, 1, 100,                                              \
	    "deaths in 10 s that raise an alarm and slow restarts")            \
	X(render_ms, 10000, 100, 600000,                                       \
	    "milliseconds one rendering may take")                             \
	X(document_nodes, 200000, 100, 5000000,                                \
	    "nodes in the tree of a rendered document")                        \
	X(document_text_bytes, 8 * MIB, 1 * KIB, 256 * MIB,                    \
	    "bytes of text in a rendered document")                            \
	X(document_pages, 5000, 1, 60000, "pages of a rendered document")      \
	X(document_bytes, 64 * MIB, 64 * KIB, 1 * GIB,                         \
	    "bytes of a rendered document, PDF or XHTML")                      \
	X(markdown_bytes, 256 * KIB, 1 * KIB, 16 * MIB,                        \
	    "bytes of one CommonMark text inside a payload")                   \
	X(word_cache_bytes, 1 * MIB, 16 * KIB, 256 * MIB,                      \
	    "bytes of shaped words remembered by a render role")               \
	X(drain_seconds, 30, 1, 3600,                                          \
	    "seconds a leaving role may finish its work")                      \
	/* courier */                                                          \
	X(notice_tries, 20, 1, 1000, "tries for one notice")                   \
	X(notice_seconds, 10, 1, 300, "seconds one try may take")

struct limits {
#define X(name, preset, least, most, what) uint64_t name;
	LIMITS(X)
#undef X
};

struct limit {
	const char *name;
	uint64_t preset;
	uint64_t least;
	uint64_t most;
	const char *what;
};

extern const struct limit limit_table[]; /* ends with a NULL name */

void limits_init(struct limits *limits); /* all defaults */

/* The value behind a name; NULL when there is no such limit. */
uint64_t *limits_at(struct limits *limits, const char *name);
