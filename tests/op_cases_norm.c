/* Rows of src/ops/norm.c. ints: dims, whether there is a weight, whether there is a bias; reals:
 * eps. */
#include "op_cases.h"

#include <math.h>

static clade_tensor *build_layer_norm(const op_case *row, const op_args *args)
{
    clade_tensor *weight = row->ints[1] ? args->in[1] : NULL;
    clade_tensor *bias = row->ints[2] ? args->in[1 + row->ints[1]] : NULL;
    return clade_layer_norm(args->in[0], weight, bias, row->ints[0], row->reals[0]);
}

static clade_tensor *build_rms_norm(const op_case *row, const op_args *args)
{
    clade_tensor *weight = row->ints[1] ? args->in[1] : NULL;
    return clade_rms_norm(args->in[0], weight, row->ints[0], row->reals[0]);
}

static double mean_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static void norm_row(const op_case *row, const host_array *in, const double *x, double mean,
                     int64_t n, double *out)
{
    double square = 0;
    for (int64_t i = 0; i < n; i++)
        square += pow(x[i] - mean, 2);
    for (int64_t i = 0; i < n; i++) {
        out[i] = (x[i] - mean) / sqrt(square / (double)n + row->reals[0]);
        if (row->ints[1])
            out[i] *= in[1].value[i];
        if (row->ints[2])
            out[i] += in[1 + row->ints[1]].value[i];
    }
}

static void ref_norm(const op_case *row, const host_array *in, host_array *out, bool centered)
{
    int64_t n = 1;
    for (int d = 1; d <= row->ints[0]; d++)
        n *= in->shape.dim[in->shape.ndim - d];
    array_init(out, in->shape);
    for (int64_t i = 0; i < out->numel; i += n) {
        const double *x = in->value + i;
        norm_row(row, in, x, centered ? mean_of(x, n) : 0, n, out->value + i);
    }
}

static void ref_layer_norm(const op_case *row, const host_array *in, host_array *out)
{
    ref_norm(row, in, out, true);
}

static void ref_rms_norm(const op_case *row, const host_array *in, host_array *out)
{
    ref_norm(row, in, out, false);
}

#define ROW(name, variant_, dims, weight, bias, ...)                                               \
    {                                                                                              \
        .op = #name, .variant = variant_, .ints = {dims, weight, bias}, .reals = {0.01},           \
        .build = build_##name, .reference = ref_##name, .dtypes = FLOATS, .gradient = true,        \
        .inputs = {{-2, 2}, {-2, 2}, {-2, 2}}, .ulp = 12, .scale = 4, .grad_scale = 8, .shapes = { \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* Rows shorter than a vector, of some and a rest, and longer than all lanes take at once; enough
 * rows for several chunks. */
static const op_case rows[] = {
    ROW(layer_norm, "weight and bias", 1, 1, 1, "[2,3,4] [4] [4]", "[5,33] [33] [33]",
        "[70,17] [17] [17]", "[2,300] [300] [300]", "[7] [7] [7]", "[0,3] [3] [3]",
        "[3,0] [0] [0]"),
    ROW(layer_norm, "weight", 1, 1, 0, "[2,3,4] [4]", "[5,16] [16]", "[66,3] [3]"),
    ROW(layer_norm, "bias", 1, 0, 1, "[2,3,4] [4]", "[5,16] [16]", "[0,3] [3]"),
    ROW(layer_norm, "plain", 1, 0, 0, "[2,3,4]", "[5,40]", "[2,300]", "[0,3]"),
    ROW(layer_norm, "over two dimensions", 2, 1, 1, "[2,3,4] [3,4] [3,4]", "[40,2,9] [2,9] [2,9]",
        "[3,4] [3,4] [3,4]", "[0,2,3] [2,3] [2,3]"),
    ROW(rms_norm, "weight", 1, 1, 0, "[2,3,4] [4]", "[5,33] [33]", "[70,17] [17]", "[2,300] [300]",
        "[7] [7]", "[0,3] [3]", "[3,0] [0]"),
    ROW(rms_norm, "plain", 1, 0, 0, "[2,3,4]", "[5,40]", "[2,300]", "[0,3]"),
    ROW(rms_norm, "over two dimensions", 2, 1, 0, "[2,3,4] [3,4]", "[40,2,9] [2,9]",
        "[0,2,3] [2,3]"),
};

const op_case_family norm_cases = {rows, sizeof rows / sizeof rows[0]};
