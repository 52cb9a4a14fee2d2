/*
 * The logo of a message type: a PNG of any kind becomes the picture, and what
 * is none is refused.
 */
#include "formats/logo.h"
#include "formats/pdf.h"
#include "formats/profile.h"
#include "formats/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

/* width by height pixels of one colour, in a format of libpng's. */
static void
make_png(uint32_t format, uint32_t width, uint32_t height,
    const uint8_t *colour, struct buf *out)
{
	png_image image;
	size_t channels = PNG_IMAGE_SAMPLE_CHANNELS(format);
	png_alloc_size_t size = 0;
	uint8_t *pixels = calloc((size_t)width * height, channels);
	memset(&image, 0, sizeof image);
	image.version = PNG_IMAGE_VERSION;
	image.width = width;
	image.height = height;
	image.format = format;
	assert_non_null(pixels);
	for (size_t i = 0; i < (size_t)width * height; i++)
		memcpy(pixels + i * channels, colour, channels);
	assert_true(
	    png_image_write_get_memory_size(image, size, 0, pixels, 0, NULL));
	buf_init(out, 4 << 20);
	uint8_t *room = buf_room(out, size);
	assert_non_null(room);
	assert_true(
	    png_image_write_to_memory(&image, room, &size, 0, pixels, 0, NULL));
	buf_used(out, size);
	free(pixels);
}

static void
png_of_every_kind_becomes_rgb_on_white(void **state)
{
	(void)state;
	static const struct {
		uint32_t format;
		uint8_t colour[4];
		uint8_t seen[3];
	} cases[] = {
	    {PNG_FORMAT_RGB, {10, 20, 30}, {10, 20, 30}},
	    {PNG_FORMAT_GRAY, {77}, {77, 77, 77}},
	    {PNG_FORMAT_RGBA, {10, 20, 30, 255}, {10, 20, 30}},
	    {PNG_FORMAT_RGBA, {10, 20, 30, 0}, {255, 255, 255}},
	    {PNG_FORMAT_GA, {0, 0}, {255, 255, 255}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logo *logo = NULL;
		struct buf png;
		struct why why = {0};
		make_png(cases[i].format, 3, 2, cases[i].colour, &png);
		assert_int_equal(
		    logo_read(buf_span(&png), "Et merke", 42, &logo, &why), 0);
		assert_int_equal(logo->picture.width, 3);
		assert_int_equal(logo->picture.height, 2);
		assert_int_equal(logo->picture.width_mm, 42);
		assert_int_equal(logo->picture.rgb.size, 18);
		assert_memory_equal(logo->picture.rgb.at, cases[i].seen, 3);
		assert_string_equal(logo->alternative, "Et merke");
		logo_free(logo);
		buf_clear(&png);
	}
}

static int
code_of(struct span png)
{
	struct logo *logo = NULL;
	struct why why = {0};
	int code = logo_read(png, "x", 42, &logo, &why);
	assert_true((code == 0) == (logo != NULL));
	assert_true(code == 0 || why.text[0] != '\0');
	logo_free(logo);
	return code;
}

static void
what_is_no_whole_png_is_refused(void **state)
{
	(void)state;
	struct buf png;
	static const uint8_t colour[] = {1, 2, 3};
	make_png(PNG_FORMAT_RGB, 20, 20, colour, &png);
	assert_int_equal(code_of(buf_span(&png)), 0);
	assert_int_equal(code_of(SPAN_NONE), WHY_MALFORMED);
	assert_int_equal(code_of(span_text("GIF89a")), WHY_MALFORMED);
	/* the last 12 bytes are IEND, which says nothing */
	for (size_t size = 1; size + 16 < png.size; size++)
		assert_int_equal(code_of(span_of(png.at, size)), WHY_MALFORMED);
	buf_clear(&png);
}

static void
a_picture_may_have_so_many_pixels_and_not_one_more(void **state)
{
	(void)state;
	static const uint8_t colour[] = {200};
	struct buf png;
	make_png(PNG_FORMAT_GRAY, 512, LOGO_PIXELS_MAX / 512, colour, &png);
	assert_int_equal(code_of(buf_span(&png)), 0);
	buf_clear(&png);
	make_png(PNG_FORMAT_GRAY, 512, LOGO_PIXELS_MAX / 512 + 1, colour, &png);
	assert_int_equal(code_of(buf_span(&png)), WHY_TOO_LARGE);
	buf_clear(&png);
	uint8_t *large = calloc(1, LOGO_FILE_MAX + 1);
	assert_non_null(large);
	assert_int_equal(code_of(span_of(large, LOGO_FILE_MAX)), WHY_MALFORMED);
	assert_int_equal(
	    code_of(span_of(large, LOGO_FILE_MAX + 1)), WHY_TOO_LARGE);
	free(large);
}

/* ---- in documents ---- */

static void
read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	buf_init(out, 1 << 20);
	uint8_t *room = buf_room(out, 1 << 20);
	assert_non_null(room);
	buf_used(out, fread(room, 1, 1 << 20, file));
	assert_int_equal(fclose(file), 0);
}

static void
documents_begin_with_the_logo_and_say_what_it_shows(void **state)
{
	(void)state;
	static const struct render_context context = {.message = "m",
	    .sender = "900000006",
	    .recipient = "900000014",
	    .received_ms = INT64_C(1795374300123)};
	struct limits limits;
	struct profile *profile = NULL;
	struct pdf_fonts *fonts = NULL;
	struct findings findings;
	struct render_result result;
	struct buf payload;
	struct why why = {0};
	limits_init(&limits);
	read_file(
	    "tests/formats/fixtures/digisos/gyldig-minimal.json", &payload);
	assert_int_equal(profile_load("formats/profiles/digisos-soknad",
			     &limits, &profile, &why),
	    0);
	assert_int_equal(pdf_fonts_open(NULL, &limits, &fonts, &why), 0);
	findings_init(&findings, 10);
	render_result_init(&result, &limits);
	assert_int_equal(render_payload(profile, buf_span(&payload), &context,
			     &limits, fonts, &findings, &result, &why),
	    0);
	const char *xhtml = buf_text(&result.xhtml);
	const char *picture = strstr(xhtml, "<img");
	assert_non_null(picture);
	assert_non_null(strstr(picture, "alt=\"budstikke\""));
	assert_true(picture < strstr(xhtml, "<h1"));
	assert_non_null(memmem(result.pdf.at, result.pdf.size, "/Subtype/Image",
	    strlen("/Subtype/Image")));
	render_result_clear(&result);
	findings_clear(&findings);
	pdf_fonts_close(fonts);
	profile_free(profile);
	buf_clear(&payload);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(png_of_every_kind_becomes_rgb_on_white),
	    cmocka_unit_test(what_is_no_whole_png_is_refused),
	    cmocka_unit_test(
		a_picture_may_have_so_many_pixels_and_not_one_more),
	    cmocka_unit_test(
		documents_begin_with_the_logo_and_say_what_it_shows),
	};
	return cmocka_run_group_tests_name("formats: logo", tests, NULL, NULL);
}
