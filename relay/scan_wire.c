/*
 * SECURITY: reads bytes of a role that may have been taken over.
 */
#include "relay/scan_wire.h"

#include "formats/sniff.h"
#include "formats/wire.h"

#include <stdlib.h>
#include <string.h>

static int
malformed(struct why *why, const char *what)
{
	return why_set(why, WHY_MALFORMED, "a %s that breaks wire(7)", what);
}

void
scan_begin_build(struct buf *body, const struct scan_begin *begin)
{
	buf_add_u64(body, begin->session);
	wire_put_text(body, begin->declared);
	buf_add_u16(body, (uint16_t)begin->count);
	for (size_t i = 0; i < begin->count; i++)
		wire_put_text(body, begin->allowed[i]);
}

/* The next text, with an end mark, behind the others in one block that is as
 * long as the body: each text has lost a length of four bytes. */
static const char *
text_take(struct wire_in *in, char **room)
{
	struct span text = wire_text(in);
	char *at = *room;
	if (text.size > 0)
		memcpy(at, text.at, text.size);
	at[text.size] = '\0';
	*room += text.size + 1;
	return at;
}

int
scan_begin_parse(struct span body, struct scan_begin *begin, struct why *why)
{
	struct wire_in in = wire_open(body);
	*begin =
	    (struct scan_begin){.texts = malloc(body.size + 1 + SCAN_TYPES_MAX),
		.owned_list = calloc(SCAN_TYPES_MAX, sizeof(char *))};
	char *room = begin->texts;
	if (begin->texts == NULL || begin->owned_list == NULL) {
		scan_begin_clear(begin);
		return why_set(why, WHY_NOMEM, "no memory for a scan");
	}
	begin->allowed = begin->owned_list;
	begin->session = wire_u64(&in);
	begin->declared = text_take(&in, &room);
	begin->count = wire_u16(&in);
	if (begin->count > SCAN_TYPES_MAX)
		wire_fail(&in);
	for (size_t i = 0; !in.failed && i < begin->count; i++)
		begin->owned_list[i] = text_take(&in, &room);
	if (wire_end(&in))
		return 0;
	scan_begin_clear(begin);
	return malformed(why, "scan's beginning");
}

void
scan_begin_clear(struct scan_begin *begin)
{
	free(begin->texts);
	free(begin->owned_list);
	*begin = (struct scan_begin){0};
}

void
scan_data_head_build(struct buf *body, uint64_t session, uint32_t size)
{
	buf_add_u64(body, session);
	buf_add_u32(body, size);
}

void
scan_data_build(struct buf *body, uint64_t session, struct span bytes)
{
	scan_data_head_build(body, session, (uint32_t)bytes.size);
	buf_add_span(body, bytes);
}

int
scan_data_parse(
    struct span body, uint64_t *session, struct span *bytes, struct why *why)
{
	struct wire_in in = wire_open(body);
	*session = wire_u64(&in);
	*bytes = wire_bytes(&in);
	if (bytes->size == 0 || bytes->size > SCAN_DATA_BYTES)
		wire_fail(&in);
	return wire_end(&in) ? 0 : malformed(why, "scan's data");
}

void
scan_session_build(struct buf *body, uint64_t session)
{
	buf_add_u64(body, session);
}

int
scan_session_parse(struct span body, uint64_t *session, struct why *why)
{
	struct wire_in in = wire_open(body);
	*session = wire_u64(&in);
	return wire_end(&in) ? 0 : malformed(why, "scan's session");
}

void
scan_verdict_build(struct buf *body, const struct scan_verdict *verdict)
{
	buf_add_u64(body, verdict->session);
	buf_add_byte(body, (uint8_t)verdict->outcome);
	buf_add_u32(body, verdict->reasons);
	wire_put_text(body, verdict->type);
	wire_put_text(body, verdict->detail);
}

int
scan_verdict_parse(
    struct span body, struct scan_verdict *verdict, struct why *why)
{
	struct wire_in in = wire_open(body);
	*verdict = (struct scan_verdict){.session = wire_u64(&in)};
	uint8_t outcome = wire_u8(&in);
	verdict->reasons = wire_u32(&in);
	wire_chars(&in, verdict->type, sizeof verdict->type);
	wire_chars(&in, verdict->detail, sizeof verdict->detail);
	verdict->outcome = (enum scan_outcome)outcome;
	if (outcome > SCAN_FAILED || verdict->reasons >> SNIFF_REASONS != 0 ||
	    (outcome == SCAN_REFUSED) != (verdict->reasons != 0))
		wire_fail(&in);
	return wire_end(&in) ? 0 : malformed(why, "scan's verdict");
}
