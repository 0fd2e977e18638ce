/* The elementwise engine on tensors. */
#ifndef CLADE_TENSOR_ELEMENTWISE_H
#define CLADE_TENSOR_ELEMENTWISE_H

#include "runtime/elementwise.h"
#include "tensor/tensor.h"

/* out[i] = expression(inputs[i]), inputs broadcast to out's shape. out may be any view, and an
 * input itself where their elements coincide. T is `compute`, u8 standing for int. Raises out's
 * version. */
clade_status clade_elementwise(const clade_expression *expression, clade_dtype compute,
                               clade_tensor *out, clade_tensor *const *inputs, int count,
                               const double *params, int param_count);

#endif
