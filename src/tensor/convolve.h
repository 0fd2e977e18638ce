/* One engine convolves: the conv ops. A product of matrices with one operand behind a window
 * (runtime.h), so that patches are stored nowhere. */
#ifndef CLADE_TENSOR_CONVOLVE_H
#define CLADE_TENSOR_CONVOLVE_H

#include "tensor/tensor.h"

/* Along one dimension. */
typedef struct clade_conv_dim {
    int64_t stride, padding, dilation;
} clade_conv_dim;

typedef struct clade_convolution {
    int dims; /* 1 to 3, those behind batch and channels */
    clade_conv_dim dim[3];
    int64_t groups;
} clade_convolution;

/* x [n, in, ...], weight [out, in/groups, ...], y [n, out, ...], all f32 or all f64, of shapes that
 * fit. What is written is contiguous, and its version raised; what is read may be any view. */
clade_status clade_convolve(clade_tensor *y, clade_tensor *x, clade_tensor *weight,
                            const clade_convolution *c);
/* dx from dy: the transposed convolution. */
clade_status clade_convolve_transposed(clade_tensor *x, clade_tensor *y, clade_tensor *weight,
                                       const clade_convolution *c);
/* dweight from x and dy. The same bits on the same device. */
clade_status clade_convolve_weight(clade_tensor *weight, clade_tensor *x, clade_tensor *y,
                                   const clade_convolution *c);

#endif
