#include "tests/support/random_text.h"

#include "base/text.h"

static uint32_t
next(uint32_t *seed, uint32_t below)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (*seed >> 8) % below;
}

/* Code points of many kinds, so that each text is a mixture. */
static uint32_t
some_code_point(uint32_t *seed)
{
	static const struct {
		uint32_t first, count;
	} kinds[] = {{0x20, 95}, {0x61, 26}, {0x20, 1}, {0, 0x250},
	    {0x300, 0x70}, {0x370, 0x190}, {0x590, 0x160}, {0x900, 0x80},
	    {0x980, 0x480}, {0xE00, 0x200}, {0x1000, 0x100}, {0x1780, 0x80},
	    {0x2000, 0x70}, {0xFB1D, 0x3E0}, {0x200C, 2}, {0x1F300, 0x300},
	    {0, 0x110000}, {0x10A00, 0x500}, {0xE000, 0x20}, {0x0A, 1}};
	uint32_t kind = next(seed, sizeof kinds / sizeof *kinds);
	return kinds[kind].first + next(seed, kinds[kind].count);
}

/* Pieces of CommonMark, HTML and PDF, and what ends a line or a text. */
static void
add_markup(struct buf *out, uint32_t *seed)
{
	static const char *const pieces[] = {"~~~", "```", "# ", "\n", "\n\n",
	    "- ", "* ", "+ ", "1. ", "2) ", "> ", "    ", "\t", "<b>", "</td>",
	    "<!--", "-->", "<script>", "&lt;", "&#0;", "&amp", "[a](b)",
	    "[a]: /b", "![x](data:,)", "<http://a.no>", "javascript:", "**",
	    "__", "*", "_", "`", "\\", "\\\n", "---", "===", "***", "|a|b|",
	    "]]>", "<?x ?>", ")Tj ET", "endstream", "(", "\r\n", "\r",
	    "\xE2\x80\xA8", "\xE2\x80\xAE", "\xED\xA0\x80", "\xEF\xBB\xBF",
	    "www.a.no", "a@b.no", "  \n", "1986\\. ", "\"", "'", "%s", ":"};
	buf_add_text(out, pieces[next(seed, sizeof pieces / sizeof *pieces)]);
}

void
random_text(struct buf *out, uint32_t *seed, uint32_t points)
{
	uint32_t kind = next(seed, 4);
	uint32_t count = 1 + next(seed, points);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t point = some_code_point(seed);
		uint32_t dice = next(seed, 32);
		if (dice < kind * 8)
			add_markup(out, seed);
		else if (dice < kind * 8 + 2)
			buf_add_byte(out, (uint8_t)next(seed, 256));
		else
			utf8_add(out, point);
		/* runs of the same, now and then long ones */
		while (next(seed, 11) == 0)
			utf8_add(out, point);
	}
}
