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

#include <clade/pointwise.h>
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

/* --- dtypes ---------------------------------------------------------------------------------- */
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
/* The product, of an empty set 1. Its second derivative takes elements that are 0 for constants. */
CLADE_API clade_tensor *clade_prod(clade_tensor *x, const int *axes, int count, bool keepdim);
/* sum((x - mean(x))^2) / (n - correction) over the n elements of a set, and its square root (with a
 * gradient of 0 where it is 0). Floats. PyTorch's default of correction is 1. */
CLADE_API clade_tensor *clade_var(clade_tensor *x, const int *axes, int count, bool keepdim,
                                  int correction);
CLADE_API clade_tensor *clade_std(clade_tensor *x, const int *axes, int count, bool keepdim,
                                  int correction);
/* log(sum(e^x)), without overflow. Floats; of an empty set CLADE_ERR_SHAPE. */
CLADE_API clade_tensor *clade_logsumexp(clade_tensor *x, const int *axes, int count, bool keepdim);
/* Whether one element, or every one, is not 0: u8, 1 or 0; of an empty set 0 and 1. No gradient. */
CLADE_API clade_tensor *clade_any(clade_tensor *x, const int *axes, int count, bool keepdim);
CLADE_API clade_tensor *clade_all(clade_tensor *x, const int *axes, int count, bool keepdim);
/* (sum of |x|^p)^(1/p), p >= 1; INFINITY: the largest |x|. Floats. Its gradient is 0 where the norm
 * is. */
CLADE_API clade_tensor *clade_norm(clade_tensor *x, double p, const int *axes, int count,
                                   bool keepdim);
/* Index (i32) of the first largest element along one axis; a NaN counts as largest. No gradient.
 * An empty axis is CLADE_ERR_SHAPE. */
CLADE_API clade_tensor *clade_argmax(clade_tensor *x, int axis, bool keepdim);
/* Likewise of the first smallest; a NaN counts as smallest. */
CLADE_API clade_tensor *clade_argmin(clade_tensor *x, int axis, bool keepdim);
/* The sum of each element and all before it along an axis. Any dtype. */
CLADE_API clade_tensor *clade_cumsum(clade_tensor *x, int axis);

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

/* --- softmax: floats; losses are in loss.h ---------------------------------------------------- */
/* e^(x-m) / sum(e^(x-m)) along an axis, m the maximum. */
CLADE_API clade_tensor *clade_softmax(clade_tensor *x, int axis);
/* x - m - log(sum(e^(x-m))) along an axis. */
CLADE_API clade_tensor *clade_log_softmax(clade_tensor *x, int axis);

#ifdef __cplusplus
}
#endif
#endif
