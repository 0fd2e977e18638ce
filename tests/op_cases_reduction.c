/* Rows of src/ops/reduction.c, moment.c and argmax.c. What a zero does to prod is in goldens. */
#include "op_cases.h"

#include <math.h>

/* ints: how many axes (-1: all, as NULL), up to three of them, keepdim. */
#define AXES(row) ((row)->ints[0] < 0 ? NULL : &(row)->ints[1])
#define BUILD(name)                                                                                \
    static clade_tensor *build_##name(const op_case *row, const op_args *args)                     \
    {                                                                                              \
        return clade_##name(args->in[0], AXES(row), row->ints[0], row->ints[4]);                   \
    }
BUILD(sum)
BUILD(mean)
BUILD(max)
BUILD(min)
BUILD(prod)
BUILD(logsumexp)
BUILD(any)
BUILD(all)

static bool is_reduced(const op_case *row, int ndim, int dim)
{
    for (int i = 0; i < row->ints[0]; i++)
        if ((row->ints[1 + i] + ndim) % ndim == dim)
            return true;
    return row->ints[0] < 0;
}

static double add(double acc, double x)
{
    return acc + x;
}

/* Each result starts from `first`; returns how many elements went into one. */
static double fold(const op_case *row, const host_array *in, host_array *out, double first,
                   double (*combine)(double, double))
{
    clade_shape shape = {0}, kept = in->shape;
    for (int d = 0; d < in->shape.ndim; d++) {
        bool reduced = is_reduced(row, in->shape.ndim, d);
        kept.dim[d] = reduced ? 1 : in->shape.dim[d];
        if (!reduced || row->ints[4])
            shape.dim[shape.ndim++] = kept.dim[d];
    }
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = first;
    for (int64_t i = 0; i < in->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&in->shape, i, index);
        for (int d = 0; d < kept.ndim; d++)
            index[d] = kept.dim[d] == 1 ? 0 : index[d];
        double *acc = &out->value[ravel(&kept, index)];
        *acc = combine(*acc, in->value[i]);
    }
    return out->numel ? (double)in->numel / (double)out->numel : 1;
}

static void ref_sum(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, 0, add);
}

static void ref_mean(const op_case *row, const host_array *in, host_array *out)
{
    double count = fold(row, in, out, 0, add);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] /= count;
}

static void ref_max(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, -INFINITY, fmax);
}

static void ref_min(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, INFINITY, fmin);
}

static double add_square(double acc, double x)
{
    return acc + x * x;
}

static double multiply(double acc, double x)
{
    return acc * x;
}

static void ref_prod(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, 1, multiply);
}

static double add_exp(double acc, double x)
{
    return acc + exp(x);
}

static void ref_logsumexp(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, 0, add_exp);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = log(out->value[i]);
}

static double either(double acc, double x)
{
    return acc != 0 || x != 0;
}

static double both(double acc, double x)
{
    return acc != 0 && x != 0;
}

static void ref_any(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, 0, either);
}

static void ref_all(const op_case *row, const host_array *in, host_array *out)
{
    (void)fold(row, in, out, 1, both);
}

/* reals: correction. */
static clade_tensor *build_var(const op_case *row, const op_args *args)
{
    return clade_var(args->in[0], AXES(row), row->ints[0], row->ints[4], (int)row->reals[0]);
}

static clade_tensor *build_std(const op_case *row, const op_args *args)
{
    return clade_std(args->in[0], AXES(row), row->ints[0], row->ints[4], (int)row->reals[0]);
}

/* The mean of the squares less the square of the mean: these values lose nothing by it. */
static void ref_var(const op_case *row, const host_array *in, host_array *out)
{
    host_array sums, squares;
    double n = fold(row, in, &sums, 0, add);
    (void)fold(row, in, &squares, 0, add_square);
    array_init(out, sums.shape);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] =
            (squares.value[i] - sums.value[i] * sums.value[i] / n) / (n - row->reals[0]);
    array_free(&sums);
    array_free(&squares);
}

static void ref_std(const op_case *row, const host_array *in, host_array *out)
{
    ref_var(row, in, out);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = sqrt(out->value[i]);
}

/* reals: p. */
static clade_tensor *build_norm(const op_case *row, const op_args *args)
{
    return clade_norm(args->in[0], row->reals[0], AXES(row), row->ints[0], row->ints[4]);
}

static double add_size(double acc, double x)
{
    return acc + fabs(x);
}

static double add_cube(double acc, double x)
{
    return acc + fabs(x * x * x);
}

static double largest(double acc, double x)
{
    return fmax(acc, fabs(x));
}

static void ref_norm(const op_case *row, const host_array *in, host_array *out)
{
    double p = row->reals[0];
    (void)fold(row, in, out, 0,
               isinf(p) ? largest
               : p == 1 ? add_size
               : p == 2 ? add_square
                        : add_cube);
    for (int64_t i = 0; i < out->numel && !isinf(p); i++)
        out->value[i] = pow(out->value[i], 1 / p);
}

