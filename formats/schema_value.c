/*
 * schema_value - what JSON Schema means by type, equal, less and multiple.
 * Numbers are compared exactly, as the decimals that they are.
 */
#include "formats/schema_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
real_is_integer(const json_t *value)
{
	double real = json_real_value(value);

	return isfinite(real) && trunc(real) == real;
}

unsigned
schema_value_types(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return SCHEMA_OBJECT;
	case JSON_ARRAY:
		return SCHEMA_ARRAY;
	case JSON_STRING:
		return SCHEMA_STRING;
	case JSON_INTEGER:
		return SCHEMA_INTEGER | SCHEMA_NUMBER;
	case JSON_REAL:
		return SCHEMA_NUMBER |
		       (real_is_integer(value) ? SCHEMA_INTEGER : 0U);
	case JSON_TRUE:
	case JSON_FALSE:
		return SCHEMA_BOOLEAN;
	case JSON_NULL:
		return SCHEMA_NULL;
	}
	return 0;
}

/* An integer against a real, without rounding the integer. */
static int
integer_real_compare(json_int_t integer, double real)
{
	double whole = trunc(real);

	if (real >= 0x1p63)
		return -1;
	if (real < -0x1p63)
		return 1;
	if ((json_int_t)whole != integer)
		return integer < (json_int_t)whole ? -1 : 1;
	return real > whole ? -1 : real < whole;
}

int
schema_number_compare(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a);
		json_int_t y = json_integer_value(b);

		return x < y ? -1 : x > y;
	}
	if (json_is_integer(a))
		return integer_real_compare(
		    json_integer_value(a), json_real_value(b));
	if (json_is_integer(b))
		return -integer_real_compare(
		    json_integer_value(b), json_real_value(a));
	return json_real_value(a) < json_real_value(b)
		   ? -1
		   : json_real_value(a) > json_real_value(b);
}

/* A number as digits times a power of ten. */
struct decimal {
	uint64_t digits;
	int exponent;
};

static struct decimal
decimal_of(const json_t *value)
{
	struct decimal decimal = {0, 0};
	char text[40];
	char *end;
	double real;

	if (json_is_integer(value)) {
		json_int_t integer = json_integer_value(value);

		decimal.digits =
		    integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
		return decimal;
	}
	real = fabs(json_real_value(value));
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, real);
		if (strtod(text, NULL) == real)
			break;
	}
	for (end = text; *end != 'e' && *end != '\0'; end++) {
		if (*end == '.')
			continue;
		decimal.digits = decimal.digits * 10 + (uint64_t)(*end - '0');
		decimal.exponent -= strchr(text, '.') < end;
	}
	if (*end == 'e')
		decimal.exponent += atoi(end + 1);
	while (decimal.digits != 0 && decimal.digits % 10 == 0) {
		decimal.digits /= 10;
		decimal.exponent++;
	}
	return decimal;
}

/* digits * 10^power mod by */
static uint64_t
decimal_modulo(uint64_t digits, int power, uint64_t by)
{
	__extension__ typedef unsigned __int128 wide;
	uint64_t factor = 10 % by;
	uint64_t rest = digits % by;

	for (; power > 0; power /= 2) {
		if (power % 2 != 0)
			rest = (uint64_t)((wide)rest * factor % by);
		factor = (uint64_t)((wide)factor * factor % by);
	}
	return rest;
}

bool
schema_number_multiple(const json_t *value, const json_t *step)
{
	struct decimal a = decimal_of(value);
	struct decimal b = decimal_of(step);

	if (a.digits == 0 || b.digits == 0)
		return a.digits == 0;
	if (a.exponent >= b.exponent)
		return decimal_modulo(
			   a.digits, a.exponent - b.exponent, b.digits) == 0;
	/* b is digits * 10^n more coarse; a has no trailing zero to give when
	 * it is a real, so take zeros off as far as they go */
	for (int n = b.exponent - a.exponent; n > 0; n--) {
		if (a.digits % 10 != 0)
			return false;
		a.digits /= 10;
	}
	return a.digits % b.digits == 0;
}

bool
schema_value_equal(const json_t *a, const json_t *b)
{
	const char *name;
	json_t *member;
	size_t i;

	if (json_is_number(a) && json_is_number(b))
		return schema_number_compare(a, b) == 0;
	if (json_typeof(a) != json_typeof(b))
		return false;
	switch (json_typeof(a)) {
	case JSON_STRING:
		return json_string_length(a) == json_string_length(b) &&
		       memcmp(json_string_value(a), json_string_value(b),
			   json_string_length(a)) == 0;
	case JSON_ARRAY:
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (i = 0; i < json_array_size(a); i++) {
			if (!schema_value_equal(
				json_array_get(a, i), json_array_get(b, i)))
				return false;
		}
		return true;
	case JSON_OBJECT:
		if (json_object_size(a) != json_object_size(b))
			return false;
		/* the macro wants a json_t that it does not change */
		json_object_foreach((json_t *)(uintptr_t)a, name, member)
		{
			const json_t *other = json_object_get(b, name);

			if (other == NULL || !schema_value_equal(member, other))
				return false;
		}
		return true;
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return true;
}

static uint64_t
hash_bytes(uint64_t hash, const void *at, size_t size)
{
	const uint8_t *byte = at;

	while (size-- > 0)
		hash = (hash ^ *byte++) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t
schema_value_hash(const json_t *value)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint64_t sum = 0;
	const char *name;
	json_t *member;
	double real;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_STRING:
		return hash_bytes(
		    hash, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
		real = json_number_value(value) + 0.0; /* -0.0 is 0 */
		return hash_bytes(hash, &real, sizeof(real));
	case JSON_ARRAY:
		for (i = 0; i < json_array_size(value); i++) {
			sum = schema_value_hash(json_array_get(value, i));
			hash = hash_bytes(hash, &sum, sizeof(sum));
		}
		return hash + 1;
	case JSON_OBJECT:
		/* a sum, for order is nothing */
		json_object_foreach((json_t *)(uintptr_t)value, name, member)
		    sum +=
		    hash_bytes(schema_value_hash(member), name, strlen(name));
		return hash_bytes(hash, &sum, sizeof(sum)) + 2;
	case JSON_TRUE:
		return 3;
	case JSON_FALSE:
		return 4;
	case JSON_NULL:
		break;
	}
	return 5;
}

size_t
schema_string_length(const json_t *string)
{
	const char *at = json_string_value(string);
	size_t size = json_string_length(string);
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)at[i] & 0xc0) != 0x80;
	return count;
}
