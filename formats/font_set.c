/* The pinned fonts, in order of rank; see font.h. */
#include "formats/font.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Files of Debian's fonts-noto-core. The first must be there; the others each
 * add scripts, living ones only, then symbols. A family without a style is
 * drawn in the nearest that it has.
 */
static const char *const FAMILIES[] = {"NotoSans", "NotoSansArabic",
    "NotoSansHebrew", "NotoSansDevanagari", "NotoSansEthiopic", "NotoSansThai",
    "NotoSansTamil", "NotoSansBengali", "NotoSansGeorgian", "NotoSansArmenian",
    "NotoSansMyanmar", "NotoSansKhmer", "NotoSansLao", "NotoSansSinhala",
    "NotoSansGujarati", "NotoSansGurmukhi", "NotoSansTelugu", "NotoSansKannada",
    "NotoSansMalayalam", "NotoSansOriya", "NotoSerifTibetan", "NotoSansSyriac",
    "NotoSansThaana", "NotoSansNKo", "NotoSansAdlam", "NotoSansTifinagh",
    "NotoSansMongolian", "NotoSansCherokee", "NotoSansCanadianAboriginal",
    "NotoSansOlChiki", "NotoSansMeeteiMayek", "NotoSansHanifiRohingya",
    "NotoSansChakma", "NotoSansCham", "NotoSansVai", "NotoSansJavanese",
    "NotoSansYi", "NotoSansSymbols2", "NotoSansSymbols", "NotoSansMath",
    "NotoSansRunic"};
#define FAMILY_COUNT (sizeof FAMILIES / sizeof *FAMILIES)

static const char *const STYLES[FONT_STYLES] = {
    "Regular", "Bold", "Italic", "BoldItalic"};

#define PICKS 2048
#define PICK_NONE 0xFF

struct font_set {
	struct font fonts[FAMILY_COUNT * FONT_STYLES];
	size_t absent;
	/* what was picked before: rank by code point, direct-mapped */
	struct {
		uint32_t code_point;
		uint8_t rank;
	} picks[PICKS];
};

static struct font *
font_of(struct font_set *set, size_t rank, enum font_style style)
{
	return &set->fonts[rank * FONT_STYLES + style];
}

/* Only the first family has italics that are wanted. */
static int
open_family(struct font_set *set, const char *dir, size_t rank, struct why *why)
{
	for (int style = 0; style < FONT_STYLES; style++) {
		if (rank > 0 && style > FONT_BOLD)
			break;
		char path[4096];
		if (snprintf(path, sizeof path, "%s/%s-%s.ttf", dir,
			FAMILIES[rank], STYLES[style]) >= (int)sizeof path)
			return why_set(
			    why, WHY_INVALID, "path of the fonts is too long");
		struct why reason = {0};
		int code = font_open(
		    font_of(set, rank, (enum font_style)style), path, &reason);
		if (code == WHY_NOT_FOUND && rank > 0) {
			if (style == FONT_REGULAR)
				set->absent++;
			continue;
		}
		if (code != 0)
			return why_set(why, code, "%s", reason.text);
	}
	return 0;
}

int
font_set_open(const char *dir, struct font_set **out, struct why *why)
{
	struct font_set *set = calloc(1, sizeof *set);
	if (set == NULL)
		return why_set(why, WHY_NOMEM, "no memory for the fonts");
	for (size_t rank = 0; rank < FAMILY_COUNT; rank++) {
		int code = open_family(set, dir, rank, why);
		if (code != 0) {
			font_set_close(set);
			return code;
		}
	}
	if (font_glyph(font_of(set, 0, FONT_REGULAR), FONT_MISSING) == 0 ||
	    font_glyph(font_of(set, 0, FONT_BOLD), FONT_MISSING) == 0) {
		font_set_close(set);
		return why_set(why, WHY_MALFORMED,
		    "font %s has no U+FFFD to stand for others", FAMILIES[0]);
	}
	*out = set;
	return 0;
}

void
font_set_close(struct font_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < FAMILY_COUNT * FONT_STYLES; i++)
		font_close(&set->fonts[i]);
	free(set);
}

size_t
font_set_absent(const struct font_set *set)
{
	return set->absent;
}

struct font *
font_set_first(struct font_set *set, enum font_style style)
{
	return font_of(set, 0, style);
}

struct font *
font_set_at(struct font_set *set, size_t i)
{
	for (; i < FAMILY_COUNT * FONT_STYLES; i++)
		return &set->fonts[i];
	return NULL;
}

static bool
has(const struct font *font, uint32_t code_point)
{
	return font->at != NULL && font_glyph(font, code_point) != 0;
}

static uint8_t
rank_of(struct font_set *set, uint32_t code_point)
{
	size_t slot = (code_point ^ code_point >> 11) % PICKS;
	if (set->picks[slot].code_point == code_point && code_point != 0)
		return set->picks[slot].rank;
	uint8_t rank = PICK_NONE;
	for (size_t i = 0; i < FAMILY_COUNT && rank == PICK_NONE; i++)
		if (has(font_of(set, i, FONT_REGULAR), code_point))
			rank = (uint8_t)i;
	set->picks[slot].code_point = code_point;
	set->picks[slot].rank = rank;
	return rank;
}

/* Marks and joiners are drawn by the font of what they belong to. */
static bool
stays(uint32_t code_point)
{
	if (code_point < 0x300)
		return false;
	hb_unicode_funcs_t *unicode = hb_unicode_funcs_get_default();
	hb_unicode_general_category_t category =
	    hb_unicode_general_category(unicode, code_point);
	return category == HB_UNICODE_GENERAL_CATEGORY_NON_SPACING_MARK ||
	       category == HB_UNICODE_GENERAL_CATEGORY_ENCLOSING_MARK ||
	       category == HB_UNICODE_GENERAL_CATEGORY_SPACING_MARK ||
	       category == HB_UNICODE_GENERAL_CATEGORY_FORMAT;
}

struct font *
font_set_pick(struct font_set *set, uint32_t code_point, enum font_style style,
    struct font *previous)
{
	struct font *first = font_of(set, 0, style);
	if (code_point < 0x300 && has(first, code_point))
		return first;
	if (previous != NULL && stays(code_point) && has(previous, code_point))
		return previous;
	if (has(first, code_point))
		return first;
	uint8_t rank = rank_of(set, code_point);
	if (rank == PICK_NONE)
		return NULL;
	bool bold = style == FONT_BOLD || style == FONT_BOLD_ITALIC;
	if (bold && has(font_of(set, rank, FONT_BOLD), code_point))
		return font_of(set, rank, FONT_BOLD);
	return font_of(set, rank, FONT_REGULAR);
}
