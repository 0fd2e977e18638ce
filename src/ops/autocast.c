/* Which ops autocast gives which dtype: PyTorch's lists. */
#include "tape/op.h"

#include <stddef.h>

/* In the region's dtype: most of the work, and sums that are f32 inside. */
const char *const clade_autocast_narrow[] = {
    "conv", "conv_transpose", "linear", "linear_no_bias", "matmul", NULL,
};

/* In f32: what leaves f16's range or needs more digits. */
const char *const clade_autocast_wide[] = {
    "batch_norm",
    "bce_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "cross_entropy_soft",
    "cross_entropy_weighted",
    "exp",
    "group_norm",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "log",
    "log_softmax",
    "mean",
    "mse_loss",
    "nll_loss",
    "norm",
    "pow",
    "pow_scalar",
    "rms_norm",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "sum",
    "triplet_margin_loss",
    NULL,
};

/* As they come: their functions have cast what is to be cast. */
const char *const clade_autocast_own[] = {"attention", NULL};
