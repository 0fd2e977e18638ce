/* One engine multiplies matrices: the matmul and linear ops. */
#ifndef CLADE_TENSOR_MULTIPLY_H
#define CLADE_TENSOR_MULTIPLY_H

#include "tensor/tensor.h"

/* out = a x b over the last two dimensions; the leading ones of a and b broadcast to out's. All f32
 * or all f64; out is contiguous, a and b are any views: a copy is made only of matrices that step
 * by more than one element along both dimensions. Raises out's version. */
clade_status clade_multiply(clade_tensor *out, clade_tensor *a, clade_tensor *b);

#endif
