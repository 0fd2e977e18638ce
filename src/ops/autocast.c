/* Which ops autocast gives which dtype: PyTorch's lists. */
#include "tape/op.h"

#include <stddef.h>

/* In the region's dtype: most of the work, and sums that are f32 inside. */
const char *const clade_autocast_narrow[] = {
    "conv", "conv_transpose", "linear", "linear_no_bias", "matmul", NULL,
};

/* In f32: what leaves f16's range or needs more digits. */
const char *const clade_autocast_wide[] = {
    "acos",
    "asin",
    "batch_norm",
    "bce_with_logits",
    "cosh",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "cross_entropy_soft",
    "cross_entropy_weighted",
    "cumsum",
    "exp",
    "exp2",
    "expm1",
    "group_norm",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logsigmoid",
    "logsumexp",
    "mean",
    "mse_loss",
    "nll_loss",
    "norm",
    "pow",
    "pow_scalar",
    "prod",
    "reciprocal",
    "rms_norm",
    "rsqrt",
    "sinh",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "std",
    "sum",
    "tan",
    "triplet_margin_loss",
    "var",
    NULL,
};

/* As they come: their functions have cast what is to be cast. */
const char *const clade_autocast_own[] = {"attention", NULL};
