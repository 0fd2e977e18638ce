/* Transformers: multi-head attention and the block around it, with PyTorch's parameters.
 *
 *     clade_transformer_block block;
 *     st = clade_transformer_block_params(params, "layers.0", 256, 4, 1024, &block);
 *     ...
 *     y = clade_transformer(&block, x, NULL, &(clade_transformer_options){.causal = true});
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_TRANSFORMER_H
#define CLADE_TRANSFORMER_H

#include <clade/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- multi-head attention: nn.MultiheadAttention with batch_first -------------------------------
 */
/* Parameters, borrowed from their set. Biases may be NULL. */
typedef struct clade_multi_head {
    int64_t heads;
    clade_tensor *in_weight, *in_bias;   /* [3*width,width] and [3*width]: of q, k and v */
    clade_tensor *out_weight, *out_bias; /* [width,width] and [width] */
} clade_multi_head;

/* Adds name.in_proj_weight, .in_proj_bias, .out_proj.weight and .out_proj.bias; all or none. They
 * start as PyTorch's do: Xavier's uniform, 0, kaiming_uniform with slope sqrt(5), 0. name "" leaves
 * out the dot too. heads must divide width. */
CLADE_API clade_status clade_multi_head_params(clade_params *params, const char *name,
                                               int64_t width, int64_t heads, clade_multi_head *out);

/* Zero means default. */
typedef struct clade_multi_head_options {
    bool causal;        /* place i sees the places 0..i only (default false) */
    double dropout;     /* of the attention's weights (default 0) */
    double rotary_base; /* (default 0: no rotary embedding of queries and keys) */
} clade_multi_head_options;

/* query [n,t,width] on key and value [n,s,width]: [n,t,width]. mask as clade_attention_masked has
 * it, broadcasting to [n,heads,t,s]; may be NULL: none. options may be NULL. */
CLADE_API clade_tensor *clade_multi_head_attention(const clade_multi_head *m, clade_tensor *query,
                                                   clade_tensor *key, clade_tensor *value,
                                                   clade_tensor *mask,
                                                   const clade_multi_head_options *options);

/* --- a block: nn.TransformerEncoderLayer with batch_first ---------------------------------------
 */
typedef struct clade_transformer_block {
    clade_multi_head attention;
    clade_tensor *weight1, *bias1; /* [hidden,width], [hidden] */
    clade_tensor *weight2, *bias2; /* [width,hidden], [width] */
    clade_tensor *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias; /* [width] */
} clade_transformer_block;

/* Adds name.self_attn.*, .linear1.*, .linear2.*, .norm1.* and .norm2.*, started as PyTorch does;
 * all or none. name "" leaves out the dot too. */
CLADE_API clade_status clade_transformer_block_params(clade_params *params, const char *name,
                                                      int64_t width, int64_t heads, int64_t hidden,
                                                      clade_transformer_block *out);

/* Zero means default. */
typedef struct clade_transformer_options {
    bool causal;        /* (default false) */
    bool norm_first;    /* (default false: the norms come after the sums) */
    bool gelu;          /* (default false: relu) */
    double dropout;     /* of attention weights, of both branches and between the linear layers;
                           0 in evaluation (default 0; PyTorch's is 0.1) */
    double eps;         /* of the norms (default 0: 1e-5) */
    double rotary_base; /* (default 0: no rotary embedding) */
} clade_transformer_options;

/* x [n,t,width]: x = norm1(x + attention(x)), x = norm2(x + linear2(f(linear1(x)))); or, with
 * norm_first, x = x + attention(norm1(x)), x = x + linear2(f(linear1(norm2(x)))). mask as that of
 * clade_multi_head_attention. options may be NULL. */
CLADE_API clade_tensor *clade_transformer(const clade_transformer_block *block, clade_tensor *x,
                                          clade_tensor *mask,
                                          const clade_transformer_options *options);

#ifdef __cplusplus
}
#endif
#endif
