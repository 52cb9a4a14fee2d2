/* sample_document - a document as a relay renders them, for tests and bench:
 * headings, tables, lists, and free text in many languages. About 3 pages. */
#pragma once

#include "formats/document.h"

/* The caller frees it. Never NULL but without memory. */
struct document *sample_document(const struct limits *limits);
