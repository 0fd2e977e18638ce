/* Rows of src/ops/pad.c and src/ops/arrange.c. What split and chunk do is in test_views.c. */
#include "op_cases.h"

/* Turns an index of the result into one of x; false: the element is a constant. */
typedef bool (*source_of)(const op_case *row, const clade_shape *from, int64_t *index);

static void moved(const op_case *row, const host_array *in, clade_shape shape, source_of source,
                  double constant, host_array *out)
{
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&shape, i, index);
        bool found = source(row, &in->shape, index);
        out->value[i] = found ? in->value[ravel(&in->shape, index)] : constant;
    }
}

/* ints: before and after the last axis, before and after that before it, the mode. */
static clade_tensor *build_pad(const op_case *row, const op_args *args)
{
    const int64_t amounts[4] = {row->ints[0], row->ints[1], row->ints[2], row->ints[3]};
    return clade_pad(args->in[0], amounts, 4, (clade_pad_mode)row->ints[4], row->reals[0]);
}

static bool source_pad(const op_case *row, const clade_shape *from, int64_t *index)
{
    for (int i = 0; i < 2; i++) {
        int axis = from->ndim - 1 - i;
        int64_t size = from->dim[axis], at = index[axis] - row->ints[2 * i];
        if (row->ints[4] == CLADE_PAD_CONSTANT && (at < 0 || at >= size))
            return false;
        if (row->ints[4] == CLADE_PAD_REFLECT)
            at = at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
        index[axis] = at < 0 ? 0 : at >= size ? size - 1 : at;
    }
    return true;
}

static void ref_pad(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = in->shape;
    shape.dim[shape.ndim - 1] += row->ints[0] + row->ints[1];
    shape.dim[shape.ndim - 2] += row->ints[2] + row->ints[3];
    moved(row, in, shape, source_pad, row->reals[0], out);
}

/* ints: how many axes (-1: all, as NULL), up to three of them. */
static clade_tensor *build_flip(const op_case *row, const op_args *args)
{
    return clade_flip(args->in[0], row->ints[0] < 0 ? NULL : &row->ints[1], row->ints[0]);
}

static bool source_flip(const op_case *row, const clade_shape *from, int64_t *index)
{
    for (int d = 0; d < from->ndim; d++) {
        bool turned = row->ints[0] < 0;
        for (int i = 0; i < row->ints[0]; i++)
            turned = turned || (row->ints[1 + i] + from->ndim) % from->ndim == d;
        index[d] = turned ? from->dim[d] - 1 - index[d] : index[d];
    }
    return true;
}

static void ref_flip(const op_case *row, const host_array *in, host_array *out)
{
    moved(row, in, in->shape, source_flip, 0, out);
}

/* ints: axis, shift. */
static clade_tensor *build_roll(const op_case *row, const op_args *args)
{
    return clade_roll(args->in[0], row->ints[0], row->ints[1]);
}

static bool source_roll(const op_case *row, const clade_shape *from, int64_t *index)
{
    int axis = (row->ints[0] + from->ndim) % from->ndim;
    int64_t size = from->dim[axis];
    index[axis] = ((index[axis] - row->ints[1]) % size + size) % size;
    return true;
}

static void ref_roll(const op_case *row, const host_array *in, host_array *out)
{
    moved(row, in, in->shape, source_roll, 0, out);
}

/* ints: axis, its place from 0 on. */
static clade_tensor *build_stack(const op_case *row, const op_args *args)
{
    return clade_stack(args->in, 2, row->ints[0]);
}

static void ref_stack(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = {.ndim = in->shape.ndim + 1};
    int axis = row->ints[1];
    for (int d = 0; d < shape.ndim; d++)
        shape.dim[d] = d == axis ? 2 : in->shape.dim[d < axis ? d : d - 1];
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&shape, i, index);
        const host_array *from = &in[index[axis]];
        for (int d = axis; d + 1 < shape.ndim; d++)
            index[d] = index[d + 1];
        out->value[i] = from->value[ravel(&from->shape, index)];
    }
}

/* shape: the counts. */
static clade_tensor *build_repeat(const op_case *row, const op_args *args)
{
    return clade_repeat(args->in[0], row->shape.dim, row->shape.ndim);
}

