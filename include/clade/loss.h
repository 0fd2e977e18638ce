/* Losses: floats in, one number (or one per case) out.
 *
 *     clade_tensor *loss = clade_cross_entropy(logits, labels, NULL);
 *     st = clade_backward(loss);
 *
 * They are ops and keep to what ops.h says of ops. Where a params struct is taken, zero means
 * default and NULL stands for all defaults; a tensor in it may be NULL and then counts as ones.
 * Unless stated otherwise a gradient flows to every float input. Formulas and defaults are
 * PyTorch's.
 */
#ifndef CLADE_LOSS_H
#define CLADE_LOSS_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clade_reduction {
    CLADE_REDUCTION_MEAN = 0,
    CLADE_REDUCTION_SUM = 1,
    CLADE_REDUCTION_NONE = 2
} clade_reduction;

/* The mean or the sum of all elements, or losses itself: how each of the losses here ends, for
 * losses of your own. */
CLADE_API clade_tensor *clade_reduce_loss(clade_tensor *losses, clade_reduction reduction);

/* --- classes ---------------------------------------------------------------------------------- */
typedef struct clade_cross_entropy_params {
    clade_reduction reduction; /* (default 0: mean over the labels that count) */
    bool use_ignore_index;     /* (default false: every label counts) */
    int ignore_index;          /* a label that counts for nothing, when use_ignore_index */
    double label_smoothing;    /* (default 0) s in [0,1]: the target is (1 - s) * label +
                                  s / classes */
    clade_tensor *weight;      /* [classes] (default NULL): the weight of each class */
} clade_cross_entropy_params;

/* The loss of logits [n,classes]: [] or, with reduction none, [n].
 *
 * target [n] (i32): labels. The loss of a row is -w[label] * log_softmax(logits)[label]; with
 * smoothing (1 - s) times that, plus -s / classes * sum(w * log_softmax(logits)). The mean is the
 * sum over the sum of the w[label] that count. A label outside 0..classes-1 that is not ignored
 * yields NaN. The mean over no label is NaN.
 *
 * target [n,classes] (of logits' dtype): probabilities. The loss of a row is
 * -sum(target * w * log_softmax(logits)), the mean the sum over n; nothing can be ignored. */
CLADE_API clade_tensor *clade_cross_entropy(clade_tensor *logits, clade_tensor *target,
                                            const clade_cross_entropy_params *params);
/* The same of labels [n] and logarithms of probabilities [n,classes], as clade_log_softmax yields
 * them. */
CLADE_API clade_tensor *clade_nll_loss(clade_tensor *log_probs, clade_tensor *labels,
                                       const clade_cross_entropy_params *params);

typedef struct clade_bce_params {
    clade_reduction reduction; /* (default 0: mean) */
    clade_tensor *weight;      /* (default NULL) a factor of each loss; broadcasts to x */
    clade_tensor *pos_weight;  /* (default NULL) a factor of what y = 1 adds; broadcasts to x */
} clade_bce_params;

/* -w * (p * y * log(sigmoid(x)) + (1 - y) * log(1 - sigmoid(x))), without overflow, reduced. x and
 * y, the probabilities wanted, have the same shape. */
CLADE_API clade_tensor *clade_bce_with_logits(clade_tensor *x, clade_tensor *y,
                                              const clade_bce_params *params);

typedef struct clade_kl_div_params {
    clade_reduction reduction; /* (default 0: mean over all elements) */
    bool batch_mean; /* (default false) with reduction mean: the sum over the first dimension */
    bool log_target; /* (default false) target holds logarithms too */
} clade_kl_div_params;

/* The Kullback-Leibler divergence target * (log(target) - input), 0 where target is 0, or
 * e^target * (target - input), reduced. input holds logarithms of probabilities; both have the same
 * shape. */
CLADE_API clade_tensor *clade_kl_div(clade_tensor *input, clade_tensor *target,
                                     const clade_kl_div_params *params);

/* --- differences: a and b have the same shape ------------------------------------------------- */
/* (a - b)^2, reduced. */
CLADE_API clade_tensor *clade_mse_loss(clade_tensor *a, clade_tensor *b, clade_reduction reduction);
/* |a - b|, reduced; gradient 0 where they are equal. */
CLADE_API clade_tensor *clade_l1_loss(clade_tensor *a, clade_tensor *b, clade_reduction reduction);
/* With d = |a - b|: d^2 / (2 * beta) where d <= beta, else d - beta / 2; reduced. beta >= 0, where
 * 0 is the L1 loss; PyTorch's default is 1. */
CLADE_API clade_tensor *clade_smooth_l1_loss(clade_tensor *a, clade_tensor *b, double beta,
                                             clade_reduction reduction);
/* With d = |a - b|: d^2 / 2 where d <= delta, else delta * (d - delta / 2); reduced. delta > 0;
 * PyTorch's default is 1. */
CLADE_API clade_tensor *clade_huber_loss(clade_tensor *a, clade_tensor *b, double delta,
                                         clade_reduction reduction);

/* --- directions and distances: inputs have the same shape ------------------------------------- */
/* sum(a * b) / (max(|a|, eps) * max(|b|, eps)) along an axis, which disappears. eps > 0; PyTorch's
 * default is 1e-8. */
CLADE_API clade_tensor *clade_cosine_similarity(clade_tensor *a, clade_tensor *b, int axis,
                                                double eps);
/* With c the cosine similarity of a and b along the last axis: 1 - c where target > 0, else
 * max(0, c - margin); reduced. target (i32), of the shape without that axis, holds 1 and -1. */
CLADE_API clade_tensor *clade_cosine_embedding_loss(clade_tensor *a, clade_tensor *b,
                                                    clade_tensor *target, double margin,
                                                    clade_reduction reduction);

typedef struct clade_triplet_params {
    clade_reduction reduction; /* (default 0: mean) */
    double p;                  /* (default 0: 2) which norm, >= 1; INFINITY is the largest */
    bool swap; /* (default false) d(positive, negative) counts where it is below d(anchor,
                  negative) */
} clade_triplet_params;

/* max(0, d(anchor, positive) - d(anchor, negative) + margin), reduced, where d(u, v) is the p-norm
 * of u - v + 1e-6 along the last axis. PyTorch's default of margin is 1. */
CLADE_API clade_tensor *clade_triplet_margin_loss(clade_tensor *anchor, clade_tensor *positive,
                                                  clade_tensor *negative, double margin,
                                                  const clade_triplet_params *params);

#ifdef __cplusplus
}
#endif
#endif
