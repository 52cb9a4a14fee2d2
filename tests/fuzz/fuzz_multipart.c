/* The multipart parser: any split of the bytes, with or without pauses, must
 * tell the same story. */
#include "formats/multipart.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct teller {
	struct buf story;
	struct multipart *multipart;
	bool pauses;
};

static int
tell(struct teller *teller, char what, struct span bytes)
{
	if (what != 'd')
		buf_add_byte(&teller->story, (uint8_t)what);
	buf_add_span(&teller->story, bytes);
	if (teller->pauses)
		multipart_pause(teller->multipart);
	return 0;
}

static int
on_begin(void *context, const struct multipart_part *part, struct why *why)
{
	(void)why;
	assert(part->name[0] != '\0');
	(void)tell(context, 'b', span_text(part->name));
	(void)tell(context, 'f', span_text(part->filename));
	return tell(context, 't', span_text(part->media_type));
}

static int
on_data(void *context, struct span data, struct why *why)
{
	(void)why;
	assert(data.size > 0);
	return tell(context, 'd', data);
}

static int
on_end(void *context, struct why *why)
{
	(void)why;
	return tell(context, 'e', SPAN_NONE);
}

/* The story and how it ended. */
static int
story(struct span in, size_t step, bool pauses, struct buf *out)
{
	static const struct multipart_limits limits = {5, 200, 20, 30, 1000};
	struct teller teller = {.pauses = pauses};
	struct multipart_handler handler = {on_begin, on_data, on_end, &teller};
	struct why why = {0};
	size_t used;
	buf_init(&teller.story, 1 << 20);
	int ret =
	    multipart_new("B", &limits, &handler, &teller.multipart, &why);
	while (ret == 0 && in.size > 0) {
		ret = multipart_push(teller.multipart,
		    span_of(in.at, in.size < step ? in.size : step), &used,
		    &why);
		assert(used <= in.size);
		multipart_resume(teller.multipart);
		in = span_of(in.at + used, in.size - used);
	}
	if (ret == 0)
		ret = multipart_finish(teller.multipart, &why);
	multipart_free(teller.multipart);
	*out = teller.story;
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const size_t steps[] = {1, 2, 3, 11};
	struct buf whole;
	struct buf split;
	char boundary[MULTIPART_BOUNDARY_MAX + 1];
	int ret = story(span_of(at, size), SIZE_MAX, false, &whole);
	for (size_t i = 0; i < 4; i++) {
		int again = story(span_of(at, size), steps[i], i % 2, &split);
		assert(again == ret);
		/* what was told before a refusal may end at another byte */
		assert(
		    ret < 0 || span_equal(buf_span(&whole), buf_span(&split)));
		buf_clear(&split);
	}
	buf_clear(&whole);
	if (multipart_boundary_parse(span_of(at, size), boundary, NULL) == 0)
		assert(strlen(boundary) <= MULTIPART_BOUNDARY_MAX);
	return 0;
}
