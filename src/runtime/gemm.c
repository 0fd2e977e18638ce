/* clade_gemm_run: the checks, and the choice of who multiplies. */
#include "runtime/cl_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gemm_provider.h"
#include "runtime/record.h"

clade_gemm_provider clade_gemm_providers[CLADE_GEMM_PROVIDERS] = {
    [CLADE_GEMM_OWN] = {"clade", true, true, clade_gemm_own},
    [CLADE_GEMM_CLBLAST] = {"clblast", false, false, clade_gemm_clblast},
};

clade_status clade_gemm_init(clade_runtime *rt)
{
    rt->gemm.forced = -1;
    const char *name = getenv("CLADE_GEMM");
    if (!name || !*name)
        return CLADE_OK;
    for (int i = 0; i < CLADE_GEMM_PROVIDERS; i++)
        if (!strcmp(name, clade_gemm_providers[i].name))
            rt->gemm.forced = i;
    if (rt->gemm.forced < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "CLADE_GEMM: \"%.32s\" is neither clblast nor clade",
                          name);
    return CLADE_OK;
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
    const int64_t results = clade_gemm_results(g);
    clade_grid grid = clade_grid_box(rt, g->n, g->m, results);
    return CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(g->c), clade_arg_i32(g->c_offset),
                        clade_arg_i32(g->ldc), clade_arg_i32(g->c_stride), clade_arg_i32(g->n),
                        clade_arg_i32(g->m), clade_arg_i32(results),
                        clade_arg_real(g->dtype, g->beta));
}

int64_t clade_gemm_results(const clade_gemm *g)
{
    const clade_window *w = &g->window;
    if (w->use != CLADE_WINDOW_A)
        return g->batch;
    return (g->batch / w->groups + w->summed - 1) / w->summed * w->groups;
}

typedef struct stored {
    char which;
    const clade_buffer *buffer;
    int64_t count, rows, cols, offset, ld, stride;
} stored;

static clade_status check_matrix(const clade_gemm *g, const stored *m)
{
    if (!m->buffer || m->offset < 0 || m->stride < 0 || m->ld < (m->cols > 1 ? m->cols : 1))
        return CLADE_FAIL(CLADE_ERR_INTERNAL,
                          "gemm: matrix %c [%lld,%lld]: offset %lld, leading dimension %lld, "
                          "stride %lld",
                          m->which, (long long)m->rows, (long long)m->cols, (long long)m->offset,
                          (long long)m->ld, (long long)m->stride);
    if (m->rows == 0 || m->cols == 0)
        return CLADE_OK;
    int64_t end = m->offset + (m->count - 1) * m->stride + (m->rows - 1) * m->ld + m->cols;
    if (end > INT32_MAX) /* so that no kernel's int is too small for what it is given */
        return CLADE_FAIL(CLADE_ERR_UNSUPPORTED,
                          "gemm: matrix %c ends at element %lld; its kernels count to %d", m->which,
                          (long long)end, INT32_MAX);
    int64_t held = (int64_t)(m->buffer->size / clade_dtype_size(g->dtype));
    if (end > held)
        return CLADE_FAIL(CLADE_ERR_INTERNAL,
                          "gemm: matrix %c ends at element %lld of a buffer of %lld", m->which,
                          (long long)end, (long long)held);
    return CLADE_OK;
}

/* What is stored of an operand behind a window: [channels, elements of an image]. */
static void see_image(stored *m, const clade_window *w)
{
    m->rows = w->channels;
    m->ld = m->cols = w->dim[0].in * w->dim[1].in * w->dim[2].in;
    if (m->ld < 1)
        m->ld = 1;
}

/* Whether the window's matrices are of the product's shape, and its kernels' ints large enough. */
static clade_status check_window(const clade_gemm *g)
{
    const clade_window *w = &g->window;
    int64_t taps = 1, pixels = 1;
    bool good = w->channels >= 0 && w->groups > 0 && g->batch % w->groups == 0 && !g->trans_a &&
                (w->use == CLADE_WINDOW_A ? w->summed > 0 : !g->trans_b);
    for (int d = 0; d < 3; d++) {
        const clade_window_dim *v = &w->dim[d];
        good = good && v->in >= 0 && v->out >= 0 && v->taps > 0 && v->step > 0 && v->div > 0;
        double last = (double)v->out * (double)v->step + (double)v->taps * fabs((double)v->reach) +
                      fabs((double)v->shift);
        if (last > 1 << 30)
            return CLADE_FAIL(CLADE_ERR_UNSUPPORTED,
                              "gemm: a window over %.0f places; its kernels count to %d", last,
                              1 << 30);
        taps *= v->taps;
        pixels *= v->out;
    }
    good = good && (w->use == CLADE_WINDOW_A ? g->m : g->k) == w->channels * taps &&
           (w->use == CLADE_WINDOW_A ? g->k : g->n) == pixels;
    if ((double)g->batch * (double)pixels > INT32_MAX)
        return CLADE_FAIL(CLADE_ERR_UNSUPPORTED, "gemm: %lld windows of %lld places are too many",
                          (long long)g->batch, (long long)pixels);
    return good ? CLADE_OK : CLADE_FAIL(CLADE_ERR_INTERNAL, "gemm: the window does not fit");
}

