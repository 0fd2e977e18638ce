/* The SGD update for an optimizer that outlives it. */
#ifndef CLADE_OPS_SGD_UPDATE_H
#define CLADE_OPS_SGD_UPDATE_H

#include <clade/optim.h>

#include "base/error.h"

/* The numbers of one update:
 *     g += weight_decay * w
 *     v  = keep == 0 ? take * g : keep * v + take * g      (with a velocity)
 *     g  = nesterov ? g + ahead * v : v                    (with a velocity)
 *     w -= lr * g */
typedef struct clade_sgd_numbers {
    double lr, weight_decay;
    double keep, take;
    double ahead;
} clade_sgd_numbers;

/* Of the first update (keep 0), and of the others. */
clade_sgd_numbers clade_sgd_numbers_of(const clade_sgd_params *settings, bool first);

clade_status clade_sgd_check(const clade_sgd_params *settings, const char *what);

/* Runs the update; which terms it has, `settings` says. A step that is being recorded keeps the
 * address of the numbers: each replay calls next(user) and reads them anew. next NULL: replays
 * repeat the numbers of today. */
clade_status clade_sgd_run(clade_tensor *weight, clade_tensor *grad, clade_tensor *velocity,
                           const clade_sgd_params *settings, const clade_sgd_numbers *numbers,
                           void (*next)(void *user), void *user);

#endif
