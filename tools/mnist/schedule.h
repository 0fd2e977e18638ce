/* The learning rate over a run. */
#ifndef CLADE_MNIST_SCHEDULE_H
#define CLADE_MNIST_SCHEDULE_H

#include <clade/clade.h>

#include "options.h"

typedef struct schedule {
    schedule_kind kind;
    double base;
    int64_t total, per_epoch; /* steps */
    clade_plateau plateau;
    double lr; /* plateau's */
} schedule;

schedule schedule_begin(const options *o, int64_t steps_per_epoch);
/* Of a step, counted from 0 over all epochs. */
double schedule_lr(const schedule *s, int64_t step);
/* After each epoch. */
void schedule_epoch(schedule *s, double mean_loss);

#endif
