/*
 * revocation_priv - what the readers of OCSP and of CRL share.
 */
#pragma once

#include "keys/revocation.h"

#include <openssl/asn1.h>

/* made_ms and next_ms of an answer, and whether it counts at at_ms. what:
 * "the OCSP answer". next may be NULL. WHY_MALFORMED, WHY_INVALID. */
int revocation_read_times(const ASN1_TIME *made, const ASN1_TIME *next,
    int64_t at_ms, const char *what, struct revocation *out, struct why *why);

/* ms since 1970; 0 when it is no time. */
int64_t revocation_time_ms(const ASN1_TIME *time);

/* MD5 or SHA-1: WHY_CRYPTO. what: "the OCSP answer". */
int revocation_check_digest(
    int signature_nid, const char *what, struct why *why);
