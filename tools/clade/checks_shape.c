/* Reductions, views, index ops. */
#include <math.h>

#include "selftest.h"

enum { A = 7, B = 33, C = 5, N = A * B * C };

#define TOLERANCE 1e-5

static int at(int a, int b, int c)
{
    return (a * B + b) * C + c;
}

static void check_long_sum(check *c)
{
    enum { LONG = 100003 };
    clade_tensor *halves = clade_full(c->ctx, CLADE_F32, CLADE_SHAPE(LONG), 0.5);
    const double want = LONG * 0.5;
    check_values(c, "sum of 100,003", clade_sum(halves, NULL, 0, false), &want, 1, TOLERANCE);
}

void check_reduce(check *c)
{
    double x[N], sum[A * C] = {0}, mean[B] = {0}, largest[A * B], smallest = INFINITY;
    double where[A * C] = {0};
    check_random(c, x, N, -2, 2);
    for (int i = 0; i < A * B; i++)
        largest[i] = -INFINITY;
    for (int a = 0; a < A; a++)
        for (int b = 0; b < B; b++)
            for (int k = 0; k < C; k++) {
                double v = x[at(a, b, k)];
                sum[a * C + k] += v;
                mean[b] += v / (A * C);
                largest[a * B + b] = fmax(largest[a * B + b], v);
                smallest = fmin(smallest, v);
                if (v > x[at(a, (int)where[a * C + k], k)])
                    where[a * C + k] = b;
            }
    clade_tensor *t = check_input(c, CLADE_F32, CLADE_SHAPE(A, B, C), x);
    check_values(c, "sum", clade_sum(t, (int[]){1}, 1, false), sum, A * C, TOLERANCE);
    check_values(c, "mean", clade_mean(t, (int[]){0, 2}, 2, true), mean, B, TOLERANCE);
    check_values(c, "max", clade_max(t, (int[]){-1}, 1, false), largest, A * B, 0);
    check_values(c, "min", clade_min(t, NULL, 0, false), &smallest, 1, 0);
    check_values(c, "argmax", clade_argmax(t, 1, false), where, A * C, 0);
    check_long_sum(c);
}

void check_views(check *c)
{
    double x[N], permuted[N], sliced[A * 11 * C], joined[2 * N], stretched[3 * B];
    check_random(c, x, N, -2, 2);
    for (int a = 0; a < A; a++)
        for (int b = 0; b < B; b++)
            for (int k = 0; k < C; k++) {
                double v = x[at(a, b, k)];
                permuted[(k * A + a) * B + b] = v;
                if (b % 3 == 1)
                    sliced[(a * 11 + b / 3) * C + k] = v;
                joined[(a * 2 * B + b) * C + k] = joined[(a * 2 * B + B + b) * C + k] = v;
            }
    for (int i = 0; i < 3 * B; i++)
        stretched[i] = x[i % B];
    clade_tensor *t = check_input(c, CLADE_F32, CLADE_SHAPE(A, B, C), x);
    clade_tensor *row = check_input(c, CLADE_F32, CLADE_SHAPE(1, B), x);
    clade_tensor *turned = clade_permute(t, (int[]){2, 0, 1});
    check_values(c, "permute", turned, permuted, N, 0);
    check_values(c, "reshape", clade_reshape(turned, CLADE_SHAPE(-1, B)), permuted, N, 0);
    check_values(c, "contiguous", clade_contiguous(turned), permuted, N, 0);
    check_values(c, "transpose", clade_transpose(clade_transpose(turned, 0, 1), 1, 2), x, N, 0);
    check_values(c, "slice", clade_slice(t, 1, 1, B, 3), sliced, A * 11 * C, 0);
    check_values(c, "concat", clade_concat((clade_tensor *[]){t, t}, 2, 1), joined, 2 * N, 0);
    check_values(c, "expand", clade_expand(row, CLADE_SHAPE(3, -1)), stretched, 3 * B, 0);
}

void check_index(check *c)
{
    enum { PICK = 13 };
    double bytes[A * B], index[PICK], rows[PICK * B], x[A * B], column[A * 2], gathered[A * 2];
    check_random(c, bytes, A * B, 0, 255);
    check_random(c, index, PICK, 0, A);
    check_random(c, x, A * B, -2, 2);
    check_random(c, column, A * 2, 0, B);
    for (int i = 0; i < A * B; i++)
        bytes[i] = floor(bytes[i]);
    for (int i = 0; i < PICK; i++)
        index[i] = floor(index[i]);
    for (int i = 0; i < PICK * B; i++)
        rows[i] = bytes[(int)index[i / B] * B + i % B];
    for (int i = 0; i < A * 2; i++) {
        column[i] = floor(column[i]);
        gathered[i] = x[i / 2 * B + (int)column[i]];
    }
    clade_tensor *which = check_input(c, CLADE_I32, CLADE_SHAPE(PICK), index);
    clade_tensor *pixels = check_input(c, CLADE_U8, CLADE_SHAPE(A, B), bytes);
    check_values(c, "index_select", clade_index_select(pixels, 0, which), rows, PICK * B, 0);
    clade_tensor *t = check_input(c, CLADE_F32, CLADE_SHAPE(A, B), x);
    clade_tensor *place = check_input(c, CLADE_I32, CLADE_SHAPE(A, 2), column);
    check_values(c, "gather", clade_gather(t, 1, place), gathered, A * 2, 0);
}
