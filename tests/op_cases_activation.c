/* Rows of src/ops/pointwise.c: the activations that are more than one function. */
#include "op_cases_pointwise.h"

#include <math.h>

static double softplus_of(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double hardsigmoid_of(double x)
{
    return fmin(fmax(x + 3, 0), 6) / 6;
}

POINT(elu, clade_elu(in[0], r[0]), a > 0 ? a : r[0] * expm1(a))
POINT(celu, clade_celu(in[0], r[0]), a > 0 ? a : r[0] * expm1(a / r[0]))
POINT(hardtanh, clade_hardtanh(in[0], r[0], r[1]), fmin(fmax(a, r[0]), r[1]))
POINT_1(selu, 1.0507009873554804934193349852946 *
                  (a > 0 ? a : 1.6732632423543772848170429916717 * expm1(a)))
POINT_1(gelu_tanh, 0.5 * a * (1 + tanh(sqrt(2 / acos(-1)) * (a + 0.044715 * a * a * a))))
POINT_1(mish, a *tanh(softplus_of(a)))
POINT_1(softsign, a / (1 + fabs(a)))
POINT_1(logsigmoid, -softplus_of(-a))
POINT_1(hardsigmoid, hardsigmoid_of(a))
POINT_1(hardswish, a *hardsigmoid_of(a))

#define KINK_AT_0                                                                                  \
    {                                                                                              \
        -4, 4, .margin = 0.1                                                                       \
    }
#define KINKS_AT_3                                                                                 \
    {                                                                                              \
        -5, 5, .avoid = {-3, 3}, .margin = 0.1                                                     \
    }
#define KINKS_AT_ENDS                                                                              \
    {                                                                                              \
        -4, 4, .avoid = {-1, 2}, .margin = 0.1                                                     \
    }
#define ACTIVATION(name, input, ulp_, ...)                                                         \
    ROW(name, .dtypes = FLOATS, .gradient = true, .inputs = {input}, FEW_SHAPES_1,                 \
        .views_like = "exp", .ulp = ulp_, __VA_ARGS__)

static const op_case rows[] = {
    ACTIVATION(elu, KINK_AT_0, 6, .reals = {0.75}),
    ACTIVATION(celu, KINK_AT_0, 8, .reals = {0.75}),
    ACTIVATION(hardtanh, KINKS_AT_ENDS, 0, .reals = {-1, 2}),
    ACTIVATION(selu, KINK_AT_0, 8, .scale = 1),
    ACTIVATION(gelu_tanh, SMALL, 16, .scale = 4),
    ACTIVATION(mish, SMALL, 16, .scale = 1),
    ACTIVATION(softsign, KINK_AT_0, 4, .scale = 1),
    ACTIVATION(logsigmoid, SMALL, 8, .scale = 1),
    ACTIVATION(hardsigmoid, KINKS_AT_3, 4, .scale = 1),
    ACTIVATION(hardswish, KINKS_AT_3, 6, .scale = 4),
};

const op_case_family activation_cases = {rows, sizeof rows / sizeof rows[0]};
