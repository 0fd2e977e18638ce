/* CLBlast as a provider of GEMM. */
#include "runtime/cl_internal.h"

#include <pthread.h>

#include <clblast_c.h>

#include "runtime/gemm_provider.h"

/* CLBlast before 1.6.1 is not safe from several threads at once. */
static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

/* Its programs are cached by the context's handle, which a later context may get again. The cache
 * is the process's: other runtimes fetch their programs anew. */
void clade_gemm_forget(clade_runtime *rt)
{
    if (!rt->gemm.used_clblast)
        return;
    pthread_mutex_lock(&clblast_lock);
    CLBlastClearCache();
    pthread_mutex_unlock(&clblast_lock);
    rt->gemm.used_clblast = false;
}

static const char *clblast_name(CLBlastStatusCode code)
{
    switch (code) {
#define NAME(code)                                                                                 \
    case CLBlast##code:                                                                            \
        return "CLBlast" #code
        NAME(NotImplemented);
        NAME(InvalidMatrixA);
        NAME(InvalidMatrixB);
        NAME(InvalidMatrixC);
        NAME(InvalidDimension);
        NAME(InvalidLeadDimA);
        NAME(InvalidLeadDimB);
        NAME(InvalidLeadDimC);
        NAME(InsufficientMemoryA);
        NAME(InsufficientMemoryB);
        NAME(InsufficientMemoryC);
        NAME(InsufficientMemoryTemp);
        NAME(InvalidBatchCount);
        NAME(InvalidLocalMemUsage);
        NAME(NoDoublePrecision);
        NAME(DatabaseError);
        NAME(UnknownError);
        NAME(UnexpectedError);
#undef NAME
    default:
        return clade_cl_error_name((cl_int)code);
    }
}

static clade_status fail_clblast(CLBlastStatusCode code, const clade_gemm *g)
{
    clade_status status = clade_cl_status((cl_int)code);
    if (status == CLADE_ERR_OPENCL)
        status = CLADE_ERR_BLAS;
    return CLADE_FAIL_CL(status, (int)code, "gemm %s [%lld,%lld] x [%lld,%lld]: %s (%d)",
                         clade_dtype_name(g->dtype), (long long)g->m, (long long)g->k,
                         (long long)g->k, (long long)g->n, clblast_name(code), (int)code);
}

#define SINGLE_ARGS(g, real)                                                                       \
    CLBlastLayoutRowMajor, (g)->trans_a ? CLBlastTransposeYes : CLBlastTransposeNo,                \
        (g)->trans_b ? CLBlastTransposeYes : CLBlastTransposeNo, (size_t)(g)->m, (size_t)(g)->n,   \
        (size_t)(g)->k, (real)(g)->alpha, (g)->a->mem, (size_t)(g)->a_offset, (size_t)(g)->lda,    \
        (g)->b->mem, (size_t)(g)->b_offset, (size_t)(g)->ldb, (real)(g)->beta, (g)->c->mem,        \
        (size_t)(g)->c_offset, (size_t)(g)->ldc

#define BATCH_ARGS(g, real)                                                                        \
    CLBlastLayoutRowMajor, (g)->trans_a ? CLBlastTransposeYes : CLBlastTransposeNo,                \
        (g)->trans_b ? CLBlastTransposeYes : CLBlastTransposeNo, (size_t)(g)->m, (size_t)(g)->n,   \
        (size_t)(g)->k, (real)(g)->alpha, (g)->a->mem, (size_t)(g)->a_offset, (size_t)(g)->lda,    \
        (size_t)(g)->a_stride, (g)->b->mem, (size_t)(g)->b_offset, (size_t)(g)->ldb,               \
        (size_t)(g)->b_stride, (real)(g)->beta, (g)->c->mem, (size_t)(g)->c_offset,                \
        (size_t)(g)->ldc, (size_t)(g)->c_stride, (size_t)(g)->batch

static CLBlastStatusCode call_clblast(clade_runtime *rt, const clade_gemm *g)
{
    CLBlastStatusCode code;
    pthread_mutex_lock(&clblast_lock);
    rt->gemm.used_clblast = true;
    if (g->dtype == CLADE_F32 && g->batch == 1)
        code = CLBlastSgemm(SINGLE_ARGS(g, float), &rt->queue, NULL);
    else if (g->dtype == CLADE_F32)
        code = CLBlastSgemmStridedBatched(BATCH_ARGS(g, float), &rt->queue, NULL);
    else if (g->batch == 1)
        code = CLBlastDgemm(SINGLE_ARGS(g, double), &rt->queue, NULL);
    else
        code = CLBlastDgemmStridedBatched(BATCH_ARGS(g, double), &rt->queue, NULL);
    pthread_mutex_unlock(&clblast_lock);
    return code;
}

clade_status clade_gemm_clblast(clade_runtime *rt, const clade_gemm *g)
{
    if (rt->capture)
        return clade_prepared_add_gemm(rt->capture, g);
    CLBlastStatusCode code = call_clblast(rt, g);
    /* Its temporaries come first, so that C is still untouched when one cannot be had. */
    if (code == CLBlastTempBufferAllocFailure && rt->pool.stats.cached_bytes) {
        CLADE_TRY(clade_runtime_trim(rt));
        code = call_clblast(rt, g);
    }
    return code == CLBlastSuccess ? CLADE_OK : fail_clblast(code, g);
}
