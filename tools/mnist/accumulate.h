/* Sums that stay on the device until they are read. */
#ifndef CLADE_MNIST_ACCUMULATE_H
#define CLADE_MNIST_ACCUMULATE_H

#include <clade/clade.h>

/* *out = a scalar 0. */
clade_status accumulator_create(clade_tensor **out, clade_context *ctx, clade_dtype dtype);
/* total += value, both scalars; a NULL value hands on the failure that made it NULL. */
clade_status accumulate(clade_tensor *total, clade_tensor *value);
/* Reads the sum and starts again from 0. Blocks. */
clade_status accumulator_take(clade_tensor *total, double *out);

#endif
