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

/* Zero means default, except that lr must be set. */
typedef struct clade_sgd_params {
    double lr;           /* learning rate, >= 0; no default */
    double momentum;     /* >= 0 (default 0) */
    double dampening;    /* (default 0) */
    double weight_decay; /* >= 0 (default 0) */
    bool nesterov;       /* needs momentum > 0 and dampening 0 (default false) */
} clade_sgd_params;

/* PyTorch's SGD. With w the weights, g their gradient, v the momentum buffer:
 *     g += weight_decay * w
 *     v  = first step ? g : momentum * v + (1 - dampening) * g
 *     g  = nesterov ? g + momentum * v : v           (momentum > 0)
 *     w -= lr * g
 * A parameter without any gradient counts as one with gradient 0.
 * params must outlive the optimizer and must not grow after this call. Freed with
 * clade_optimizer_free. */
CLADE_API CLADE_NODISCARD clade_status clade_sgd_create(clade_optimizer **out, clade_params *params,
                                                        const clade_sgd_params *settings);
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

/* The fused update itself, for weights that are not in a clade_params: the formula above on f32 or
 * f64 tensors of one shape, contiguous. velocity may be NULL when momentum is 0; `first` starts
 * it. */
CLADE_API clade_status clade_sgd_update(clade_tensor *weight, clade_tensor *grad,
                                        clade_tensor *velocity, const clade_sgd_params *settings,
                                        bool first);

#ifdef __cplusplus
}
#endif
#endif
