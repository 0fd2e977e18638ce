/* Products with an operand behind a window against a naive one in double; CLADE_TEST_SMALL=1: few.
 */
#include "gemm_testing.h"
#include "runtime/elementwise.h"

/* P of image z. */
static double window_at(const clade_window *w, const matrix *images, int64_t z, int64_t row,
                        int64_t column)
{
    int64_t place = 0;
    for (int d = 2, stride = 1; d >= 0; d--) {
        const clade_window_dim *v = &w->dim[d];
        int64_t at = column % v->out * v->step + row % v->taps * v->reach - v->shift;
        if (at < 0 || at % v->div || at / v->div >= v->in)
            return 0;
        place += at / v->div * stride;
        stride *= (int)v->in;
        column /= v->out;
        row /= v->taps;
    }
    return get(images, at(images, z, row, place));
}

static double window_product(const clade_gemm *g, const matrix *a, const matrix *b, int64_t z,
                             int64_t i, int64_t j)
{
    const clade_window *w = &g->window;
    double sum = 0;
    for (int64_t k = 0; k < g->k; k++) {
        if (w->use == CLADE_WINDOW_B)
            sum += get(a, at(a, z % w->groups, i, k)) * window_at(w, b, z, k, j);
        else
            sum += window_at(w, a, z, i, k) * get(b, g->trans_b ? at(b, z, j, k) : at(b, z, k, j));
    }
    return sum;
}

static double expected_at(const clade_gemm *g, const matrix *a, const matrix *b, int64_t q,
                          int64_t i, int64_t j)
{
    const clade_window *w = &g->window;
    if (w->use == CLADE_WINDOW_B)
        return window_product(g, a, b, q, i, j);
    const int64_t images = g->batch / w->groups, part = q / w->groups;
    double sum = 0;
    for (int64_t n = part * w->summed; n < images && n < (part + 1) * w->summed; n++)
        sum += window_product(g, a, b, n * w->groups + q % w->groups, i, j);
    return sum;
}

static void compare_all(const clade_gemm *g, const matrix *a, const matrix *b, const matrix *c,
                        matrix *result, double poison)
{
    double unit = g->dtype == CLADE_F64 ? 1e-15 : 1e-6;
    double terms = (double)g->k * (g->window.use == CLADE_WINDOW_A ? (double)g->window.summed : 1);
    for (int64_t q = 0; q < clade_gemm_results(g); q++) {
        for (int64_t i = 0; i < g->m; i++) {
            for (int64_t j = 0; j < g->n; j++) {
                int64_t p = at(c, q, i, j);
                double expected = g->alpha * expected_at(g, a, b, q, i, j);
                if (g->beta != 0)
                    expected += g->beta * get(c, p);
                if (g->epilogue)
                    expected = fmax(expected, 0);
                double error = fabs(get(result, p) - expected);
                ck_assert_msg(error <= unit * (4 + terms),
                              "use %d m %d n %d k %d batch %d groups %d: [%d,%d,%d] %g not %g",
                              (int)g->window.use, (int)g->m, (int)g->n, (int)g->k, (int)g->batch,
                              (int)g->window.groups, (int)q, (int)i, (int)j, get(result, p),
                              expected);
                put(result, p, poison);
            }
        }
    }
    for (int64_t p = 0; p < result->numel; p++)
        ck_assert_msg(get(result, p) == poison, "element %d outside C was written", (int)p);
}

/* relu in place */
static void set_epilogue(clade_elementwise_call *call, const clade_gemm *g)
{
    *call = (clade_elementwise_call){
        .shape = CLADE_SHAPE(clade_gemm_results(g), g->m, g->n), .operands = 1, .stages = 1};
    call->operand[0] = (clade_operand){.buffer = g->c,
                                       .dtype = g->dtype,
                                       .offset = g->c_offset,
                                       .stride = {g->c_stride, g->ldc, 1}};
    call->stage[0] = (clade_stage){.expression = {"window_relu", "a > 0 ? a : 0", "a"},
                                   .compute = g->dtype,
                                   .dtype = g->dtype,
                                   .count = 1};
}

