#include "optim/optimizer.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <clade/ops.h>

enum { TAKE, SHRINK, RATE };

static const clade_expression toward_gradient = {"muon_toward", "m + p0 * (g - m)", "mg"};
static const clade_expression as_mean = {"muon_mean", "m", "m"};
static const clade_expression shrink = {"muon_shrink", "w * p0", "w"};
static const clade_expression weight_less = {"muon_weight", "w - p0 * o", "wo"};

static clade_status complete(clade_optimizer_settings *settings, const char *what)
{
    clade_muon_params *muon = &settings->muon.given;
    muon->momentum = muon->momentum == 0 ? 0.95 : muon->momentum;
    muon->eps = muon->eps == 0 ? 1e-7 : muon->eps;
    muon->iterations = muon->iterations == 0 ? 5 : muon->iterations;
    muon->adam_lr = muon->adam_lr == 0 ? 1 : muon->adam_lr;
    muon->beta1 = muon->beta1 == 0 ? 0.9 : muon->beta1;
    muon->beta2 = muon->beta2 == 0 ? 0.999 : muon->beta2;
    muon->adam_eps = muon->adam_eps == 0 ? 1e-8 : muon->adam_eps;
    const clade_named_value values[] = {{.name = "lr", .value = muon->lr},
                                        {.name = "momentum", .value = muon->momentum, .below = 1},
                                        {.name = "weight_decay", .value = muon->weight_decay},
                                        {.name = "eps", .value = muon->eps},
                                        {.name = "iterations", .value = muon->iterations},
                                        {.name = "adam_lr", .value = muon->adam_lr},
                                        {.name = "beta1", .value = muon->beta1, .below = 1},
                                        {.name = "beta2", .value = muon->beta2, .below = 1},
                                        {.name = "adam_eps", .value = muon->adam_eps},
                                        {0}};
    return clade_optimizer_check_values(what, values);
}

/* A matrix has no need of the second, the others have. */
static int states(const clade_optimizer_settings *settings, clade_optimizer_state *states)
{
    return clade_kind_adam.states(settings, states);
}

static void numbers(double *numbers, const clade_optimizer_settings *settings, int64_t steps)
{
    const clade_muon_params *muon = &settings->muon.given;
    (void)steps;
    numbers[TAKE] = 1 - muon->momentum;
    numbers[SHRINK] = 1 - muon->lr * muon->weight_decay;
    numbers[RATE] = muon->lr * settings->muon.stretch;
}

static const clade_optimizer_kind *choose(const clade_optimizer_settings *settings,
                                          const char *name, const clade_shape *shape)
{
    const clade_muon_params *muon = &settings->muon.given;
    for (size_t i = 0; i < muon->adam_prefix_count; i++)
        if (!strncmp(name, muon->adam_prefixes[i], strlen(muon->adam_prefixes[i])))
            return &clade_kind_adam;
    return shape->ndim == 2 && clade_shape_numel(shape) ? &clade_kind_muon : &clade_kind_adam;
}

static void adapt(clade_optimizer_settings *settings, const clade_optimizer_kind *chosen,
                  const clade_shape *shape)
{
    const clade_muon_params muon = settings->muon.given;
    if (chosen == &clade_kind_adam) {
        settings->adam = (clade_adam_params){.lr = muon.lr * muon.adam_lr,
                                             .beta1 = muon.beta1,
                                             .beta2 = muon.beta2,
                                             .eps = muon.adam_eps,
                                             .weight_decay = muon.weight_decay,
                                             .decoupled = true};
        return;
    }
    double rows = (double)shape->dim[0], cols = (double)shape->dim[1];
    settings->muon.stretch =
        muon.match_adam ? 0.2 * sqrt(fmax(rows, cols)) : sqrt(fmax(1, rows / cols));
}

/* Newton-Schulz iterations of the odd polynomial a s + b s^3 + c s^5 on the singular values s of x,
 * scaled to at most 1 at first: each comes near 1. NULL with the error set. */
