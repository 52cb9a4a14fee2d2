/*
 * parent - starts every role, watches, replaces, and lets them leave in order.
 *
 * SECURITY: reads no foreign byte: its configuration, and short fixed messages
 * of its own roles, checked as hostile. It keeps its user (a role that is
 * replaced must open its keys again), so it does nothing else.
 *
 * At SIGHUP the configuration is read again and every role replaced by one
 * that has it, in order of start; the old ones finish and leave. When a new
 * role fails to start, all go back to the old configuration. These settings
 * take effect only at the next start, a change of them is logged as
 * conf.restart-needed and the old value stays: environment, clock_file, user,
 * listen, listen_unix, listen_unix_group, listen_admin, listen_console, spool,
 * jail_required.
 */
#pragma once

#include "relay/conf.h"

/*
 * Run until SIGTERM or SIGINT (a second one cuts the leaving short). Takes the
 * contents of source. probe: test builds only, ask every role to try its jail,
 * print TAP and end. Returns the exit code.
 */
int parent_run(
    struct conf_source *take_source, const char *conf_path, bool probe);
