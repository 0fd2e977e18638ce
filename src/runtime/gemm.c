#include "runtime/cl_internal.h"
#include "runtime/record.h"

#include <pthread.h>

#include <clblast_c.h>

/* CLBlast before 1.6.1 is not safe from several threads at once. */
static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

/* Its programs are cached by the context's handle, which a later context may get again. The cache
 * is the process's: other runtimes fetch their programs anew. */
void clade_gemm_forget(clade_runtime *rt)
{
    if (!rt->used_clblast)
        return;
    pthread_mutex_lock(&clblast_lock);
    CLBlastClearCache();
    pthread_mutex_unlock(&clblast_lock);
    rt->used_clblast = false;
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
    rt->used_clblast = true;
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
    CLBlastStatusCode code = call_clblast(rt, g);
    /* Its temporaries come first, so that C is still untouched when one cannot be had. */
    if (code == CLBlastTempBufferAllocFailure && rt->pool.stats.cached_bytes) {
        CLADE_TRY(clade_runtime_trim(rt));
        code = call_clblast(rt, g);
    }
    return code == CLBlastSuccess ? CLADE_OK : fail_clblast(code, g);
}

/* C = beta * C */
static clade_status scale(clade_runtime *rt, const clade_gemm *g)
{
    if (g->beta == 1)
        return CLADE_OK;
    const clade_kernel_key key = {.family = "gemm_scale",
                                  .options = g->dtype == CLADE_F64 ? "-DT=double" : "-DT=float",
                                  .name = "gemm_scale"};
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, rt, &key));
    clade_grid grid = clade_grid_box(rt, g->n, g->m, g->batch);
    return CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(g->c), clade_arg_i32(g->c_offset),
                        clade_arg_i32(g->ldc), clade_arg_i32(g->c_stride), clade_arg_i32(g->n),
                        clade_arg_i32(g->m), clade_arg_i32(g->batch),
                        clade_arg_real(g->dtype, g->beta));
}

/* A stored matrix [rows,cols] with leading dimension ld, `batch` times. */
static clade_status check_matrix(char which, const clade_gemm *g, const clade_buffer *buffer,
                                 int64_t rows, int64_t cols, int64_t offset, int64_t ld,
                                 int64_t stride)
{
    if (!buffer || offset < 0 || stride < 0 || ld < (cols > 1 ? cols : 1))
        return CLADE_FAIL(CLADE_ERR_INTERNAL,
                          "gemm: matrix %c [%lld,%lld]: offset %lld, leading dimension %lld, "
                          "stride %lld",
                          which, (long long)rows, (long long)cols, (long long)offset, (long long)ld,
                          (long long)stride);
    if (rows == 0 || cols == 0)
        return CLADE_OK;
    int64_t end = offset + (g->batch - 1) * stride + (rows - 1) * ld + cols;
    int64_t held = (int64_t)(buffer->size / clade_dtype_size(g->dtype));
    if (end > held)
        return CLADE_FAIL(CLADE_ERR_INTERNAL,
                          "gemm: matrix %c ends at element %lld of a buffer of %lld", which,
                          (long long)end, (long long)held);
    return CLADE_OK;
}

static clade_status check(const clade_runtime *rt, const clade_gemm *g)
{
    if (g->dtype != CLADE_F32 && g->dtype != CLADE_F64)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "gemm: %s; only f32 and f64 are multiplied",
                          clade_dtype_name(g->dtype));
    if (g->dtype == CLADE_F64 && !rt->info.has_f64)
        return CLADE_FAIL(CLADE_ERR_UNSUPPORTED, "gemm: %s has no f64", rt->info.name);
    if (g->m < 0 || g->n < 0 || g->k < 0 || g->batch < 0)
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "gemm: a negative dimension");
    if (g->m == 0 || g->n == 0 || g->batch == 0)
        return CLADE_OK;
    CLADE_TRY(check_matrix('C', g, g->c, g->m, g->n, g->c_offset, g->ldc, g->c_stride));
    if (g->k == 0)
        return CLADE_OK;
    CLADE_TRY(check_matrix('A', g, g->a, g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k,
                           g->a_offset, g->lda, g->a_stride));
    return check_matrix('B', g, g->b, g->trans_b ? g->n : g->k, g->trans_b ? g->k : g->n,
                        g->b_offset, g->ldb, g->b_stride);
}

static clade_status multiply(clade_runtime *rt, const clade_gemm *gemm)
{
    if (gemm->k == 0 || gemm->alpha == 0)
        return scale(rt, gemm);
    if (rt->capture)
        return clade_prepared_add_gemm(rt->capture, gemm);
    return clade_gemm_clblast(rt, gemm);
}

clade_status clade_gemm_run(clade_runtime *rt, const clade_gemm *gemm)
{
    CLADE_TRY(check(rt, gemm));
    if (gemm->m == 0 || gemm->n == 0 || gemm->batch == 0)
        return CLADE_OK;
    CLADE_TRY(clade_record_gemm(rt, gemm));
    clade_recording *recording = clade_recording_pause(rt);
    clade_status status = multiply(rt, gemm);
    clade_recording_resume(rt, recording);
    return status;
}
