/* What train and eval work on: a device, a data set on it, and a network. */
#ifndef CLADE_MNIST_SESSION_H
#define CLADE_MNIST_SESSION_H

#include "dataset.h"
#include "model.h"
#include "options.h"
#include "torch_random.h"

typedef struct session {
    clade_context *ctx;
    clade_mnist *mnist;
    dataset_split train, test; /* train stays empty for eval */
    model model;
    torch_random random; /* from the seed: the initial weights, then each epoch's order */
} session;

/* Opens all of it and prints what it is, unless quiet. Returns the exit code, after a line on
 * stderr; session_close is due in any case. */
int session_open(session *s, const options *o);
void session_close(session *s);

/* The device, with warnings only when quiet. NULL after a line on stderr. */
clade_context *session_device(const options *o);

#endif
