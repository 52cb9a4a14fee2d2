/*
 * courier_wire - what spool asks of courier; see wire(7).
 *
 *   COURIER_NOTICE  spool  the CloudEvent (JSON, structured mode) to post to
 *                          every webhook. Answered empty when each has taken
 *                          it, refused when one did not: it is told again.
 */
#pragma once

enum courier_wire_type {
	COURIER_NOTICE = 0x0501,
	COURIER_TOLD = 0x0581,
};

#define COURIER_NOTICE_BYTES (64u << 10)
