/* Rows of src/ops/cast.c and src/ops/concat.c. */
#include "op_cases.h"

#include <math.h>

/* ints: the dtype. */
static clade_tensor *build_cast(const op_case *row, const op_args *args)
{
    return clade_cast(args->in[0], (clade_dtype)row->ints[0]);
}

static double value_cast(const op_case *row, const double *x)
{
    return clade_dtype_is_float((clade_dtype)row->ints[0]) ? x[0] : trunc(x[0]);
}

/* ints: the axis, its place from 0 on, how many. */
static clade_tensor *build_concat(const op_case *row, const op_args *args)
{
    return clade_concat(args->in, row->ints[2], row->ints[0]);
}

static void ref_concat(const op_case *row, const host_array *in, host_array *out)
{
    int axis = row->ints[1], count = row->ints[2];
    clade_shape shape = in[0].shape;
    for (int k = 1; k < count; k++)
        shape.dim[axis] += in[k].shape.dim[axis];
    array_init(out, shape);
    int64_t start = 0;
    for (int k = 0; k < count; k++) {
        for (int64_t i = 0; i < in[k].numel; i++) {
            int64_t index[CLADE_MAX_DIMS];
            unravel(&in[k].shape, i, index);
            index[axis] += start;
            out->value[ravel(&shape, index)] = in[k].value[i];
        }
        start += in[k].shape.dim[axis];
    }
}

#define CAST(...)                                                                                  \
    {                                                                                              \
        .op = "cast", .build = build_cast, .element = value_cast, .gradient = true,                \
        .shapes = {"[2,3,4]", "[33]", "[]", "[0,3]"}, __VA_ARGS__                                  \
    }
#define CONCAT(...)                                                                                \
    {                                                                                              \
        .op = "concat", .build = build_concat, .reference = ref_concat, .dtypes = ANY,             \
        .gradient = true, .inputs = {{-20, 20}, {-20, 20}, {-20, 20}}, __VA_ARGS__                 \
    }

static const op_case rows[] = {
    CAST(.variant = "to f32", .dtypes = ANY, .inputs = {{-300, 300}}, .ints = {CLADE_F32},
         .out = OUT_F32),
    CAST(.variant = "to f64", .dtypes = ANY, .inputs = {{-300, 300}}, .ints = {CLADE_F64},
         .out = OUT_F64),
    CAST(.variant = "to i32", .dtypes = ANY, .inputs = {{-300, 300}}, .ints = {CLADE_I32},
         .out = OUT_I32),
    CAST(.variant = "to u8", .dtypes = FLOATS | U8, .inputs = {{0, 256}}, .ints = {CLADE_U8},
         .out = OUT_U8),
    CAST(.variant = "to u8, wraps", .dtypes = I32, .inputs = {{-1000, 1000}}, .ints = {CLADE_U8},
         .out = OUT_U8),
    CONCAT(.variant = "axis 0", .ints = {0, 0, 3},
           .shapes = {"[2,3,2] [1,3,2] [3,3,2]", "[2] [1] [4]", "[2,3] [0,3] [1,3]",
                      "[0,3] [0,3] [0,3]"}),
    CONCAT(.variant = "axis 1", .ints = {1, 1, 2},
           .shapes = {"[2,3,4] [2,2,4]", "[3,1] [3,4]", "[0,3] [0,2]"}),
    CONCAT(.variant = "axis -1", .ints = {-1, 2, 2},
           .shapes = {"[2,3,4] [2,3,2]", "[1,2,1] [1,2,1]"}),
    CONCAT(.variant = "of one", .ints = {0, 0, 1}, .shapes = {"[2,3]", "[5]"}),
};

const op_case_family copy_cases = {rows, sizeof rows / sizeof rows[0]};
