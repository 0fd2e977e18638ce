/* Operations on tensors, with gradients.
 *
 * Every function here returns a tensor that belongs to the innermost open scope (tensor.h), or NULL
 * after a failure, with the cause in clade_last_error(). NULL in, NULL out: a chain needs one
 * check, at its end. Inputs may be any view; all inputs must belong to one context.
 *
 * "broadcast" is NumPy's: shapes are aligned at the last dimension and a dimension of 1 (or a
 * missing one) stretches. An axis may be negative: -1 is the last. Unless stated otherwise inputs
 * must agree in dtype, the result has that dtype, and a gradient flows to every float input.
 *
 * Errors, all ops: CLADE_ERR_ARGUMENT, CLADE_ERR_SHAPE, CLADE_ERR_DTYPE, CLADE_ERR_STATE (no open
 * scope), CLADE_ERR_OUT_OF_MEMORY, CLADE_ERR_BUILD, CLADE_ERR_OPENCL. Non-blocking throughout.
 */
#ifndef CLADE_OPS_H
#define CLADE_OPS_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- creation: no gradient; random numbers are in random.h ---------------------------------- */
/* Every element = value. */
CLADE_API clade_tensor *clade_full(clade_context *ctx, clade_dtype dtype, clade_shape shape,
                                   double value);
/* start, start + step, ... below stop (above it for a negative step): one dimension. Integer dtypes
 * cut off the fractions of all three. */
CLADE_API clade_tensor *clade_arange(clade_context *ctx, clade_dtype dtype, double start,
                                     double stop, double step);
/* count numbers at equal distances, both ends among them; floats. */
CLADE_API clade_tensor *clade_linspace(clade_context *ctx, clade_dtype dtype, double first,
                                       double last, int64_t count);

/* --- pointwise, two inputs, broadcast; any dtype ------------------------------------------- */
CLADE_API clade_tensor *clade_add(clade_tensor *a, clade_tensor *b);     /* a + b */
CLADE_API clade_tensor *clade_sub(clade_tensor *a, clade_tensor *b);     /* a - b */
CLADE_API clade_tensor *clade_mul(clade_tensor *a, clade_tensor *b);     /* a * b */
CLADE_API clade_tensor *clade_div(clade_tensor *a, clade_tensor *b);     /* a / b; floats only */
CLADE_API clade_tensor *clade_pow(clade_tensor *a, clade_tensor *b);     /* a ^ b; floats only */
CLADE_API clade_tensor *clade_maximum(clade_tensor *a, clade_tensor *b); /* NaN if one is NaN; the
                                                   gradient is halved between equal inputs */
CLADE_API clade_tensor *clade_minimum(clade_tensor *a, clade_tensor *b); /* likewise */

