/* Attention and rotary position embedding: ops as those of ops.h.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_ATTENTION_H
#define CLADE_ATTENTION_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means default. */
typedef struct clade_attention_params {
    bool causal;    /* query i sees the keys 0..i only (default false) */
    double scale;   /* of the scores (default 0: 1 / sqrt(d)) */
    double dropout; /* the probability that a weight becomes 0 while the others grow by
                       1 / (1 - dropout); below 1 (default 0) */
} clade_attention_params;

/* softmax(scale * q k^T) v for q [...,t,d], k [...,s,d] and v [...,s,e]: [...,t,e], as PyTorch's
 * scaled_dot_product_attention. Leading dimensions broadcast. f32 or f64, d and e at least 1. A
 * query that sees no key yields 0. params may be NULL.
 *
 * Computed in tiles: no [t,s] matrix is ever in memory, neither forward nor backward, which makes
 * the weights again. Where q is [...,t,heads,d] transposed to [...,heads,t,d], the result lies in
 * memory in the same way: transposing it back and reshaping it to [...,t,heads * e] costs no copy.
 * With dropout each call draws new numbers (see clade_manual_seed). With create_graph (autograd.h)
 * backward holds the [t,s] matrix after all, and dropout is CLADE_ERR_NO_GRADIENT.
 *
 * Errors besides those of all ops: CLADE_ERR_UNSUPPORTED where rows of d and e elements are too
 * long for the device's local memory. */
CLADE_API clade_tensor *clade_attention(clade_tensor *q, clade_tensor *k, clade_tensor *v,
                                        const clade_attention_params *params);
/* The same with a mask that broadcasts to [...,t,s]: u8, 0 for the keys that a query does not see;
 * or of q's dtype and added to the scaled scores, -INFINITY for such keys. No gradient flows to it:
 * a mask that requires one is CLADE_ERR_NO_GRADIENT. */
CLADE_API clade_tensor *clade_attention_masked(clade_tensor *q, clade_tensor *k, clade_tensor *v,
                                               clade_tensor *mask,
                                               const clade_attention_params *params);

/* Zero means default. */
typedef struct clade_rotary_params {
    double base;      /* (default 0: 10000) */
    bool interleaved; /* pairs are elements 2i and 2i + 1 (default false: i and i + d/2) */
    int64_t first;    /* the place of what comes first, >= 0 (default 0) */
} clade_rotary_params;

/* Rotary position embedding (Su and others, 2021) of x [...,d], d even, with places along an axis
 * before the last: pair i of what stands at place p is turned by the angle p * base^(-2i/d). f32 or
 * f64. params may be NULL. */
CLADE_API clade_tensor *clade_rotary(clade_tensor *x, int axis, const clade_rotary_params *params);

#ifdef __cplusplus
}
#endif
#endif
