/* Rows of src/ops/pool.c. ints: 1 for adaptive, then of each dimension, as a decimal digit from the
 * first on, kernel (or output size), stride, padding and dilation; flags: 1 ceil_mode, 2
 * exclude_padding. */
#include "op_cases.h"

#include <math.h>

enum { CEIL = 1, EXCLUDE = 2 };

static int64_t digit(int digits, int dim)
{
    for (int d = 0; d < dim; d++)
        digits /= 10;
    return digits % 10;
}

static clade_pool_params params_of(const op_case *row)
{
    clade_pool_params p = {.ceil_mode = row->ints[5] & CEIL,
                           .exclude_padding = row->ints[5] & EXCLUDE};
    for (int d = 0; d < 3; d++) {
        p.kernel[d] = digit(row->ints[1], d);
        p.stride[d] = digit(row->ints[2], d);
        p.padding[d] = digit(row->ints[3], d);
        p.dilation[d] = digit(row->ints[4], d);
    }
    return p;
}

#define BUILD(name)                                                                                \
    static clade_tensor *build_##name(const op_case *row, const op_args *args)                     \
    {                                                                                              \
        const clade_pool_params p = params_of(row);                                                \
        clade_tensor *x = args->in[0];                                                             \
        const int dims = clade_tensor_shape(x).ndim - 2;                                           \
        if (row->ints[0])                                                                          \
            return dims == 1 ? clade_adaptive_##name##1d(x, p.kernel[0])                           \
                   : dims == 2                                                                     \
                       ? clade_adaptive_##name##2d(x, p.kernel[0], p.kernel[1])                    \
                       : clade_adaptive_##name##3d(x, p.kernel[0], p.kernel[1], p.kernel[2]);      \
        return dims == 1   ? clade_##name##1d(x, &p)                                               \
               : dims == 2 ? clade_##name##2d(x, &p)                                               \
                           : clade_##name##3d(x, &p);                                              \
    }
BUILD(max_pool)
BUILD(avg_pool)

/* Along a dimension: the output's size, and whether output o sees element i. *share: what an
 * average divides by. */
static int64_t size_of(const op_case *row, int d, int64_t in)
{
    const clade_pool_params p = params_of(row);
    const int64_t k = p.kernel[d], s = p.stride[d] ? p.stride[d] : k;
    const int64_t dilation = p.dilation[d] ? p.dilation[d] : 1;
    if (row->ints[0])
        return k;
    int64_t out = 0;
    while (out * s - p.padding[d] + dilation * (k - 1) < in + p.padding[d])
        out++;
    if (p.ceil_mode && out * s - p.padding[d] < in &&
        (out - 1) * s - p.padding[d] + dilation * (k - 1) != in + p.padding[d] - 1)
        out++;
    return out;
}

static bool sees(const op_case *row, int d, int64_t in, int64_t out, int64_t o, int64_t i)
{
    const clade_pool_params p = params_of(row);
    const int64_t k = p.kernel[d], s = p.stride[d] ? p.stride[d] : k;
    const int64_t dilation = p.dilation[d] ? p.dilation[d] : 1;
    if (row->ints[0])
        return i >= o * in / out && i < ((o + 1) * in + out - 1) / out;
    const int64_t away = i - (o * s - p.padding[d]);
    return away >= 0 && away % dilation == 0 && away / dilation < k;
}

static int64_t share_of(const op_case *row, int d, int64_t in, int64_t out, int64_t o)
{
    const clade_pool_params p = params_of(row);
    const bool padded = !row->ints[0] && !p.exclude_padding;
    int64_t share = 0;
    for (int64_t i = padded ? -p.padding[d] : 0; i < in + (padded ? p.padding[d] : 0); i++)
        share += sees(row, d, in, out, o, i);
    return share;
}

static void ref_pool(const op_case *row, const host_array *in, host_array *out, bool max)
{
    const clade_shape *x = &in->shape;
    clade_shape shape = *x;
    for (int i = 2; i < shape.ndim; i++)
        shape.dim[i] = size_of(row, i - 2, x->dim[i]);
    array_init(out, shape);
    for (int64_t o = 0; o < out->numel; o++) {
        int64_t at[CLADE_MAX_DIMS], from[CLADE_MAX_DIMS], share = 1;
        unravel(&shape, o, at);
        for (int i = 2; i < shape.ndim; i++)
            share *= share_of(row, i - 2, x->dim[i], shape.dim[i], at[i]);
        double sum = 0, most = -INFINITY;
        for (int64_t k = 0; k < in->numel; k++) {
            unravel(x, k, from);
            bool seen = from[0] == at[0] && from[1] == at[1];
            for (int i = 2; i < shape.ndim; i++)
                seen = seen && sees(row, i - 2, x->dim[i], shape.dim[i], at[i], from[i]);
            if (!seen)
                continue;
            sum += in->value[k];
            most = fmax(most, in->value[k]);
        }
        out->value[o] = max ? most : sum / (double)share;
    }
}

static void ref_max_pool(const op_case *row, const host_array *in, host_array *out)
{
    ref_pool(row, in, out, true);
}

static void ref_avg_pool(const op_case *row, const host_array *in, host_array *out)
{
    ref_pool(row, in, out, false);
}

#define ROW(name, variant_, adaptive, kernel, stride, padding, dilation, flags, ...)               \
    {                                                                                              \
        .op = #name, .variant = variant_,                                                          \
        .ints = {adaptive, kernel, stride, padding, dilation, flags}, .build = build_##name,       \
        .reference = ref_##name, .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},          \
        .ulp = 8, .scale = 2, .shapes = {                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* Columns in pairs: of whole vectors, of some and a rest, with one left over. */
static const op_case rows[] = {
    ROW(max_pool, "pairs", 0, 22, 0, 0, 0, 0, "[2,3,4,6]", "[1,2,4,16]", "[2,1,2,38]", "[1,2,5,19]",
        "[0,3,4,4]"),
    ROW(max_pool, "overlapping, padded", 0, 33, 22, 11, 0, 0, "[2,2,5,6]", "[1,1,3,4]"),
    ROW(max_pool, "dilated, ceil", 0, 32, 12, 10, 21, CEIL, "[1,2,7,6]", "[1,1,6,5]"),
    ROW(max_pool, "1d", 0, 2, 2, 0, 0, 0, "[2,3,9]"),
    ROW(max_pool, "3d", 0, 222, 212, 100, 0, 0, "[1,2,4,3,5]"),
    ROW(max_pool, "adaptive", 1, 32, 0, 0, 0, 0, "[2,2,5,7]", "[1,1,1,2]"),
    ROW(avg_pool, "padded", 0, 23, 12, 11, 0, 0, "[2,3,4,6]", "[1,1,3,3]", "[0,3,4,4]"),
    ROW(avg_pool, "ceil, exclude", 0, 33, 22, 11, 0, CEIL | EXCLUDE, "[2,2,6,5]"),
    ROW(avg_pool, "ceil", 0, 33, 22, 0, 0, CEIL, "[2,2,6,5]"),
    ROW(avg_pool, "1d", 0, 3, 2, 1, 0, 0, "[2,3,8]"),
    ROW(avg_pool, "3d", 0, 222, 0, 100, 0, 0, "[1,2,3,4,5]"),
    ROW(avg_pool, "adaptive", 1, 32, 0, 0, 0, 0, "[2,2,5,7]", "[3,2,2,1]"),
    ROW(avg_pool, "global", 1, 11, 0, 0, 0, 0, "[2,3,4,5]"),
};

const op_case_family pool_cases = {rows, sizeof rows / sizeof rows[0]};
