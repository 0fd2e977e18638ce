/* `clade selftest`: what a user runs on a device before trusting it. */
#ifndef CLADE_SELFTEST_H
#define CLADE_SELFTEST_H

#include "check.h"

/* Runs every check on the device and prints one line each and a verdict. Returns the exit code. */
int selftest(const char *device);

/* The checks, by family. Each runs inside a scope of its own, with no tape open. */
void check_transfer(check *c);
void check_pointwise_unary(check *c);
void check_pointwise_binary(check *c);
void check_pointwise_scalar(check *c);
void check_compare(check *c);
void check_reduce(check *c);
void check_views(check *c);
void check_index(check *c);
void check_softmax(check *c);
void check_losses(check *c);
void check_random_numbers(check *c);
void check_gemm(check *c);
void check_linear(check *c);
void check_gradients(check *c);
void check_sgd(check *c);
void check_training(check *c);

#endif
