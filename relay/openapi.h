/*
 * openapi - the document that describes the API (OpenAPI 3.1), as served at
 * /v1/openapi.json. It is openapi.json beside this file, byte for byte.
 */
#pragma once

#include "base/buf.h"

struct span openapi_document(void);
