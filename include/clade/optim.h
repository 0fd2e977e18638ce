/* Optimizers: one kernel updates all parameters of a set.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_OPTIM_H
#define CLADE_OPTIM_H

#include <clade/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clade_optimizer clade_optimizer;

/* Settings: zero means default, except that lr must be set. A factor that is wanted as 0 where the
 * default is another is written as something tiny, such as 1e-300. In the formulas w are the
 * weights, g their gradient (0 where a parameter has none), t the number of this update, from 1.
 *
 * Each _create: params must outlive the optimizer and must not grow after this call. Freed with
 * clade_optimizer_free. */

/* PyTorch's SGD, with v the velocity:
 *     g += weight_decay * w
 *     v  = first step ? g : momentum * v + (1 - dampening) * g
 *     g  = nesterov ? g + momentum * v : v           (momentum > 0)
 *     w -= lr * g */
typedef struct clade_sgd_params {
    double lr;           /* learning rate, >= 0; no default */
    double momentum;     /* >= 0 (default 0) */
    double dampening;    /* (default 0) */
    double weight_decay; /* >= 0 (default 0) */
    bool nesterov;       /* needs momentum > 0 and dampening 0 (default false) */
} clade_sgd_params;

CLADE_API CLADE_NODISCARD clade_status clade_sgd_create(clade_optimizer **out, clade_params *params,
                                                        const clade_sgd_params *settings);

/* PyTorch's Adam and, decoupled, AdamW; m is the mean and v the mean square of gradients, both 0 at
 * first:
 *     decoupled ? w *= 1 - lr * weight_decay : g += weight_decay * w
 *     m  = beta1 * m + (1 - beta1) * g
 *     v  = beta2 * v + (1 - beta2) * g^2
 *     w -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps) */
typedef struct clade_adam_params {
    double lr;           /* >= 0; no default; 0.001 is usual */
    double beta1;        /* in [0, 1) (default 0.9) */
    double beta2;        /* in [0, 1) (default 0.999) */
    double eps;          /* >= 0 (default 1e-8) */
    double weight_decay; /* >= 0 (default 0; PyTorch's AdamW has 0.01) */
    bool decoupled;      /* AdamW (default false) */
} clade_adam_params;

CLADE_API CLADE_NODISCARD clade_status clade_adam_create(clade_optimizer **out,
                                                         clade_params *params,
                                                         const clade_adam_params *settings);

/* PyTorch's RMSprop; v is the mean square of gradients, m their mean, b the velocity, 0 at first:
 *     g += weight_decay * w
 *     v  = alpha * v + (1 - alpha) * g^2
 *     m  = alpha * m + (1 - alpha) * g                        (centered)
 *     d  = sqrt(centered ? v - m^2 : v) + eps
 *     b  = momentum * b + g / d                               (momentum > 0)
 *     w -= lr * (momentum > 0 ? b : g / d) */
typedef struct clade_rmsprop_params {
    double lr;           /* >= 0; no default */
    double alpha;        /* in [0, 1) (default 0.99) */
    double eps;          /* >= 0 (default 1e-8) */
    double momentum;     /* >= 0 (default 0) */
    double weight_decay; /* >= 0 (default 0) */
    bool centered;       /* (default false) */
} clade_rmsprop_params;

CLADE_API CLADE_NODISCARD clade_status clade_rmsprop_create(clade_optimizer **out,
                                                            clade_params *params,
                                                            const clade_rmsprop_params *settings);

/* PyTorch's Adagrad; s is the sum of squares of gradients:
 *     g += weight_decay * w
 *     s += g^2
 *     w -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps) */
typedef struct clade_adagrad_params {
    double lr;           /* >= 0; no default */
    double lr_decay;     /* >= 0 (default 0) */
    double initial_sum;  /* what s starts with, >= 0 (default 0) */
    double eps;          /* >= 0 (default 1e-10) */
    double weight_decay; /* >= 0 (default 0) */
} clade_adagrad_params;

CLADE_API CLADE_NODISCARD clade_status clade_adagrad_create(clade_optimizer **out,
                                                            clade_params *params,
                                                            const clade_adagrad_params *settings);

/* Lion (Chen et al. 2023); m is a mean of gradients, 0 at first:
 *     w *= 1 - lr * weight_decay
 *     w -= lr * sign(beta1 * m + (1 - beta1) * g)
 *     m  = beta2 * m + (1 - beta2) * g */
