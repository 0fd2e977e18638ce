/* What the files of pointwise rows share. */
#ifndef CLADE_TESTS_OP_CASES_POINTWISE_H
#define CLADE_TESTS_OP_CASES_POINTWISE_H

#include "op_cases.h"

/* POINT(name, call, value): in the call, in[] are the tensors; in the value, a, b and c the
 * elements; r[] are row->reals in both. */
#define POINT(name, call, value)                                                                   \
    static clade_tensor *build_##name(const op_case *row, const op_args *args)                     \
    {                                                                                              \
        clade_tensor *const *in = args->in;                                                        \
        const double *r = row->reals;                                                              \
        (void)r;                                                                                   \
        return call;                                                                               \
    }                                                                                              \
    static double value_##name(const op_case *row, const double *x)                                \
    {                                                                                              \
        const double *r = row->reals;                                                              \
        const double a = x[0], b = x[1], c = x[2];                                                 \
        (void)r, (void)a, (void)b, (void)c;                                                        \
        return value;                                                                              \
    }
#define POINT_1(name, value) POINT(name, clade_##name(in[0]), value)
#define POINT_2(name, value) POINT(name, clade_##name(in[0], in[1]), value)

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .element = value_##name, __VA_ARGS__                   \
    }
#define SHAPES_1 .shapes = {"[2,3,4]", "[7]", "[5,33]", "[]", "[1,1]", "[0,3]"}
#define SHAPES_2                                                                                   \
    .shapes = {"[2,3,4] [2,3,4]", "[2,3] [3]", "[2,3] [2,1]", "[2,1,3] [4,1]",                     \
               "[] [2,3]",        "[2,3] []",  "[] []",       "[0,3] [1,3]"}
#define SHAPES_3                                                                                   \
    .shapes = {"[2,3,4] [2,3,4] [2,3,4]", "[2,1] [3] [2,3]", "[4] [] []", "[] [2,3] [1,3]",        \
               "[0,3] [1,3] [0,3]"}
/* Kernels are compiled per pattern of strides: these share them. */
#define FEW_SHAPES_1 .shapes = {"[2,3,4]", "[]", "[0,3]"}
#define FEW_SHAPES_2 .shapes = {"[2,3,4] [2,3,4]", "[2,1,3] [4,1]", "[0,3] [1,3]"}
#define FEW_SHAPES_3 .shapes = {"[2,3,4] [2,3,4] [2,3,4]", "[2,1] [3] [2,3]", "[0,3] [1,3] [0,3]"}
#define SMALL                                                                                      \
    {                                                                                              \
        -4, 4                                                                                      \
    }
#define COUNTS                                                                                     \
    {                                                                                              \
        -20, 20                                                                                    \
    }
#define STEPS                                                                                      \
    {                                                                                              \
        -3, 3, .step = 1                                                                           \
    }

#endif
