/*
 * courier_wire - what spool and net ask of courier; see wire(7).
 *
 *   COURIER_NOTICE   spool  the CloudEvent (JSON, structured mode) to post to
 *                           every webhook. Answered empty when each has taken
 *                           it, refused when one did not: it is told again.
 *   COURIER_KEY_SET  net    the issuer of access tokens, as configured.
 *                           Answered with its JWKS as it came.
 */
#pragma once

enum courier_wire_type {
	COURIER_NOTICE = 0x0501,
	COURIER_KEY_SET = 0x0502,
	COURIER_TOLD = 0x0581,
	COURIER_KEYS = 0x0582,
};

#define COURIER_NOTICE_BYTES (64u << 10)
#define COURIER_KEYS_BYTES (64u << 10) /* of what an issuer answers */
