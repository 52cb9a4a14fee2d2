/*
 * peer_pango - the sample's text through Pango and Cairo into a PDF: what the
 * usual libraries cost for the same pages, without tags and without PDF/A.
 *
 * usage: peer_pango TEXT      CPU microseconds of one document, warm, median
 */
#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WIDTH 595.0 /* A4 in points */
#define HEIGHT 842.0
#define MARGIN 57.0
#define ROUNDS 41

static cairo_status_t
take(void *bytes, const unsigned char *data, unsigned size)
{
	(void)data;
	*(size_t *)bytes += size;
	return CAIRO_STATUS_SUCCESS;
}

/* Each line of the text is a block of its own. */
static void
draw(const char *text)
{
	size_t bytes = 0;
	double y = MARGIN;
	cairo_surface_t *surface =
	    cairo_pdf_surface_create_for_stream(take, &bytes, WIDTH, HEIGHT);
	cairo_t *cairo = cairo_create(surface);
	PangoLayout *layout = pango_cairo_create_layout(cairo);
	PangoFontDescription *font =
	    pango_font_description_from_string("Noto Sans 10");
	pango_layout_set_font_description(layout, font);
	pango_layout_set_width(
	    layout, (int)((WIDTH - 2 * MARGIN) * PANGO_SCALE));
	for (const char *at = text; *at != '\0';) {
		int size = (int)strcspn(at, "\n");
		int height;
		pango_layout_set_text(layout, at, size);
		pango_layout_get_pixel_size(layout, NULL, &height);
		if (y + height > HEIGHT - MARGIN) {
			cairo_show_page(cairo);
			y = MARGIN;
		}
		cairo_move_to(cairo, MARGIN, y);
		pango_cairo_show_layout(cairo, layout);
		y += height + 4;
		at += size + (at[size] == '\n');
	}
	pango_font_description_free(font);
	g_object_unref(layout);
	cairo_destroy(cairo);
	cairo_surface_finish(surface);
	if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS || bytes == 0)
		exit(1);
	cairo_surface_destroy(surface);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double
cpu_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int
main(int argc, char **argv)
{
	static char text[1 << 20];
	double took[ROUNDS];
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (file == NULL || fread(text, 1, sizeof text - 1, file) == 0)
		return 1;
	(void)fclose(file);
	draw(text);
	for (size_t i = 0; i < ROUNDS; i++) {
		double began = cpu_us();
		draw(text);
		took[i] = cpu_us() - began;
	}
	qsort(took, ROUNDS, sizeof took[0], compare);
	printf("%.0f\n", took[ROUNDS / 2]);
	return 0;
}
