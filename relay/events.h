/*
 * events - every event that may stand in the log, with its fields.
 *
 * tests/house/manuals.sh finds every log_event() of relay/ here, and each row
 * in budstikked.8. Sorted by name.
 */
#pragma once

/* X(name, fields, meaning) */
#define EVENTS(X)                                                              \
	X("access.denied", "route caller organisation reason resource",        \
	    "a known caller was refused: for its role, its password, whose "   \
	    "it is or the message type")                                       \
	X("alarm.changed", "event mailbox cause severity count",               \
	    "an alarm was raised, escalated or resolved")                      \
	X("alarm.failed", "error",                                             \
	    "an alarm could not be recorded; it is tried again")               \
	X("api.failed", "route code error",                                    \
	    "a request failed by our own fault; it was answered 500 or 503")   \
	X("certificate.added", "mailbox certificate by",                       \
	    "a certificate of a recipient was registered, not yet proved")     \
	X("certificate.forgotten", "mailbox certificate",                      \
	    "an ended or never proved certificate made way for a new one")     \
	X("certificate.proof-wrong", "mailbox certificate by",                 \
	    "a wrong answer to a certificate's challenge was refused")         \
	X("certificate.proved", "mailbox certificate by",                      \
	    "a certificate's challenge was answered: it is active")            \
	X("certificate.suspended", "mailbox certificate by",                   \
	    "a recipient's certificate was suspended")                         \
	X("channel.broken", "peer code error",                                 \
	    "a peer sent what no peer may send; its channel was closed")       \
	X("clock.stepped", "ms",                                               \
	    "the wall clock jumped; deadlines are looked at anew")             \
	X("conf.loaded", "reload",                                             \
	    "the settings were read; reload is 1 after SIGHUP")                \
	X("conf.refused", "error", "a reload was refused; nothing changed")    \
	X("conf.restart-needed", "settings",                                   \
	    "changed settings that take effect at the next start")             \
	X("conservation.broken",                                               \
	    "mailbox accepted waiting imported rejected expired recalled",     \
	    "what was accepted for a mailbox is not what waits and what "      \
	    "ended, by the log: somebody took something away, or added it")    \
	X("conservation.differs", "epoch size gaps",                           \
	    "the account of the log does not hold: of a mailbox, or the log "  \
	    "has gaps. An alarm stands until one holds again")                 \
	X("conservation.failed", "code error",                                 \
	    "the account of the log could not be made; it is tried again "     \
	    "after a minute")                                                  \
	X("content.broken", "message offset error",                            \
	    "content could not be read to its end; the answer was cut")        \
	X("content.not-counted", "code error",                                 \
	    "spool could not be told that content was written out")            \
	X("deadlines.failed", "error",                                         \
	    "a due deadline could not be recorded; it is tried again")         \
	X("issuer.failed", "error",                                            \
	    "the keys of the token issuer could not be renewed; the old ones " \
	    "stay for a day")                                                  \
	X("issuer.keys", "count", "the keys of the token issuer have come")    \
	X("keys.failed", "code reason", "the keys role cannot serve and ends") \
	X("keys.refused", "peer type code",                                    \
	    "a peer asked keys for what it may not have, or wrongly")          \
	X("log.checkpoint-failed", "code error",                               \
	    "the log's checkpoint could not be signed; it is tried again "     \
	    "every "                                                           \
	    "second. Nothing else waits for it")                               \
	X("log.checkpoint-refused", "code error",                              \
	    "what spool told of the log was not a checkpoint")                 \
	X("mailbox.changed", "mailbox state by",                               \
	    "an operator asked to open, close or change a mailbox")            \
	X("message.accepted",                                                  \
	    "message sender type recipients bytes missing_glyphs "             \
	    "code_points unknown_values language_fallback minimised ms",       \
	    "a message was accepted; its receipt was signed")                  \
	X("message.extend", "message by",                                      \
	    "an operator asked to put a deadline off")                         \
	X("message.recall", "message by",                                      \
	    "a sender asked to recall a message")                              \
	X("message.repeated",                                                  \
	    "message sender type recipients bytes missing_glyphs "             \
	    "code_points unknown_values language_fallback minimised ms",       \
	    "a message came again and got its first receipt")                  \
	X("message.unknown-values", "message type values",                     \
	    "a payload has values that its type does not know: they stand "    \
	    "last in the document, each under its pointer; the type wants an " \
	    "update")                                                          \
	X("metadata.unreadable", "message error",                              \
	    "encrypted metadata of a message could not be opened")             \
	X("notice.failed", "id tries error",                                   \
	    "a webhook was not delivered; it is tried again")                  \
	X("notice.given-up", "id tries",                                       \
	    "a webhook was tried for the last time")                           \
	X("notice.unrecorded", "error",                                        \
	    "what became of a webhook could not be recorded; it may be sent "  \
	    "twice")                                                           \
	X("parent.drained", "", "all roles have left, the relay ends")         \
	X("parent.draining", "signal", "the relay finishes its work and ends") \
	X("parent.failed", "error", "the relay cannot go on")                  \
	X("reader.stuck", "pid ms",                                            \
	    "a process held the store's pages for too long and is ended")      \
	X("render.deadly", "deaths refused_ms",                                \
	    "one payload has ended two render roles; the same is refused for " \
	    "a while")                                                         \
	X("request.done", "verb route status whole bytes_in bytes_out ms",     \
	    "a request was answered (debug)")                                  \
	X("request.refused", "status reason",                                  \
	    "a stream or connection was refused before it was a request "      \
	    "(debug)")                                                         \
	X("role.dead", "role slot pid status signal",                          \
	    "a role died; status or signal says how")                          \
	X("role.deaths", "role count",                                         \
	    "a role dies again and again; restarts are slowed, an alarm is "   \
	    "raised")                                                          \
	X("role.failed", "error", "a role cannot serve and ends")              \
	X("role.jailed",                                                       \
	    "uid no_new_privs capabilities rlimits dumpable landlock seccomp", \
	    "a role's jail, each layer by name; landlock is the kernel's "     \
	    "ABI, 0 is none")                                                  \
	X("role.killed", "role slot pid reason",                               \
	    "a role did not leave in time, was stuck or broke the rules, and " \
	    "was killed")                                                      \
	X("role.layer-missing", "layer error",                                 \
	    "a layer of the jail could not be put up")                         \
	X("role.left", "role slot pid", "a role left as it was told")          \
	X("role.limit-low", "limit wanted given",                              \
	    "the system allows this process less than the settings ask for")   \
	X("role.ready", "role slot pid ms",                                    \
	    "a role serves, so many ms after it was started")                  \
	X("role.started", "role slot pid", "a role was started")               \
	X("role.steady", "role",                                               \
	    "a role that died often has stayed alive for a minute")            \
	X("scan.failed", "error",                                              \
	    "an attachment could not be looked at, and was not let through")   \
	X("spool.commit-failed", "code error requests",                        \
	    "a commit failed; its requests were answered so")                  \
	X("spool.dead", "error",                                               \
	    "the store is of no more use to this process; a new one opens it") \
	X("spool.full", "",                                                    \
	    "there is no room but the reserve: new messages are refused")      \
	X("spool.room", "", "there is room again")                             \
	X("submission.failed", "code error",                                   \
	    "a submission failed by a fault of the relay's own")               \
	X("tls.expired", "file", "the TLS certificate has expired")            \
	X("token.refused", "route organisation error",                         \
	    "an access token was refused; the organisation is told once its "  \
	    "signature holds")                                                 \
	X("token.taken", "caller organisation supplier",                       \
	    "an access token is good; told once for each")
