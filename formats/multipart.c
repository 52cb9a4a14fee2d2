/*
 * The machine: delimiters, headers, data.
 *
 * A delimiter begins with CR, and no legal boundary holds one. So when bytes
 * that looked like a delimiter turn out not to be one, no other delimiter can
 * have begun inside them: it is enough to count how many matched, across
 * whatever pieces the input came in.
 *
 * SECURITY: reads hostile bytes; holds one part's header and a count.
 */
#include "formats/multipart_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum state {
	START,    /* an empty line or the first delimiter without its CRLF */
	DATA,     /* until the delimiter */
	BOUNDED,  /* behind a delimiter: "--" or CRLF */
	CLOSING,  /* one '-' of "--" was read */
	LINE_END, /* the CR behind a delimiter was read */
	HEADER,
	EPILOGUE, /* CRLF or nothing */
	EPILOGUE_LF,
	WHOLE,
	DEAD,
};

struct multipart {
	struct multipart_limits limits;
	struct multipart_handler handler;
	enum state state;
	bool paused;
	uint64_t parts;
	uint64_t total;
	size_t header_size;
	size_t matched; /* bytes of the delimiter just read */
	size_t delimiter_size;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX + 1]; /* CRLF--boundary */
	struct buf line; /* one header field, as far as it was read */
	struct multipart_fields fields;
};