static bool source_repeat(const op_case *row, const clade_shape *from, int64_t *index)
{
    int lead = row->shape.ndim - from->ndim;
    for (int d = 0; d < from->ndim; d++)
        index[d] = index[lead + d] % from->dim[d];
    return true;
}

static void ref_repeat(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = row->shape;
    int lead = shape.ndim - in->shape.ndim;
    for (int d = 0; d < in->shape.ndim; d++)
        shape.dim[lead + d] *= in->shape.dim[d];
    moved(row, in, shape, source_repeat, 0, out);
}

/* ints: diagonal. */
static clade_tensor *build_tril(const op_case *row, const op_args *args)
{
    return clade_tril(args->in[0], row->ints[0]);
}

static clade_tensor *build_triu(const op_case *row, const op_args *args)
{
    return clade_triu(args->in[0], row->ints[0]);
}

static bool source_tril(const op_case *row, const clade_shape *from, int64_t *index)
{
    return index[from->ndim - 1] - index[from->ndim - 2] <= row->ints[0];
}

static bool source_triu(const op_case *row, const clade_shape *from, int64_t *index)
{
    return index[from->ndim - 1] - index[from->ndim - 2] >= row->ints[0];
}

static void ref_tril(const op_case *row, const host_array *in, host_array *out)
{
    moved(row, in, in->shape, source_tril, 0, out);
}

static void ref_triu(const op_case *row, const host_array *in, host_array *out)
{
    moved(row, in, in->shape, source_triu, 0, out);
}

#define ROW_AS(op_, name, ...)                                                                     \
    {                                                                                              \
        .op = op_, .build = build_##name, .reference = ref_##name, .dtypes = ANY,                  \
        .gradient = true, .inputs = {{-20, 20}, {-20, 20}}, __VA_ARGS__                            \
    }
#define ROW(name, ...) ROW_AS(#name, name, __VA_ARGS__)

static const op_case rows[] = {
    ROW(pad, .ints = {1, 2, 0, 1, CLADE_PAD_CONSTANT}, .reals = {3},
        .shapes = {"[2,3,4]", "[5,6]", "[0,3,4]", "[2,0]"}),
    ROW_AS("pad_indexed", pad, .variant = "reflect", .ints = {1, 2, 0, 1, CLADE_PAD_REFLECT},
           .shapes = {"[2,3,4]", "[5,6]", "[0,3,4]"}),
    ROW_AS("pad_indexed", pad, .variant = "replicate", .ints = {5, 2, 0, 1, CLADE_PAD_REPLICATE},
           .shapes = {"[2,3,4]", "[5,1]", "[0,3,4]"}),
    ROW(flip, .variant = "along -1", .ints = {1, -1}, .shapes = {"[2,3,4]", "[7]", "[0,3]"}),
    ROW(flip, .variant = "along 0 and 2", .ints = {2, 2, 0}, .shapes = {"[2,3,4]"}),
    ROW(flip, .variant = "along all", .ints = {-1}, .shapes = {"[2,3,4]", "[]", "[2,0]"}),
    ROW(roll, .ints = {1, 1}, .shapes = {"[2,3,4]", "[5,1]", "[2,0]"}),
    ROW(roll, .variant = "back, around", .ints = {-1, -6}, .shapes = {"[2,3,4]"}),
    ROW(stack, .variant = "along 0", .ints = {0, 0},
        .shapes = {"[2,3,4] [2,3,4]", "[] []", "[0,3] [0,3]"}),
    ROW(stack, .variant = "along -1", .ints = {-1, 2}, .shapes = {"[2,3] [2,3]", "[3,5] [3,5]"}),
    ROW(repeat, .shape = {3, {2, 1, 3}}, .shapes = {"[2,3,4]", "[5]", "[]", "[0,3]"}),
    ROW(repeat, .variant = "no time", .shape = {2, {0, 2}}, .shapes = {"[2,3]"}),
    ROW(tril, .ints = {0}, .shapes = {"[2,3,4]", "[5,5]", "[0,3]"}),
    ROW(tril, .variant = "above", .ints = {1}, .shapes = {"[2,3,4]"}),
    ROW(triu, .ints = {-1}, .shapes = {"[2,3,4]", "[5,5]", "[3,0]"}),
};

const op_case_family arrange_cases = {rows, sizeof rows / sizeof rows[0]};