static clade_tensor *orthogonalised(clade_tensor *x, const clade_muon_params *muon)
{
    const double a = 3.4445, b = -4.7750, c = 2.0315;
    bool tall = x->shape.dim[0] > x->shape.dim[1];
    x = tall ? clade_transpose(x, 0, 1) : x;
    clade_tensor *norm = clade_sqrt(clade_sum(clade_square(x), NULL, 0, false));
    x = clade_div(x, clade_clamp(norm, muon->eps, INFINITY));
    for (int i = 0; i < muon->iterations && x; i++) {
        clade_tensor *gram = clade_matmul(x, clade_transpose(x, 0, 1));
        clade_tensor *polynomial =
            clade_add(clade_mul_scalar(gram, b), clade_mul_scalar(clade_matmul(gram, gram), c));
        x = clade_add(clade_mul_scalar(x, a), clade_matmul(polynomial, x));
    }
    return clade_contiguous(tall ? clade_transpose(x, 0, 1) : x);
}

/* The numbers that the first update of a parameter reads are the second's too. */
static void numbers_are_there(void *user)
{
    (void)user;
}

static clade_status update_in_scope(clade_tensor *weight, clade_tensor *grad, clade_tensor *mean,
                                    const clade_muon_params *muon, const double *numbers,
                                    clade_optimizer_hook hook)
{
    clade_tensor *direction = clade_scope_adopt(
        weight->ctx, clade_tensor_new(weight->ctx, weight->dtype, &weight->shape, "muon"));
    if (!direction)
        return clade_last_error()->status;
    clade_update update;
    clade_update_init(&update, weight);
    clade_update_add_tensor(&update, 'g', grad, false);
    clade_update_add_tensor(&update, 'm', mean, true);
    clade_update_add_tensor(&update, 'o', direction, true);
    clade_update_assign(&update, 'm', &toward_gradient, &numbers[TAKE], NULL);
    if (muon->no_nesterov)
        clade_update_assign(&update, 'o', &as_mean, NULL, NULL);
    else
        clade_update_assign(&update, 'o', &toward_gradient, &numbers[TAKE], NULL);
    if (hook.skip)
        clade_update_unless(&update, hook.skip);
    CLADE_TRY(clade_update_run(&update, hook.run, hook.user));
    direction = orthogonalised(direction, muon);
    if (!direction)
        return clade_last_error()->status;
    clade_update_init(&update, weight);
    clade_update_add_tensor(&update, 'w', weight, true);
    clade_update_add_tensor(&update, 'o', direction, false);
    if (muon->weight_decay > 0)
        clade_update_assign(&update, 'w', &shrink, &numbers[SHRINK], NULL);
    clade_update_assign(&update, 'w', &weight_less, &numbers[RATE], NULL);
    if (hook.skip)
        clade_update_unless(&update, hook.skip);
    return clade_update_run(&update, hook.run ? numbers_are_there : NULL, NULL);
}

static clade_status update(clade_tensor *weight, clade_tensor *grad, clade_tensor *const *states,
                           const clade_optimizer_settings *settings, const double *numbers,
                           clade_optimizer_hook hook)
{
    CLADE_TRY(clade_scope_push(weight->ctx));
    clade_status status =
        update_in_scope(weight, grad, states[0], &settings->muon.given, numbers, hook);
    clade_scope_pop(weight->ctx);
    return status;
}

const clade_optimizer_kind clade_kind_muon = {.name = "muon",
                                              .settings_size = sizeof(clade_muon_params),
                                              .weight_decay =
                                                  offsetof(clade_muon_params, weight_decay),
                                              .complete = complete,
                                              .states = states,
                                              .numbers = numbers,
                                              .choose = choose,
                                              .adapt = adapt,
                                              .update = update};

clade_status clade_muon_create(clade_optimizer **out, clade_params *params,
                               const clade_muon_params *settings)
{
    return clade_optimizer_create(out, params, &clade_kind_muon, settings);
}
