/*
 * logo - PNG through libpng's simplified interface, which bounds what it reads
 * and reports every fault. The files are the operator's, not a sender's.
 */
#include "formats/logo.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

static int
pixels_read(png_image *image, struct logo *logo, struct why *why)
{
	static const png_color white = {0xFF, 0xFF, 0xFF};
	image->format = PNG_FORMAT_RGB;
	size_t size = PNG_IMAGE_SIZE(*image);
	uint8_t *rgb = malloc(size);
	if (rgb == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a logo");
	logo->picture.rgb = span_of(rgb, size);
	if (png_image_finish_read(image, &white, rgb, 0, NULL) == 0)
		return why_set(
		    why, WHY_MALFORMED, "not a whole PNG: %s", image->message);
	logo->picture.width = image->width;
	logo->picture.height = image->height;
	return 0;
}

static int
png_read(struct span png, struct logo *logo, struct why *why)
{
	png_image image;
	memset(&image, 0, sizeof image);
	image.version = PNG_IMAGE_VERSION;
	if (png.size > LOGO_FILE_MAX)
		return why_set(
		    why, WHY_TOO_LARGE, "over %u bytes", LOGO_FILE_MAX);
	if (png_image_begin_read_from_memory(&image, png.at, png.size) == 0)
		return why_set(
		    why, WHY_MALFORMED, "not a PNG: %s", image.message);
	int ret;
	if ((uint64_t)image.width * image.height > LOGO_PIXELS_MAX)
		ret = why_set(why, WHY_TOO_LARGE,
		    "%u by %u pixels, at most %u in all", image.width,
		    image.height, LOGO_PIXELS_MAX);
	else
		ret = pixels_read(&image, logo, why);
	png_image_free(&image);
	return ret;
}

int
logo_read(struct span png, const char *alternative, uint32_t width_mm,
    struct logo **out, struct why *why)
{
	struct logo *logo = calloc(1, sizeof *logo);
	if (logo == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a logo");
	logo->picture.width_mm = width_mm;
	logo->alternative = strdup(alternative);
	int ret = logo->alternative == NULL
		      ? why_set(why, WHY_NOMEM, "no memory for a logo")
		      : png_read(png, logo, why);
	if (ret < 0) {
		logo_free(logo);
		return ret;
	}
	*out = logo;
	return 0;
}

void
logo_free(struct logo *logo)
{
	if (logo == NULL)
		return;
	free((void *)(uintptr_t)logo->picture.rgb.at);
	free(logo->alternative);
	free(logo);
}
