#include "optim/optimizer.h"

#include <stddef.h>

enum { KEEP, TAKE, EPS, MOMENTUM, LR, DECAY };

static const clade_expression new_square = {"rmsprop_square", "p0 * v + p1 * g * g", "vg"};
static const clade_expression new_mean = {"rmsprop_mean", "p0 * m + p1 * g", "mg"};
static const clade_expression divisor = {"rmsprop_divisor", "sqrt(v) + p0", "v"};
static const clade_expression centered = {"rmsprop_centered", "sqrt(v - m * m) + p0", "vm"};
static const clade_expression new_velocity = {"rmsprop_velocity", "p0 * b + g / d", "bgd"};
static const clade_expression along_gradient = {"rmsprop_weight", "w - p0 * g / d", "wgd"};
static const clade_expression along_velocity = {"rmsprop_weight_velocity", "w - p0 * b", "wb"};

static clade_status complete(clade_optimizer_settings *settings, const char *what)
{
    clade_rmsprop_params *rmsprop = &settings->rmsprop;
    rmsprop->alpha = rmsprop->alpha == 0 ? 0.99 : rmsprop->alpha;
    rmsprop->eps = rmsprop->eps == 0 ? 1e-8 : rmsprop->eps;
    const clade_named_value values[] = {{.name = "lr", .value = rmsprop->lr},
                                        {.name = "alpha", .value = rmsprop->alpha, .below = 1},
                                        {.name = "eps", .value = rmsprop->eps},
                                        {.name = "momentum", .value = rmsprop->momentum},
                                        {.name = "weight_decay", .value = rmsprop->weight_decay},
                                        {0}};
    return clade_optimizer_check_values(what, values);
}

static int states(const clade_optimizer_settings *settings, clade_optimizer_state *states)
{
    int count = 0;
    states[count++] = (clade_optimizer_state){'v', "square", 0};
    if (settings->rmsprop.momentum > 0)
        states[count++] = (clade_optimizer_state){'b', "velocity", 0};
    if (settings->rmsprop.centered)
        states[count++] = (clade_optimizer_state){'m', "mean", 0};
    return count;
}

static void numbers(double *numbers, const clade_optimizer_settings *settings, int64_t steps)
{
    (void)steps;
    const clade_rmsprop_params *rmsprop = &settings->rmsprop;
    numbers[KEEP] = rmsprop->alpha;
    numbers[TAKE] = 1 - rmsprop->alpha;
    numbers[EPS] = rmsprop->eps;
    numbers[MOMENTUM] = rmsprop->momentum;
    numbers[LR] = rmsprop->lr;
    numbers[DECAY] = rmsprop->weight_decay;
}

static void assign(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers)
{
    const clade_rmsprop_params *rmsprop = &settings->rmsprop;
    if (rmsprop->weight_decay > 0)
        clade_update_assign(update, 'g', &clade_optimizer_decay, &numbers[DECAY], NULL);
    clade_update_assign(update, 'v', &new_square, &numbers[KEEP], &numbers[TAKE]);
    if (rmsprop->centered)
        clade_update_assign(update, 'm', &new_mean, &numbers[KEEP], &numbers[TAKE]);
    clade_update_assign(update, 'd', rmsprop->centered ? &centered : &divisor, &numbers[EPS], NULL);
    if (rmsprop->momentum > 0)
        clade_update_assign(update, 'b', &new_velocity, &numbers[MOMENTUM], NULL);
    clade_update_assign(update, 'w', rmsprop->momentum > 0 ? &along_velocity : &along_gradient,
                        &numbers[LR], NULL);
}

const clade_optimizer_kind clade_kind_rmsprop = {.name = "rmsprop",
                                                 .settings_size = sizeof(clade_rmsprop_params),
                                                 .weight_decay =
                                                     offsetof(clade_rmsprop_params, weight_decay),
                                                 .complete = complete,
                                                 .states = states,
                                                 .numbers = numbers,
                                                 .assign = assign};

clade_status clade_rmsprop_create(clade_optimizer **out, clade_params *params,
                                  const clade_rmsprop_params *settings)
{
    return clade_optimizer_create(out, params, &clade_kind_rmsprop, settings);
}
