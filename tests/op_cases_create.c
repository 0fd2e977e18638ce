/* Rows of src/ops/random.c: ops without inputs. What random numbers promise is in test_random.c. */
#include "op_cases.h"

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

static clade_tensor *build_uniform(const op_case *row, const op_args *args)
{
    return clade_uniform(args->ctx, args->dtype, target(row), row->reals[0], row->reals[1]);
}

static clade_tensor *build_normal(const op_case *row, const op_args *args)
{
    return clade_normal(args->ctx, args->dtype, target(row), row->reals[0], row->reals[1]);
}

static const char *verify_shape(const op_case *row, const host_array *out)
{
    clade_shape shape = target(row);
    return clade_shape_equal(&out->shape, &shape) ? NULL : "another shape than asked for";
}

static const char *verify_uniform(const op_case *row, const host_array *in, const host_array *out)
{
    (void)in;
    for (int64_t i = 0; i < out->numel; i++) {
        if (!(out->value[i] >= row->reals[0] && out->value[i] < row->reals[1]))
            return "a number outside the interval";
        if (i && out->value[i] == out->value[i - 1])
            return "the same number twice in a row";
    }
    return verify_shape(row, out);
}

static const char *verify_normal(const op_case *row, const host_array *in, const host_array *out)
{
    (void)in;
    for (int64_t i = 0; i < out->numel; i++) {
        double z = (out->value[i] - row->reals[0]) / row->reals[1];
        if (!(z > -9 && z < 9))
            return "a number nine standard deviations away";
        if (i && out->value[i] == out->value[i - 1])
            return "the same number twice in a row";
    }
    return verify_shape(row, out);
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
    ROW(uniform, .dtypes = FLOATS, .verify = verify_uniform, .ints = {7, 9}, .reals = {-2, 3}),
    ROW(uniform, .variant = "empty", .dtypes = FLOATS, .verify = verify_uniform, .ints = {0, 9},
        .reals = {-2, 3}),
    ROW(normal, .dtypes = FLOATS, .verify = verify_normal, .ints = {7, 9}, .reals = {-2, 3}),
    ROW(normal, .variant = "empty", .dtypes = FLOATS, .verify = verify_normal, .ints = {0, 9},
        .reals = {-2, 3}),
};

const op_case_family create_cases = {rows, sizeof rows / sizeof rows[0]};