typedef struct clade_lion_params {
    double lr;           /* >= 0; no default; a third to a tenth of Adam's is usual */
    double beta1;        /* in [0, 1) (default 0.9) */
    double beta2;        /* in [0, 1) (default 0.99) */
    double weight_decay; /* >= 0 (default 0) */
} clade_lion_params;

CLADE_API CLADE_NODISCARD clade_status clade_lion_create(clade_optimizer **out,
                                                         clade_params *params,
                                                         const clade_lion_params *settings);

/* Muon, as PyTorch 2.9's torch.optim.Muon has it (Jordan et al. 2024), but for its bfloat16: each
 * parameter of two dimensions moves along its momentum, whose singular values are brought near 1.
 * m is 0 at first:
 *     m  = m + (1 - momentum) * (g - m)
 *     x  = no_nesterov ? m : m + (1 - momentum) * (g - m)
 *     x  = x / max(|x|, eps), |x| the Frobenius norm
 *     x  = 3.4445 x - 4.7750 x x^T x + 2.0315 x x^T x x^T x   `iterations` times, x^T where rows >
 *          columns
 *     w *= 1 - lr * weight_decay
 *     w -= lr * stretch * x, stretch = sqrt(max(1, rows / columns))
 * All other parameters, and those whose names start with one of adam_prefixes (embeddings and the
 * last layer are usual), are AdamW's, with lr * adam_lr. */
typedef struct clade_muon_params {
    double lr;           /* >= 0; no default; 0.02 is usual, or Adam's with match_adam */
    double momentum;     /* in [0, 1) (default 0.95) */
    double weight_decay; /* >= 0, AdamW's too (default 0; PyTorch's Muon has 0.1) */
    double eps;          /* >= 0 (default 1e-7) */
    int iterations;      /* >= 1 (default 5) */
    bool no_nesterov;    /* (default false) */
    bool match_adam;     /* stretch = 0.2 * sqrt(max(rows, columns)), which fits the learning rate
                            and weight decay of AdamW (default false) */
    double adam_lr;      /* a factor, >= 0 (default 1) */
    double beta1, beta2; /* AdamW's, in [0, 1) (default 0.9 and 0.999) */
    double adam_eps;     /* >= 0 (default 1e-8) */
    const char *const *adam_prefixes; /* read by _create only (default NULL) */
    size_t adam_prefix_count;
} clade_muon_params;

CLADE_API CLADE_NODISCARD clade_status clade_muon_create(clade_optimizer **out,
                                                         clade_params *params,
                                                         const clade_muon_params *settings);

CLADE_API void clade_optimizer_free(clade_optimizer **opt);

/* One update from the gradients as they are; asynchronous.
 * Errors: CLADE_ERR_STATE if parameters were added since the optimizer was created. */
CLADE_API clade_status clade_optimizer_step(clade_optimizer *opt);
/* clade_params_zero_grad of its parameters. */
CLADE_API clade_status clade_optimizer_zero_grad(clade_optimizer *opt);

CLADE_API clade_status clade_optimizer_set_lr(clade_optimizer *opt, double lr);
CLADE_API double clade_optimizer_lr(const clade_optimizer *opt);
/* Updates made so far. */
CLADE_API int64_t clade_optimizer_steps(const clade_optimizer *opt);

/* Parameter groups: of the parameters whose names start with prefix, or of one, lr and weight_decay
 * are the optimizer's times these factors >= 0 (1 at first; the last call counts). "" is every
 * parameter. Neighbours in the set with the same factors are updated by one kernel, so that a group
 * costs least where its parameters were created one after the other.
 * Errors: CLADE_ERR_ARGUMENT (also where no parameter is meant), CLADE_ERR_STATE once an update was
 * made. */
CLADE_API clade_status clade_optimizer_set_factors(clade_optimizer *opt, const char *prefix,
                                                   double lr, double weight_decay);
CLADE_API clade_status clade_optimizer_set_param_factors(clade_optimizer *opt,
                                                         const clade_tensor *param, double lr,
                                                         double weight_decay);

/* --- for weights that are not in a clade_params -------------------------------------------------
 * One update, by the formulas above, of f32 or f64 tensors of one shape, contiguous. */
