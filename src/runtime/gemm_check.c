/* Is a provider right on this device? */
#include "runtime/cl_internal.h"

#include <float.h>
#include <math.h>

#include "base/alloc.h"
#include "runtime/gemm_provider.h"

/* Odd and larger than a tile, so that every edge is there. */
enum { M = 37, N = 43, K = 61, NUMBERS = M * N + N * K + M * K };

typedef struct trial {
    clade_gemm gemm;
    clade_buffer *buffers[3];
    double values[NUMBERS]; /* A, B and C as they were */
    double result[M * N];
} trial;

static clade_status write_reals(clade_buffer *buffer, clade_dtype dtype, const double *values,
                                int count)
{
    float narrow[NUMBERS];
    if (dtype == CLADE_F64)
        return clade_buffer_write(buffer, 0, (size_t)count * sizeof *values, values);
    for (int i = 0; i < count; i++)
        narrow[i] = (float)values[i];
    return clade_buffer_write(buffer, 0, (size_t)count * sizeof *narrow, narrow);
}

static clade_status read_reals(clade_buffer *buffer, clade_dtype dtype, double *values, int count)
{
    float narrow[NUMBERS];
    if (dtype == CLADE_F64)
        return clade_buffer_read(buffer, 0, (size_t)count * sizeof *values, values);
    CLADE_TRY(clade_buffer_read(buffer, 0, (size_t)count * sizeof *narrow, narrow));
    for (int i = 0; i < count; i++)
        values[i] = (double)narrow[i];
    return CLADE_OK;
}

static void set_shape(clade_gemm *g, const clade_gemm *like)
{
    *g = (clade_gemm){.dtype = like->dtype,
                      .trans_a = like->trans_a,
                      .trans_b = like->trans_b,
                      .m = like->m < M ? like->m : M,
                      .n = like->n < N ? like->n : N,
                      .k = like->k < K ? like->k : K,
                      .batch = 1,
                      .alpha = 0.5,
                      .beta = -1};
    g->lda = g->trans_a ? g->m : g->k;
    g->ldb = g->trans_b ? g->k : g->n;
    g->ldc = g->n;
}

static clade_status multiply(trial *t, clade_runtime *rt, const clade_gemm_provider *provider)
{
    clade_gemm *g = &t->gemm;
    const int counts[3] = {(int)(g->m * g->k), (int)(g->k * g->n), (int)(g->m * g->n)};
    const double *values = t->values;
    for (int i = 0; i < 3; i++) {
        size_t bytes = (size_t)counts[i] * clade_dtype_size(g->dtype);
        CLADE_TRY(clade_buffer_create(&t->buffers[i], rt, bytes));
        CLADE_TRY(write_reals(t->buffers[i], g->dtype, values, counts[i]));
        values += counts[i];
    }
    g->a = t->buffers[0], g->b = t->buffers[1], g->c = t->buffers[2];
    CLADE_TRY(provider->run(rt, g));
    return read_reals(g->c, g->dtype, t->result, counts[2]);
}

static clade_status compare(const trial *t)
{
    const clade_gemm *g = &t->gemm;
    const double *a = t->values, *b = a + g->m * g->k, *c = b + g->k * g->n;
    double unit = g->dtype == CLADE_F64 ? DBL_EPSILON : FLT_EPSILON;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < g->k; k++)
                sum += a[g->trans_a ? k * g->lda + i : i * g->lda + k] *
                       b[g->trans_b ? j * g->ldb + k : k * g->ldb + j];
            double expected = g->alpha * sum + g->beta * c[i * g->ldc + j];
            double got = t->result[i * g->ldc + j];
            if (!(fabs(got - expected) <= unit * (8 + (double)g->k)))
                return CLADE_FAIL(CLADE_ERR_BLAS,
                                  "%s [%lld,%lld]%s x [%lld,%lld]%s: element [%lld,%lld] is %g "
                                  "instead of %g",
                                  clade_dtype_name(g->dtype), (long long)g->m, (long long)g->k,
                                  g->trans_a ? "'" : "", (long long)g->k, (long long)g->n,
                                  g->trans_b ? "'" : "", (long long)i, (long long)j, got, expected);
        }
    }
    return CLADE_OK;
}

clade_status clade_gemm_self_check(bool *right, clade_runtime *rt,
                                   const clade_gemm_provider *provider, const clade_gemm *like)
{
    trial *t = clade_calloc(1, sizeof *t);
    if (!t)
        return CLADE_ERR_OUT_OF_MEMORY;
    set_shape(&t->gemm, like);
    uint32_t state = 1;
    for (int i = 0; i < NUMBERS; i++) {
        state = state * 1664525u + 1013904223u;
        t->values[i] = (state >> 24) / 128.0 - 1; /* exact in f32 */
    }
    struct clade_prepared *capture = rt->capture;
    rt->capture = NULL; /* this is to happen now */
    clade_status status = multiply(t, rt, provider);
    rt->capture = capture;
    if (status == CLADE_OK)
        status = compare(t);
    for (int i = 0; i < 3; i++)
        clade_buffer_free(&t->buffers[i]);
    clade_free(t);
    *right = status == CLADE_OK;
    return status == CLADE_ERR_OUT_OF_MEMORY ? status : CLADE_OK;
}
