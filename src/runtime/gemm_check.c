/* Is a provider right on this device? */
#include "runtime/cl_internal.h"

#include <float.h>
#include <math.h>

#include "base/alloc.h"
#include "runtime/gemm_provider.h"

/* Odd and larger than a tile, so that every edge is there. */
enum { M = 37, N = 43, K = 61, NUMBERS = M * N + N * K + M * K };

/* Behind a window: 3 images of 2 channels, 3 x 3 taps. */
enum { IMAGES = 3, CHANNELS = 2, ROWS = 5, COLUMNS = 9, PIXELS = ROWS * COLUMNS, TAPS = 9 };

typedef struct trial {
    clade_gemm gemm;
    int64_t counts[3]; /* elements of A, B and C */
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

static void set_window(clade_gemm *g, const clade_gemm *like)
{
    const clade_window_dim none = {1, 1, 1, 1, 1, 0, 1};
    g->window = (clade_window){
        .use = like->window.use,
        .channels = CHANNELS,
        .groups = 1,
        .summed = 2,
        .dim = {none, {ROWS, ROWS, 3, 1, 1, 1, 1}, {COLUMNS, COLUMNS, 3, 1, 1, 1, 1}}};
    g->batch = IMAGES;
    g->k = CHANNELS * TAPS;
    g->n = PIXELS;
    if (like->window.use == CLADE_WINDOW_A) {
        g->m = CHANNELS * TAPS;
        g->k = PIXELS;
        g->n = like->n < 8 ? like->n : 8;
    } else {
        g->m = like->m < 8 ? like->m : 8;
    }
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
    if (like->window.use)
        set_window(g, like);
    g->lda = g->trans_a ? g->m : g->k;
    g->ldb = g->trans_b ? g->k : g->n;
    g->ldc = g->n;
    g->a_stride = g->m * g->k;
    g->b_stride = g->k * g->n;
    g->c_stride = g->m * g->n;
    if (like->window.use)
        *(like->window.use == CLADE_WINDOW_A ? &g->a_stride : &g->b_stride) = CHANNELS * PIXELS;
}

static void set_counts(trial *t)
{
    const clade_gemm *g = &t->gemm;
    t->counts[0] = g->a_stride * (g->window.use == CLADE_WINDOW_B ? 1 : g->batch);
    t->counts[1] = g->b_stride * g->batch;
    t->counts[2] = g->c_stride * clade_gemm_results(g);
}

static clade_status multiply(trial *t, clade_runtime *rt, const clade_gemm_provider *provider)
{
    clade_gemm *g = &t->gemm;
    const double *values = t->values;
    for (int i = 0; i < 3; i++) {
        size_t bytes = (size_t)t->counts[i] * clade_dtype_size(g->dtype);
        CLADE_TRY(clade_buffer_create(&t->buffers[i], rt, bytes));
        CLADE_TRY(write_reals(t->buffers[i], g->dtype, values, (int)t->counts[i]));
        values += t->counts[i];
    }
    g->a = t->buffers[0], g->b = t->buffers[1], g->c = t->buffers[2];
    CLADE_TRY(provider->run(rt, g));
    return read_reals(g->c, g->dtype, t->result, (int)t->counts[2]);
}

/* P of image z, as the trial has it. */
static double window_at(const double *images, int64_t z, int64_t row, int64_t column)
{
    int64_t y = column / COLUMNS + row % TAPS / 3 - 1, x = column % COLUMNS + row % 3 - 1;
    if (y < 0 || y >= ROWS || x < 0 || x >= COLUMNS)
        return 0;
    return images[(z * CHANNELS + row / TAPS) * PIXELS + y * COLUMNS + x];
}

/* Element [i,j] of op(A_z) op(B_z). */
static double product(const trial *t, int64_t z, int64_t i, int64_t j)
{
    const clade_gemm *g = &t->gemm;
    const double *a = t->values, *b = a + t->counts[0];
    double sum = 0;
    for (int64_t k = 0; k < g->k; k++) {
        double x = g->window.use == CLADE_WINDOW_A ? window_at(a, z, i, k)
                   : g->window.use == CLADE_WINDOW_B
                       ? a[i * g->lda + k]
                       : a[g->trans_a ? k * g->lda + i : i * g->lda + k];
        double y = g->window.use == CLADE_WINDOW_B
                       ? window_at(b, z, k, j)
                       : b[z * g->b_stride + (g->trans_b ? j * g->ldb + k : k * g->ldb + j)];
        sum += x * y;
    }
    return sum;
}

/* Element [i,j] of result q, before C. */
static double expected_at(const trial *t, int64_t q, int64_t i, int64_t j)
{
    const clade_gemm *g = &t->gemm;
    if (g->window.use != CLADE_WINDOW_A)
        return product(t, q, i, j);
    double sum = 0;
    for (int64_t z = q * g->window.summed; z < g->batch && z < (q + 1) * g->window.summed; z++)
        sum += product(t, z, i, j);
    return sum;
}

static clade_status compare(const trial *t)
{
    const clade_gemm *g = &t->gemm;
    const double *c = t->values + t->counts[0] + t->counts[1];
    double unit = g->dtype == CLADE_F64 ? DBL_EPSILON : FLT_EPSILON;
    for (int64_t at = 0; at < t->counts[2]; at++) {
        int64_t q = at / g->c_stride, i = at % g->c_stride / g->ldc, j = at % g->ldc;
        double expected = g->alpha * expected_at(t, q, i, j) + g->beta * c[at];
        double got = t->result[at];
        if (!(fabs(got - expected) <= unit * (8 + 2 * (double)g->k)))
            return CLADE_FAIL(CLADE_ERR_BLAS,
                              "%s [%lld,%lld]%s x [%lld,%lld]%s%s: element [%lld,%lld] is %g "
                              "instead of %g",
                              clade_dtype_name(g->dtype), (long long)g->m, (long long)g->k,
                              g->trans_a ? "'" : "", (long long)g->k, (long long)g->n,
                              g->trans_b ? "'" : "", g->window.use ? " behind a window" : "",
                              (long long)i, (long long)j, got, expected);
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
    set_counts(t);
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
