/* Operations on pictures, as those of ops.h.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_IMAGE_H
#define CLADE_IMAGE_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each picture of x [n,height,width] moved, turned, stretched by its own theta [n,2,3] (f32 or
 * f64): the result, of x's shape and theta's dtype, has at (column, row) what x has at
 *     (theta[0] * (column, row, 1), theta[1] * (column, row, 1)),
 * columns and rows counted from -1 to 1 between the outer edges of the picture; between pixels
 * bilinear, outside 0: PyTorch's affine_grid and grid_sample without align_corners. x is u8 or of
 * theta's dtype. It is meant for training data: no gradient. */
CLADE_API clade_tensor *clade_affine_sample(clade_tensor *x, clade_tensor *theta);

#ifdef __cplusplus
}
#endif
#endif