/* g: dtype, alpha, beta, trans_b, the window, batch, and m (as B) or n (as A). Everything around
 * the matrices is NaN. */
static void check_window(clade_runtime *rt, clade_gemm g, bool relu)
{
    const double poison = 12345;
    const clade_window *w = &g.window;
    const bool as_b = w->use == CLADE_WINDOW_B;
    int64_t taps = 1, pixels = 1, image = 1;
    for (int d = 0; d < 3; d++) {
        taps *= w->dim[d].taps;
        pixels *= w->dim[d].out;
        image *= w->dim[d].in;
    }
    *(as_b ? &g.k : &g.m) = w->channels * taps;
    *(as_b ? &g.n : &g.k) = pixels;
    const matrix images = {.rows = w->channels, .cols = image, .batch = g.batch};
    const matrix plain_a = {.rows = g.m, .cols = g.k, .batch = w->groups};
    const matrix plain_b = {
        .rows = g.trans_b ? g.n : g.k, .cols = g.trans_b ? g.k : g.n, .batch = g.batch};
    matrix a = as_b ? plain_a : images, b = as_b ? images : plain_b;
    matrix c = {.rows = g.m, .cols = g.n, .batch = clade_gemm_results(&g)};
    matrix *all[] = {&a, &b, &c};
    for (int i = 0; i < 3; i++) {
        matrix *m = all[i];
        m->dtype = g.dtype;
        m->offset = 3 + i;
        m->ld = m->cols + (m == (as_b ? &b : &a) ? 0 : i + 1);
        m->stride = m->rows * m->ld + 7;
    }
    make(&a, rt, NAN, false);
    make(&b, rt, NAN, false);
    make(&c, rt, poison, false);
    g.a = a.buffer, g.b = b.buffer, g.c = c.buffer;
    g.a_offset = a.offset, g.b_offset = b.offset, g.c_offset = c.offset;
    g.lda = a.ld, g.ldb = b.ld, g.ldc = c.ld;
    g.a_stride = a.stride, g.b_stride = b.stride, g.c_stride = c.stride;
    clade_elementwise_call call;
    set_epilogue(&call, &g);
    g.epilogue = relu ? &call : NULL;
    ok(clade_gemm_run(rt, &g));
    ck_assert_msg(!logged("set aside"), "%s", log_text);
    matrix result = c;
    result.host = clade_calloc((size_t)c.numel, clade_dtype_size(c.dtype));
    ok(clade_buffer_read(c.buffer, 0, bytes_of(&c), result.host));
    compare_all(&g, &a, &b, &c, &result, poison);
    clade_free(result.host);
    drop(&a);
    drop(&b);
    drop(&c);
}

#define NO_DIM                                                                                     \
    {                                                                                              \
        1, 1, 1, 1, 1, 0, 1                                                                        \
    }

static clade_gemm gemm_of(clade_dtype dtype, clade_window_use use, int64_t images,
                          const clade_window *like)
{
    clade_gemm g = {.dtype = dtype,
                    .trans_b = use == CLADE_WINDOW_A,
                    .m = 9,
                    .n = 9,
                    .alpha = 0.5,
                    .batch = images * like->groups,
                    .window = *like};
    g.window.use = use;
    return g;
}

/* One window of each kind, with runs that cross images, panels and vectors: as a convolution has
 * them (padding, stride, dilation), as its gradient (taps backwards, gaps between elements), with
 * several planes, with one row, with single results. */
