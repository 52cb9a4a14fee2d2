/*
 * admin - the listener for those who run the relay: /livez, /readyz, /metrics.
 */
#pragma once

#include "relay/http.h"

/* arg is struct net. */
extern const struct http_app admin_app;
