#include "formats/checkpoint.h"

#include "formats/log_line.h"

#include <inttypes.h>

static int
refuse(struct why *why, const char *what)
{
	return why_set(why, WHY_MALFORMED, "checkpoint: %s", what);
}

int
checkpoint_parse(
    struct span text, struct checkpoint *checkpoint, struct why *why)
{
	struct span line;

	if (!log_line_take(&text, &checkpoint->origin) ||
	    checkpoint->origin.size == 0)
		return refuse(why, "no origin");
	if (!log_line_take(&text, &line) ||
	    !log_line_number(line, &checkpoint->size))
		return refuse(why, "no size in the second line");
	if (!log_line_take(&text, &line) ||
	    !log_line_hash(line, &checkpoint->root))
		return refuse(why, "no root in the third line");
	while (text.size > 0)
		if (!log_line_take(&text, &line) || line.size == 0)
			return refuse(why, "an empty line, or no line's end");
	return 0;
}

void
checkpoint_build(const struct checkpoint *checkpoint, struct buf *out)
{
	buf_add_span(out, checkpoint->origin);
	buf_printf(out, "\n%" PRIu64 "\n", checkpoint->size);
	log_line_hash_build(&checkpoint->root, out);
}