static const clade_window windows[] = {
    {0, 3, 1, 2, {NO_DIM, {5, 5, 3, 1, 1, 1, 1}, {14, 14, 3, 1, 1, 1, 1}}},
    {0, 2, 1, 1, {NO_DIM, {7, 4, 3, 2, 1, 1, 1}, {19, 10, 2, 2, 1, 1, 1}}},
    {0, 2, 2, 3, {NO_DIM, {4, 7, 3, 1, -1, -1, 2}, {9, 18, 2, 1, -1, 0, 2}}},
    {0, 2, 1, 2, {{3, 4, 2, 1, 1, 1, 1}, {5, 3, 2, 1, 2, 0, 1}, {6, 6, 3, 1, 1, 1, 1}}},
    {0, 4, 1, 2, {NO_DIM, NO_DIM, {40, 42, 3, 1, 2, 3, 1}}},
    {0, 2, 3, 2, {NO_DIM, {4, 1, 4, 1, 1, 0, 1}, {3, 1, 3, 1, 1, 0, 1}}},
    {0, 2, 1, 1, {NO_DIM, {2, 6, 1, 1, 1, 2, 1}, {2, 70, 1, 1, 1, 20, 1}}},
    {0, 3, 1, 1, {{2, 1, 3, 1, 1, 1, 1}, {1, 3, 3, 1, -2, -2, 1}, {3, 5, 3, 1, -2, -2, 2}}},
};

START_TEST(every_window)
{
    clade_runtime *rt = open_runtime("");
    bool f64 = clade_runtime_device(rt)->has_f64 && !small_only();
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        for (clade_window_use use = CLADE_WINDOW_A; use <= CLADE_WINDOW_B; use++) {
            for (int images = 1; images <= 5; images += 2) {
                clade_gemm g = gemm_of(CLADE_F32, use, images, &windows[i]);
                g.beta = images == 3 ? -1 : 0;
                check_window(rt, g, false);
            }
            if (f64)
                check_window(rt, gemm_of(CLADE_F64, use, 2, &windows[i]), false);
        }
    }
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(epilogues)
{
    clade_runtime *rt = open_runtime("");
    check_window(rt, gemm_of(CLADE_F32, CLADE_WINDOW_B, 5, &windows[0]), true);
    check_window(rt, gemm_of(CLADE_F32, CLADE_WINDOW_B, 3, &windows[2]), true);
    check_window(rt, gemm_of(CLADE_F32, CLADE_WINDOW_A, 3, &windows[0]), true);
    clade_runtime_free(&rt);
}
END_TEST

/* Several blocks of rows, columns and depth; more than local memory holds. */
START_TEST(large)
{
    clade_window deep = {0, 70, 1, 2, {NO_DIM, {6, 6, 3, 1, 1, 1, 1}, {14, 14, 3, 1, 1, 1, 1}}};
    clade_window wide = {
        0, 1, 1, 1, {NO_DIM, {40, 2, 39, 1, 1, 0, 1}, {4000, 9, 3900, 1, 1, 0, 1}}};
    clade_runtime *rt = open_runtime("");
    for (clade_window_use use = CLADE_WINDOW_A; use <= CLADE_WINDOW_B && !small_only(); use++) {
        clade_gemm g = gemm_of(CLADE_F32, use, 4, &deep);
        g.m = g.n = 33;
        check_window(rt, g, false);
    }
    if (!small_only())
        check_window(rt, gemm_of(CLADE_F32, CLADE_WINDOW_B, 1, &wide), false);
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(bad_windows)
{
    clade_runtime *rt = open_runtime("");
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 100 * sizeof(float)));
    clade_gemm good = gemm_of(CLADE_F32, CLADE_WINDOW_B, 1, &windows[4]);
    good.a = good.b = good.c = x;
    good.m = 1, good.k = 12, good.n = 42;
    good.lda = 12, good.ldb = 1, good.ldc = 42;
    fails(clade_gemm_run(rt, &good), CLADE_ERR_INTERNAL, "matrix B");
    clade_gemm bad = good;
    bad.k = 13;
    fails(clade_gemm_run(rt, &bad), CLADE_ERR_INTERNAL, "window does not fit");
    bad = good;
    bad.trans_b = true;
    fails(clade_gemm_run(rt, &bad), CLADE_ERR_INTERNAL, "window does not fit");
    bad = good;
    bad.window.dim[2].shift = INT32_MAX;
    fails(clade_gemm_run(rt, &bad), CLADE_ERR_UNSUPPORTED, "count to");
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_window, epilogues, large, bad_windows};
    return run_suite("gemm_window", tests, sizeof tests / sizeof *tests);
}
