#include "optim/optimizer.h"

#include <math.h>
#include <stddef.h>

/* Without a velocity only LR and DECAY count. */
enum { LR, DECAY, KEEP, TAKE, AHEAD };

static const clade_expression new_velocity = {"sgd_velocity", "p0 == 0 ? p1 * g : p0 * v + p1 * g",
                                              "gv"};
static const clade_expression ahead = {"sgd_nesterov", "g + p0 * v", "gv"};
static const clade_expression along_gradient = {"sgd_weight", "w - p0 * g", "wg"};
static const clade_expression along_velocity = {"sgd_weight_velocity", "w - p0 * v", "wv"};

static clade_status complete(clade_optimizer_settings *settings, const char *what)
{
    const clade_sgd_params *sgd = &settings->sgd;
    const clade_named_value values[] = {{.name = "lr", .value = sgd->lr},
                                        {.name = "momentum", .value = sgd->momentum},
                                        {.name = "weight_decay", .value = sgd->weight_decay},
                                        {0}};
    CLADE_TRY(clade_optimizer_check_values(what, values));
    if (!isfinite(sgd->dampening))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: dampening %g: must be finite", what,
                          sgd->dampening);
    if (sgd->nesterov && (sgd->momentum == 0 || sgd->dampening != 0))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "%s: nesterov needs momentum above 0 and dampening 0, not %g and %g",
                          what, sgd->momentum, sgd->dampening);
    return CLADE_OK;
}

static int states(const clade_optimizer_settings *settings, clade_optimizer_state *states)
{
    states[0] = (clade_optimizer_state){'v', "velocity", 0};
    return settings->sgd.momentum > 0;
}

/* The first velocity is the gradient, whatever was there. */
static void numbers(double *numbers, const clade_optimizer_settings *settings, int64_t steps)
{
    const clade_sgd_params *sgd = &settings->sgd;
    numbers[LR] = sgd->lr;
    numbers[DECAY] = sgd->weight_decay;
    numbers[KEEP] = steps ? sgd->momentum : 0;
    numbers[TAKE] = steps ? 1 - sgd->dampening : 1;
    numbers[AHEAD] = sgd->momentum;
}

static void assign(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers)
{
    const clade_sgd_params *sgd = &settings->sgd;
    if (sgd->weight_decay > 0)
        clade_update_assign(update, 'g', &clade_optimizer_decay, &numbers[DECAY], NULL);
    if (sgd->momentum > 0)
        clade_update_assign(update, 'v', &new_velocity, &numbers[KEEP], &numbers[TAKE]);
    if (sgd->nesterov)
        clade_update_assign(update, 'g', &ahead, &numbers[AHEAD], NULL);
    clade_update_assign(update, 'w',
                        sgd->momentum > 0 && !sgd->nesterov ? &along_velocity : &along_gradient,
                        &numbers[LR], NULL);
}

const clade_optimizer_kind clade_kind_sgd = {.name = "sgd",
                                             .settings_size = sizeof(clade_sgd_params),
                                             .weight_decay =
                                                 offsetof(clade_sgd_params, weight_decay),
                                             .complete = complete,
                                             .states = states,
                                             .numbers = numbers,
                                             .assign = assign};

clade_status clade_sgd_create(clade_optimizer **out, clade_params *params,
                              const clade_sgd_params *settings)
{
    return clade_optimizer_create(out, params, &clade_kind_sgd, settings);
}

clade_status clade_sgd_update(clade_tensor *weight, clade_tensor *grad, clade_tensor *velocity,
                              const clade_sgd_params *settings, bool first)
{
    return clade_optimizer_update(&clade_kind_sgd, weight, grad, &velocity, settings, !first);
}
