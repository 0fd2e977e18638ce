/* Rows of src/ops/resample.c. ints of upsample: mode (0 nearest, 1 bilinear, 2 with corners), rows,
 * columns; of unfold and fold, as two decimal digits, rows first: kernel, stride, padding,
 * dilation, and fold's size. */
#include "op_cases.h"

#include <math.h>

static clade_tensor *build_upsample(const op_case *row, const op_args *args)
{
    const int *n = row->ints;
    return n[0] ? clade_upsample_bilinear2d(args->in[0], n[1], n[2], n[0] == 2)
                : clade_upsample_nearest2d(args->in[0], n[1], n[2]);
}

/* How much of element i output o takes. */
static double weight(int mode, int64_t in, int64_t out, int64_t o, int64_t i)
{
    if (mode == 0)
        return o * in / out == i;
    double at = mode == 1 ? fmax(((double)o + 0.5) * (double)in / (double)out - 0.5, 0)
                : out > 1 ? (double)(o * (in - 1)) / (double)(out - 1)
                          : 0;
    at = fmin(at, (double)(in - 1));
    return fmax(0, 1 - fabs(at - (double)i));
}

static void ref_upsample(const op_case *row, const host_array *in, host_array *out)
{
    const clade_shape *x = &in->shape;
    clade_shape shape = *x;
    shape.dim[2] = row->ints[1];
    shape.dim[3] = row->ints[2];
    array_init(out, shape);
    for (int64_t o = 0; o < out->numel; o++) {
        int64_t at[4];
        unravel(&shape, o, at);
        const double *plane = in->value + (at[0] * x->dim[1] + at[1]) * x->dim[2] * x->dim[3];
        for (int64_t i = 0; i < x->dim[2] * x->dim[3]; i++)
            out->value[o] += plane[i] *
                             weight(row->ints[0], x->dim[2], shape.dim[2], at[2], i / x->dim[3]) *
                             weight(row->ints[0], x->dim[3], shape.dim[3], at[3], i % x->dim[3]);
    }
}

static int64_t setting(const op_case *row, int which, int d)
{
    return d == 0 ? row->ints[which] / 10 : row->ints[which] % 10;
}

static clade_conv_params params_of(const op_case *row)
{
    clade_conv_params p = {0};
    for (int d = 0; d < 2; d++) {
        p.stride[d] = setting(row, 1, d);
        p.padding[d] = setting(row, 2, d);
        p.dilation[d] = setting(row, 3, d);
    }
    return p;
}

static clade_tensor *build_unfold(const op_case *row, const op_args *args)
{
    const clade_conv_params p = params_of(row);
    return clade_unfold(args->in[0], setting(row, 0, 0), setting(row, 0, 1), &p);
}

static clade_tensor *build_fold(const op_case *row, const op_args *args)
{
    const clade_conv_params p = params_of(row);
    return clade_fold(args->in[0], setting(row, 4, 0), setting(row, 4, 1), setting(row, 0, 0),
                      setting(row, 0, 1), &p);
}

static int64_t places(const op_case *row, int d, int64_t size)
{
    return (size + 2 * setting(row, 2, d) - setting(row, 3, d) * (setting(row, 0, d) - 1) - 1) /
               setting(row, 1, d) +
           1;
}

/* The element of a picture of the given size that place `at` of a channel's patches sees; -1: none.
 */
static int64_t seen(const op_case *row, const clade_shape *picture, int64_t tap, int64_t place)
{
    const int64_t across = places(row, 1, picture->dim[3]), kw = setting(row, 0, 1);
    const int64_t i =
        place / across * setting(row, 1, 0) + tap / kw * setting(row, 3, 0) - setting(row, 2, 0);
    const int64_t j =
        place % across * setting(row, 1, 1) + tap % kw * setting(row, 3, 1) - setting(row, 2, 1);
    if (i < 0 || i >= picture->dim[2] || j < 0 || j >= picture->dim[3])
        return -1;
    return i * picture->dim[3] + j;
}

/* For every element of the patches [n, channels * taps, places]: from or to the picture's. */
static void move(const op_case *row, const clade_shape *picture, const double *from, double *to,
                 bool fold)
{
    const int64_t area = picture->dim[2] * picture->dim[3];
    const int64_t taps = setting(row, 0, 0) * setting(row, 0, 1);
    const int64_t n = places(row, 0, picture->dim[2]) * places(row, 1, picture->dim[3]);
    for (int64_t c = 0; c < picture->dim[0] * picture->dim[1]; c++)
        for (int64_t k = 0; k < taps * n; k++) {
            const int64_t at = seen(row, picture, k / n, k % n);
            if (at >= 0 && fold)
                to[c * area + at] += from[c * taps * n + k];
            else if (at >= 0)
                to[c * taps * n + k] = from[c * area + at];
        }
}

static void ref_unfold(const op_case *row, const host_array *in, host_array *out)
{
    const clade_shape *x = &in->shape;
    array_init(out, CLADE_SHAPE(x->dim[0], x->dim[1] * setting(row, 0, 0) * setting(row, 0, 1),
                                places(row, 0, x->dim[2]) * places(row, 1, x->dim[3])));
    move(row, x, in->value, out->value, false);
}

static void ref_fold(const op_case *row, const host_array *in, host_array *out)
{
    const int64_t taps = setting(row, 0, 0) * setting(row, 0, 1);
    array_init(out, CLADE_SHAPE(in->shape.dim[0], in->shape.dim[1] / taps, setting(row, 4, 0),
                                setting(row, 4, 1)));
    move(row, &out->shape, in->value, out->value, true);
}

#define ROW(name, variant_, a, b, c, d, e, ...)                                                    \
    {                                                                                              \
        .op = #name, .variant = variant_, .ints = {a, b, c, d, e}, .build = build_##name,          \
        .reference = ref_##name, .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},          \
        .ulp = 8, .scale = 4, .shapes = {                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
static const op_case rows[] = {
    ROW(upsample, "nearest", 0, 5, 8, 0, 0, "[2,3,3,4]", "[1,1,7,2]", "[0,2,3,4]"),
    ROW(upsample, "bilinear", 1, 5, 8, 0, 0, "[2,3,3,4]", "[1,1,7,1]"),
    ROW(upsample, "bilinear, corners", 2, 5, 8, 0, 0, "[2,3,3,4]"),
    ROW(upsample, "bilinear, one row", 2, 1, 2, 0, 0, "[1,2,3,4]"),
    ROW(unfold, NULL, 32, 12, 10, 21, 0, "[2,2,5,6]", "[0,2,5,6]"),
    ROW(fold, NULL, 32, 12, 10, 11, 46, "[2,12,12]", "[0,12,12]"),
};

const op_case_family resample_cases = {rows, sizeof rows / sizeof rows[0]};
