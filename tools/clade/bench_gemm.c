/* Matrix products in a replayed step, beside OpenBLAS, PyTorch or the device's largest product. */
#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"
#include "bench_peer.h"
#include "bench_product.h"

static const product_shape shapes[] = {
    {1, 128, 128, 784, false, true},     {1, 128, 784, 128, true, false},
    {1, 128, 10, 128, false, true},      {1, 10, 128, 128, true, false},
    {1, 128, 128, 10, false, false},     {1, 256, 1024, 1024, false, true},
    {1, 1024, 1024, 256, true, false},   {1, 256, 1024, 1024, false, false},
    {1, 1024, 1024, 1024, false, false}, {1, 2048, 2048, 2048, false, false},
    {1, 64, 100352, 288, false, false},  {64, 128, 128, 64, false, true},
};

enum { SHAPES = sizeof shapes / sizeof shapes[0], QUICK_LARGEST = 48, CEILING = 4096 };

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

/* "64 x 128,128,64 NT, GFLOP/s": M,N,K and how A and B are stored. */
static void describe(char *text, size_t size, const product_shape *s)
{
    int used = s->batch > 1 ? snprintf(text, size, "%d x ", s->batch) : 0;
    snprintf(text + used, size - (size_t)used, "%d,%d,%d %c%c, GFLOP/s", s->m, s->n, s->k,
             s->transpose_a ? 'T' : 'N', s->transpose_b ? 'T' : 'N');
}

static int measure(bench *b, const product_shape *s, const bench_side *peer)
{
    product p;
    if (product_open(&p, b->ctx, s) != CLADE_OK) {
        product_close(&p);
        return cli_fail_library();
    }
    char name[64];
    describe(name, sizeof name, s);
    bench_queue queue = {b->ctx, product_run, &p};
    const bench_side clade = {"Clade", bench_queue_block, &queue, product_flops(s) * p.repeats};
    int code = bench_measure(b, &(bench_metric){"gemm", name, BENCH_GIGA}, &clade, peer);
    product_close(&p);
    return code;
}

static int beside_openblas(bench *b, const product_shape *s)
{
    const size_t a = (size_t)s->batch * s->m * s->k, bsize = (size_t)s->batch * s->k * s->n;
    float *values = calloc(a + bsize + (size_t)s->batch * s->m * s->n, sizeof *values);
    if (!values)
        return cli_fail("out of memory for OpenBLAS's matrices");
    for (size_t i = 0; i < a + bsize; i++)
        values[i] = (float)(i % 61) / 61 - 0.5f;
    blas_product p = {s->batch, s->m,           s->n,
                      s->k,     s->transpose_a, s->transpose_b,
                      values,   values + a,     values + a + bsize};
    const bench_side peer = {openblas_name(), openblas_block, &p, product_flops(s)};
    int code = measure(b, s, &peer);
    free(values);
    return code;
}

static int beside_torch(bench *b, const product_shape *s)
{
    char work[64];
    snprintf(work, sizeof work, "gemm %d %d %d %d %d %d", s->batch, s->m, s->n, s->k,
             s->transpose_a, s->transpose_b);
    torch_peer *torch;
    int code = torch_open(&torch, b, work);
    if (code != EXIT_OK)
        return code;
    const bench_side peer = {torch_name(torch), torch_block, torch, product_flops(s)};
    code = measure(b, s, &peer);
    torch_close(&torch);
    return code;
}

/* The most that the device has been seen to do: one large product by the same means. */
static int beside_ceiling(bench *b, const product_shape *s)
{
    const int n = b->o->quick ? 2 * QUICK_LARGEST : CEILING;
    const product_shape large = {1, n, n, n, false, false};
    product p;
    if (product_open(&p, b->ctx, &large) != CLADE_OK) {
        product_close(&p);
        return cli_fail_library();
    }
    bench_queue queue = {b->ctx, product_run, &p};
    const bench_side peer = {"device ceiling", bench_queue_block, &queue,
                             product_flops(&large) * p.repeats};
    int code = measure(b, s, &peer);
    product_close(&p);
    return code;
}

static int run(bench *b, const product_shape *s)
{
    switch (b->o->vs) {
    case VS_TORCH:
        return beside_torch(b, s);
    case VS_OPENBLAS:
        return beside_openblas(b, s);
    case VS_NONE:
        return measure(b, s, NULL);
    case VS_AUTO:
        break;
    }
    if (!b->cpu)
        return beside_ceiling(b, s);
    return openblas_name() ? beside_openblas(b, s) : measure(b, s, NULL);
}

int bench_gemm(bench *b)
{
    if (b->o->vs == VS_OPENBLAS && !openblas_name())
        return cli_fail("--vs openblas: neither libopenblas.so.0 nor libopenblas.so can be loaded");
    for (int i = 0; i < SHAPES; i++) {
        product_shape s = shapes[i];
        if (b->o->quick) {
            s.batch = at_most(s.batch, 2);
            s.m = at_most(s.m, QUICK_LARGEST);
            s.n = at_most(s.n, QUICK_LARGEST);
            s.k = at_most(s.k, QUICK_LARGEST);
        }
        int code = run(b, &s);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}
