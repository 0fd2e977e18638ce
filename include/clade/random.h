/* Random numbers, and what is made of them.
 *
 * All come from Philox4x32-10 at (seed, call number, element): the same on every device, whatever
 * its width. The next call draws new ones, a replayed step (step.h) too; clade_manual_seed
 * restarts.
 *
 * They are ops and keep to what ops.h says of ops. No gradient flows but through dropout.
 */
#ifndef CLADE_RANDOM_H
#define CLADE_RANDOM_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* f32 or f64. uniform: [low, high), 24 random bits in f32, 53 in f64. normal: Box-Muller. */
CLADE_API clade_tensor *clade_uniform(clade_context *ctx, clade_dtype dtype, clade_shape shape,
                                      double low, double high);
CLADE_API clade_tensor *clade_normal(clade_context *ctx, clade_dtype dtype, clade_shape shape,
                                     double mean, double std);

/* Integers (i32) of [low, high), which lies within i32: high is at most 2^31. Of a range r each
 * number's probability is within 2^-32 of 1 / r. */
CLADE_API clade_tensor *clade_randint(clade_context *ctx, clade_shape shape, int64_t low,
                                      int64_t high);

/* 1 with probability p, else 0, in any dtype. p in [0,1] is rounded up to a multiple of 2^-24. */
CLADE_API clade_tensor *clade_bernoulli(clade_context *ctx, clade_dtype dtype, clade_shape shape,
                                        double p);

/* Training: each element is 0 with probability p, else x / (1 - p); the gradient likewise, by the
 * same draw. Otherwise x itself. x is of floats; p in [0,1]. */
CLADE_API clade_tensor *clade_dropout(clade_tensor *x, double p, bool train);

#ifdef __cplusplus
}
#endif
#endif
