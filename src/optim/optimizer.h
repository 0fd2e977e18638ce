/* What kinds of optimizers differ in, and what all of them share. */
#ifndef CLADE_OPTIM_OPTIMIZER_H
#define CLADE_OPTIM_OPTIMIZER_H

#include <clade/optim.h>

#include "base/error.h"
#include "tensor/update.h"

/* Muon's, and what the shape of a weight makes of its rate. */
typedef struct clade_muon_settings {
    clade_muon_params given;
    double stretch;
} clade_muon_settings;

/* Every kind's begin with lr. */
typedef union clade_optimizer_settings {
    double lr;
    clade_sgd_params sgd;
    clade_adam_params adam;
    clade_rmsprop_params rmsprop;
    clade_adagrad_params adagrad;
    clade_lion_params lion;
    clade_muon_settings muon;
} clade_optimizer_settings;

#define CLADE_OPTIMIZER_STATES  3
#define CLADE_OPTIMIZER_NUMBERS 8

/* A tensor of the weights' size that an optimizer keeps. */
typedef struct clade_optimizer_state {
    char letter;
    const char *name;
    double start; /* what fills it */
} clade_optimizer_state;

/* What is called by a recorded step before each replay, and what can undo an update. */
typedef struct clade_optimizer_hook {
    void (*run)(void *user); /* NULL: replays repeat the numbers of today */
    void *user;
    clade_tensor
        *skip; /* one element: where it is not 0, the update leaves all as it was; or NULL */
} clade_optimizer_hook;

/* Letters: w the weight, g its gradient, and those of the states. */
typedef struct clade_optimizer_kind clade_optimizer_kind;
struct clade_optimizer_kind {
    const char *name;
    size_t settings_size;
    size_t weight_decay; /* where it stands in the settings */
    /* Fills in defaults and refuses bad settings; `what` starts the message. */
    clade_status (*complete)(clade_optimizer_settings *settings, const char *what);
    /* Returns how many; at most CLADE_OPTIMIZER_STATES. */
    int (*states)(const clade_optimizer_settings *settings, clade_optimizer_state *states);
    /* The numbers of the update that follows `steps` others. */
    void (*numbers)(double *numbers, const clade_optimizer_settings *settings, int64_t steps);
    /* Writes the update down; which terms it has, the settings say. */
    void (*assign)(clade_update *update, const clade_optimizer_settings *settings,
                   const double *numbers);

    /* The rest is NULL for a kind that treats all parameters alike, elementwise. */
    /* Which kind a parameter is left to. */
    const clade_optimizer_kind *(*choose)(const clade_optimizer_settings *settings,
                                          const char *name, const clade_shape *shape);
    /* The settings of the chosen kind, for a parameter of this shape. */
    void (*adapt)(clade_optimizer_settings *settings, const clade_optimizer_kind *chosen,
                  const clade_shape *shape);
    /* Instead of `assign`, for one parameter at a time. */
    clade_status (*update)(clade_tensor *weight, clade_tensor *grad, clade_tensor *const *states,
                           const clade_optimizer_settings *settings, const double *numbers,
                           clade_optimizer_hook hook);
};

extern const clade_optimizer_kind clade_kind_sgd, clade_kind_adam, clade_kind_rmsprop,
    clade_kind_adagrad, clade_kind_lion, clade_kind_muon;

/* How one parameter is updated. */
typedef struct clade_optimizer_choice {
    const clade_optimizer_kind *kind;
    double lr, weight_decay; /* factors */
} clade_optimizer_choice;

/* Neighbours in the flat buffer that one kernel updates. */
typedef struct clade_optimizer_range {
    clade_optimizer *opt;
    size_t first;                /* parameter */
    clade_tensor *weight, *grad; /* views of the flat buffers */
    clade_tensor *states[CLADE_OPTIMIZER_STATES];
    double numbers[CLADE_OPTIMIZER_NUMBERS]; /* of the step that is made */
} clade_optimizer_range;

struct clade_optimizer {
    const clade_optimizer_kind *kind;
    clade_params *params;
    size_t count; /* parameters that the set had */
    clade_optimizer_settings settings;
    clade_tensor *states[CLADE_OPTIMIZER_STATES];
    clade_optimizer_choice *choices; /* [count] */
    clade_optimizer_range *ranges;   /* room for count of them: recorded steps point into it */
    size_t range_count;
    int64_t steps;
    clade_tensor *skip; /* of the step that is made; see clade_optimizer_hook */
};

/* A set's optimizer; settings is the kind's struct. */
clade_status clade_optimizer_create(clade_optimizer **out, clade_params *params,
                                    const clade_optimizer_kind *kind, const void *settings);

/* The update that follows `steps` others, on tensors of the caller's, all checked. */
clade_status clade_optimizer_update(const clade_optimizer_kind *kind, clade_tensor *weight,
                                    clade_tensor *grad, clade_tensor *const *states,
                                    const void *settings, int64_t steps);

/* Divides the flat buffers anew, by the choices; on failure there is no range. */
clade_status clade_optimizer_divide(clade_optimizer *opt);
void clade_optimizer_undivide(clade_optimizer *opt);
/* The settings of a range. */
clade_optimizer_settings clade_optimizer_range_settings(const clade_optimizer_range *range);

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
