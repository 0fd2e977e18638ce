/* What the pointwise ops share: formulas as ops. */
#ifndef CLADE_OPS_POINTWISE_H
#define CLADE_OPS_POINTWISE_H

#include "tape/op.h"

/* grad * d formula / d inputs[which], for a backward: a tensor of the open scope, recorded where
 * recording goes on. names: of the inputs and then of the constants. NULL with the error set. */
clade_tensor *clade_formula_gradient(const char *text, const char *names,
                                     clade_tensor *const *inputs, int count,
                                     const double *constants, int constant_count, int which,
                                     clade_tensor *grad);

#endif
