/*
 * ber - identifier, length and end of X.690 values.
 */
#include "keys/ber.h"

int
ber_head_read(struct span in, struct ber_head *head)
{
	*head = (struct ber_head){0};
	if (in.size < 2)
		return 0;
	head->tag = in.at[0];
	if ((head->tag & 0x1f) == 0x1f)
		return -1;
	uint8_t first = in.at[1];
	head->size = 2;
	if (first < 0x80) {
		head->length = first;
		return head->tag == BER_END && first != 0 ? -1 : 1;
	}
	if (head->tag == BER_END)
		return -1;
	if (first == 0x80) {
		head->indefinite = true;
		return (head->tag & 0x20) != 0 ? 1 : -1;
	}
	size_t count = first & 0x7f;
	if (count > 8)
		return -1;
	if (in.size < 2 + count)
		return 0;
	for (size_t i = 0; i < count; i++)
		head->length = head->length << 8 | in.at[2 + i];
	head->size = (uint8_t)(2 + count);
	return head->length > INT64_MAX ? -1 : 1;
}

int
ber_value_size(struct span in, size_t max, size_t *size)
{
	size_t at = 0;
	size_t depth = 0;
	do {
		struct ber_head head;
		int ret =
		    ber_head_read(span_of(in.at + at, in.size - at), &head);
		if (ret <= 0)
			return ret == 0 && at >= max ? -2 : ret;
		at += head.size;
		if (head.indefinite) {
			if (++depth > BER_DEPTH_MAX)
				return -1;
		} else if (head.tag == BER_END) {
			if (depth == 0)
				return -1;
			depth--;
		} else {
			if (at > max || head.length > max - at)
				return -2;
			if (head.length > in.size - at)
				return 0;
			at += (size_t)head.length;
		}
	} while (depth > 0);
	*size = at;
	return at > max ? -2 : 1;
}

struct ber
ber_of(struct span bytes)
{
	return (struct ber){bytes, false};
}

uint8_t
ber_peek(const struct ber *ber)
{
	return ber->failed || ber->rest.size == 0 ? 0 : ber->rest.at[0];
}

static struct span
take(struct ber *ber, struct ber_head *head)
{
	size_t size = 0;
	if (ber->failed || ber_head_read(ber->rest, head) != 1 ||
	    ber_value_size(ber->rest, ber->rest.size, &size) != 1) {
		ber->failed = true;
		return SPAN_NONE;
	}
	struct span whole = span_of(ber->rest.at, size);
	ber->rest.at += size;
	ber->rest.size -= size;
	return whole;
}

struct span
ber_take(struct ber *ber, uint8_t tag)
{
	struct ber_head head;
	struct span whole = take(ber, &head);
	if (ber->failed || head.tag != tag) {
		ber->failed = true;
		return SPAN_NONE;
	}
	size_t tail = head.indefinite ? 2 : 0;
	return span_of(whole.at + head.size, whole.size - head.size - tail);
}

struct span
ber_take_whole(struct ber *ber)
{
	struct ber_head head;
	struct span whole = take(ber, &head);
	if (ber->failed || head.indefinite) {
		ber->failed = true;
		return SPAN_NONE;
	}
	return whole;
}

uint32_t
ber_take_number(struct ber *ber)
{
	uint32_t number = 0;
	struct span bytes = ber_take(ber, BER_INTEGER);
	if (bytes.size == 0 || bytes.size > 4 || bytes.at[0] >= 0x80 ||
	    (bytes.size > 1 && bytes.at[0] == 0 && bytes.at[1] < 0x80)) {
		ber->failed = true;
		return 0;
	}
	for (size_t i = 0; i < bytes.size; i++)
		number = number << 8 | bytes.at[i];
	return number;
}

bool
ber_done(const struct ber *ber)
{
	return !ber->failed && ber->rest.size == 0;
}
