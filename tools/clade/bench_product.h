/* One matrix product, several times in a replayed step: what `clade bench` and `clade tune` time.
 */
#ifndef CLADE_BENCH_PRODUCT_H
#define CLADE_BENCH_PRODUCT_H

#include <clade/clade.h>

/* C [m,n] = A [m,k] * B [k,n], `batch` times; a transposed one is stored the other way round. */
typedef struct product_shape {
    int batch, m, n, k;
    bool transpose_a, transpose_b;
} product_shape;

enum { PRODUCT_MOST_REPEATS = 16 };

typedef struct product {
    clade_context *ctx;
    clade_tensor *a, *b;
    clade_tensor *c[PRODUCT_MOST_REPEATS]; /* results of their own: none is work that nobody sees */
    int repeats;
    clade_step *step;
} product;

double product_flops(const product_shape *shape);

/* Released with product_close, also after a failure. */
clade_status product_open(product *p, clade_context *ctx, const product_shape *shape);
void product_close(product *p);

/* Queues `repeats` products; user is the product. */
clade_status product_run(void *user);

#endif