static clade_status check_operands(const clade_gemm *g)
{
    const clade_window *w = &g->window;
    stored a = {'A',         g->a,   g->batch,   g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k,
                g->a_offset, g->lda, g->a_stride};
    stored b = {'B',         g->b,   g->batch,   g->trans_b ? g->n : g->k, g->trans_b ? g->k : g->n,
                g->b_offset, g->ldb, g->b_stride};
    if (w->use == CLADE_WINDOW_A)
        see_image(&a, w);
    if (w->use == CLADE_WINDOW_B) {
        see_image(&b, w);
        a.count = w->groups;
    }
    CLADE_TRY(check_matrix(g, &a));
    return check_matrix(g, &b);
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
    if (g->window.use)
        CLADE_TRY(check_window(g));
    const stored c = {'C',    g->c,       clade_gemm_results(g), g->m, g->n, g->c_offset,
                      g->ldc, g->c_stride};
    CLADE_TRY(check_matrix(g, &c));
    return g->k == 0 ? CLADE_OK : check_operands(g);
}

/* CLBlast knows no CPU: there it reaches a tenth of ours. On a GPU it copies into padded
 * temporaries or reads beyond need where a dimension is small. */
static int preferred(const clade_runtime *rt, const clade_gemm *g)
{
    if (g->window.use)
        return CLADE_GEMM_OWN;
    if (rt->gemm.forced >= 0)
        return rt->gemm.forced;
    int tuned = clade_gemm_tuned(rt, g);
    if (tuned >= 0)
        return tuned;
    if (rt->info.type == CLADE_DEVICE_CPU)
        return CLADE_GEMM_OWN;
    bool tiny = g->m < 16 || g->n < 16 || g->k < 16;
    bool little = (double)g->m * (double)g->n * (double)g->k < 64.0 * 64.0 * 64.0;
    return tiny || little ? CLADE_GEMM_OWN : CLADE_GEMM_CLBLAST;
}

/* The provider for this product: the preferred one, unless its results were wrong for these
 * layouts. They are looked at once, before the first use. */
static clade_status choose(const clade_gemm_provider **out, clade_runtime *rt, const clade_gemm *g)
{
    int layout =
        (int)g->window.use << 3 | (g->dtype == CLADE_F64) << 2 | g->trans_a << 1 | g->trans_b;
    int first = preferred(rt, g);
    for (int i = 0; i < CLADE_GEMM_PROVIDERS; i++) {
        int which = (first + i) % CLADE_GEMM_PROVIDERS;
        const clade_gemm_provider *provider = &clade_gemm_providers[which];
        clade_gemm_verdict *verdict = &rt->gemm.verdicts[which][layout];
        if (g->window.use && !provider->reads_windows)
            continue;
        if (*verdict == CLADE_GEMM_UNKNOWN) {
            bool right;
            CLADE_TRY(clade_gemm_self_check(&right, rt, provider, g));
            *verdict = right ? CLADE_GEMM_RIGHT : CLADE_GEMM_WRONG;
            if (!right)
                clade_runtime_log(rt, CLADE_LOG_WARN, "gemm: %s is set aside on %s: %s",
                                  provider->name, rt->info.name, clade_last_error()->message);
        }
        if (*verdict == CLADE_GEMM_RIGHT) {
            if (i > 0)
                clade_error_clear();
            *out = provider;
            return CLADE_OK;
        }
    }
    return CLADE_FAIL(CLADE_ERR_BLAS, "gemm %s: no provider multiplies right on %s",
                      clade_dtype_name(g->dtype), rt->info.name);
}

static clade_status run_plain(clade_runtime *rt, const clade_gemm *gemm)
{
    if (gemm->k == 0 || gemm->alpha == 0)
        return scale(rt, gemm);
    const clade_gemm_provider *provider = NULL;
    CLADE_TRY(choose(&provider, rt, gemm));
    return provider->run(rt, gemm);
}

static clade_status multiply(clade_runtime *rt, const clade_gemm *gemm)
{
    const clade_gemm_provider *provider = NULL;
    if (!gemm->epilogue)
        return run_plain(rt, gemm);
    if (gemm->k > 0 && gemm->alpha != 0)
        CLADE_TRY(choose(&provider, rt, gemm));
    if (provider && provider->applies_epilogue)
        return provider->run(rt, gemm);
    clade_gemm plain = *gemm;
    plain.epilogue = NULL;
    CLADE_TRY(run_plain(rt, &plain));
    return clade_elementwise_run(rt, gemm->epilogue);
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
