/* Rows of clade_pointwise, src/ops/pointwise_formula.c. */
#include "op_cases.h"

#include <math.h>

static clade_tensor *build_mish(const op_case *row, const op_args *args)
{
    (void)row;
    return clade_pointwise("x*tanh(log1p(exp(x)))", "x", args->in, 1, NULL, 0);
}

static double value_mish(const op_case *row, const double *x)
{
    (void)row;
    return x[0] * tanh(log1p(exp(x[0])));
}

static clade_tensor *build_mixed(const op_case *row, const op_args *args)
{
    return clade_pointwise("keep ? x*y/(1 + scale*x*x) + bias*n : 0", "keep x y n scale bias",
                           args->in, 4, row->reals, 2);
}

static double value_mixed(const op_case *row, const double *x)
{
    return x[0] != 0 ? x[1] * x[2] / (1 + row->reals[0] * x[1] * x[1]) + row->reals[1] * x[3] : 0;
}

static const op_case rows[] = {
    {.op = "pointwise",
     .variant = "one input",
     .dtypes = FLOATS,
     .gradient = true,
     .inputs = {{-6, 6}},
     .build = build_mish,
     .element = value_mish,
     .ulp = 24,
     .shapes = {"[2,3,4]", "[5,33]", "[]", "[0,3]"}},
    {.op = "pointwise",
     .variant = "four inputs, two constants",
     .dtypes = FLOATS,
     .gradient = true,
     .inputs = {{0, 3, .kind = ALWAYS_U8}, {-2, 2}, {-3, 3}, {-5, 5, .kind = ALWAYS_I32}},
     .reals = {0.5, -0.25},
     .build = build_mixed,
     .element = value_mixed,
     .ulp = 8,
     .scale = 4,
     .shapes = {"[2,3,4] [2,3,4] [2,3,4] [2,3,4]", "[3,1] [4] [2,3,4] []", "[] [2] [2] [2]",
                "[1] [0,3] [3] [3]"}},
};

const op_case_family formula_cases = {rows, sizeof rows / sizeof rows[0]};
