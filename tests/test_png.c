/* Pictures: colour types and hostile files. */
#include <clade/io.h>

#include "file_testing.h"

#ifdef CLADE_HAVE_PNG
#include <png.h>
#endif

#ifdef CLADE_HAVE_PNG

static void write_png(png_uint_32 format, png_uint_32 width, png_uint_32 height, const void *pixels,
                      const void *colormap, png_uint_32 colors)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = width,
                     .height = height,
                     .format = format,
                     .colormap_entries = colors};
    ck_assert_msg(png_image_write_to_file(&png, path, 0, pixels, 0, colormap), "%s", png.message);
}

static void expect_pixels(const char *what, const uint8_t *expected, int64_t rows, int64_t cols)
{
    clade_image *image;
    ok(clade_png_load(&image, path));
    ck_assert_int_eq(image->rows, rows);
    ck_assert_int_eq(image->cols, cols);
    for (int64_t i = 0; i < rows * cols; i++)
        ck_assert_msg(abs(image->data[i] - expected[i]) <= 1, "%s: pixel %d is %d, not %d", what,
                      (int)i, image->data[i], expected[i]);
    clade_image_free(&image);
    ck_assert_ptr_null(image);
}

START_TEST(png_colour_types)
{
    const uint8_t grey[] = {0, 100, 255, 7, 8, 9};
    write_png(PNG_FORMAT_GRAY, 3, 2, grey, NULL, 0);
    expect_pixels("grey", grey, 2, 3);
    uint8_t rgb[18], map[18], indices[6], alpha[12];
    for (int i = 0; i < 6; i++) {
        memset(rgb + 3 * i, grey[i], 3);
        memset(map + 3 * i, grey[i], 3);
        indices[i] = (uint8_t)i;
        alpha[2 * i] = grey[i];
        alpha[2 * i + 1] = i < 3 ? 255 : 0;
    }
    write_png(PNG_FORMAT_RGB, 3, 2, rgb, NULL, 0);
    expect_pixels("rgb", grey, 2, 3);
    write_png(PNG_FORMAT_RGB_COLORMAP, 3, 2, indices, map, 6);
    expect_pixels("palette", grey, 2, 3);
    write_png(PNG_FORMAT_GA, 3, 2, alpha, NULL, 0);
    const uint8_t on_black[] = {0, 100, 255, 0, 0, 0};
    expect_pixels("transparent", on_black, 2, 3);
}
END_TEST

/* A 16-bit file without a gamma chunk holds sRGB values, as an 8-bit one does. */
START_TEST(png_16_bit)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    FILE *f = fopen(path, "wb");
    png_init_io(png, f);
    png_set_IHDR(png, info, 2, 1, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    const uint8_t row[] = {100, 100, 255, 255};
    png_write_row(png, row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    ck_assert_int_eq(fclose(f), 0);
    const uint8_t expected[] = {100, 255};
    expect_pixels("16 bit", expected, 1, 2);
}
END_TEST

START_TEST(png_faults)
{
    clade_image *image = (clade_image *)path;
    fails(clade_png_load(&image, path), CLADE_ERR_IO, path);
    ck_assert_ptr_null(image);
    fails(clade_png_load(&image, dir), CLADE_ERR_IO, "is a folder");
    fails(clade_png_load(NULL, path), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_png_load(&image, NULL), CLADE_ERR_ARGUMENT, "path is NULL");
    write_raw("no picture at all", 17);
    fails(clade_png_load(&image, path), CLADE_ERR_FORMAT, path);

    static uint8_t wide[16385];
    write_png(PNG_FORMAT_GRAY, 16385, 1, wide, NULL, 0);
    fails(clade_png_load(&image, path), CLADE_ERR_FORMAT, "16385 x 1; at most 16384");
    write_png(PNG_FORMAT_GRAY, 1, 16385, wide, NULL, 0);
    fails(clade_png_load(&image, path), CLADE_ERR_FORMAT, "1 x 16385; at most 16384");
}
END_TEST

#define PNG_END_CHUNK 12

/* Cut before the closing chunk, which holds nothing: refused. Every byte changed: a status or a
 * picture, no crash. */
START_TEST(png_damaged)
{
    uint8_t grey[400];
    for (int i = 0; i < 400; i++)
        grey[i] = (uint8_t)(i * i);
    write_png(PNG_FORMAT_GRAY, 20, 20, grey, NULL, 0);
    unsigned char raw[4096];
    size_t size = read_raw(raw, sizeof raw);
    clade_image *image;
    for (size_t n = size - PNG_END_CHUNK; n-- > 0;) {
        ck_assert_int_eq(truncate(path, (off_t)n), 0);
        clade_error_clear();
        clade_status status = clade_png_load(&image, path);
        ck_assert_msg(status == CLADE_ERR_FORMAT, "cut to %zu of %zu bytes: %s", n, size,
                      clade_last_error()->message);
        ck_assert_ptr_null(image);
    }
    write_raw(raw, size);
    for (size_t at = 0; at < size; at++) {
        set_byte(at, raw[at] ^ 0x55);
        clade_status status = clade_png_load(&image, path);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_FORMAT, "byte %zu: %s", at,
                      clade_last_error()->message);
        clade_image_free(&image);
        set_byte(at, raw[at]);
    }
}
END_TEST

#else

START_TEST(png_unsupported)
{
    clade_image *image;
    fails(clade_png_load(&image, path), CLADE_ERR_UNSUPPORTED, "no libpng");
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
#ifdef CLADE_HAVE_PNG
        png_colour_types,
        png_16_bit,
        png_faults,
        png_damaged,
#else
        png_unsupported,
#endif
    };
    return run_tests("png", tests, sizeof tests / sizeof *tests, setup, teardown);
}
