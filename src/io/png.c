#include <clade/io.h>

#include "base/alloc.h"
#include "base/error.h"

void clade_image_free(clade_image **image)
{
    if (!image || !*image)
        return;
    clade_free((*image)->data);
    clade_free(*image);
    *image = NULL;
}

#ifdef CLADE_HAVE_PNG

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_SIDE 16384

static clade_status fault(const char *path, const png_image *png)
{
    return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: %s", path, png->message);
}

static clade_status decode(clade_image *image, png_image *png, FILE *file, const char *path)
{
    if (!png_image_begin_read_from_stdio(png, file))
        return fault(path, png);
    if (png->width > MAX_SIDE || png->height > MAX_SIDE)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: a picture of %lu x %lu; at most %d a side", path,
                          (unsigned long)png->width, (unsigned long)png->height, MAX_SIDE);
    png->format = PNG_FORMAT_GRAY;
    png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* else 16-bit files are taken as linear light */
    image->rows = png->height;
    image->cols = png->width;
    image->data = clade_realloc(NULL, (size_t)png->width * png->height, 1);
    if (!image->data)
        return CLADE_ERR_OUT_OF_MEMORY;
    const png_color black = {0, 0, 0};
    if (!png_image_finish_read(png, &black, image->data, (png_int_32)png->width, NULL))
        return fault(path, png);
    return CLADE_OK;
}

static clade_status load(clade_image *image, const char *path)
{
    int fd;
    size_t size;
    CLADE_TRY(clade_file_open(&fd, &size, path));
    FILE *file = fdopen(fd, "rb");
    if (!file) {
        int code = errno;
        close(fd);
        return CLADE_FAIL(CLADE_ERR_IO, "%s: %s", path, strerror(code));
    }
    png_image png = {.version = PNG_IMAGE_VERSION};
    clade_status status = decode(image, &png, file, path);
    png_image_free(&png);
    fclose(file);
    return status;
}

#else

static clade_status load(clade_image *image, const char *path)
{
    (void)image;
    return CLADE_FAIL(CLADE_ERR_UNSUPPORTED, "%s: this build has no libpng to read pictures", path);
}

#endif

clade_status clade_png_load(clade_image **out, const char *path)
{
    if (!out || !path)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "png_load: %s is NULL", out ? "path" : "out");
    *out = NULL;
    clade_image *image = clade_calloc(1, sizeof *image);
    if (!image)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = load(image, path);
    if (status != CLADE_OK)
        clade_image_free(&image);
    *out = image;
    return status;
}
