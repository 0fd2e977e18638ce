#include "optim/optimizer.h"

#include <stddef.h>

enum { LOOK, LOOK_GRADIENT, KEEP, TAKE, LR, SHRINK };

static const clade_expression shrink = {"lion_shrink", "w * p0", "w"};
static const clade_expression direction = {"lion_direction", "sign(p0 * m + p1 * g)", "mg"};
static const clade_expression new_mean = {"lion_mean", "p0 * m + p1 * g", "mg"};
static const clade_expression weight_less = {"lion_weight", "w - p0 * d", "wd"};

static clade_status complete(clade_optimizer_settings *settings, const char *what)
{
    clade_lion_params *lion = &settings->lion;
    lion->beta1 = lion->beta1 == 0 ? 0.9 : lion->beta1;
    lion->beta2 = lion->beta2 == 0 ? 0.99 : lion->beta2;
    const clade_named_value values[] = {{.name = "lr", .value = lion->lr},
                                        {.name = "beta1", .value = lion->beta1, .below = 1},
                                        {.name = "beta2", .value = lion->beta2, .below = 1},
                                        {.name = "weight_decay", .value = lion->weight_decay},
                                        {0}};
    return clade_optimizer_check_values(what, values);
}

static int states(const clade_optimizer_settings *settings, clade_optimizer_state *states)
{
    (void)settings;
    states[0] = (clade_optimizer_state){'m', "mean", 0};
    return 1;
}

static void numbers(double *numbers, const clade_optimizer_settings *settings, int64_t steps)
{
    (void)steps;
    const clade_lion_params *lion = &settings->lion;
    numbers[LOOK] = lion->beta1;
    numbers[LOOK_GRADIENT] = 1 - lion->beta1;
    numbers[KEEP] = lion->beta2;
    numbers[TAKE] = 1 - lion->beta2;
    numbers[LR] = lion->lr;
    numbers[SHRINK] = 1 - lion->lr * lion->weight_decay;
}

static void assign(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers)
{
    if (settings->lion.weight_decay > 0)
        clade_update_assign(update, 'w', &shrink, &numbers[SHRINK], NULL);
    clade_update_assign(update, 'd', &direction, &numbers[LOOK], &numbers[LOOK_GRADIENT]);
    clade_update_assign(update, 'm', &new_mean, &numbers[KEEP], &numbers[TAKE]);
    clade_update_assign(update, 'w', &weight_less, &numbers[LR], NULL);
}

const clade_optimizer_kind clade_kind_lion = {.name = "lion",
                                              .settings_size = sizeof(clade_lion_params),
                                              .weight_decay =
                                                  offsetof(clade_lion_params, weight_decay),
                                              .complete = complete,
                                              .states = states,
                                              .numbers = numbers,
                                              .assign = assign};

clade_status clade_lion_create(clade_optimizer **out, clade_params *params,
                               const clade_lion_params *settings)
{
    return clade_optimizer_create(out, params, &clade_kind_lion, settings);
}
