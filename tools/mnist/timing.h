/* Time per step, from stretches of steps that ran without the host waiting for the device. */
#ifndef CLADE_MNIST_TIMING_H
#define CLADE_MNIST_TIMING_H

#include <stdint.h>

typedef struct stretch {
    double us_per_step;
    int64_t steps;
} stretch;

typedef struct timing {
    stretch *stretches;
    int64_t count, capacity;
} timing;

/* Forgets the stretch where there is no memory for it. */
void timing_add(timing *t, double seconds, int64_t steps);
/* The median over all steps, each counting with the mean of its stretch; NaN without any. Sorts. */
double timing_median_us(timing *t);
void timing_free(timing *t);

#endif
