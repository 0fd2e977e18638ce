#include "optim/optimizer.h"

#include <stddef.h>

enum { RATE, EPS, DECAY };

static const clade_expression new_sum = {"adagrad_sum", "s + g * g", "sg"};
static const clade_expression weight_less = {"adagrad_weight", "w - p0 * g / (sqrt(s) + p1)",
                                             "wgs"};

static clade_status complete(clade_optimizer_settings *settings, const char *what)
{
    clade_adagrad_params *adagrad = &settings->adagrad;
    adagrad->eps = adagrad->eps == 0 ? 1e-10 : adagrad->eps;
    const clade_named_value values[] = {{.name = "lr", .value = adagrad->lr},
                                        {.name = "lr_decay", .value = adagrad->lr_decay},
                                        {.name = "initial_sum", .value = adagrad->initial_sum},
                                        {.name = "eps", .value = adagrad->eps},
                                        {.name = "weight_decay", .value = adagrad->weight_decay},
                                        {0}};
    return clade_optimizer_check_values(what, values);
}

static int states(const clade_optimizer_settings *settings, clade_optimizer_state *states)
{
    states[0] = (clade_optimizer_state){'s', "sum", settings->adagrad.initial_sum};
    return 1;
}

static void numbers(double *numbers, const clade_optimizer_settings *settings, int64_t steps)
{
    const clade_adagrad_params *adagrad = &settings->adagrad;
    numbers[RATE] = adagrad->lr / (1 + (double)steps * adagrad->lr_decay);
    numbers[EPS] = adagrad->eps;
    numbers[DECAY] = adagrad->weight_decay;
}

static void assign(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers)
{
    if (settings->adagrad.weight_decay > 0)
        clade_update_assign(update, 'g', &clade_optimizer_decay, &numbers[DECAY], NULL);
    clade_update_assign(update, 's', &new_sum, NULL, NULL);
    clade_update_assign(update, 'w', &weight_less, &numbers[RATE], &numbers[EPS]);
}

const clade_optimizer_kind clade_kind_adagrad = {.name = "adagrad",
                                                 .settings_size = sizeof(clade_adagrad_params),
                                                 .weight_decay =
                                                     offsetof(clade_adagrad_params, weight_decay),
                                                 .complete = complete,
                                                 .states = states,
                                                 .numbers = numbers,
                                                 .assign = assign};

clade_status clade_adagrad_create(clade_optimizer **out, clade_params *params,
                                  const clade_adagrad_params *settings)
{
    return clade_optimizer_create(out, params, &clade_kind_adagrad, settings);
}
