/* Rows of src/ops/create.c: ops without inputs. */
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
};

const op_case_family create_cases = {rows, sizeof rows / sizeof rows[0]};
