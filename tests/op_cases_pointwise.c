/* Rows of src/ops/pointwise.c: how each op is called, and its value of doubles. */
#include "op_cases_pointwise.h"

#include <math.h>

POINT_2(add, a + b)
POINT_2(sub, a - b)
POINT_2(mul, a *b)
POINT_2(div, a / b)
POINT_2(pow, pow(a, b))
POINT_2(maximum, a > b ? a : b)
POINT_2(minimum, a < b ? a : b)
POINT_2(eq, a == b)
POINT_2(ne, a != b)
POINT_2(lt, a < b)
POINT_2(le, a <= b)
POINT_2(gt, a > b)
POINT_2(ge, a >= b)
POINT(where, clade_where(in[0], in[1], in[2]), a != 0 ? b : c)
POINT(add_scalar, clade_add_scalar(in[0], r[0]), a + r[0])
POINT(mul_scalar, clade_mul_scalar(in[0], r[0]), a *r[0])
POINT(pow_scalar, clade_pow_scalar(in[0], r[0]), pow(a, r[0]))
POINT(clamp, clade_clamp(in[0], r[0], r[1]), fmin(fmax(a, r[0]), r[1]))
POINT(leaky_relu, clade_leaky_relu(in[0], r[0]), a > 0 ? a : r[0] * a)
POINT_1(neg, -a)
POINT_1(abs, fabs(a))
POINT_1(exp, exp(a))
POINT_1(log, log(a))
POINT_1(sqrt, sqrt(a))
POINT_1(square, a *a)
POINT_1(relu, a > 0 ? a : 0)
POINT_1(sigmoid, 1 / (1 + exp(-a)))
POINT_1(tanh, tanh(a))
POINT_1(gelu, a / 2 * erfc(-a / sqrt(2)))
POINT_1(silu, a / (1 + exp(-a)))
POINT_1(softplus, a > 0 ? a + log1p(exp(-a)) : log1p(exp(a)))

static const op_case rows[] = {
    ROW(add, .dtypes = ANY, .gradient = true, .inputs = {COUNTS, COUNTS}, SHAPES_2),
    ROW(add, .variant = "many dimensions", .dtypes = F32, .gradient = true,
        .inputs = {SMALL, SMALL},
        .shapes = {"[2,3,2,2,3] [2,1,2,1,3]", "[2,1,2,1,2,1,2,3] [3,1,2,1,2,1,1]"}),
    ROW(sub, .dtypes = ANY, .gradient = true, .inputs = {COUNTS, COUNTS}, SHAPES_2),
    ROW(mul, .dtypes = ANY, .gradient = true, .inputs = {COUNTS, COUNTS}, SHAPES_2),
    ROW(div, .dtypes = FLOATS, .gradient = true, .inputs = {SMALL, {-3, 3, .margin = 0.5}},
        SHAPES_2, .ulp = 3),
    ROW(pow, .dtypes = FLOATS, .gradient = true, .inputs = {{0.3, 3}, {-2, 2}}, SHAPES_2,
        .ulp = 18),
    ROW(maximum, .dtypes = ANY, .gradient = true, .inputs = {COUNTS, COUNTS}, SHAPES_2),
    ROW(minimum, .dtypes = ANY, .gradient = true, .inputs = {COUNTS, COUNTS}, SHAPES_2),
    ROW(eq, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, SHAPES_2),
    ROW(ne, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, SHAPES_2),
    ROW(lt, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, SHAPES_2),
    ROW(le, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, SHAPES_2),
    ROW(gt, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, SHAPES_2),
    ROW(ge, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, SHAPES_2),
    ROW(where, .dtypes = ANY, .gradient = true,
        .inputs = {{0, 3, .kind = ALWAYS_U8}, COUNTS, COUNTS}, SHAPES_3),

    ROW(add_scalar, .variant = "3", .dtypes = ANY, .gradient = true, .inputs = {COUNTS},
        .reals = {3}, SHAPES_1),
    ROW(mul_scalar, .variant = "-2", .dtypes = ANY, .gradient = true, .inputs = {COUNTS},
        .reals = {-2}, SHAPES_1),
    ROW(mul_scalar, .variant = "0.3", .dtypes = FLOATS, .gradient = true, .inputs = {SMALL},
        .reals = {0.3}, SHAPES_1, .ulp = 2),
    ROW(pow_scalar, .variant = "2.5", .dtypes = FLOATS, .gradient = true, .inputs = {{0.3, 3}},
        .reals = {2.5}, SHAPES_1, .ulp = 18),
    ROW(pow_scalar, .variant = "3", .dtypes = FLOATS, .gradient = true,
        .inputs = {{-2, 2, .margin = 0.1}}, .reals = {3}, SHAPES_1, .ulp = 18),
    ROW(clamp, .dtypes = ANY, .gradient = true,
        .inputs = {{-9, 9, .avoid = {-2, 4}, .margin = 0.1}}, .reals = {-2, 4}, SHAPES_1),
    ROW(clamp, .variant = "one side", .dtypes = ANY, .gradient = true,
        .inputs = {{-9, 9, .avoid = {2, 2}, .margin = 0.1}}, .reals = {2, INFINITY}, SHAPES_1),
    ROW(leaky_relu, .dtypes = FLOATS, .gradient = true, .inputs = {{-4, 4, .margin = 0.1}},
        .reals = {0.125}, SHAPES_1),

    ROW(neg, .dtypes = ANY, .gradient = true, .inputs = {COUNTS}, SHAPES_1),
    ROW(abs, .dtypes = ANY, .gradient = true, .inputs = {{-20, 20, .margin = 0.1}}, SHAPES_1),
    ROW(exp, .dtypes = FLOATS, .gradient = true, .inputs = {SMALL}, SHAPES_1, .ulp = 4),
    ROW(log, .dtypes = FLOATS, .gradient = true, .inputs = {{0.1, 9}}, SHAPES_1, .ulp = 4),
    ROW(sqrt, .dtypes = FLOATS, .gradient = true, .inputs = {{0.1, 9}}, SHAPES_1, .ulp = 4),
    ROW(square, .dtypes = ANY, .gradient = true, .inputs = {COUNTS}, SHAPES_1),
    ROW(relu, .dtypes = FLOATS, .gradient = true, .inputs = {{-4, 4, .margin = 0.1}}, SHAPES_1),
    ROW(sigmoid, .dtypes = FLOATS, .gradient = true, .inputs = {{-9, 9}}, SHAPES_1, .ulp = 8),
    ROW(tanh, .dtypes = FLOATS, .gradient = true, .inputs = {SMALL}, SHAPES_1, .ulp = 6),
    ROW(gelu, .dtypes = FLOATS, .gradient = true, .inputs = {SMALL}, SHAPES_1, .ulp = 20,
        .scale = 4),
    ROW(silu, .dtypes = FLOATS, .gradient = true, .inputs = {{-9, 9}}, SHAPES_1, .ulp = 8),
    ROW(softplus, .dtypes = FLOATS, .gradient = true, .inputs = {{-9, 9}}, SHAPES_1, .ulp = 8),
};

const op_case_family pointwise_cases = {rows, sizeof rows / sizeof rows[0]};
