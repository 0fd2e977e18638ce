/* What kinds of optimizers differ in. */
#ifndef CLADE_OPTIM_OPTIMIZER_H
#define CLADE_OPTIM_OPTIMIZER_H

#include <clade/optim.h>

#include "base/error.h"
#include "tensor/update.h"

/* Every kind's begin with lr. */
typedef union clade_optimizer_settings {
    double lr;
    clade_sgd_params sgd;
    clade_adam_params adam;
    clade_rmsprop_params rmsprop;
    clade_adagrad_params adagrad;
    clade_lion_params lion;
} clade_optimizer_settings;

#define CLADE_OPTIMIZER_STATES  3
#define CLADE_OPTIMIZER_NUMBERS 8

/* A tensor of the weights' size that an optimizer keeps. */
typedef struct clade_optimizer_state {
    char letter;
    const char *name;
    double start; /* what fills it */
} clade_optimizer_state;

/* Letters: w the weight, g its gradient, and those of the states. */
typedef struct clade_optimizer_kind {
    const char *name;
    size_t settings_size;
    /* Fills in defaults and refuses bad settings; `what` starts the message. */
    clade_status (*complete)(clade_optimizer_settings *settings, const char *what);
    /* Returns how many; at most CLADE_OPTIMIZER_STATES. */
    int (*states)(const clade_optimizer_settings *settings, clade_optimizer_state *states);
    /* The numbers of the update that follows `steps` others. */
    void (*numbers)(double *numbers, const clade_optimizer_settings *settings, int64_t steps);
    /* Writes the update down; which terms it has, the settings say. */
    void (*assign)(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers);
} clade_optimizer_kind;

extern const clade_optimizer_kind clade_kind_sgd, clade_kind_adam, clade_kind_rmsprop,
    clade_kind_adagrad, clade_kind_lion;

/* A set's optimizer; settings is the kind's struct. */
clade_status clade_optimizer_create(clade_optimizer **out, clade_params *params,
                                    const clade_optimizer_kind *kind, const void *settings);

/* The update that follows `steps` others, on tensors of the caller's, all checked. */
clade_status clade_optimizer_update(const clade_optimizer_kind *kind, clade_tensor *weight,
                                    clade_tensor *grad, clade_tensor *const *states,
                                    const void *settings, int64_t steps);

/* Fails unless each is finite and not negative; ends with one whose name is NULL. */
typedef struct clade_named_value {
    const char *name;
    double value;
    double below; /* values from here on are refused; 0: none is */
} clade_named_value;
clade_status clade_optimizer_check_values(const char *what, const clade_named_value *values);

/* g += p0 * w, which several kinds start with. */
extern const clade_expression clade_optimizer_decay;

#endif
