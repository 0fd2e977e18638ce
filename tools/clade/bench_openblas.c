#include <dlfcn.h>
#include <stdio.h>

#include "../common/cli.h"
#include "bench_peer.h"

/* As cblas.h declares them. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void sgemm_fn(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                      const float *a, int lda, const float *b, int ldb, float beta, float *c,
                      int ldc);
typedef char *config_fn(void);
typedef int threads_fn(void);

static struct {
    bool tried;
    sgemm_fn *sgemm;
    char name[96];
} blas;

static bool find(void *library, const char *symbol, void *function)
{
    *(void **)function = dlsym(library, symbol);
    return *(void **)function != NULL;
}

static void load(void)
{
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
    config_fn *config;
    threads_fn *threads;
    void *library = NULL;
    for (int i = 0; i < 2 && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library || !find(library, "openblas_get_config", &config) ||
        !find(library, "openblas_get_num_threads", &threads) ||
        !find(library, "cblas_sgemm", &blas.sgemm))
        return;
    char name[32] = "OpenBLAS", version[32] = "";
    sscanf(config(), "%31s %31s", name, version);
    snprintf(blas.name, sizeof blas.name, "%s %s, %d threads", name, version, threads());
}

const char *openblas_name(void)
{
    if (!blas.tried)
        load();
    blas.tried = true;
    return blas.name[0] ? blas.name : NULL;
}

double openblas_block(void *product, int64_t count)
{
    const blas_product *p = product;
    const int64_t a_size = (int64_t)p->m * p->k, b_size = (int64_t)p->k * p->n;
    const int64_t c_size = (int64_t)p->m * p->n;
    double start = cli_seconds();
    for (int64_t r = 0; r < count; r++)
        for (int i = 0; i < p->batch; i++)
            blas.sgemm(ROW_MAJOR, p->transpose_a ? TRANSPOSE : NO_TRANSPOSE,
                       p->transpose_b ? TRANSPOSE : NO_TRANSPOSE, p->m, p->n, p->k, 1,
                       p->a + i * a_size, p->transpose_a ? p->m : p->k, p->b + i * b_size,
                       p->transpose_b ? p->k : p->n, 0, p->c + i * c_size, p->n);
    return cli_seconds() - start;
}
