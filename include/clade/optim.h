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
 * Functions of their arguments alone, for clade_optimizer_set_lr. */
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

#ifdef __cplusplus
}
#endif
#endif
