/*
 * open_probe - does the opening path refuse what it must? Asked at start.
 *
 * Known-bad messages (AES-CBC inside AuthEnvelopedData, GCM inside
 * EnvelopedData, GCM tags cut to 1, 4, 12 bytes, a flipped bit, PKCS#1 v1.5,
 * a wrong key) and known-good ones go through keys/open.h with a key made for
 * the occasion.
 */
#pragma once

#include "base/why.h"

/* 0, or WHY_CRYPTO naming the vector that was accepted (or refused) wrongly:
 * do not serve. Takes some milliseconds. */
int open_probe_run(struct why *why);
