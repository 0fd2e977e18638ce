/* Rows of src/ops/pointwise.c: functions of analysis, steps, tests and logic. */
#include "op_cases_pointwise.h"

#include <math.h>

POINT_2(logical_and, a != 0 && b != 0)
POINT_2(logical_or, a != 0 || b != 0)
POINT_2(logical_xor, (a != 0) != (b != 0))
POINT_1(logical_not, a == 0)
POINT_2(atan2, atan2(a, b))
POINT_2(hypot, hypot(a, b))
POINT_2(fmod, fmod(a, b))
POINT_2(remainder, a - b * floor(a / b))
POINT(masked_fill, clade_masked_fill(in[0], in[1], r[0]), b != 0 ? r[0] : a)
POINT(lerp, clade_lerp(in[0], in[1], in[2]), a + c * (b - a))
POINT(addcmul, clade_addcmul(in[0], in[1], in[2], r[0]), a + r[0] * b * c)
POINT(addcdiv, clade_addcdiv(in[0], in[1], in[2], r[0]), a + r[0] * b / c)
POINT_1(isnan, a != a)
POINT_1(isinf, a == INFINITY || a == -INFINITY)
POINT_1(isfinite, a - a == 0)
POINT_1(sign, (a > 0) - (a < 0))
POINT_1(floor, floor(a))
POINT_1(ceil, ceil(a))
POINT_1(round, rint(a))
POINT_1(trunc, trunc(a))
POINT_1(sin, sin(a))
POINT_1(cos, cos(a))
POINT_1(tan, tan(a))
POINT_1(asin, asin(a))
POINT_1(acos, acos(a))
POINT_1(atan, atan(a))
POINT_1(sinh, sinh(a))
POINT_1(cosh, cosh(a))
POINT_1(erf, erf(a))
POINT_1(erfc, erfc(a))
POINT_1(exp2, exp2(a))
POINT_1(expm1, expm1(a))
POINT_1(log2, log2(a))
POINT_1(log10, log10(a))
POINT_1(log1p, log1p(a))
POINT_1(rsqrt, 1 / sqrt(a))
POINT_1(reciprocal, 1 / a)

#define FLOAT_ROW(name, ...) ROW(name, .dtypes = FLOATS, .gradient = true, __VA_ARGS__)
#define OF_2(name, ...)      FLOAT_ROW(name, FEW_SHAPES_2, .views_like = "pow", __VA_ARGS__)
#define OF_3(name, ...)      FLOAT_ROW(name, FEW_SHAPES_3, .views_like = "where", __VA_ARGS__)
#define FUNCTION(name, low, high, ...)                                                             \
    FLOAT_ROW(name, .inputs = {{low, high}}, FEW_SHAPES_1, .views_like = "exp", __VA_ARGS__)
#define STEP(name) FUNCTION(name, 0.55, 0.95, .ulp = 0)
#define TRUTHS(name)                                                                               \
    ROW(name, .dtypes = ANY, .inputs = {STEPS, STEPS}, .out = OUT_U8, FEW_SHAPES_2,                \
        .views_like = "eq")
#define IS(name)                                                                                   \
    ROW(name, .dtypes = FLOATS, .inputs = {SMALL}, .out = OUT_U8, FEW_SHAPES_1, .views_like = "exp")

/* The tolerances in ulp are OpenCL's bounds for the functions, and some for what surrounds them. */
static const op_case rows[] = {
    TRUTHS(logical_and),
    TRUTHS(logical_or),
    TRUTHS(logical_xor),
    ROW(logical_not, .dtypes = ANY, .inputs = {STEPS}, .out = OUT_U8, FEW_SHAPES_1,
        .views_like = "neg"),
    OF_2(atan2, .inputs = {{0.2, 3}, {-3, -0.2}}, .ulp = 8),
    OF_2(hypot, .inputs = {{-3, -0.2}, {0.2, 3}}, .ulp = 6),
    OF_2(fmod, .inputs = {{2.1, 2.9}, {0.99, 1.01}}),
    OF_2(fmod, .variant = "negative", .inputs = {{-2.9, -2.1}, {0.99, 1.01}}),
    OF_2(remainder, .inputs = {{2.1, 2.9}, {0.99, 1.01}}, .ulp = 2, .scale = 4),
    OF_2(remainder, .variant = "negative", .inputs = {{-2.9, -2.1}, {0.99, 1.01}}, .ulp = 2,
         .scale = 4),
    ROW(masked_fill, .dtypes = ANY, .gradient = true, .inputs = {COUNTS, {0, 3, .kind = ALWAYS_U8}},
        .reals = {7}, FEW_SHAPES_2, .views_like = "where"),
    OF_3(lerp, .inputs = {SMALL, SMALL, {-1, 2}}, .ulp = 4, .scale = 12),
    OF_3(addcmul, .inputs = {SMALL, SMALL, SMALL}, .reals = {-0.5}, .ulp = 4, .scale = 12),
    OF_3(addcdiv, .inputs = {SMALL, SMALL, {-3, 3, .margin = 0.5}}, .reals = {0.5}, .ulp = 6,
         .scale = 8),
    IS(isnan),
    IS(isinf),
    IS(isfinite),
    ROW(sign, .dtypes = ANY, .gradient = true, .inputs = {{-3, 3, .margin = 0.1}}, FEW_SHAPES_1,
        .views_like = "neg"),
    STEP(floor),
    STEP(ceil),
    STEP(round),
    STEP(trunc),
    FUNCTION(sin, -6, 6, .ulp = 6, .scale = 1),
    FUNCTION(cos, -6, 6, .ulp = 6, .scale = 1),
    FUNCTION(tan, -1.2, 1.2, .ulp = 8),
    FUNCTION(asin, -0.9, 0.9, .ulp = 6),
    FUNCTION(acos, -0.9, 0.9, .ulp = 6),
    FUNCTION(atan, -4, 4, .ulp = 7),
    FUNCTION(sinh, -4, 4, .ulp = 6),
    FUNCTION(cosh, -4, 4, .ulp = 6),
    FUNCTION(erf, -3, 3, .ulp = 18),
    FUNCTION(erfc, -2, 2, .ulp = 18),
    FUNCTION(exp2, -6, 6, .ulp = 5),
    FUNCTION(expm1, -3, 3, .ulp = 5),
    FUNCTION(log2, 0.1, 9, .ulp = 5, .scale = 1),
    FUNCTION(log10, 0.1, 9, .ulp = 5, .scale = 1),
    FUNCTION(log1p, -0.8, 9, .ulp = 4),
    FUNCTION(rsqrt, 0.1, 9, .ulp = 4),
    FUNCTION(reciprocal, 0.3, 4, .ulp = 4),
};

const op_case_family function_cases = {rows, sizeof rows / sizeof rows[0]};
