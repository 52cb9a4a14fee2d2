/*
 * schema_ecma - a regular expression of ECMA 262 (with its unicode flag, as
 * JSON Schema has it), written anew so that PCRE2 means the same by it.
 *
 * Where the two differ in what a construct matches, the construct is spelt
 * out: . \s \S \v, long names of categories, surrogate pairs, [ in a class.
 * What only PCRE2 knows (\A, \h, possessive quantifiers, inline flags,
 * recursion, verbs) is refused, for ECMA 262 refuses it too.
 */
#include "formats/schema_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* WhiteSpace and LineTerminator of ECMA 262 section 12, and all others. */
#define SPACES                                                                 \
	"\\x09-\\x0d\\x20\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}"         \
	"\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NO_SPACES                                                              \
	"\\x00-\\x08\\x0e-\\x1f\\x21-\\x{9f}\\x{a1}-\\x{167f}"                 \
	"\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}"            \
	"\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"            \
	"\\x{ff00}-\\x{10ffff}"
#define NO_LINE_END "[^\\n\\r\\x{2028}\\x{2029}]"

struct ecma {
	const char *at, *end;
	struct buf *out;
	bool in_class;
	bool quantified; /* what was written last is a quantifier */
};

/* ECMA 262 table 69, by long name; PCRE2 knows the short ones. */
static const struct {
	const char *name, *category;
} categories[] = {
    {"Cased_Letter", "L&"},
    {"Close_Punctuation", "Pe"},
    {"Combining_Mark", "M"},
    {"Connector_Punctuation", "Pc"},
    {"Control", "Cc"},
    {"Currency_Symbol", "Sc"},
    {"Dash_Punctuation", "Pd"},
    {"Decimal_Number", "Nd"},
    {"Enclosing_Mark", "Me"},
    {"Final_Punctuation", "Pf"},
    {"Format", "Cf"},
    {"Initial_Punctuation", "Pi"},
    {"Letter", "L"},
    {"Letter_Number", "Nl"},
    {"Line_Separator", "Zl"},
    {"Lowercase_Letter", "Ll"},
    {"Mark", "M"},
    {"Math_Symbol", "Sm"},
    {"Modifier_Letter", "Lm"},
    {"Modifier_Symbol", "Sk"},
    {"Nonspacing_Mark", "Mn"},
    {"Number", "N"},
    {"Open_Punctuation", "Ps"},
    {"Other", "C"},
    {"Other_Letter", "Lo"},
    {"Other_Number", "No"},
    {"Other_Punctuation", "Po"},
    {"Other_Symbol", "So"},
    {"Paragraph_Separator", "Zp"},
    {"Private_Use", "Co"},
    {"Punctuation", "P"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Spacing_Mark", "Mc"},
    {"Surrogate", "Cs"},
    {"Symbol", "S"},
    {"Titlecase_Letter", "Lt"},
    {"Unassigned", "Cn"},
    {"Uppercase_Letter", "Lu"},
    {"cntrl", "Cc"},
    {"digit", "Nd"},
    {"punct", "P"},
    {"LC", "L&"},
};

static bool
begins(const struct ecma *ecma, const char *text)
{
	size_t size = strlen(text);

	return (size_t)(ecma->end - ecma->at) >= size &&
	       memcmp(ecma->at, text, size) == 0;
}

/* "\p{Name}" from its brace on; prefixes as "gc=" are taken off. */
static bool
property(struct ecma *ecma)
{
	static const char *const prefixes[] = {
	    "General_Category=", "gc=", "Script=", "sc="};
	const char *close =
	    memchr(ecma->at, '}', (size_t)(ecma->end - ecma->at));
	char name[64];

	if (ecma->at == ecma->end || *ecma->at != '{' || close == NULL)
		return false;
	ecma->at++;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (begins(ecma, prefixes[i])) {
			ecma->at += strlen(prefixes[i]);
			break;
		}
	}
	if (close <= ecma->at || (size_t)(close - ecma->at) >= sizeof(name))
		return false;
	memcpy(name, ecma->at, (size_t)(close - ecma->at));
	name[close - ecma->at] = '\0';
	ecma->at = close + 1;
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]);
	     i++) {
		if (strcmp(categories[i].name, name) == 0) {
			buf_printf(ecma->out, "{%s}", categories[i].category);
			return true;
		}
	}
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789_") != strlen(name))
		return false;
	buf_printf(ecma->out, "{%s}", name);
	return true;
}

/* Hex digits from at, exactly count of them; -1 when they are not there. */
static long
hex(const char *at, const char *end, size_t count)
{
	char text[16] = "";

	if ((size_t)(end - at) < count || count >= sizeof(text))
		return -1;
	memcpy(text, at, count);
	if (count == 0 || strspn(text, "0123456789abcdefABCDEF") != count)
		return -1;
	return strtol(text, NULL, 16);
}

