/* Rows of src/ops/matmul.c and src/ops/linear.c. */
#include "op_cases.h"

#include "base/shape.h"

static clade_tensor *build_matmul(const op_case *row, const op_args *args)
{
    (void)row;
    return clade_matmul(args->in[0], args->in[1]);
}

/* Where the matrix of `a` starts that the batch at index (of the result's dimensions) uses. */
static int64_t matrix_at(const host_array *a, int ndim, const int64_t *index)
{
    int64_t own[CLADE_MAX_DIMS] = {0};
    int lead = ndim - a->shape.ndim;
    for (int i = 0; i < a->shape.ndim - 2; i++)
        own[i] = a->shape.dim[i] == 1 ? 0 : index[lead + i];
    return ravel(&a->shape, own);
}

static void ref_matmul(const op_case *row, const host_array *in, host_array *out)
{
    (void)row;
    clade_shape a = in[0].shape, b = in[1].shape, shape;
    int64_t m = a.dim[a.ndim - 2], k = a.dim[a.ndim - 1], n = b.dim[b.ndim - 1];
    a.ndim -= 2;
    b.ndim -= 2;
    clade_shape_broadcast(&a, &b, &shape);
    shape.dim[shape.ndim++] = m;
    shape.dim[shape.ndim++] = n;
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&shape, i, index);
        const double *row_of_a =
            in[0].value + matrix_at(&in[0], shape.ndim, index) + index[shape.ndim - 2] * k;
        const double *column_of_b =
            in[1].value + matrix_at(&in[1], shape.ndim, index) + index[shape.ndim - 1];
        for (int64_t p = 0; p < k; p++)
            out->value[i] += row_of_a[p] * column_of_b[p * n];
    }
}

static clade_tensor *build_linear(const op_case *row, const op_args *args)
{
    (void)row;
    return clade_linear(args->in[0], args->in[1], args->in[2]);
}

static clade_tensor *build_linear_no_bias(const op_case *row, const op_args *args)
{
    (void)row;
    return clade_linear_no_bias(args->in[0], args->in[1]);
}

static void ref_linear_no_bias(const op_case *row, const host_array *in, host_array *out)
{
    (void)row;
    clade_shape shape = in[0].shape;
    int64_t width = shape.dim[shape.ndim - 1], n = in[1].shape.dim[0];
    shape.dim[shape.ndim - 1] = n;
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++)
        for (int64_t p = 0; p < width; p++)
            out->value[i] += in[0].value[i / n * width + p] * in[1].value[i % n * width + p];
}

static void ref_linear(const op_case *row, const host_array *in, host_array *out)
{
    ref_linear_no_bias(row, in, out);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] += in[2].value[i % in[2].numel];
}

/* The allowance covers sums of up to 33 products in any order. */
#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, .dtypes = FLOATS,             \
        .gradient = true, .inputs = {{-2, 2}, {-2, 2}, {-2, 2}}, .ulp = 12, .scale = 8,            \
        .grad_scale = 8, __VA_ARGS__                                                               \
    }

static const op_case rows[] = {
    ROW(matmul,
        .shapes = {"[2,3,4] [2,4,5]", "[3,4] [4,2]", "[1,5] [5,1]", "[3,1] [1,4]", "[13,17] [17,9]",
                   "[1,33] [33,7]", "[33,2] [2,1]", "[2,0] [0,3]", "[0,3] [3,2]", "[3,2] [2,0]"}),
    ROW(matmul, .variant = "broadcast",
        .shapes = {"[2,3,4,5] [2,1,5,3]", "[2,1,3,4] [3,4,2]", "[3,4] [2,4,2]", "[2,3,4] [4,2]",
                   "[2,3,1,4] [4,2]", "[2,1,2,1,3,4] [2,1,2,4,2]", "[0,2,3] [3,2]",
                   "[2,1,2,3] [0,3,2]"}),
    ROW(matmul, .variant = "uneven batches", .shapes = {"[3,2,4] [4,3]", "[5,4,3] [5,3,2]"}),
    ROW(linear,
        .shapes = {"[2,3,4] [5,4] [5]", "[5,4] [3,4] [3]", "[4] [3,4] [3]", "[1,4] [1,4] [1]",
                   "[9,33] [17,33] [17]", "[0,4] [3,4] [3]", "[2,0] [3,0] [3]", "[2,4] [0,4] [0]"}),
    ROW(linear_no_bias, .shapes = {"[2,3,4] [5,4]", "[5,4] [3,4]", "[4] [3,4]", "[0,4] [3,4]"}),
};

const op_case_family matrix_cases = {rows, sizeof rows / sizeof rows[0]};