/* Comparisons: u8, 1 where it holds and else 0; no gradient. */
CLADE_API clade_tensor *clade_eq(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_ne(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_lt(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_le(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_gt(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_ge(clade_tensor *a, clade_tensor *b);

/* condition ? a : b; condition is u8, all three broadcast. */
CLADE_API clade_tensor *clade_where(clade_tensor *condition, clade_tensor *a, clade_tensor *b);

/* --- pointwise with a constant -------------------------------------------------------------- */
CLADE_API clade_tensor *clade_add_scalar(clade_tensor *x, double value); /* x + value; any dtype */
CLADE_API clade_tensor *clade_mul_scalar(clade_tensor *x, double value); /* x * value; any dtype */
CLADE_API clade_tensor *clade_pow_scalar(clade_tensor *x, double value); /* x ^ value; floats */
/* min(max(x, low), high); NaN stays NaN; gradient 1 where low <= x <= high. Any dtype. */
CLADE_API clade_tensor *clade_clamp(clade_tensor *x, double low, double high);
/* x > 0 ? x : slope * x; floats. */
CLADE_API clade_tensor *clade_leaky_relu(clade_tensor *x, double slope);

/* --- pointwise, one input; floats only but for neg, abs and square --------------------------- */
CLADE_API clade_tensor *clade_neg(clade_tensor *x);      /* -x */
CLADE_API clade_tensor *clade_abs(clade_tensor *x);      /* |x|; gradient 0 at 0 */
CLADE_API clade_tensor *clade_exp(clade_tensor *x);      /* e^x */
CLADE_API clade_tensor *clade_log(clade_tensor *x);      /* natural logarithm */
CLADE_API clade_tensor *clade_sqrt(clade_tensor *x);     /* square root */
CLADE_API clade_tensor *clade_square(clade_tensor *x);   /* x * x */
CLADE_API clade_tensor *clade_relu(clade_tensor *x);     /* max(x, 0); NaN stays; gradient 0 at 0 */
CLADE_API clade_tensor *clade_sigmoid(clade_tensor *x);  /* 1 / (1 + e^-x) */
CLADE_API clade_tensor *clade_tanh(clade_tensor *x);     /* hyperbolic tangent */
CLADE_API clade_tensor *clade_gelu(clade_tensor *x);     /* x/2 * (1 + erf(x / sqrt 2)) */
CLADE_API clade_tensor *clade_silu(clade_tensor *x);     /* x * sigmoid(x) */
CLADE_API clade_tensor *clade_softplus(clade_tensor *x); /* log(1 + e^x), without overflow */

/* --- pointwise, a formula of your own -------------------------------------------------------- */
/* A formula over inputs that broadcast, computed by one kernel; the gradients are derived from it,
 * and theirs in turn.
 *
 *     clade_tensor *y = clade_pointwise("x * tanh(softplus(x))", "x", &x, 1, NULL, 0);
 *     clade_tensor *in[] = {x, w};
 *     double k[] = {0.5};
 *     clade_tensor *z = clade_pointwise("x > k ? w*x : 0", "x w k", in, 2, k, 1);
 *
 * names: of the inputs (1 to 8), then of the constants (at most 4), with spaces in between. A
 * changed constant does not compile a new kernel, a changed number in the formula does. The floats
 * among the inputs, at least one, agree in dtype, which is the result's; i32 and u8 inputs count as
 * numbers without gradient.
 *
 * Formulas are written as in C, and everything is a real number (7/2 is 3.5): numbers, names,
 * (), + - * /, < <= > >= == != (1 or 0), && || !, condition ? a : b, and the functions abs acos
 * acosh asin asinh atan atan2 atanh cbrt ceil clamp(x, low, high) cos cosh erf erfc exp exp2 expm1
 * floor fmod hypot isfinite isinf isnan log log10 log1p log2 max min pow relu rint round rsqrt
 * sigmoid sign sin sinh softplus sqrt tan tanh trunc. Derivatives follow the rules of calculus: of
 * a step (floor, sign, a comparison) 0; of a condition ? a : b that of the branch taken; of max and
 * min shared between equals; of abs and relu 0 at 0. They may overflow where a part of the formula
 * does: write softplus(x), not log(1 + exp(x)).
 *
 * Errors: CLADE_ERR_ARGUMENT with the column for what is no such formula; CLADE_ERR_UNSUPPORTED for
 * a derivative that grows beyond 64 KiB of text. */
CLADE_API clade_tensor *clade_pointwise(const char *expression, const char *names,
                                        clade_tensor *const *inputs, int count,
                                        const double *constants, int constant_count);

/* Converts; to x's own dtype a view. Float to integer truncates; a float value outside the
 * integer's range is undefined. The gradient is cast back when both are floats. */
CLADE_API clade_tensor *clade_cast(clade_tensor *x, clade_dtype dtype);

/* --- reductions ------------------------------------------------------------------------------- */
/* Over the `count` given axes (each at most once), or over all where axes is NULL (count is then
 * ignored). The reduced dimensions disappear, or stay as 1 with keepdim. Any dtype but for mean
 * (floats); integers are summed in their own type and wrap.
 * Of an empty set: sum 0, mean NaN; max and min are CLADE_ERR_SHAPE.
 * max, min: NaN if there is one; the gradient is shared equally between equal extremes. */
CLADE_API clade_tensor *clade_sum(clade_tensor *x, const int *axes, int count, bool keepdim);
CLADE_API clade_tensor *clade_mean(clade_tensor *x, const int *axes, int count, bool keepdim);
CLADE_API clade_tensor *clade_max(clade_tensor *x, const int *axes, int count, bool keepdim);
CLADE_API clade_tensor *clade_min(clade_tensor *x, const int *axes, int count, bool keepdim);
/* (sum of |x|^p)^(1/p), p >= 1; INFINITY: the largest |x|. Floats. Its gradient is 0 where the norm
 * is. */
CLADE_API clade_tensor *clade_norm(clade_tensor *x, double p, const int *axes, int count,
                                   bool keepdim);
/* Index (i32) of the first largest element along one axis; a NaN counts as largest. No gradient.
 * An empty axis is CLADE_ERR_SHAPE. */
CLADE_API clade_tensor *clade_argmax(clade_tensor *x, int axis, bool keepdim);

/* --- matrices: f32 and f64 -------------------------------------------------------------------- */
/* a [...,m,k] x b [...,k,n] = [...,m,n]; the leading dimensions broadcast. Both have at least two
 * dimensions. Transposed views are taken as they are, without a copy. */
CLADE_API clade_tensor *clade_matmul(clade_tensor *a, clade_tensor *b);
/* x [...,in] * weight [out,in]^T + bias [out] = [...,out]. bias may not be NULL here; see
 * clade_linear_no_bias. */
CLADE_API clade_tensor *clade_linear(clade_tensor *x, clade_tensor *weight, clade_tensor *bias);
CLADE_API clade_tensor *clade_linear_no_bias(clade_tensor *x, clade_tensor *weight);

/* --- shapes: any dtype; views share the memory of x ----------------------------------------- */
/* The same elements in another shape of the same count; one dimension may be -1 and is inferred. A
 * view where strides allow it, else a copy. */
CLADE_API clade_tensor *clade_reshape(clade_tensor *x, clade_shape shape);
/* Dimension i of the result is dimension order[i] of x; order names each of x's dimensions once.
 * A view. */
CLADE_API clade_tensor *clade_permute(clade_tensor *x, const int *order);
/* Swaps two dimensions. A view. */
CLADE_API clade_tensor *clade_transpose(clade_tensor *x, int axis_a, int axis_b);
/* x[..., start:stop:step, ...] along one axis, as in Python: negative bounds count from the end,
 * bounds outside are clipped; step >= 1. A view. */
CLADE_API clade_tensor *clade_slice(clade_tensor *x, int axis, int64_t start, int64_t stop,
                                    int64_t step);
/* Broadcasts x to a shape; -1 keeps x's dimension. A view with strides of 0. */
CLADE_API clade_tensor *clade_expand(clade_tensor *x, clade_shape shape);
/* The same values, row-major without gaps: x itself where it is so already, else a copy. */
CLADE_API clade_tensor *clade_contiguous(clade_tensor *x);
/* Joins count >= 1 tensors (at most 64) along an axis; the other dimensions must agree. */
CLADE_API clade_tensor *clade_concat(clade_tensor *const *tensors, int count, int axis);

/* --- index ------------------------------------------------------------------------------------ */
/* The slices of x along `axis` at the places in index (i32, one dimension): index_select([10,784],
 * axis 0, index [128]) = [128,784]. An index outside the axis yields NaN (0 for integers), since
 * the host does not see it. The gradient adds up over repeated indices, in a fixed order. */
CLADE_API clade_tensor *clade_index_select(clade_tensor *x, int axis, clade_tensor *index);
/* out[i][j] = x[i][index[i][j]] for axis 1, and so on for any axis: index (i32) has x's number of
 * dimensions and, off the axis, x's size; the result has index's shape. Outside: NaN, or 0. */
CLADE_API clade_tensor *clade_gather(clade_tensor *x, int axis, clade_tensor *index);

/* --- normalization: floats -------------------------------------------------------------------- */
/* Over the last `dims` dimensions of x, at least one. weight and bias, each of these dimensions,
 * may be NULL: the one exception to NULL in, NULL out. eps >= 0; PyTorch's default is 1e-5. */
/* (x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias */
CLADE_API clade_tensor *clade_layer_norm(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,
                                         int dims, double eps);
/* x / sqrt(mean(x^2) + eps) * weight */
CLADE_API clade_tensor *clade_rms_norm(clade_tensor *x, clade_tensor *weight, int dims, double eps);

/* --- softmax: floats; losses are in loss.h ---------------------------------------------------- */
/* e^(x-m) / sum(e^(x-m)) along an axis, m the maximum. */
CLADE_API clade_tensor *clade_softmax(clade_tensor *x, int axis);
/* x - m - log(sum(e^(x-m))) along an axis. */
CLADE_API clade_tensor *clade_log_softmax(clade_tensor *x, int axis);

#ifdef __cplusplus
}
#endif
#endif
