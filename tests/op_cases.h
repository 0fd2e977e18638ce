/* The rows that drive tests/test_ops.c. An op without a row fails the suite.
 *
 * To add an op:
 *  1. In the family's file (op_cases_pointwise.c shows how; a new family gets op_cases_NAME.c, a
 * line in op_cases.c and one in meson.build), write how the op is built, and a reference in double:
 *
 *         static clade_tensor *build_softmax(const op_case *row, const op_args *args)
 *         {
 *             return clade_softmax(args->in[0], row->ints[0]);
 *         }
 *         static void ref_softmax(const op_case *row, const host_array *in, host_array *out)
 *         {
 *             array_init(out, in[0].shape);
 *             ... out->value[i] = ... in[0].value[k] ...
 *         }
 *
 *  2. Add the row:
 *
 *         {.op = "softmax", .variant = "axis 1", .ints = {1}, .dtypes = FLOATS, .gradient = true,
 *          .build = build_softmax, .reference = ref_softmax, .inputs = {{-3, 3}}, .ulp = 8,
 *          .shapes = {"[3,4,2]", "[1,5]", "[0,3]"}},
 *
 * That is all. The row then runs: forward in each of its dtypes on all shapes (in f16 and bf16,
 * with the gradient in bf16, on the first); the first shape again with each input transposed,
 * permuted, sliced and expanded; its gradient checked in f64 and in f32, and its second derivatives
 * in f64; the same on views; and all of that under both kernel shapes. An op takes as many rows as
 * it has conventions (axes, options). */
#ifndef CLADE_TESTS_OP_CASES_H
#define CLADE_TESTS_OP_CASES_H

#include <stdint.h>

#include <clade/clade.h>

#define OP_INPUTS 4
#define OP_SHAPES 12

#define F32      (1u << CLADE_F32)
#define F64      (1u << CLADE_F64)
#define I32      (1u << CLADE_I32)
#define U8       (1u << CLADE_U8)
#define NARROW   (1u << CLADE_F16 | 1u << CLADE_BF16)
#define FLOATS   (F32 | F64 | NARROW)
#define INTEGERS (I32 | U8)
#define ANY      (FLOATS | INTEGERS)

/* A row-major array on the host; values of every dtype as doubles. */
typedef struct host_array {
    clade_dtype dtype;
    clade_shape shape;
    int64_t numel;
    double *value;
} host_array;

typedef enum input_kind {
    LIKE_ROW = 0, /* of the dtype under test; gradients flow to it */
    ALWAYS_I32,   /* labels, indices */
    ALWAYS_U8     /* conditions */
} input_kind;

/* What the values of an input are drawn from. No two elements of the row's float inputs are equal,
 * unless `step` makes them so: maxima have no ties and comparisons no doubtful cases. */
typedef struct op_input {
    double low, high; /* [low, high), in integer dtypes rounded down; of u8 only what is >= 0 */
    input_kind kind;
    double step;     /* (default 0: none) values are multiples of it */
    double avoid[2]; /* kinks, where the op has no derivative: nothing is drawn closer than `margin`
                        (default 0: no kinks) */
    double margin;
    bool constant; /* no gradient flows here even in floats */
} op_input;

typedef enum output_kind { OUT_LIKE_ROW = 0, OUT_I32, OUT_U8, OUT_F32, OUT_F64 } output_kind;

typedef struct op_args {
    clade_context *ctx;
    clade_dtype dtype; /* under test */
    clade_tensor *const *in;
} op_args;

typedef struct op_case op_case;
struct op_case {
    const char *op;       /* the name it is registered under */
    const char *variant;  /* tells rows of one op apart; NULL where there is one row */
    unsigned dtypes;      /* those tested: F32 | I32 ... */
    bool gradient;        /* must agree with the op's descriptor */
    const char *no_grad2; /* why there is no second derivative, which is then CLADE_ERR_NO_GRADIENT;
                             NULL: it is checked wherever there is a first */
    op_input inputs[OP_INPUTS]; /* as many as the shapes name */
    output_kind out;

    /* Input shapes as messages print them, one string per set: "[2,3] [3]". The first is the one
     * that views are made of: three dimensions show most. At least one row per op has an empty one,
     * unless no_empty says why that cannot be. */
    const char *shapes[OP_SHAPES];
    const char *no_empty;
    /* Another op, whose kernels are the same text around another formula, so that what its rows
     * show of views holds here too: one view is run instead of all, for programs take time to
     * compile (default NULL: all are). */
    const char *views_like;

    clade_tensor *(*build)(const op_case *row, const op_args *args);
    /* One of: per element, inputs broadcast; whole arrays (fills out, which array_init shapes); or,
     * where there is nothing to compare with, what must hold of a result: NULL, or the complaint.
     */
    double (*element)(const op_case *row, const double *x);
    void (*reference)(const op_case *row, const host_array *in, host_array *out);
    const char *(*verify)(const op_case *row, const host_array *in, const host_array *out);

    int ints[6];       /* for build and reference: axes, flags */
    double reals[2];   /* likewise */
    clade_shape shape; /* likewise: a target */

    /* Allowed: ulp * epsilon(dtype) * max(|reference|, scale). scale: the size of what cancels
     * inside, such as the terms of a sum (default 0: nothing does). ulp 0 is exact. */
    double ulp, scale;
    /* Likewise of gradients in f32, in which epsilon is f32's (default 0: 4 * ulp + 16). */
    double grad_ulp, grad_scale; /* (default 0: 1) */
    /* f16 and bf16 are computed with in f32: to the above, with f32's epsilon, comes one rounding
     * of the result; or, in an op that is composed of others, `roundings` of numbers of the size of
     * max(|reference|, scale). A gradient may have twice as many, at least four. */
    double roundings;
};

typedef struct op_case_family {
    const op_case *rows;
    size_t count;
} op_case_family;

extern const op_case_family *const op_case_families[];
extern const size_t op_case_family_count;

/* NULL past the end. */
const op_case *op_case_at(size_t index);
/* Whether the row's op is among `ops`, which ends with NULL; without any, each is. */
bool op_case_wanted(const op_case *row, char *const *ops);
/* Whether the row's derivatives can be checked in f64. */
bool op_case_differentiates(const op_case *row);

/* --- for references (op_host.c) --------------------------------------------------------------- */
/* Gives out its shape and zeros. */
void array_init(host_array *out, clade_shape shape);
void array_free(host_array *array);
/* Between a place in row-major order and one index per dimension. */
void unravel(const clade_shape *shape, int64_t at, int64_t *index);
int64_t ravel(const clade_shape *shape, const int64_t *index);

#endif
