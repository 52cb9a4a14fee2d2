/*
 * events - every event that may stand in the log, with its fields.
 *
 * budstikked.8 lists each (a test compares), and a test finds every
 * log_event() of relay/ here. One row an event, sorted by name.
 */
#pragma once

/* X(name, fields, meaning) */
#define EVENTS(X)                                                              \
	X("channel.broken", "peer code",                                       \
	    "a peer sent what no peer may send; its channel was closed")       \
	X("conf.loaded", "reload", "the configuration was read")               \
	X("conf.refused", "error", "a reload was refused; nothing changed")    \
	X("conf.restart-needed", "settings",                                   \
	    "changed settings that take effect at the next start")             \
	X("parent.drained", "", "all roles have left, the relay ends")         \
	X("parent.draining", "signal", "the relay finishes its work")          \
	X("parent.failed", "error", "the relay cannot go on")                  \
	X("role.dead", "role slot pid status signal",                          \
	    "a role died; status or signal says how")                          \
	X("role.deaths", "role count",                                         \
	    "a role dies again and again; restarts are slowed")                \
	X("role.failed", "error", "a role cannot serve and ends")              \
	X("role.jailed",                                                       \
	    "uid no_new_privs capabilities rlimits dumpable landlock seccomp", \
	    "a role's jail, each layer by name; landlock is the ABI")          \
	X("role.killed", "role slot pid reason",                               \
	    "a role did not leave in time, or was stuck, and was killed")      \
	X("role.layer-missing", "layer error",                                 \
	    "a layer of the jail could not be put up")                         \
	X("role.left", "role slot pid", "a role left as it was told")          \
	X("role.limit-low", "limit wanted given",                              \
	    "the system allows this process less than the settings ask for")   \
	X("role.ready", "role slot pid ms",                                    \
	    "a role serves, so many ms after it was started")                  \
	X("role.stand-in", "role",                                             \
	    "this version has not built that role: it refuses everything")     \
	X("role.started", "role slot pid", "a role was started")               \
	X("role.steady", "role", "a role that died often stays alive")         \
	X("scan.failed", "error",                                              \
	    "an attachment could not be looked at, and was not let through")