int
multipart_new(const char *boundary, const struct multipart_limits *limits,
    const struct multipart_handler *handler, struct multipart **out,
    struct why *why)
{
	size_t size = strlen(boundary);
	assert(size > 0 && size <= MULTIPART_BOUNDARY_MAX);
	struct multipart *multipart = calloc(1, sizeof *multipart);
	if (multipart == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a multipart");
	multipart->limits = *limits;
	multipart->handler = *handler;
	memcpy(multipart->delimiter, "\r\n--", 4);
	memcpy(multipart->delimiter + 4, boundary, size + 1);
	multipart->delimiter_size = size + 4;
	/* the first delimiter stands as if a CRLF had gone before it */
	multipart->matched = 2;
	buf_init(&multipart->line, limits->header_bytes);
	/* every text of a field has an end mark, and no field is without text
	 */
	buf_init(&multipart->fields.storage, 2 * limits->header_bytes + 8);
	*out = multipart;
	return 0;
}

void
multipart_free(struct multipart *multipart)
{
	if (multipart == NULL)
		return;
	buf_clear(&multipart->line);
	buf_clear(&multipart->fields.storage);
	free(multipart);
}

void
multipart_pause(struct multipart *multipart)
{
	multipart->paused = true;
}

void
multipart_resume(struct multipart *multipart)
{
	multipart->paused = false;
}

bool
multipart_is_paused(const struct multipart *multipart)
{
	return multipart->paused;
}

static int
data_hand_on(struct multipart *m, struct span data, struct why *why)
{
	if (data.size == 0)
		return 0;
	if (data.size > m->limits.total_bytes - m->total)
		return why_set(why, WHY_TOO_LARGE,
		    "the parts together are over message_bytes, %llu",
		    (unsigned long long)m->limits.total_bytes);
	m->total += data.size;
	return m->handler.part_data(m->handler.context, data, why);
}

/*
 * Go on comparing with the delimiter from m->matched on. Returns how many
 * bytes agreed.
 */
static size_t
delimiter_match(struct multipart *m, struct span in)
{
	size_t want = m->delimiter_size - m->matched;
	size_t size = in.size < want ? in.size : want;
	const char *delimiter = m->delimiter + m->matched;
	size_t i = 0;
	while (i < size && in.at[i] == (uint8_t)delimiter[i])
		i++;
	m->matched += i;
	return i;
}

/* The first delimiter, or one empty line before it. */
static int
start_read(struct multipart *m, struct span in, size_t *used, struct why *why)
{
	*used = delimiter_match(m, in);
	if (m->matched == m->delimiter_size) {
		m->state = BOUNDED;
		return 0;
	}
	if (*used == in.size)
		return 0;
	if (m->matched == 2 && m->header_size == 0 && in.at[0] == '\r') {
		/* an empty line; counted, so that it can come once only */
		m->header_size = 1;
		m->matched = 1;
		*used = 1;
		return 0;
	}
	return why_set(why, WHY_MALFORMED,
	    "the body does not begin with the boundary of its Content-Type");
}

static int
data_read(struct multipart *m, struct span in, size_t *used, struct why *why)
{
	if (m->matched > 0) {
		*used = delimiter_match(m, in);
		if (m->matched == m->delimiter_size) {
			m->state = BOUNDED;
			return m->handler.part_end(m->handler.context, why);
		}
		if (*used == in.size)
			return 0;
		/* it was data after all; what matched now was in this piece,
		 * and need not be: the delimiter holds the same bytes */
		size_t before = m->matched;
		m->matched = 0;
		return data_hand_on(m, span_of(m->delimiter, before), why);
	}
	const uint8_t *found =
	    memmem(in.at, in.size, m->delimiter, m->delimiter_size);
	if (found != NULL) {
		*used = (size_t)(found - in.at);
		if (*used == 0) {
			*used = m->delimiter_size;
			m->state = BOUNDED;
			return m->handler.part_end(m->handler.context, why);
		}
		return data_hand_on(m, span_of(in.at, *used), why);
	}
	/* a delimiter may begin in the last bytes, only with the last CR */
	size_t tail =
	    in.size < m->delimiter_size - 1 ? in.size : m->delimiter_size - 1;
	const uint8_t *cr = memrchr(in.at + in.size - tail, '\r', tail);
	size_t size = in.size;
	if (cr != NULL) {
		size_t rest = (size_t)(in.at + in.size - cr);
		if (memcmp(cr, m->delimiter, rest) == 0)
			size -= rest;
	}
	if (size > 0) {
		*used = size;
		return data_hand_on(m, span_of(in.at, size), why);
	}
	m->matched = in.size;
	*used = in.size;
	return 0;
}

static int
part_start(struct multipart *m, struct why *why)
{
	if (m->parts == m->limits.parts)
		return why_set(why, WHY_TOO_LARGE,
		    "there are more parts than parts_per_message allows");
	m->parts++;
	m->header_size = 0;
	buf_reset(&m->line);
	multipart_fields_reset(&m->fields);
	m->state = HEADER;
	return 0;
}

/* One byte behind a delimiter, or behind the last. */
static int
mark_read(struct multipart *m, uint8_t c, struct why *why)
{
	switch (m->state) {
	case BOUNDED:
		if (c != '-' && c != '\r')
			break;
		m->state = c == '-' ? CLOSING : LINE_END;
		return 0;
	case CLOSING:
		if (c != '-')
			break;
		m->state = EPILOGUE;
		return 0;
	case LINE_END:
		return c == '\n' ? part_start(m, why)
				 : why_set(why, WHY_MALFORMED,
				       "a boundary's line ends without LF");
	case EPILOGUE:
	case EPILOGUE_LF:
	case WHOLE:
		if (c != (m->state == EPILOGUE         ? '\r'
			     : m->state == EPILOGUE_LF ? '\n'
						       : -1))
			return why_set(why, WHY_MALFORMED,
			    "bytes stand behind the last boundary");
		m->state = m->state == EPILOGUE ? EPILOGUE_LF : WHOLE;
		return 0;
	case START:
	case DATA:
	case HEADER:
	case DEAD:
	default:
		return why_set(why, WHY_BUG, "no mark is read here");
	}
	return why_set(why, WHY_MALFORMED,
	    "a boundary is followed by something that is no line end");
}

/* A header line is in m->line, with its CRLF. */
static int
line_read(struct multipart *m, struct why *why)
{
	struct span line = buf_span(&m->line);
	if (line.size < 2 || line.at[line.size - 2] != '\r')
		return why_set(why, WHY_MALFORMED,
		    "a line of a part's header ends without CR");
	line.size -= 2;
	if (line.size > 0) {
		int ret =
		    multipart_field_parse(&m->fields, line, &m->limits, why);
		buf_reset(&m->line);
		return ret;
	}
	struct multipart_part part;
	int ret = multipart_fields_end(&m->fields, &part, why);
	if (ret < 0)
		return ret;
	m->state = DATA;
	m->matched = 0;
	return m->handler.part_begin(m->handler.context, &part, why);
}

static int
header_read(struct multipart *m, struct span in, size_t *used, struct why *why)
{
	const uint8_t *lf = memchr(in.at, '\n', in.size);
	size_t size = lf == NULL ? in.size : (size_t)(lf - in.at) + 1;
	if (size > m->limits.header_bytes - m->header_size)
		return why_set(why, WHY_TOO_LARGE,
		    "a part's header is over part_header_bytes, %zu",
		    m->limits.header_bytes);
	m->header_size += size;
	buf_add(&m->line, in.at, size);
	*used = size;
	if (!buf_ok(&m->line))
		return why_set(why, WHY_NOMEM, "no memory for a part's header");
	return lf == NULL ? 0 : line_read(m, why);
}

static int
step(struct multipart *m, struct span in, size_t *used, struct why *why)
{
	*used = 0;
	switch (m->state) {
	case START:
		return start_read(m, in, used, why);
	case DATA:
		return data_read(m, in, used, why);
	case HEADER:
		return header_read(m, in, used, why);
	case BOUNDED:
	case CLOSING:
	case LINE_END:
	case EPILOGUE:
	case EPILOGUE_LF:
	case WHOLE:
		*used = 1;
		return mark_read(m, in.at[0], why);
	case DEAD:
	default:
		return why_set(
		    why, WHY_STATE, "the multipart was refused before");
	}
}

int
multipart_push(struct multipart *multipart, struct span bytes, size_t *used,
    struct why *why)
{
	*used = 0;
	while (!multipart->paused && *used < bytes.size) {
		size_t now;
		int ret = step(multipart,
		    span_of(bytes.at + *used, bytes.size - *used), &now, why);
		*used += now;
		if (ret < 0) {
			multipart->state = DEAD;
			return ret;
		}
	}
	return 0;
}

bool
multipart_is_whole(const struct multipart *multipart)
{
	return multipart->state == EPILOGUE || multipart->state == WHOLE;
}

int
multipart_finish(struct multipart *multipart, struct why *why)
{
	if (multipart_is_whole(multipart))
		return 0;
	multipart->state = DEAD;
	return why_set(
	    why, WHY_MALFORMED, "the body ends before its closing boundary");
}
