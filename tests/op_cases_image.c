/* Rows of src/ops/image.c. */
#include "op_cases.h"

#include <math.h>

static clade_tensor *build_affine_sample(const op_case *row, const op_args *args)
{
    (void)row;
    return clade_affine_sample(args->in[0], args->in[1]);
}

static double pixel(const host_array *x, int64_t n, double row, double col)
{
    int64_t height = x->shape.dim[1], width = x->shape.dim[2];
    if (row < 0 || row >= (double)height || col < 0 || col >= (double)width)
        return 0;
    return x->value[(n * height + (int64_t)row) * width + (int64_t)col];
}

static double sampled(const host_array *x, int64_t n, double row, double col)
{
    double r = floor(row), c = floor(col), sum = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            sum += pixel(x, n, r + i, c + j) * (1 - fabs(row - r - i)) * (1 - fabs(col - c - j));
    return sum;
}

static void ref_affine_sample(const op_case *row, const host_array *in, host_array *out)
{
    (void)row;
    array_init(out, in[0].shape);
    int64_t height = in[0].shape.dim[1], width = in[0].shape.dim[2];
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t at[CLADE_MAX_DIMS];
        unravel(&out->shape, i, at);
        const double *t = in[1].value + at[0] * 6;
        double u = (2 * (double)at[2] + 1) / (double)width - 1;
        double v = (2 * (double)at[1] + 1) / (double)height - 1;
        double col = ((t[0] * u + t[1] * v + t[2] + 1) * (double)width - 1) / 2;
        double down = ((t[3] * u + t[4] * v + t[5] + 1) * (double)height - 1) / 2;
        out->value[i] = sampled(&in[0], at[0], down, col);
    }
}

/* Rounding of a position counts as often as pixels differ. */
static const op_case rows[] = {
    {.op = "affine_sample",
     .variant = "floats",
     .dtypes = FLOATS,
     .inputs = {{-2, 2}, {-1.5, 1.5}},
     .build = build_affine_sample,
     .reference = ref_affine_sample,
     .ulp = 64,
     .scale = 4,
     .shapes = {"[2,3,4] [2,2,3]", "[3,5,5] [3,2,3]", "[1,1,7] [1,2,3]", "[0,3,4] [0,2,3]"}},
    {.op = "affine_sample",
     .variant = "bytes",
     .dtypes = FLOATS,
     .inputs = {{0, 256, ALWAYS_U8}, {-1.5, 1.5}},
     .build = build_affine_sample,
     .reference = ref_affine_sample,
     .ulp = 64,
     .scale = 256,
     .shapes = {"[2,3,4] [2,2,3]", "[4,6,3] [4,2,3]"}},
};

const op_case_family image_cases = {rows, sizeof rows / sizeof rows[0]};
