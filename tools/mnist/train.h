/* The training loop. */
#ifndef CLADE_MNIST_TRAIN_H
#define CLADE_MNIST_TRAIN_H

#include "evaluate.h"
#include "options.h"
#include "progress.h"
#include "schedule.h"
#include "session.h"
#include "timing.h"
#include "torch_random.h"

typedef struct training {
    const options *o;
    clade_context *ctx;
    const model *model;
    const dataset_split *data;
    clade_optimizer *optimizer;
    clade_ema *ema;            /* NULL: none */
    clade_loss_scaler *scaler; /* likewise */
    schedule schedule;
    clade_step *step;
    evaluator evaluator;
    torch_random *random; /* the session's */
    int32_t *host_order;
    clade_tensor *order; /* [count] i32: this epoch's permutation */
    clade_tensor *loss;  /* sum of the losses of the `pending` steps that were not read yet */
    int64_t pending, pending_batch;
    double stretch_start;
    double window_loss;    /* sum over the mini-batches since the last line */
    double epoch_loss;     /* sum over the images of the epoch */
    int64_t steps, images; /* over all epochs */
    timing timing;
    progress progress;
} training;

/* Returns the exit code, after a line on stderr; *t is released with training_free in any case. */
int training_create(training *t, const options *o, session *s);
void training_free(training *t);

/* The model becomes what is tested and saved, its average where there is one; then the other way
 * round. */
clade_status training_swap_average(training *t);

/* One pass over the data; prints the loss lines. Returns early, with CLADE_OK, when a signal was
 * caught. *mean_loss: per image. Blocks at the end. */
clade_status training_epoch(training *t, int epoch, double *mean_loss);

#endif
