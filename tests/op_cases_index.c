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

/* ints: the row that gets no gradient. */
static clade_tensor *build_embedding(const op_case *row, const op_args *args)
{
    return clade_embedding(args->in[0], args->in[1], row->ints[0]);
}

static void ref_embedding(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = in[1].shape;
    int64_t width = in[0].shape.dim[1];
    (void)row;
    shape.dim[shape.ndim++] = width;
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t place = (int64_t)in[1].value[i / width];
        out->value[i] = in[0].value[place * width + i % width];
    }
}

/* ints: classes. */
static clade_tensor *build_one_hot(const op_case *row, const op_args *args)
{
    return clade_one_hot(args->in[0], row->ints[0], args->dtype);
}

static void ref_one_hot(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = in->shape;
    shape.dim[shape.ndim++] = row->ints[0];
    array_init(out, shape);
    for (int64_t i = 0; i < in->numel; i++)
        if (in->value[i] < row->ints[0])
            out->value[i * row->ints[0] + (int64_t)in->value[i]] = 1;
}

/* ints: the axis, its place from 0 on. Inputs: x, index, source. */
static clade_tensor *build_index_add(const op_case *row, const op_args *args)
{
    return clade_index_add(args->in[0], row->ints[0], args->in[1], args->in[2]);
}

static clade_tensor *build_scatter_add(const op_case *row, const op_args *args)
{
    return clade_scatter_add(args->in[0], row->ints[0], args->in[1], args->in[2]);
}

static void ref_add(const op_case *row, const host_array *in, bool each, host_array *out)
{
    int axis = row->ints[1];
    array_init(out, in[0].shape);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = in[0].value[i];
    for (int64_t i = 0; i < in[2].numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&in[2].shape, i, index);
        index[axis] = (int64_t)in[1].value[each ? i : index[axis]];
        out->value[ravel(&out->shape, index)] += in[2].value[i];
    }
}

static void ref_index_add(const op_case *row, const host_array *in, host_array *out)
{
    ref_add(row, in, false, out);
}

static void ref_scatter_add(const op_case *row, const host_array *in, host_array *out)
{
    ref_add(row, in, true, out);
}

#define ADD(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, .dtypes = ANY,                \
        .gradient = true, .inputs = {{0, 9}, {0, 3, .kind = ALWAYS_I32}, {0, 9}}, .ulp = 4,        \
        .scale = 40, __VA_ARGS__                                                                   \
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
    {.op = "embedding",
     .dtypes = FLOATS,
     .gradient = true,
     .build = build_embedding,
     .reference = ref_embedding,
     .inputs = {{-2, 2}, {0, 3, .kind = ALWAYS_I32}},
     .ints = {-1},
     .shapes = {"[3,4] [2,5]", "[3,37] [8]", "[3,4] []", "[3,4] [0]"}},
    {.op = "one_hot",
     .dtypes = ANY,
     .build = build_one_hot,
     .reference = ref_one_hot,
     .inputs = {{0, 6, .kind = ALWAYS_I32}},
     .ints = {5},
     .shapes = {"[2,3,4]", "[]", "[0]"}},
    ADD(index_add, .variant = "axis 0", .ints = {0, 0},
        .shapes = {"[3,2,4] [5] [5,2,4]", "[3,37] [8] [8,37]", "[4] [0] [0]"}),
    ADD(index_add, .variant = "axis -1", .ints = {-1, 2}, .shapes = {"[2,4,3] [5] [2,4,5]"}),
    ADD(scatter_add, .variant = "axis 1", .ints = {1, 1},
        .shapes = {"[2,3,4] [2,6,4] [2,6,4]", "[5,3] [5,1] [5,1]", "[0,3] [0,2] [0,2]"}),
};

const op_case_family index_cases = {rows, sizeof rows / sizeof rows[0]};