/* ints: axis, keepdim. */
static clade_tensor *build_argmax(const op_case *row, const op_args *args)
{
    return clade_argmax(args->in[0], row->ints[0], row->ints[1]);
}

static clade_tensor *build_argmin(const op_case *row, const op_args *args)
{
    return clade_argmin(args->in[0], row->ints[0], row->ints[1]);
}

static void ref_place(const op_case *row, const host_array *in, double sign, host_array *out)
{
    const clade_shape *from = &in->shape;
    int axis = (row->ints[0] + from->ndim) % from->ndim;
    clade_shape kept = *from, shape = {0};
    kept.dim[axis] = 1;
    for (int d = 0; d < from->ndim; d++)
        if (d != axis || row->ints[1])
            shape.dim[shape.ndim++] = kept.dim[d];
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS], best = 0;
        unravel(&kept, i, index);
        index[axis] = 0;
        double largest = sign * in->value[ravel(from, index)];
        for (int64_t k = 1; k < from->dim[axis]; k++) {
            index[axis] = k;
            double x = sign * in->value[ravel(from, index)];
            best = x > largest ? k : best;
            largest = x > largest ? x : largest;
        }
        out->value[i] = (double)best;
    }
}

static void ref_argmax(const op_case *row, const host_array *in, host_array *out)
{
    ref_place(row, in, 1, out);
}

static void ref_argmin(const op_case *row, const host_array *in, host_array *out)
{
    ref_place(row, in, -1, out);
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, __VA_ARGS__                   \
    }
/* Sums of some hundred values up to 2. */
#define ROUNDED   .ulp = 4, .scale = 30, .grad_ulp = 8
#define ALL       .variant = "over all", .ints = {-1}
#define ALL_KEPT  .variant = "over all, kept", .ints = {-1, 0, 0, 0, 1}, .shapes = {"[2,3,4]", "[6]"}
#define AXIS_0    .variant = "over 0", .ints = {1, 0}
#define LAST_KEPT .variant = "over -1, kept", .ints = {1, -1, 0, 0, 1}
#define AXIS_1                                                                                     \
    .variant = "over 1", .ints = {1, 1},                                                           \
    .shapes = {"[2,3,4]", "[5,33]", "[3,300]", "[2,70,17]", "[4,1]", "[0,3]", "[2,5,0]"}
#define OUTER                                                                                      \
    .variant = "over -1 and 0", .ints = {2, -1, 0},                                                \
    .shapes = {"[2,3,4]", "[3,5]", "[2,0,4]", "[2,3,2,2]"}
#define NONE        .variant = "over none", .ints = {0}, .shapes = {"[2,3,4]", "[]", "[0,3]"}
#define SHAPES_LONG .shapes = {"[2,3,4]", "[33,5]", "[300,2]", "[7]"}

#define ROWS(name, types, ...)                                                                     \
    ROW(name, .dtypes = types, .gradient = true, .inputs = {{-2, 2}}, ALL,                         \
        .shapes = {"[2,3,4]", "[7]", "[5,33]", "[]", "[1,1]"}, __VA_ARGS__),                       \
        ROW(name, .dtypes = F32, .gradient = true, .inputs = {{-2, 2}}, ALL_KEPT, __VA_ARGS__),    \
        ROW(name, .dtypes = types, .gradient = true, .inputs = {{-2, 2}}, AXIS_0, SHAPES_LONG,     \
            __VA_ARGS__),                                                                          \
        ROW(name, .dtypes = types, .gradient = true, .inputs = {{-2, 2}}, AXIS_1, __VA_ARGS__),    \
        ROW(name, .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}}, LAST_KEPT,              \
            .shapes = {"[2,3,4]", "[2,300]", "[5]"}, __VA_ARGS__),                                 \
        ROW(name, .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}}, OUTER, __VA_ARGS__),    \
        ROW(name, .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}}, NONE, __VA_ARGS__)

#define SHAPES_NORM   .shapes = {"[2,3,4]", "[5,33]", "[4,1]", "[0,3]"}
#define SHAPES_NORM_2 .shapes = {"[2,3,4]", "[5,33]", "[0,3]"}
#define NORM(variant_, ...)                                                                        \
    ROW(norm, .variant = variant_, .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},        \
        .ulp = 16, __VA_ARGS__)

