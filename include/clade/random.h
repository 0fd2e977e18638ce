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

/* The numbers 0 ... n - 1 (i32) in random order. */
CLADE_API clade_tensor *clade_permutation(clade_context *ctx, int64_t n);

/* `samples` places (i32) drawn by their weights: of weights [k] that many, of [n,k] that many for
 * each row. Weights (floats, not negative) need not add up to 1. Without replacement no place comes
 * twice: samples is at most k, and places of weight 0 come last. */
CLADE_API clade_tensor *clade_multinomial(clade_tensor *weights, int64_t samples, bool replacement);

/* Training: each element is 0 with probability p, else x / (1 - p); the gradient likewise, by the
 * same draw. Otherwise x itself. x is of floats; p in [0,1]. */
CLADE_API clade_tensor *clade_dropout(clade_tensor *x, double p, bool train);

#ifdef __cplusplus
}
#endif
#endif
