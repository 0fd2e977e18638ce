/* Attention in tiles, forward and backward: cl/attention_cpu.cl where work-items are threads,
 * cl/attention_lanes.cl where they are lanes. */
#ifndef CLADE_TENSOR_ATTENTION_H
#define CLADE_TENSOR_ATTENTION_H

#include "tensor/tensor.h"

/* q [outer,inner,t,d], k [outer,inner,s,d], v [outer,inner,s,e] and out [outer,inner,t,e], any
 * strides but that columns are neighbours; f32 or f64; d and e at least 1. */
typedef struct clade_attention_call {
    clade_tensor *q, *k, *v, *out;
    clade_tensor *mask; /* [outer,inner,t,s], any strides; NULL: none */
    clade_tensor *key;  /* f32 [4] in [0,1): what dropout draws from; NULL: none */
    clade_tensor *lse;  /* [outer,inner,t], contiguous: log of the sum of e^score */
    bool causal;
    double scale, dropout;
} clade_attention_call;

/* CLADE_ERR_UNSUPPORTED, starting with `what`, where rows of d and e elements do not fit into the
 * device's local memory. */
clade_status clade_attention_check(const clade_runtime *rt, clade_dtype dtype, int64_t d, int64_t e,
                                   const char *what);

/* Fills out and lse. */
clade_status clade_attention_run(const clade_attention_call *call);

/* Fills dq, dk and dv, shaped and strided as q, k and v may be, from lse, out and the gradient g
 * that arrived at it. */
clade_status clade_attention_grad_run(const clade_attention_call *call, const clade_tensor *g,
                                      clade_tensor *dq, clade_tensor *dk, clade_tensor *dv);

#endif
