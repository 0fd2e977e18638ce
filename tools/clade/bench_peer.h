/* Peers of `clade bench`: PyTorch as a child process, OpenBLAS as a library. */
#ifndef CLADE_BENCH_PEER_H
#define CLADE_BENCH_PEER_H

#include "bench.h"

/* --- PyTorch: a child that repeats one kind of work when told to, and else waits ------------- */
typedef struct torch_peer torch_peer;

/* Starts the child in the thread setting that is fastest at `work`, a line of the peer script's.
 * *out: NULL unless --vs torch. Returns the exit code; free with torch_close. */
int torch_open(torch_peer **out, const bench *b, const char *work);
void torch_close(torch_peer **peer);
/* For a bench_side: its name, and blocks with the peer as user. */
const char *torch_name(const torch_peer *peer);
double torch_block(void *peer, int64_t count);

/* --- OpenBLAS --------------------------------------------------------------------------------- */
/* c = a * b, each dense and row-major before it is transposed. */
typedef struct blas_product {
    int batch, m, n, k;
    bool transpose_a, transpose_b;
    const float *a, *b;
    float *c;
} blas_product;

/* "OpenBLAS 0.3.21, 2 threads"; NULL where there is none. Loaded on first use. */
const char *openblas_name(void);
/* A block of a blas_product. */
double openblas_block(void *product, int64_t count);

#endif
