/* Matrix products against a naive one. */
#include <stdio.h>
#include <stdlib.h>

#include "selftest.h"

#define TOLERANCE 1e-4

typedef struct product {
    int batch, m, k, n;
    bool transpose_a, transpose_b; /* stored the other way round and turned by a view */
} product;

/* want [batch, m, n] of a [batch, m, k] and b [batch, k, n], each stored as p says. */
static void naive(const product *p, const double *a, const double *b, double *want)
{
    for (int s = 0; s < p->batch; s++)
        for (int i = 0; i < p->m; i++)
            for (int j = 0; j < p->n; j++) {
                double sum = 0;
                const double *as = a + s * p->m * p->k, *bs = b + s * p->k * p->n;
                for (int l = 0; l < p->k; l++)
                    sum += as[p->transpose_a ? l * p->m + i : i * p->k + l] *
                           bs[p->transpose_b ? j * p->k + l : l * p->n + j];
                want[(s * p->m + i) * p->n + j] = sum;
            }
}

static clade_tensor *operand(check *c, int batch, int rows, int cols, bool transpose,
                             const double *values)
{
    clade_shape shape = transpose ? CLADE_SHAPE(batch, cols, rows) : CLADE_SHAPE(batch, rows, cols);
    clade_tensor *t = check_input(c, CLADE_F32, shape, values);
    return transpose ? clade_transpose(t, 1, 2) : t;
}

static void check_product(check *c, const product *p)
{
    int64_t a_count = (int64_t)p->batch * p->m * p->k, b_count = (int64_t)p->batch * p->k * p->n;
    int64_t count = (int64_t)p->batch * p->m * p->n;
    double *a = malloc((size_t)(a_count + b_count + count) * sizeof *a);
    if (!a) {
        check_fail(c, "out of memory");
        return;
    }
    double *b = a + a_count, *want = b + b_count;
    check_random(c, a, a_count + b_count, -1, 1);
    naive(p, a, b, want);
    char name[64];
    snprintf(name, sizeof name, "%d x [%d,%d]%s x [%d,%d]%s", p->batch, p->m, p->k,
             p->transpose_a ? "^T" : "", p->k, p->n, p->transpose_b ? "^T" : "");
    clade_tensor *x = operand(c, p->batch, p->m, p->k, p->transpose_a, a);
    clade_tensor *y = operand(c, p->batch, p->k, p->n, p->transpose_b, b);
    check_values(c, name, clade_matmul(x, y), want, count, TOLERANCE);
    free(a);
}

void check_gemm(check *c)
{
    static const product products[] = {
        {1, 1, 1, 1, false, false},      {1, 7, 13, 5, false, false},
        {1, 7, 13, 5, true, false},      {1, 7, 13, 5, false, true},
        {1, 7, 13, 5, true, true},       {1, 128, 784, 128, false, true},
        {1, 128, 128, 784, true, false}, {1, 33, 100, 65, false, false},
        {3, 16, 24, 40, false, true},    {1, 1, 200, 3, false, false},
    };
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        check_product(c, &products[i]);
}

void check_linear(check *c)
{
    enum { ROWS = 19, IN = 45, OUT = 11 };
    double x[ROWS * IN], w[OUT * IN], b[OUT], want[ROWS * OUT], without[ROWS * OUT];
    check_random(c, x, ROWS * IN, -1, 1);
    check_random(c, w, OUT * IN, -1, 1);
    check_random(c, b, OUT, -1, 1);
    naive(&(product){1, ROWS, IN, OUT, false, true}, x, w, without);
    for (int i = 0; i < ROWS * OUT; i++)
        want[i] = without[i] + b[i % OUT];
    clade_tensor *input = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, IN), x);
    clade_tensor *weight = check_input(c, CLADE_F32, CLADE_SHAPE(OUT, IN), w);
    clade_tensor *bias = check_input(c, CLADE_F32, CLADE_SHAPE(OUT), b);
    check_values(c, "linear", clade_linear(input, weight, bias), want, ROWS * OUT, TOLERANCE);
    check_values(c, "linear_no_bias", clade_linear_no_bias(input, weight), without, ROWS * OUT,
                 TOLERANCE);
}
