#include "tests/support/pdf_rules.h"

#include "base/text.h"

#include <stdint.h>
#include <stdio.h>

static bool
is_blank(uint32_t code_point)
{
	return code_point == ' ' || code_point == '\n' || code_point == 0x200B;
}

static uint32_t
next_visible(struct span text, size_t *pos)
{
	while (*pos < text.size) {
		uint32_t code_point = utf8_next(text, pos);
		if (!is_blank(code_point))
			return code_point;
	}
	return 0;
}

bool
pdf_text_same(
    struct span source, struct span drawn, size_t missing, char reason[200])
{
	size_t a = 0;
	size_t b = 0;
	size_t replaced = 0;
	for (;;) {
		uint32_t want = next_visible(source, &a);
		uint32_t have = next_visible(drawn, &b);
		if (have == 0xFFFD && want != 0xFFFD && want != 0) {
			replaced++;
			continue;
		}
		if (want != have) {
			snprintf(reason, 200,
			    "U+%04X wanted, U+%04X drawn at %zu", want, have,
			    a);
			return false;
		}
		if (want == 0)
			break;
	}
	snprintf(reason, 200, "%zu characters without a glyph, %zu reported",
	    replaced, missing);
	return replaced == missing;
}
