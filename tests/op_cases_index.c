/* Rows of src/ops/index.c. What indices outside the axis do is in test_index.c. */
#include "op_cases.h"

/* ints: the axis, its place from 0 on. */
static clade_tensor *build_index_select(const op_case *row, const op_args *args)
{
    return clade_index_select(args->in[0], row->ints[0], args->in[1]);
}

static void ref_index_select(const op_case *row, const host_array *in, host_array *out)
{
    int axis = row->ints[1];
    clade_shape shape = in[0].shape;
    shape.dim[axis] = in[1].numel;
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&shape, i, index);
        index[axis] = (int64_t)in[1].value[index[axis]];
        out->value[i] = in[0].value[ravel(&in[0].shape, index)];
    }
}

static clade_tensor *build_gather(const op_case *row, const op_args *args)
{
    return clade_gather(args->in[0], row->ints[0], args->in[1]);
}

static void ref_gather(const op_case *row, const host_array *in, host_array *out)
{
    array_init(out, in[1].shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&in[1].shape, i, index);
        index[row->ints[1]] = (int64_t)in[1].value[i];
        out->value[i] = in[0].value[ravel(&in[0].shape, index)];
    }
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, .dtypes = ANY,                \
        .gradient = true, .inputs = {{-20, 20}, {0, 3, .kind = ALWAYS_I32}}, __VA_ARGS__           \
    }

static const op_case rows[] = {
    ROW(index_select, .variant = "axis 0", .ints = {0, 0},
        .shapes = {"[3,2,4] [5]", "[4] [7]", "[3,37] [8]", "[3,16] [1]", "[5,2] [0]", "[3,0] [2]",
                   "[3,1] [40]"}),
    ROW(index_select, .variant = "axis 1", .ints = {1, 1},
        .shapes = {"[2,3,4] [6]", "[4,3] [2]", "[2,3,17] [5]", "[0,3] [4]"}),
    ROW(index_select, .variant = "axis -1", .ints = {-1, 2}, .shapes = {"[2,4,3] [5]"}),
    ROW(gather, .variant = "axis 0", .ints = {0, 0},
        .shapes = {"[3,2,4] [5,2,4]", "[4] [7]", "[3,2] [0,2]", "[3,19] [4,19]"}),
    ROW(gather, .variant = "axis 1", .ints = {1, 1},
        .shapes = {"[2,3,4] [2,6,4]", "[5,3] [5,1]", "[0,3] [0,2]"}),
    ROW(gather, .variant = "axis -1", .ints = {-1, 2}, .shapes = {"[2,4,3] [2,4,5]"}),
};

const op_case_family index_cases = {rows, sizeof rows / sizeof rows[0]};
