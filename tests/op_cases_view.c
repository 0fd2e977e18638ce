/* Rows of src/ops/view.c. */
#include "op_cases.h"

static clade_tensor *build_reshape(const op_case *row, const op_args *args)
{
    return clade_reshape(args->in[0], row->shape);
}

static void ref_reshape(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = row->shape;
    int64_t known = 1;
    for (int i = 0; i < shape.ndim; i++)
        known *= shape.dim[i] == -1 ? 1 : shape.dim[i];
    for (int i = 0; i < shape.ndim; i++)
        if (shape.dim[i] == -1)
            shape.dim[i] = in[0].numel / known;
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = in[0].value[i];
}

/* ints: the order. */
static clade_tensor *build_permute(const op_case *row, const op_args *args)
{
    return clade_permute(args->in[0], row->ints);
}

static void ref_permute(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = in[0].shape;
    for (int i = 0; i < shape.ndim; i++)
        shape.dim[i] = in[0].shape.dim[row->ints[i]];
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS], from[CLADE_MAX_DIMS];
        unravel(&shape, i, index);
        for (int d = 0; d < shape.ndim; d++)
            from[row->ints[d]] = index[d];
        out->value[i] = in[0].value[ravel(&in[0].shape, from)];
    }
}

/* ints: the same as an order, for ref_permute; then, from ints[4], the two axes. */
static clade_tensor *build_transpose(const op_case *row, const op_args *args)
{
    return clade_transpose(args->in[0], row->ints[4], row->ints[5]);
}

/* ints: axis, start, stop, step, then what they mean on the axis: first element, count. */
static clade_tensor *build_slice(const op_case *row, const op_args *args)
{
    return clade_slice(args->in[0], row->ints[0], row->ints[1], row->ints[2], row->ints[3]);
}

static void ref_slice(const op_case *row, const host_array *in, host_array *out)
{
    int axis = row->ints[0] < 0 ? row->ints[0] + in[0].shape.ndim : row->ints[0];
    clade_shape shape = in[0].shape;
    shape.dim[axis] = row->ints[5];
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&shape, i, index);
        index[axis] = row->ints[4] + index[axis] * row->ints[3];
        out->value[i] = in[0].value[ravel(&in[0].shape, index)];
    }
}

static clade_tensor *build_expand(const op_case *row, const op_args *args)
{
    return clade_expand(args->in[0], row->shape);
}

/* The input broadcasts against zeros of the target's shape, -1 standing for the input's own. */
static void ref_expand(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = row->shape;
    const clade_shape *from = &in[0].shape;
    int lead = shape.ndim - from->ndim;
    for (int i = lead; i < shape.ndim; i++)
        if (shape.dim[i] == -1)
            shape.dim[i] = from->dim[i - lead];
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS], at = 0;
        unravel(&shape, i, index);
        for (int d = 0; d < from->ndim; d++)
            at = at * from->dim[d] + (from->dim[d] == 1 ? 0 : index[lead + d]);
        out->value[i] = in[0].value[at];
    }
}

/* ints: as for transpose. What is contiguous already comes back as it is, unrecorded. */
static clade_tensor *build_contiguous(const op_case *row, const op_args *args)
{
    return clade_contiguous(build_transpose(row, args));
}

#define ROW(op_, reference_, ...)                                                                  \
    {                                                                                              \
        .op = #op_, .build = build_##op_, .reference = reference_, .dtypes = ANY,                  \
        .gradient = true, .inputs = {{-20, 20}}, __VA_ARGS__                                       \
    }

static const op_case rows[] = {
    ROW(reshape, ref_reshape, .variant = "to [4,-1]", .shape = {2, {4, -1}},
        .shapes = {"[2,3,4]", "[4]", "[0,4]"}),
    ROW(reshape, ref_reshape, .variant = "to []", .shape = {0}, .shapes = {"[1,1]", "[]"}),
    ROW(permute, ref_permute, .variant = "2 0 1", .ints = {2, 0, 1},
        .shapes = {"[2,3,4]", "[1,5,2]", "[2,0,3]"}),
    ROW(transpose, ref_permute, .variant = "0 -1", .ints = {2, 1, 0, 0, 0, -1},
        .shapes = {"[2,3,4]", "[1,2,3]", "[3,2,0]"}),
    ROW(slice, ref_slice, .variant = "of axis 1, 1:4:2", .ints = {1, 1, 4, 2, 1, 2},
        .shapes = {"[2,5,3]", "[3,4]", "[0,4]"}),
    ROW(slice, ref_slice, .variant = "of axis -1, -3:9", .ints = {-1, -3, 9, 1, 2, 3},
        .shapes = {"[2,3,5]", "[5]"}),
    ROW(slice, ref_slice, .variant = "of nothing", .ints = {0, 2, 2, 1, 0, 0},
        .shapes = {"[3,2,2]", "[2]"}),
    ROW(expand, ref_expand, .variant = "to [2,-1,3]", .shape = {3, {2, -1, 3}},
        .shapes = {"[2,4,3]", "[1,4,1]", "[4,3]", "[0,1]"}),
    ROW(contiguous, ref_permute, .variant = "of a transposed view", .ints = {1, 0, 2, 0, 0, 1},
        .shapes = {"[2,3,4]", "[5,2]", "[0,2]"}),
};

const op_case_family view_cases = {rows, sizeof rows / sizeof rows[0]};
