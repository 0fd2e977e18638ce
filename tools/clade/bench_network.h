/* The networks of `clade bench`: 784-...-10 on images that stay on the device as u8. */
#ifndef CLADE_BENCH_NETWORK_H
#define CLADE_BENCH_NETWORK_H

#include "../mnist/model.h"
#include "bench.h"

typedef struct network {
    clade_context *ctx;
    const dataset_split *data;
    model model;
    clade_step *step;
    clade_tensor *order; /* a permutation of the images, on the device */
    int64_t batch, next; /* where the next batch begins in it */
} network;

/* fn: the step, with the network as its user and the places of a batch's images as its input.
 * Released with network_close, also after a failure; returns the exit code. */
int network_open(network *n, bench *b, const layout *l, int64_t batch, clade_step_fn fn);
void network_close(network *n);

/* "infer 1024 784 128 10": the same network as a line of the peer script's, its batch first. */
void network_work(char *text, size_t size, const char *kind, const network *n);

/* f32, normalised, of the images at these places. */
clade_tensor *network_batch(const network *n, clade_tensor *which);

/* Runs the step on the next batch. A bench_queue's work, with the network as its user. */
clade_status network_run(void *net);

#endif
