#include "picture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clade/clade.h>

#include "../common/cli.h"

static bool take(picture *out, int64_t rows, int64_t cols, const uint8_t *pixels)
{
    size_t size = (size_t)(rows * cols);
    *out = (picture){rows, cols, malloc(size ? size : 1)};
    if (out->pixels)
        memcpy(out->pixels, pixels, size);
    return out->pixels != NULL;
}

static int load_png(picture *out, const char *path, int64_t index)
{
    if (index != 0)
        return cli_fail("%s: is a PNG, which holds one image; --index is for IDX files", path);
    clade_image *image;
    if (clade_png_load(&image, path) != CLADE_OK)
        return cli_fail_library();
    bool taken = take(out, image->rows, image->cols, image->data);
    clade_image_free(&image);
    return taken ? EXIT_OK : cli_fail("%s: out of memory", path);
}

static int take_idx(picture *out, const char *path, const clade_idx *idx, int64_t index)
{
    if (idx->ndim != 2 && idx->ndim != 3)
        return cli_fail("%s: %d dimensions: neither an image nor images", path, idx->ndim);
    int64_t count = idx->ndim == 3 ? idx->dim[0] : 1;
    int64_t rows = idx->dim[idx->ndim - 2], cols = idx->dim[idx->ndim - 1];
    if (rows < 1 || cols < 1)
        return cli_fail("%s: images of %" PRId64 "x%" PRId64 " pixels", path, rows, cols);
    if (index >= count)
        return cli_fail("%s: no image %" PRId64 ": it holds %" PRId64, path, index, count);
    return take(out, rows, cols, idx->data + index * rows * cols)
               ? EXIT_OK
               : cli_fail("%s: out of memory", path);
}

static int load_idx(picture *out, const char *path, int64_t index)
{
    clade_idx *idx;
    if (clade_idx_load(&idx, path) != CLADE_OK)
        return cli_fail_library();
    int code = take_idx(out, path, idx, index);
    clade_idx_free(&idx);
    return code;
}

int picture_load(picture *out, const char *path, int64_t index)
{
    static const char png[4] = {'\x89', 'P', 'N', 'G'};
    char start[sizeof png] = {0};
    *out = (picture){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail("%s: %s", path, strerror(errno));
    bool is_png =
        fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, png, sizeof png) == 0;
    fclose(file);
    return is_png ? load_png(out, path, index) : load_idx(out, path, index);
}

void picture_free(picture *p)
{
    free(p->pixels);
    *p = (picture){0};
}

bool picture_dark_background(picture *p)
{
    double sum = 0;
    int64_t count = 0;
    for (int64_t r = 0; r < p->rows; r++) {
        bool whole = r == 0 || r == p->rows - 1 || p->cols == 1;
        for (int64_t c = 0; c < p->cols; c += whole ? 1 : p->cols - 1, count++)
            sum += p->pixels[r * p->cols + c];
    }
    if (sum <= 127.5 * (double)count)
        return false;
    for (int64_t i = 0; i < p->rows * p->cols; i++)
        p->pixels[i] = (uint8_t)(255 - p->pixels[i]);
    return true;
}

/* Resamples `lines` lines of n values to m values each; neighbours within a line lie `step` apart,
 * lines `line` apart, for the source and the target. */
static void resample(const float *from, int64_t n, int64_t step, int64_t line, float *to, int64_t m,
                     int64_t to_step, int64_t to_line, int64_t lines)
{
    double scale = (double)n / (double)m, radius = fmax(scale, 1);
    for (int64_t i = 0; i < m; i++) {
        double centre = ((double)i + 0.5) * scale;
        int64_t first = (int64_t)fmax(0, floor(centre - radius));
        int64_t last = (int64_t)fmin((double)n - 1, ceil(centre + radius));
        for (int64_t l = 0; l < lines; l++) {
            double sum = 0, weights = 0;
            for (int64_t k = first; k <= last; k++) {
                double w = fmax(0, 1 - fabs((double)k + 0.5 - centre) / radius);
                sum += w * (double)from[l * line + k * step];
                weights += w;
            }
            to[l * to_line + i * to_step] = (float)(sum / weights);
        }
    }
}

static int64_t scaled(int64_t size, int64_t longest, int64_t side)
{
    int64_t s = (size * side + longest / 2) / longest;
    return s < 1 ? 1 : s;
}

bool picture_fit(picture *p, int64_t side)
{
    if (p->rows == side && p->cols == side)
        return true;
    int64_t longest = p->rows > p->cols ? p->rows : p->cols;
    int64_t rows = scaled(p->rows, longest, side), cols = scaled(p->cols, longest, side);
    float *line = malloc((size_t)p->cols * sizeof *line);
    float *narrow = malloc((size_t)(p->rows * cols) * sizeof *narrow);
    float *small = malloc((size_t)(rows * cols) * sizeof *small);
    uint8_t *fitted = calloc((size_t)(side * side), 1);
    bool done = line && narrow && small && fitted;
    if (done) {
        for (int64_t r = 0; r < p->rows; r++) {
            for (int64_t c = 0; c < p->cols; c++)
                line[c] = p->pixels[r * p->cols + c];
            resample(line, p->cols, 1, 0, narrow + r * cols, cols, 1, 0, 1);
        }
        resample(narrow, p->rows, cols, 1, small, rows, cols, 1, cols);
        uint8_t *corner = fitted + (side - rows) / 2 * side + (side - cols) / 2;
        for (int64_t i = 0; i < rows * cols; i++)
            corner[i / cols * side + i % cols] = (uint8_t)(small[i] + 0.5f);
        free(p->pixels);
        *p = (picture){side, side, fitted};
    } else {
        free(fitted);
    }
    free(line);
    free(narrow);
    free(small);
    return done;
}
