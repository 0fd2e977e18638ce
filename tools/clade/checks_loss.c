/* Softmax, losses, random numbers. */
#include <math.h>
#include <stdlib.h>

#include "selftest.h"

enum { ROWS = 37, CLASSES = 10, N = ROWS * CLASSES };

#define TOLERANCE 1e-5

/* log_softmax of each row; returns through want. */
static void host_log_softmax(const double *x, double *want)
{
    for (int r = 0; r < ROWS; r++) {
        const double *row = x + r * CLASSES;
        double largest = row[0], sum = 0;
        for (int k = 1; k < CLASSES; k++)
            largest = fmax(largest, row[k]);
        for (int k = 0; k < CLASSES; k++)
            sum += exp(row[k] - largest);
        for (int k = 0; k < CLASSES; k++)
            want[r * CLASSES + k] = row[k] - largest - log(sum);
    }
}

void check_softmax(check *c)
{
    double x[N], logs[N], want[N];
    check_random(c, x, N, -9, 9);
    host_log_softmax(x, logs);
    for (int i = 0; i < N; i++)
        want[i] = exp(logs[i]);
    clade_tensor *t = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, CLASSES), x);
    check_values(c, "softmax", clade_softmax(t, 1), want, N, TOLERANCE);
    check_values(c, "log_softmax", clade_log_softmax(t, -1), logs, N, TOLERANCE);
}

void check_losses(check *c)
{
    double x[N], logs[N], labels[ROWS], each[ROWS], sum = 0, squares = 0;
    check_random(c, x, N, -9, 9);
    check_random(c, labels, ROWS, 0, CLASSES);
    host_log_softmax(x, logs);
    for (int r = 0; r < ROWS; r++) {
        labels[r] = floor(labels[r]);
        each[r] = -logs[r * CLASSES + (int)labels[r]];
        sum += each[r];
    }
    for (int i = 0; i < N; i++)
        squares += (x[i] - logs[i]) * (x[i] - logs[i]) / N;
    const double mean = sum / ROWS;
    const clade_cross_entropy_params none = {.reduction = CLADE_REDUCTION_NONE};
    const clade_cross_entropy_params total = {.reduction = CLADE_REDUCTION_SUM};
    clade_tensor *t = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, CLASSES), x);
    clade_tensor *u = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, CLASSES), logs);
    clade_tensor *y = check_input(c, CLADE_I32, CLADE_SHAPE(ROWS), labels);
    check_values(c, "cross_entropy none", clade_cross_entropy(t, y, &none), each, ROWS, TOLERANCE);
    check_values(c, "cross_entropy sum", clade_cross_entropy(t, y, &total), &sum, 1, TOLERANCE);
    check_values(c, "cross_entropy mean", clade_cross_entropy(t, y, NULL), &mean, 1, TOLERANCE);
    check_values(c, "mse_loss", clade_mse_loss(t, u, CLADE_REDUCTION_MEAN), &squares, 1, TOLERANCE);
}

enum { DRAWS = 20000 };

/* Mean and variance of t's elements, within five standard errors. */
static void check_moments(check *c, const char *what, clade_tensor *t, double mean, double variance)
{
    clade_tensor *centred = clade_add_scalar(t, -mean);
    clade_tensor *spread = clade_square(centred);
    double off, second;
    clade_tensor *m = clade_mean(centred, NULL, 0, false), *v = clade_mean(spread, NULL, 0, false);
    if (!m || !v) {
        check_fail(c, "%s: %s", what, clade_last_error()->message);
        return;
    }
    if (!check_ok(c, what, clade_tensor_item(m, &off)) ||
        !check_ok(c, what, clade_tensor_item(v, &second)))
        return;
    if (!(fabs(off) <= 5 * sqrt(variance / DRAWS)))
        check_fail(c, "%s: the mean is off by %g", what, off);
    if (!(fabs(second / variance - 1) <= 5 * sqrt(2.0 / DRAWS)))
        check_fail(c, "%s: the variance is %g, should be %g", what, second, variance);
    c->comparisons += 2;
}

void check_random_numbers(check *c)
{
    const clade_shape shape = CLADE_SHAPE(DRAWS);
    if (!check_ok(c, "manual_seed", clade_manual_seed(c->ctx, 7)))
        return;
    clade_tensor *uniform = clade_uniform(c->ctx, CLADE_F32, shape, -1, 3);
    clade_tensor *normal = clade_normal(c->ctx, CLADE_F32, shape, 2, 0.5);
    check_moments(c, "uniform", uniform, 1, 16.0 / 12);
    check_moments(c, "normal", normal, 2, 0.25);
    if (!check_ok(c, "manual_seed", clade_manual_seed(c->ctx, 7)))
        return;
    const double all = DRAWS;
    clade_tensor *again = clade_uniform(c->ctx, CLADE_F32, shape, -1, 3);
    clade_tensor *same = clade_cast(clade_eq(uniform, again), CLADE_I32);
    check_values(c, "uniform from the same seed", clade_sum(same, NULL, 0, false), &all, 1, 0);
}
