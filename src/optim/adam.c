#include "optim/optimizer.h"

#include <math.h>
#include <stddef.h>

/* RATE = lr / (1 - beta1^t) and WIDEN = 1 / sqrt(1 - beta2^t) correct the averages' start at 0. */
enum { KEEP_MEAN, TAKE_MEAN, KEEP_SQUARE, TAKE_SQUARE, RATE, WIDEN, EPS, DECAY };

static const clade_expression shrink = {"adam_shrink", "w * p0", "w"};
static const clade_expression new_mean = {"adam_mean", "p0 * m + p1 * g", "mg"};
static const clade_expression new_square = {"adam_square", "p0 * v + p1 * g * g", "vg"};
static const clade_expression divisor = {"adam_divisor", "sqrt(v) * p0 + p1", "v"};
static const clade_expression weight_less = {"adam_weight", "w - p0 * m / d", "wmd"};

static clade_status complete(clade_optimizer_settings *settings, const char *what)
{
    clade_adam_params *adam = &settings->adam;
    adam->beta1 = adam->beta1 == 0 ? 0.9 : adam->beta1;
    adam->beta2 = adam->beta2 == 0 ? 0.999 : adam->beta2;
    adam->eps = adam->eps == 0 ? 1e-8 : adam->eps;
    const clade_named_value values[] = {{.name = "lr", .value = adam->lr},
                                        {.name = "beta1", .value = adam->beta1, .below = 1},
                                        {.name = "beta2", .value = adam->beta2, .below = 1},
                                        {.name = "eps", .value = adam->eps},
                                        {.name = "weight_decay", .value = adam->weight_decay},
                                        {0}};
    return clade_optimizer_check_values(what, values);
}

static int states(const clade_optimizer_settings *settings, clade_optimizer_state *states)
{
    (void)settings;
    states[0] = (clade_optimizer_state){'m', "mean", 0};
    states[1] = (clade_optimizer_state){'v', "square", 0};
    return 2;
}

static void numbers(double *numbers, const clade_optimizer_settings *settings, int64_t steps)
{
    const clade_adam_params *adam = &settings->adam;
    double t = (double)steps + 1;
    numbers[KEEP_MEAN] = adam->beta1;
    numbers[TAKE_MEAN] = 1 - adam->beta1;
    numbers[KEEP_SQUARE] = adam->beta2;
    numbers[TAKE_SQUARE] = 1 - adam->beta2;
    numbers[RATE] = adam->lr / (1 - pow(adam->beta1, t));
    numbers[WIDEN] = 1 / sqrt(1 - pow(adam->beta2, t));
    numbers[EPS] = adam->eps;
    numbers[DECAY] = adam->decoupled ? 1 - adam->lr * adam->weight_decay : adam->weight_decay;
}

static void assign(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers)
{
    if (settings->adam.weight_decay > 0 && settings->adam.decoupled)
        clade_update_assign(update, 'w', &shrink, &numbers[DECAY], NULL);
    else if (settings->adam.weight_decay > 0)
        clade_update_assign(update, 'g', &clade_optimizer_decay, &numbers[DECAY], NULL);
    clade_update_assign(update, 'm', &new_mean, &numbers[KEEP_MEAN], &numbers[TAKE_MEAN]);
    clade_update_assign(update, 'v', &new_square, &numbers[KEEP_SQUARE], &numbers[TAKE_SQUARE]);
    clade_update_assign(update, 'd', &divisor, &numbers[WIDEN], &numbers[EPS]);
    clade_update_assign(update, 'w', &weight_less, &numbers[RATE], NULL);
}

const clade_optimizer_kind clade_kind_adam = {.name = "adam",
                                              .settings_size = sizeof(clade_adam_params),
                                              .weight_decay =
                                                  offsetof(clade_adam_params, weight_decay),
                                              .complete = complete,
                                              .states = states,
                                              .numbers = numbers,
                                              .assign = assign};

clade_status clade_adam_create(clade_optimizer **out, clade_params *params,
                               const clade_adam_params *settings)
{
    return clade_optimizer_create(out, params, &clade_kind_adam, settings);
}

clade_status clade_adam_update(clade_tensor *weight, clade_tensor *grad, clade_tensor *mean,
                               clade_tensor *square, const clade_adam_params *settings,
                               int64_t steps)
{
    clade_tensor *const averages[] = {mean, square};
    return clade_optimizer_update(&clade_kind_adam, weight, grad, averages, settings, steps);
}