/* "\u" was read: hhhh, a pair of surrogates, or {h...}. */
static bool
code_point(struct ecma *ecma)
{
	long code, low;

	if (ecma->at < ecma->end && *ecma->at == '{') {
		const char *close =
		    memchr(ecma->at, '}', (size_t)(ecma->end - ecma->at));

		if (close == NULL || close - ecma->at > 9)
			return false;
		code = hex(ecma->at + 1, close, (size_t)(close - ecma->at - 1));
		ecma->at = close + 1;
	} else {
		code = hex(ecma->at, ecma->end, 4);
		if (code < 0)
			return false;
		ecma->at += 4;
		low =
		    begins(ecma, "\\u") ? hex(ecma->at + 2, ecma->end, 4) : -1;
		if (code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 &&
		    low < 0xe000) {
			code =
			    0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
			ecma->at += 6;
		}
	}
	if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;
	buf_printf(ecma->out, "\\x{%lx}", (unsigned long)code);
	return true;
}

/* A backslash was read. */
static bool
escape(struct ecma *ecma)
{
	char c;

	if (ecma->at == ecma->end)
		return false;
	c = *ecma->at++;
	switch (c) {
	case 's':
		buf_add_text(
		    ecma->out, ecma->in_class ? SPACES : "[" SPACES "]");
		return true;
	case 'S':
		buf_add_text(
		    ecma->out, ecma->in_class ? NO_SPACES : "[" NO_SPACES "]");
		return true;
	case 'v':
		buf_add_text(ecma->out, "\\x0b");
		return true;
	case 'p':
	case 'P':
		buf_printf(ecma->out, "\\%c", c);
		return property(ecma);
	case 'u':
		return code_point(ecma);
	case 'x':
		if (hex(ecma->at, ecma->end, 2) < 0)
			return false;
		buf_printf(ecma->out, "\\x%.2s", ecma->at);
		ecma->at += 2;
		return true;
	case '0':
		buf_add_text(ecma->out, "\\x00");
		return ecma->at == ecma->end ||
		       !isdigit((unsigned char)*ecma->at);
	default:
		break;
	}
	if (isalpha((unsigned char)c) && strchr("dDwWbBnrtfck", c) == NULL)
		return false;
	if (ecma->in_class && isalpha((unsigned char)c) &&
	    strchr("dDwWbnrtfc", c) == NULL)
		return false;
	buf_add_byte(ecma->out, '\\');
	buf_add_byte(ecma->out, (uint8_t)c);
	return true;
}

/* "(" was read: only the groups that ECMA 262 has. */
static bool
group(struct ecma *ecma)
{
	static const char *const known[] = {"?:", "?=", "?!", "?<=", "?<!"};

	buf_add_byte(ecma->out, '(');
	if (begins(ecma, "*"))
		return false;
	if (!begins(ecma, "?"))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (begins(ecma, known[i])) {
			buf_add_text(ecma->out, known[i]);
			ecma->at += strlen(known[i]);
			return true;
		}
	}
	if (!begins(ecma, "?<"))
		return false;
	buf_add_text(ecma->out, "?<");
	ecma->at += 2;
	return ecma->at < ecma->end &&
	       (isalpha((unsigned char)*ecma->at) || *ecma->at == '_');
}

/* "{2,3}" from its brace on: how long it is; 0 when it is no quantifier. */
static size_t
counted(const struct ecma *ecma)
{
	const char *at = ecma->at + 1;

	while (at < ecma->end && isdigit((unsigned char)*at))
		at++;
	if (at == ecma->at + 1)
		return 0;
	if (at < ecma->end && *at == ',')
		at++;
	while (at < ecma->end && isdigit((unsigned char)*at))
		at++;
	return at < ecma->end && *at == '}' ? (size_t)(at - ecma->at) + 1 : 0;
}

/* A quantifier at at, with the question mark that makes it lazy; 0 when there
 * is none; -1 when one follows another. */
static int
quantifier(struct ecma *ecma)
{
	size_t size = strchr("*+?", *ecma->at) != NULL ? 1
		      : *ecma->at == '{'               ? counted(ecma)
						       : 0;

	if (size == 0)
		return 0;
	if (ecma->quantified)
		return -1;
	buf_add(ecma->out, ecma->at, size);
	ecma->at += size;
	if (ecma->at < ecma->end && *ecma->at == '?') {
		buf_add_byte(ecma->out, '?');
		ecma->at++;
	}
	ecma->quantified = true;
	return 1;
}

static bool
one(struct ecma *ecma)
{
	char c = *ecma->at++;

	if (c == '\\')
		return escape(ecma);
	if (ecma->in_class) {
		if (c == '[')
			buf_add_byte(ecma->out, '\\');
		ecma->in_class = c != ']';
		buf_add_byte(ecma->out, (uint8_t)c);
		return true;
	}
	if (c == '(')
		return group(ecma);
	if (c == '.') {
		buf_add_text(ecma->out, NO_LINE_END);
		return true;
	}
	buf_add_byte(ecma->out, (uint8_t)c);
	if (c == '[') {
		ecma->in_class = true;
		if (begins(ecma, "^")) {
			buf_add_byte(ecma->out, '^');
			ecma->at++;
		}
	}
	return true;
}

bool
schema_ecma_translate(struct span pattern, struct buf *out)
{
	struct ecma ecma = {.at = (const char *)pattern.at, .out = out};

	ecma.end = ecma.at + pattern.size;
	while (ecma.at < ecma.end) {
		int found = 0;

		if (*ecma.at == '\0')
			return false;
		if (!ecma.in_class)
			found = quantifier(&ecma);
		if (found < 0)
			return false;
		if (found > 0)
			continue;
		ecma.quantified = false;
		if (!one(&ecma))
			return false;
	}
	return buf_ok(out);
}
