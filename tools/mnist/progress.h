/* The bar on a terminal's stderr; nothing anywhere else. */
#ifndef CLADE_MNIST_PROGRESS_H
#define CLADE_MNIST_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool active, colour, shown;
    int64_t total; /* images over all epochs */
    int epochs;
    double start, last_drawn;
} progress;

progress progress_begin(bool wanted, int64_t total, int epochs);
/* Redraws, at most ten times a second. */
void progress_update(progress *p, int epoch, int64_t images);
/* Takes the bar away, for a line to be printed or at the end. */
void progress_clear(progress *p);

#endif