static const op_case rows[] = {
    ROWS(sum, FLOATS, ROUNDED),
    ROW(sum, .variant = "of integers", .dtypes = INTEGERS, .gradient = true,
        .inputs = {{-2000, 2000}}, .ints = {1, 1},
        .shapes = {"[2,3,4]", "[5,33]", "[3,300]", "[0,3]", "[3,0]"}),
    ROW(sum, .variant = "of nothing", .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},
        .ints = {1, 0}, .shapes = {"[0,3]", "[0]"}),
    ROWS(mean, FLOATS, ROUNDED),
    ROWS(max, ANY, .grad_ulp = 2),
    ROWS(min, ANY, .grad_ulp = 2),
    NORM("2, over 1", .ints = {1, 1}, .reals = {2}, SHAPES_NORM),
    NORM("2, over all", .ints = {-1}, .reals = {2}, .shapes = {"[2,3,4]", "[7]"}),
    NORM("1, over -1, kept", .ints = {1, -1, 0, 0, 1}, .reals = {1}, SHAPES_NORM),
    NORM("3, over 1", .ints = {1, 1}, .reals = {3}, SHAPES_NORM),
    NORM("infinity, over 1", .ints = {1, 1}, .reals = {INFINITY}, SHAPES_NORM),
    ROW(argmax, .variant = "along -1", .dtypes = ANY, .inputs = {{-20, 20}}, .out = OUT_I32,
        .ints = {-1, 0}, .shapes = {"[2,3,4]", "[5,33]", "[3,300]", "[7]", "[4,1]", "[0,3]"}),
    ROW(argmax, .variant = "along 1, kept", .dtypes = ANY, .inputs = {{-20, 20}}, .out = OUT_I32,
        .ints = {1, 1}, .shapes = {"[2,3,4]", "[2,70,17]", "[2,5,32]", "[3,4,6]", "[2,3,0]"}),
    ROW(argmax, .variant = "along 0", .dtypes = F32, .inputs = {{-20, 20}}, .out = OUT_I32,
        .ints = {0, 0}, .shapes = {"[2,3,4]", "[5,16]", "[33,3]", "[1,2]"}),
    ROW(argmin, .variant = "along -1", .dtypes = ANY, .inputs = {{-20, 20}}, .out = OUT_I32,
        .ints = {-1, 0}, .shapes = {"[2,3,4]", "[5,33]", "[7]", "[0,3]"}),
    ROW(argmin, .variant = "along 1, kept", .dtypes = F32 | I32, .inputs = {{-20, 20}},
        .out = OUT_I32, .ints = {1, 1}, .shapes = {"[2,3,4]", "[2,5,32]"}),
    ROW(prod, .variant = "over 1", .dtypes = FLOATS, .gradient = true, .inputs = {{0.5, 1.5}},
        .ints = {1, 1}, .shapes = {"[2,3,4]", "[5,33]", "[0,3]", "[3,0]"}, .ulp = 40),
    ROW(prod, .variant = "over all, kept", .dtypes = FLOATS, .gradient = true,
        .inputs = {{0.5, 1.5}}, .ints = {-1, 0, 0, 0, 1}, .shapes = {"[2,3,4]", "[7]"}, .ulp = 40),
    ROW(prod, .variant = "of integers", .dtypes = INTEGERS, .gradient = true, .inputs = {{1, 4}},
        .ints = {1, 1}, .shapes = {"[2,3,4]", "[5,7]", "[3,0]"}),
    ROW(var, .variant = "over 1", .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},
        .ints = {1, 1}, .reals = {1}, SHAPES_NORM_2, .ulp = 16, .scale = 4),
    ROW(var, .variant = "over all, as it is", .dtypes = FLOATS, .gradient = true,
        .inputs = {{-2, 2}}, .ints = {-1}, .shapes = {"[2,3,4]", "[7]"}, .ulp = 16, .scale = 4),
    ROW(std, .variant = "over 1, kept", .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},
        .ints = {1, 1, 0, 0, 1}, .reals = {1}, SHAPES_NORM_2, .ulp = 16, .scale = 4),
    ROW(logsumexp, .variant = "over 1", .dtypes = FLOATS, .gradient = true, .inputs = {{-2, 2}},
        .ints = {1, 1}, .shapes = {"[2,3,4]", "[5,33]", "[0,3]"}, .ulp = 8, .scale = 8),
    ROW(logsumexp, .variant = "over -1 and 0, kept", .dtypes = FLOATS, .gradient = true,
        .inputs = {{-2, 2}}, .ints = {2, -1, 0, 0, 1}, .shapes = {"[2,3,4]"}, .ulp = 8, .scale = 8),
    ROW(any, .variant = "over 1", .dtypes = ANY, .inputs = {{-1, 1, .step = 1}}, .out = OUT_U8,
        .ints = {1, 1}, .shapes = {"[2,3,4]", "[5,33]", "[4,1]", "[0,3]", "[3,0]"}),
    ROW(all, .variant = "over 1", .dtypes = ANY, .inputs = {{-1, 1, .step = 1}}, .out = OUT_U8,
        .ints = {1, 1}, .shapes = {"[2,3,4]", "[5,3]", "[4,1]", "[0,3]", "[3,0]"}),
    ROW(all, .variant = "over all", .dtypes = F32, .inputs = {{1, 2}}, .out = OUT_U8, .ints = {-1},
        .shapes = {"[2,3,4]", "[]"}),
};

const op_case_family reduction_cases = {rows, sizeof rows / sizeof rows[0]};
