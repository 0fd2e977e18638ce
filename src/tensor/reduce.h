/* One engine reduces tensors: the sum, max and min ops, and the un-broadcasting of gradients. */
#ifndef CLADE_TENSOR_REDUCE_H
#define CLADE_TENSOR_REDUCE_H

#include "tensor/tensor.h"

typedef enum clade_reduce_kind {
    CLADE_REDUCE_SUM,
    CLADE_REDUCE_MAX, /* NaN if there is one; likewise min */
    CLADE_REDUCE_MIN,
    CLADE_REDUCE_SUM_OF_SQUARES,
    CLADE_REDUCE_PRODUCT
} clade_reduce_kind;

/* out = scale * reduction of in over the axes in `mask` (bit i: axis i). out is contiguous, of in's
 * dtype (or f32, where that is f16 or bf16), and holds the other axes in their order. scale is for
 * floats and sums (of squares too). An empty sum is 0 * scale, an empty product 1; max and min
 * need at least one element. The same input gives the same bits on the same device. */
clade_status clade_reduce(clade_tensor *out, clade_tensor *in, unsigned mask,
                          clade_reduce_kind kind, double scale);

#endif
