/* Rows of src/ops/create.c: ops without inputs. */
#include "op_cases.h"

#include <math.h>

static clade_shape target(const op_case *row)
{
    return CLADE_SHAPE(row->ints[0], row->ints[1]);
}

static clade_tensor *build_full(const op_case *row, const op_args *args)
{
    return clade_full(args->ctx, args->dtype, target(row), row->reals[0]);
}

static void ref_full(const op_case *row, const host_array *in, host_array *out)
{
    (void)in;
    array_init(out, target(row));
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = row->reals[0];
}

/* reals: start and step; ints: the shape, of one dimension. */
static clade_tensor *build_arange(const op_case *row, const op_args *args)
{
    const double start = row->reals[0], step = row->reals[1];
    double count = row->ints[0] - (step == trunc(step) ? 0 : 0.5); /* not to hit stop by rounding */
    return clade_arange(args->ctx, args->dtype, start, start + step * count, step);
}

static void ref_arange(const op_case *row, const host_array *in, host_array *out)
{
    (void)in;
    array_init(out, CLADE_SHAPE(row->ints[0]));
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = row->reals[0] + (double)i * row->reals[1];
}

/* reals: the ends. */
static clade_tensor *build_linspace(const op_case *row, const op_args *args)
{
    return clade_linspace(args->ctx, args->dtype, row->reals[0], row->reals[1], row->ints[0]);
}

static void ref_linspace(const op_case *row, const host_array *in, host_array *out)
{
    (void)in;
    array_init(out, CLADE_SHAPE(row->ints[0]));
    double span = row->reals[1] - row->reals[0], last = (double)out->numel - 1;
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = row->reals[0] + (last > 0 ? span * (double)i / last : 0);
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .shapes = {""}, .no_empty = "no inputs", __VA_ARGS__   \
    }

static const op_case rows[] = {
    ROW(full, .dtypes = ANY, .reference = ref_full, .ints = {3, 5}, .reals = {7}),
    ROW(full, .variant = "a fraction", .dtypes = FLOATS, .reference = ref_full, .ints = {2, 1},
        .reals = {-0.3}),
    ROW(full, .variant = "empty", .dtypes = ANY, .reference = ref_full, .ints = {3, 0},
        .reals = {7}),
    ROW(arange, .dtypes = ANY, .reference = ref_arange, .ints = {40}, .reals = {2, 3}),
    ROW(arange, .variant = "down", .dtypes = FLOATS | I32, .reference = ref_arange, .ints = {6},
        .reals = {2, -7}),
    ROW(arange, .variant = "fractions", .dtypes = FLOATS, .reference = ref_arange, .ints = {11},
        .reals = {-0.3, 0.1}, .ulp = 2, .scale = 1),
    ROW(arange, .variant = "one", .dtypes = ANY, .reference = ref_arange, .ints = {1},
        .reals = {5, 1}),
    ROW(arange, .variant = "empty", .dtypes = FLOATS, .reference = ref_arange, .ints = {0},
        .reals = {5, 1}),
    ROW(linspace, .dtypes = FLOATS, .reference = ref_linspace, .ints = {7}, .reals = {-1, 0.7},
        .ulp = 2, .scale = 1),
    ROW(linspace, .variant = "one", .dtypes = FLOATS, .reference = ref_linspace, .ints = {1},
        .reals = {-1, 0.7}),
    ROW(linspace, .variant = "empty", .dtypes = FLOATS, .reference = ref_linspace, .ints = {0},
        .reals = {-1, 0.7}),
};

const op_case_family create_cases = {rows, sizeof rows / sizeof rows[0]};
