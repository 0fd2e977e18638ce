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

/* ints: groups, or 0 for batch norm. */
static clade_tensor *build_channels(const op_case *row, const op_args *args)
{
    clade_tensor *weight = row->ints[1] ? args->in[1] : NULL;
    clade_tensor *bias = row->ints[2] ? args->in[1 + row->ints[1]] : NULL;
    if (row->ints[0])
        return clade_group_norm(args->in[0], row->ints[0], weight, bias, row->reals[0]);
    return clade_batch_norm(args->in[0], NULL, NULL, weight, bias,
                            &(clade_batch_norm_options){.train = true, .eps = row->reals[0]});
}

/* The set that element i of x shares its statistics with. */
static int64_t set_of(const op_case *row, const clade_shape *x, int64_t i)
{
    int64_t index[CLADE_MAX_DIMS];
    unravel(x, i, index);
    int64_t groups = row->ints[0];
    return groups ? index[0] * groups + index[1] * groups / x->dim[1] : index[1];
}

static void ref_channels(const op_case *row, const host_array *in, host_array *out)
{
    const clade_shape *shape = &in[0].shape;
    array_init(out, *shape);
    for (int64_t i = 0; i < out->numel; i++) {
        double n = 0, sum = 0, square = 0;
        int64_t set = set_of(row, shape, i), index[CLADE_MAX_DIMS];
        for (int64_t k = 0; k < out->numel; k++) {
            if (set_of(row, shape, k) != set)
                continue;
            n++;
            sum += in[0].value[k];
            square += in[0].value[k] * in[0].value[k];
        }
        double mean = sum / n, variance = square / n - mean * mean;
        unravel(shape, i, index);
        out->value[i] = (in[0].value[i] - mean) / sqrt(variance + row->reals[0]);
        if (row->ints[1])
            out->value[i] *= in[1].value[index[1]];
        if (row->ints[2])
            out->value[i] += in[1 + row->ints[1]].value[index[1]];
    }
}

#define CHANNELS(name, variant_, groups, weight, bias, ...)                                        \
    {                                                                                              \
        .op = #name, .variant = variant_, .ints = {groups, weight, bias}, .reals = {0.01},         \
        .build = build_channels, .reference = ref_channels, .dtypes = FLOATS, .gradient = true,    \
        .inputs = {{-2, 2}, {-2, 2}, {-2, 2}}, .ulp = 24, .scale = 4, .grad_scale = 16,            \
        .roundings = 8, .shapes = {                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
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
    CHANNELS(batch_norm, "weight and bias", 0, 1, 1, "[4,3,5] [3] [3]", "[2,3,4,2] [3] [3]",
             "[6,3] [3] [3]", "[0,3,2] [3] [3]"),
    CHANNELS(batch_norm, "plain", 0, 0, 0, "[4,3,5]"),
    CHANNELS(group_norm, "weight and bias", 2, 1, 1, "[3,4,5] [4] [4]", "[2,4,3,2] [4] [4]",
             "[3,6] [6] [6]", "[0,4,2] [4] [4]"),
    CHANNELS(group_norm, "bias", 3, 0, 1, "[2,3,5] [3]"),
};

const op_case_family norm_cases = {rows, sizeof rows / sizeof rows[0]};
