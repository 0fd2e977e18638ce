/* Normalization: ops as those of ops.h, with PyTorch's meanings. Floats.
 *
 * weight and bias may be NULL: 1 and 0, the one exception to NULL in, NULL out. eps >= 0; PyTorch's
 * default is 1e-5.
 */
#ifndef CLADE_NORM_H
#define CLADE_NORM_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- over the last `dims` dimensions of x, at least one; weight and bias have these dimensions ---
 */
/* (x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias */
CLADE_API clade_tensor *clade_layer_norm(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,
                                         int dims, double eps);
/* x / sqrt(mean(x^2) + eps) * weight */
CLADE_API clade_tensor *clade_rms_norm(clade_tensor *x, clade_tensor *weight, int dims, double eps);

/* --- of x [n,c,...], with weight and bias [c] ----------------------------------------------------
 */
/* As layer_norm over each of `groups` groups of neighbouring channels, which divide c, of each of
 * the n. */
CLADE_API clade_tensor *clade_group_norm(clade_tensor *x, int64_t groups, clade_tensor *weight,
                                         clade_tensor *bias, double eps);
/* A group per channel. */
CLADE_API clade_tensor *clade_instance_norm(clade_tensor *x, clade_tensor *weight,
                                            clade_tensor *bias, double eps);

/* Zero means default. */
typedef struct clade_batch_norm_options {
    bool train;      /* with the statistics of x (default false: with the running ones) */
    double momentum; /* of x's in the running statistics (default 0: 0.1) */
    double eps;      /* (default 0: 1e-5) */
} clade_batch_norm_options;

/* (x - mean) / sqrt(variance + eps) * weight + bias per channel. In training mean and variance are
 * those of x over all but the channels, of which there must be at least two elements, and
 *     running = (1 - momentum) * running + momentum * x's
 * where x's variance counts n/(n-1) times, as PyTorch has it; replays of a step do so too. Else
 * they are running_mean and running_var [c], which no gradient reaches. Both may be NULL, in
 * training. options may be NULL. */
CLADE_API clade_tensor *clade_batch_norm(clade_tensor *x, clade_tensor *running_mean,
                                         clade_tensor *running_var, clade_tensor *weight,
                                         clade_tensor *bias,
                                         const clade_batch_norm_options *options);

#ifdef __cplusplus
}
#endif
#endif
