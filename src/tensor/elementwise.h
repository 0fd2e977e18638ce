/* One engine runs every kernel that maps elements to elements: pointwise ops and their gradients,
 * copies, casts, fills, accumulation. It writes the kernel around an expression, and picks a form
 * of cl/elementwise.cl by the operands' strides. */
#ifndef CLADE_TENSOR_ELEMENTWISE_H
#define CLADE_TENSOR_ELEMENTWISE_H

#include "tensor/tensor.h"

#define CLADE_ELEMENTWISE_INPUTS 4
#define CLADE_ELEMENTWISE_PARAMS 2

/* An expression in OpenCL C over the inputs (each of its own dtype), the parameters p0, p1 (of type
 * T) and T itself, the compute type: double, float or int. Literals without suffix are of type T.
 * The result is converted to the output's type as a C cast does. `name` names the kernel: one name,
 * one text. `inputs`: a letter per input, its name in the text. */
typedef struct clade_expression {
    const char *name;
    const char *text;
    const char *inputs;
} clade_expression;

/* out[i] = expression(inputs[i]), inputs broadcast to out's shape. out may be any view, and an input
 * itself where their elements coincide. T is `compute`, u8 standing for int. Raises out's
 * version. */
clade_status clade_elementwise(const clade_expression *expression, clade_dtype compute,
                               clade_tensor *out, clade_tensor *const *inputs, int count,
                               const double *params, int param_count);

#endif