/* velocity may be NULL when momentum is 0; `first` starts it. */
CLADE_API clade_status clade_sgd_update(clade_tensor *weight, clade_tensor *grad,
                                        clade_tensor *velocity, const clade_sgd_params *settings,
                                        bool first);
/* mean (m) and square (v) must be 0 at first; steps: the updates made before. */
CLADE_API clade_status clade_adam_update(clade_tensor *weight, clade_tensor *grad,
                                         clade_tensor *mean, clade_tensor *square,
                                         const clade_adam_params *settings, int64_t steps);

/* --- schedules: the learning rate of a step, counted from 0 -------------------------------------
 * For clade_optimizer_set_lr; functions of their arguments alone. */
/* base * factor^(step / every), the division rounding down: PyTorch's StepLR. */
CLADE_API double clade_lr_step(int64_t step, double base, int64_t every, double factor);
/* base * (step + 1) / warmup in the first `warmup` steps; then half a cosine wave from base down to
 * min, which step `total` reaches and later ones keep: PyTorch's LinearLR followed by
 * CosineAnnealingLR. */
CLADE_API double clade_lr_cosine(int64_t step, int64_t total, int64_t warmup, double base,
                                 double min);

/* Zero means default. */
typedef struct clade_one_cycle_params {
    double rising;        /* the share of steps before the top, in (0, 1) (default 0.3) */
    double start_divisor; /* (default 25) */
    double end_divisor;   /* (default 1e4) */
} clade_one_cycle_params;

/* From max / start_divisor up to max and down to max / start_divisor / end_divisor at step
 * total - 1, both ways half a cosine wave: PyTorch's OneCycleLR. settings may be NULL. */
CLADE_API double clade_lr_one_cycle(int64_t step, int64_t total, double max,
                                    const clade_one_cycle_params *settings);

/* What clade_lr_plateau has seen; all 0 at first. */
typedef struct clade_plateau {
    double best;     /* metric */
    int64_t seen;    /* metrics */
    int64_t bad;     /* in a row that were no better */
    int64_t cooling; /* metrics to come that do not count as bad */
} clade_plateau;

/* Zero means default. */
typedef struct clade_plateau_params {
    double factor;    /* (default 0.1) */
    int64_t patience; /* bad metrics that are borne; -1: none (default 10) */
    double threshold; /* what counts as better; below 0: any difference (default 1e-4) */
    bool absolute;    /* better by threshold, else by threshold * best (default false) */
    bool larger;      /* is better (default false: smaller) */
    int64_t cooldown; /* metrics after a reduction that do not count as bad (default 0) */
    double min;       /* learning rate (default 0) */
    double eps;       /* a smaller change of the rate is not made (default 1e-8) */
} clade_plateau_params;

/* The rate after a metric, such as an epoch's validation loss: lr, or max(lr * factor, min) once
 * more than `patience` metrics in a row were no better than the best: PyTorch's ReduceLROnPlateau.
 * NaN is not better. settings may be NULL. */
CLADE_API double clade_lr_plateau(clade_plateau *state, double metric, double lr,
                                  const clade_plateau_params *settings);

/* --- averages of weights ---------------------------------------------------------------------- */
typedef struct clade_ema clade_ema;

/* The exponential moving average of a set's weights, which often tests better than they do:
 * PyTorch's AveragedModel with avg_fn decay * e + (1 - decay) * w, 0 <= decay < 1. params must
 * outlive it and must not grow. Freed with clade_ema_free. */
CLADE_API CLADE_NODISCARD clade_status clade_ema_create(clade_ema **out, clade_params *params,
                                                        double decay);
CLADE_API void clade_ema_free(clade_ema **ema);
/* e = w the first time, then e = decay * e + (1 - decay) * w. Call it after each optimizer step; it
 * may be part of a clade_step. Errors: CLADE_ERR_STATE while the average is swapped in. */
CLADE_API clade_status clade_ema_update(clade_ema *ema);
/* Exchanges weights and average: the network then computes with the average; a second call brings
 * the weights back. Not for a clade_step. */
CLADE_API clade_status clade_ema_swap(clade_ema *ema);
/* Whether the average is swapped in. */
CLADE_API bool clade_ema_swapped(const clade_ema *ema);
/* Updates made so far. */
CLADE_API int64_t clade_ema_updates(const clade_ema *ema);

#ifdef __cplusplus
}
#endif
#endif
