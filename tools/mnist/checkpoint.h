/* A run that can go on where an earlier one was ended, to the same bits. */
#ifndef CLADE_MNIST_CHECKPOINT_H
#define CLADE_MNIST_CHECKPOINT_H

#include "train.h"

/* Each returns the exit code, after a line on stderr. Saves the run after the first `epoch` epochs.
 */
int checkpoint_save(training *t, int64_t epoch, const char *path);
/* Where there is such a file: takes the run from it; *epoch is what was saved, else 0. */
int checkpoint_load(training *t, int64_t *epoch, const char *path);

#endif
