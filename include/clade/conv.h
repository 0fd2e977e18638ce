/* Convolution and what goes with it: pooling, upsampling, patches.
 *
 * The rules of ops.h hold. Tensors are laid out as in PyTorch: images [n, channels, ...] with one
 * to three dimensions behind the channels, weights [out, in/groups, ...]. f32 and f64.
 *
 * Per-dimension settings stand in the order of the dimensions: of two, first rows, then columns. */
#ifndef CLADE_CONV_H
#define CLADE_CONV_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means default; a NULL pointer, all defaults. */
typedef struct clade_conv_params {
    int64_t stride[3];         /* (default 1) */
    int64_t padding[3];        /* zeros on both sides (default 0) */
    int64_t dilation[3];       /* (default 1) */
    int64_t groups;            /* (default 1) */
    int64_t output_padding[3]; /* of conv_transpose: added to its size on one side, less than stride
                                  or dilation (default 0) */
} clade_conv_params;

/* y[n,o,p] = bias[o] + sum over c and taps t of x[n, c, p*stride + t*dilation - padding] *
 * weight[o,c,t], for x [n, in, ...], weight [out, in/groups, ...] and bias [out], which may be
 * NULL: an exception to NULL in, NULL out. A dimension of the result is (size + 2*padding -
 * dilation*(taps-1) - 1) / stride + 1 and must be at least 1. With groups, the channels o of a
 * group see those c of the same group alone; groups = in is a depthwise convolution. Patches are
 * put together inside the product: there is no buffer of them. Any gradient is a convolution again,
 * of any order. */
CLADE_API clade_tensor *clade_conv1d(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,
                                     const clade_conv_params *params);
CLADE_API clade_tensor *clade_conv2d(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,
                                     const clade_conv_params *params);
CLADE_API clade_tensor *clade_conv3d(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,
                                     const clade_conv_params *params);

/* The gradient of a convolution for its data, as an operation of its own: x [n, in, ...], weight
 * [in, out/groups, ...], bias [out] or NULL. A dimension of the result is
 *     (size-1)*stride - 2*padding + dilation*(taps-1) + output_padding + 1 */
CLADE_API clade_tensor *clade_conv_transpose1d(clade_tensor *x, clade_tensor *weight,
                                               clade_tensor *bias, const clade_conv_params *params);
CLADE_API clade_tensor *clade_conv_transpose2d(clade_tensor *x, clade_tensor *weight,
                                               clade_tensor *bias, const clade_conv_params *params);
CLADE_API clade_tensor *clade_conv_transpose3d(clade_tensor *x, clade_tensor *weight,
                                               clade_tensor *bias, const clade_conv_params *params);

/* --- pooling: windows of each channel by itself ----------------------------------------------- */
typedef struct clade_pool_params {
    int64_t kernel[3];    /* taps, at least 1 */
    int64_t stride[3];    /* (default 0: as kernel) */
    int64_t padding[3];   /* at most half of kernel (default 0) */
    int64_t dilation[3];  /* of max pooling only (default 1) */
    bool ceil_mode;       /* also windows that begin inside and end beyond (default false) */
    bool exclude_padding; /* averages divide by the elements alone; else zeros of the padding count
                             too, as by PyTorch's count_include_pad (default false) */
} clade_pool_params;

/* x [n, channels, ...]; a dimension of the result is
 *     (size + 2*padding - dilation*(kernel-1) - 1) / stride + 1
 * and must be at least 1. The largest element, NaN if there is one; padding counts as -inf. The
 * gradient goes to the first of equal ones, as in PyTorch. */
CLADE_API clade_tensor *clade_max_pool1d(clade_tensor *x, const clade_pool_params *params);
CLADE_API clade_tensor *clade_max_pool2d(clade_tensor *x, const clade_pool_params *params);
CLADE_API clade_tensor *clade_max_pool3d(clade_tensor *x, const clade_pool_params *params);
CLADE_API clade_tensor *clade_avg_pool1d(clade_tensor *x, const clade_pool_params *params);
CLADE_API clade_tensor *clade_avg_pool2d(clade_tensor *x, const clade_pool_params *params);
CLADE_API clade_tensor *clade_avg_pool3d(clade_tensor *x, const clade_pool_params *params);

/* To a given size: output o of `out` sees elements o*in/out, rounded down, to (o+1)*in/out, rounded
 * up. Sizes of 1 pool over all places. */
CLADE_API clade_tensor *clade_adaptive_max_pool1d(clade_tensor *x, int64_t columns);
CLADE_API clade_tensor *clade_adaptive_max_pool2d(clade_tensor *x, int64_t rows, int64_t columns);
CLADE_API clade_tensor *clade_adaptive_max_pool3d(clade_tensor *x, int64_t depth, int64_t rows,
                                                  int64_t columns);
CLADE_API clade_tensor *clade_adaptive_avg_pool1d(clade_tensor *x, int64_t columns);
CLADE_API clade_tensor *clade_adaptive_avg_pool2d(clade_tensor *x, int64_t rows, int64_t columns);
CLADE_API clade_tensor *clade_adaptive_avg_pool3d(clade_tensor *x, int64_t depth, int64_t rows,
                                                  int64_t columns);

/* --- pictures [n, channels, rows, columns] ------------------------------------------------------
 */
/* In another size: output o takes element o*in/out, rounded down. */
CLADE_API clade_tensor *clade_upsample_nearest2d(clade_tensor *x, int64_t rows, int64_t columns);
/* Output o lies at (o + 1/2) * in/out - 1/2 between elements and takes from both, or with
 * align_corners at o * (in-1)/(out-1). As PyTorch, without smoothing where it shrinks. */
CLADE_API clade_tensor *clade_upsample_bilinear2d(clade_tensor *x, int64_t rows, int64_t columns,
                                                  bool align_corners);

/* Patches as columns, as nn.Unfold: [n, channels * kernel_rows * kernel_columns, places], the
 * places those of a convolution with these settings (groups and output_padding count for nothing).
 */
CLADE_API clade_tensor *clade_unfold(clade_tensor *x, int64_t kernel_rows, int64_t kernel_columns,
                                     const clade_conv_params *params);
/* Its gradient: patches added up to pictures of rows x columns, as nn.Fold. */
CLADE_API clade_tensor *clade_fold(clade_tensor *x, int64_t rows, int64_t columns,
                                   int64_t kernel_rows, int64_t kernel_columns,
                                   const clade_conv_params *params);

#ifdef __cplusplus
}
#endif
#endif
