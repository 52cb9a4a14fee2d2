#include "base/text.h"

#include <string.h>
#include <time.h>

void
hex_build(char *text, const void *at, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = at;
	for (size_t i = 0; i < size; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_parse(const char *text, void *at, size_t size)
{
	uint8_t *bytes = at;
	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char base64_plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
base64_encode(struct buf *out, struct span in, const char *set, bool pad)
{
	size_t i = 0;
	for (; i + 3 <= in.size; i += 3) {
		uint32_t v = (uint32_t)in.at[i] << 16 |
			     (uint32_t)in.at[i + 1] << 8 | in.at[i + 2];
		char four[4] = {set[v >> 18], set[v >> 12 & 63],
		    set[v >> 6 & 63], set[v & 63]};
		buf_add(out, four, sizeof four);
	}
	size_t rest = in.size - i;
	if (rest == 0)
		return;
	uint32_t v = (uint32_t)in.at[i] << 16;
	if (rest == 2)
		v |= (uint32_t)in.at[i + 1] << 8;
	char four[4] = {set[v >> 18], set[v >> 12 & 63],
	    rest == 2 ? set[v >> 6 & 63] : '=', '='};
	buf_add(out, four, pad ? 4 : rest + 1);
}

static int
base64_value(uint8_t c, const char *set)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (uint8_t)set[62])
		return 62;
	if (c == (uint8_t)set[63])
		return 63;
	return -1;
}

static bool
base64_decode(struct buf *out, struct span in, const char *set)
{
	if (in.size % 4 == 1)
		return false;
	uint32_t v = 0;
	size_t count = 0;
	for (size_t i = 0; i < in.size; i++) {
		int digit = base64_value(in.at[i], set);
		if (digit < 0)
			return false;
		v = v << 6 | (uint32_t)digit;
		if (++count % 4 == 0) {
			uint8_t three[3] = {
			    (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
			buf_add(out, three, sizeof three);
			v = 0;
		}
	}
	/* the bits that fill up the last digit must be zero: one text only */
	if (count % 4 == 2) {
		if ((v & 15) != 0)
			return false;
		buf_add_byte(out, (uint8_t)(v >> 4));
	} else if (count % 4 == 3) {
		if ((v & 3) != 0)
			return false;
		buf_add_byte(out, (uint8_t)(v >> 10));
		buf_add_byte(out, (uint8_t)(v >> 2));
	}
	return buf_ok(out);
}

void
base64_build(struct buf *out, struct span bytes)
{
	base64_encode(out, bytes, base64_plain, true);
}

bool
base64_parse(struct buf *out, struct span text)
{
	if (text.size % 4 != 0)
		return false;
	for (int i = 0; i < 2 && text.size > 0; i++)
		if (text.at[text.size - 1] == '=')
			text.size--;
	return base64_decode(out, text, base64_plain);
}

void
base64url_build(struct buf *out, struct span bytes)
{
	base64_encode(out, bytes, base64_url, false);
}

bool
base64url_parse(struct buf *out, struct span text)
{
	return base64_decode(out, text, base64_url);
}

/* Length and code point of the sequence at pos; 0 when it is not UTF-8. */
static size_t
utf8_one(struct span s, size_t pos, uint32_t *code_point)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = s.at[pos];
	size_t length = lead < 0x80                    ? 1
			: lead >= 0xC2 && lead <= 0xDF ? 2
			: lead >= 0xE0 && lead <= 0xEF ? 3
			: lead >= 0xF0 && lead <= 0xF4 ? 4
						       : 0;
	if (length == 0 || s.size - pos < length)
		return 0;
	uint32_t c = length == 1 ? lead : (uint32_t)lead & (0x7Fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((s.at[pos + i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (s.at[pos + i] & 0x3F);
	}
	if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;
	*code_point = c;
	return length;
}

bool
utf8_valid(struct span bytes)
{
	uint32_t code_point;
	for (size_t pos = 0; pos < bytes.size;) {
		uint64_t eight = UINT64_MAX;
		if (bytes.size - pos >= sizeof eight)
			memcpy(&eight, bytes.at + pos, sizeof eight);
		if ((eight & UINT64_C(0x8080808080808080)) == 0) {
			pos += sizeof eight; /* ASCII */
			continue;
		}
		size_t length = utf8_one(bytes, pos, &code_point);
		if (length == 0)
			return false;
		pos += length;
	}
	return true;
}

uint32_t
utf8_next(struct span bytes, size_t *pos)
{
	uint32_t code_point = 0xFFFD;
	size_t length = utf8_one(bytes, *pos, &code_point);
	*pos += length == 0 ? 1 : length;
	return code_point;
}

void
utf8_add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_byte(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_add_byte(out, (uint8_t)(0xC0 | c >> 6));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		buf_add_byte(out, (uint8_t)(0xE0 | c >> 12));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
	} else {
		buf_add_byte(out, (uint8_t)(0xF0 | c >> 18));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
	}
}

bool
number_parse(struct span text, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;
	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text.at[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*value = v;
	return true;
}

/* The last count digits of a number. */
static void
decimals(char *text, size_t count, unsigned number)
{
	for (; count > 0; number /= 10)
		text[--count] = (char)('0' + number % 10);
}

void
time_build(char text[TIME_TEXT_SIZE], int64_t wall_ms)
{
	int64_t ms = wall_ms % 1000;
	time_t seconds = (time_t)(wall_ms / 1000);
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	struct tm tm;
	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 9999 - 1900) {
		memcpy(text, "0000-00-00T00:00:00.000Z", TIME_TEXT_SIZE);
		return;
	}
	memcpy(text, "YYYY-MM-DDThh:mm:ss.mmmZ", TIME_TEXT_SIZE);
	decimals(text, 4, (unsigned)(tm.tm_year + 1900));
	decimals(text + 5, 2, (unsigned)tm.tm_mon + 1);
	decimals(text + 8, 2, (unsigned)tm.tm_mday);
	decimals(text + 11, 2, (unsigned)tm.tm_hour);
	decimals(text + 14, 2, (unsigned)tm.tm_min);
	decimals(text + 17, 2, (unsigned)tm.tm_sec);
	decimals(text + 20, 3, (unsigned)ms);
}

/* count digits at *p as a number; false when one is missing */
static bool
digits(const char **p, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*value = *value * 10 + (**p - '0');
	}
	return true;
}

static bool
literal(const char **p, char c)
{
	return *(*p)++ == c;
}

static bool
zone_parse(const char **p, int *minutes)
{
	*minutes = 0;
	if (**p == 'Z') {
		(*p)++;
		return true;
	}
	int sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
	int hour;
	int minute;
	if (sign == 0)
		return false;
	(*p)++;
	if (!digits(p, 2, &hour) || !literal(p, ':') ||
	    !digits(p, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

bool
time_parse(const char *text, int64_t *wall_ms)
{
	struct tm tm = {0};
	const char *p = text;
	int zone;
	if (!digits(&p, 4, &tm.tm_year) || !literal(&p, '-') ||
	    !digits(&p, 2, &tm.tm_mon) || !literal(&p, '-') ||
	    !digits(&p, 2, &tm.tm_mday) || !literal(&p, 'T') ||
	    !digits(&p, 2, &tm.tm_hour) || !literal(&p, ':') ||
	    !digits(&p, 2, &tm.tm_min) || !literal(&p, ':') ||
	    !digits(&p, 2, &tm.tm_sec))
		return false;
	int64_t ms = 0;
	if (*p == '.') {
		int scale = 100;
		for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
			ms += (*p - '0') * scale;
		if (p[-1] == '.')
			return false;
	}
	if (!zone_parse(&p, &zone) || *p != '\0')
		return false;
	struct tm asked = tm;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t seconds = timegm(&tm);
	/* timegm() carries 31 February over into March; we do not */
	if (tm.tm_mday != asked.tm_mday || tm.tm_mon != asked.tm_mon - 1 ||
	    tm.tm_hour != asked.tm_hour || tm.tm_min != asked.tm_min ||
	    tm.tm_sec != asked.tm_sec)
		return false;
	*wall_ms = ((int64_t)seconds - (int64_t)zone * 60) * 1000 + ms;
	return true;
}

bool
orgnr_valid(const char *text)
{
	static const int weights[8] = {3, 2, 7, 6, 5, 4, 3, 2};
	int sum = 0;
	if (strlen(text) != 9 || (text[0] != '8' && text[0] != '9'))
		return false;
	for (int i = 0; i < 9; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	for (int i = 0; i < 8; i++)
		sum += weights[i] * (text[i] - '0');
	int check = (11 - sum % 11) % 11;
	return check != 10 && check == text[8] - '0';
}
