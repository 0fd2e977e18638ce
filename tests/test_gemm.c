/* clade_gemm_run against a naive product in double. CLADE_TEST_SMALL=1: few, small shapes. */
#include <math.h>
#include <pthread.h>

#include "runtime/elementwise.h"
#include "runtime/gemm_provider.h"
#include "runtime_testing.h"

static bool small_only(void)
{
    const char *small = getenv("CLADE_TEST_SMALL");
    return small && *small && strcmp(small, "0") != 0;
}

static uint32_t seed = 1;

static int random_int(int low, int high)
{
    seed = seed * 1664525u + 1013904223u;
    return low + (int)((seed >> 8) % (uint32_t)(high - low + 1));
}

static double random_real(void)
{
    return random_int(-1000, 1000) / 1000.0;
}

/* One matrix on the host: f32 or f64, with its buffer. */
typedef struct matrix {
    clade_dtype dtype;
    int64_t numel, offset, rows, cols, ld, stride, batch;
    void *host;
    clade_buffer *buffer;
} matrix;

static double get(const matrix *m, int64_t i)
{
    return m->dtype == CLADE_F64 ? ((double *)m->host)[i] : (double)((float *)m->host)[i];
}

static void put(const matrix *m, int64_t i, double v)
{
    if (m->dtype == CLADE_F64)
        ((double *)m->host)[i] = v;
    else
        ((float *)m->host)[i] = (float)v;
}

static int64_t at(const matrix *m, int64_t batch, int64_t row, int64_t col)
{
    return m->offset + batch * m->stride + row * m->ld + col;
}

static size_t bytes_of(const matrix *m)
{
    return (size_t)m->numel * clade_dtype_size(m->dtype);
}

/* Everything outside the matrices is `poison`. */
static void make(matrix *m, clade_runtime *rt, double poison, bool fill_poison)
{
    m->numel = m->offset + (m->batch > 0 ? m->batch - 1 : 0) * m->stride + m->rows * m->ld + 3;
    m->host = clade_calloc((size_t)m->numel, clade_dtype_size(m->dtype));
    for (int64_t i = 0; i < m->numel; i++)
        put(m, i, poison);
    for (int64_t b = 0; b < m->batch && !fill_poison; b++)
        for (int64_t r = 0; r < m->rows; r++)
            for (int64_t c = 0; c < m->cols; c++)
                put(m, at(m, b, r, c), random_real());
    ok(clade_buffer_create(&m->buffer, rt, bytes_of(m)));
    ok(clade_buffer_write(m->buffer, 0, bytes_of(m), m->host));
}

static void drop(matrix *m)
{
    clade_buffer_free(&m->buffer);
    clade_free(m->host);
}

static double product(const matrix *a, const matrix *b, const clade_gemm *g, int64_t batch,
                      int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < g->k; k++)
        sum += get(a, g->trans_a ? at(a, batch, k, i) : at(a, batch, i, k)) *
               get(b, g->trans_b ? at(b, batch, j, k) : at(b, batch, k, j));
    return sum;
}

/* C's old values are in c, its new ones in result. Marks what was checked in `result` with the
 * poison, so that the caller can see that all the rest still is. */
static void compare(const clade_gemm *g, const matrix *a, const matrix *b, const matrix *c,
                    matrix *result, double poison)
{
    double unit = g->dtype == CLADE_F64 ? 1e-15 : 1e-6;
    for (int64_t z = 0; z < g->batch; z++) {
        for (int64_t i = 0; i < g->m; i++) {
            for (int64_t j = 0; j < g->n; j++) {
                int64_t p = at(c, z, i, j);
                double expected = g->alpha != 0 ? g->alpha * product(a, b, g, z, i, j) : 0;
                if (g->beta != 0)
                    expected += g->beta * get(c, p);
                double error = fabs(get(result, p) - expected);
                ck_assert_msg(error <= unit * (4 + (double)g->k),
                              "%s m %d n %d k %d batch %d ta %d tb %d: [%d,%d,%d] %g not %g",
                              clade_dtype_name(g->dtype), (int)g->m, (int)g->n, (int)g->k,
                              (int)g->batch, g->trans_a, g->trans_b, (int)z, (int)i, (int)j,
                              get(result, p), expected);
                put(result, p, poison);
            }
        }
    }
    for (int64_t p = 0; p < result->numel; p++)
        ck_assert_msg(get(result, p) == poison, "element %d outside C was written", (int)p);
}

/* pad > 0: offsets, ld > cols and strides with gaps, which hold NaN in A and B. */
static void check_gemm(clade_runtime *rt, clade_gemm g, int pad)
{
    const double poison = 12345;
    matrix a = {.rows = g.trans_a ? g.k : g.m, .cols = g.trans_a ? g.m : g.k};
    matrix b = {.rows = g.trans_b ? g.n : g.k, .cols = g.trans_b ? g.k : g.n};
    matrix c = {.rows = g.m, .cols = g.n};
    matrix *all[] = {&a, &b, &c};
    for (int i = 0; i < 3; i++) {
        matrix *m = all[i];
        m->dtype = g.dtype;
        m->batch = g.batch;
        m->offset = pad * (3 + i);
        m->ld = (m->cols > 0 ? m->cols : 1) + pad * (i + 1);
        m->stride = m->rows * m->ld + 7 * pad;
    }
    make(&a, rt, NAN, false);
    make(&b, rt, NAN, false);
    make(&c, rt, poison, false);
    for (int64_t z = 0; z < g.batch && g.beta == 0; z++)
        for (int64_t i = 0; i < g.m; i++)
            for (int64_t j = 0; j < g.n; j++)
                put(&c, at(&c, z, i, j), NAN);
    ok(clade_buffer_write(c.buffer, 0, bytes_of(&c), c.host));
    g.a = a.buffer, g.b = b.buffer, g.c = c.buffer;
    g.a_offset = a.offset, g.b_offset = b.offset, g.c_offset = c.offset;
    g.lda = a.ld, g.ldb = b.ld, g.ldc = c.ld;
    g.a_stride = a.stride, g.b_stride = b.stride, g.c_stride = c.stride;
    ok(clade_gemm_run(rt, &g));
    matrix result = c;
    result.host = clade_calloc((size_t)c.numel, clade_dtype_size(c.dtype));
    ok(clade_buffer_read(c.buffer, 0, bytes_of(&c), result.host));
    compare(&g, &a, &b, &c, &result, poison);
    clade_free(result.host);
    drop(&a);
    drop(&b);
    drop(&c);
}

static void check_random(clade_runtime *rt, clade_dtype dtype, int count, int largest, int batch)
{
    static const double scalars[] = {0, 1, -0.5, 2};
    for (int i = 0; i < count; i++) {
        clade_gemm g = {.dtype = dtype,
                        .trans_a = i & 1,
                        .trans_b = i >> 1 & 1,
                        .m = random_int(1, largest),
                        .n = random_int(1, largest),
                        .k = random_int(1, largest),
                        .batch = batch,
                        .alpha = scalars[1 + random_int(0, 2)],
                        .beta = scalars[i % 4 == 3 ? 0 : random_int(0, 3)]};
        check_gemm(rt, g, i >> 2 & 1);
    }
}

START_TEST(random_shapes)
{
    clade_runtime *rt = open_runtime("");
    bool f64 = clade_runtime_device(rt)->has_f64;
    int largest = small_only() ? 17 : 90;
    check_random(rt, CLADE_F32, small_only() ? 8 : 32, largest, 1);
    check_random(rt, CLADE_F32, small_only() ? 4 : 16, largest / 2, 3);
    if (f64) {
        check_random(rt, CLADE_F64, small_only() ? 4 : 16, largest, 1);
        check_random(rt, CLADE_F64, small_only() ? 4 : 8, largest / 2, 3);
    }
    clade_runtime_free(&rt);
}
END_TEST

/* Vectors, and the shapes of the reference classifier's layers. */
START_TEST(skinny_shapes)
{
    static const int shapes[][3] = {{1, 1, 1},  {1, 40, 9},  {40, 1, 9},     {1, 1, 300},
                                    {9, 40, 1}, {8, 10, 16}, {96, 128, 784}, {128, 10, 128}};
    clade_runtime *rt = open_runtime("");
    for (int i = 0; i < (small_only() ? 6 : 8); i++)
        for (int t = 0; t < 4; t++)
            check_gemm(rt,
                       (clade_gemm){.dtype = CLADE_F32,
                                    .trans_a = t & 1,
                                    .trans_b = t >> 1,
                                    .m = shapes[i][0],
                                    .n = shapes[i][1],
                                    .k = shapes[i][2],
                                    .batch = 1,
                                    .alpha = 1},
                       0);
    clade_runtime_free(&rt);
}
END_TEST

/* Several blocks of each dimension, with an edge in each. */
START_TEST(many_blocks)
{
    static const int shapes[][3] = {{301, 270, 290}, {70, 35, 1101}, {13, 1400, 300}};
    clade_runtime *rt = open_runtime("");
    for (int t = 0; t < 12 && !small_only(); t++)
        check_gemm(rt,
                   (clade_gemm){.dtype = CLADE_F32,
                                .trans_a = t & 1,
                                .trans_b = t >> 1 & 1,
                                .m = shapes[t / 4][0] + t % 4,
                                .n = shapes[t / 4][1],
                                .k = shapes[t / 4][2] - t % 4,
                                .batch = 1 + t % 2,
                                .alpha = 0.5,
                                .beta = t % 4 > 1},
                   1);
    clade_runtime_free(&rt);
}
END_TEST

/* --- epilogues --- */

/* relu(p0 * product + bias) where `keep` is not 0, into another buffer, and the product's square
 * into C: a row, a u8 matrix with gaps, a value that two stages take. */
static void set_epilogue(clade_elementwise_call *call, const clade_gemm *g, const matrix *bias,
                         clade_buffer *keep, clade_buffer *out)
{
    *call = (clade_elementwise_call){
        .shape = CLADE_SHAPE(g->batch, g->m, g->n), .operands = 4, .stages = 3};
    call->operand[0] = (clade_operand){.buffer = g->c,
                                       .dtype = g->dtype,
                                       .offset = g->c_offset,
                                       .stride = {g->c_stride, g->ldc, 1}};
    call->operand[1] = (clade_operand){
        .buffer = bias->buffer, .dtype = g->dtype, .offset = bias->offset, .stride = {0, 0, 1}};
    call->operand[2] = (clade_operand){
        .buffer = keep, .dtype = CLADE_U8, .offset = 2, .stride = {g->m * (g->n + 5), g->n + 5, 1}};
    call->operand[3] =
        (clade_operand){.buffer = out, .dtype = g->dtype, .stride = {g->m * g->n, 1, g->m}};
    call->stage[0] = (clade_stage){.expression = {"test_affine", "p0*a+b", "ab"},
                                   .compute = g->dtype,
                                   .dtype = g->dtype,
                                   .count = 2,
                                   .input = {0, 1},
                                   .output = -1,
                                   .param = {0.75}};
    call->stage[1] = (clade_stage){.expression = {"test_keep", "c?(a>0?a:0):0", "ac"},
                                   .compute = g->dtype,
                                   .dtype = g->dtype,
                                   .count = 2,
                                   .input = {-1, 2},
                                   .output = 3};
    call->stage[2] = (clade_stage){.expression = {"test_square", "a*a", "a"},
                                   .compute = g->dtype,
                                   .dtype = g->dtype,
                                   .count = 1,
                                   .input = {0},
                                   .output = 0};
}

/* C and `out` after the product and the call, fused or one after the other. */
static void run_epilogue(clade_runtime *rt, clade_gemm g, const clade_elementwise_call *call,
                         bool fused, const matrix *c, void *c_after, void *out_after, size_t bytes)
{
    ok(clade_buffer_write(g.c, 0, bytes_of(c), c->host));
    g.epilogue = fused ? call : NULL;
    ok(clade_gemm_run(rt, &g));
    if (!fused)
        ok(clade_elementwise_run(rt, call));
    ok(clade_buffer_read(g.c, 0, bytes_of(c), c_after));
    ok(clade_buffer_read(call->operand[3].buffer, 0, bytes, out_after));
}

/* The same bits as the product and the call one after the other. */
static void check_epilogue(clade_runtime *rt, clade_gemm g)
{
    matrix a = {.rows = g.trans_a ? g.k : g.m, .cols = g.trans_a ? g.m : g.k};
    matrix b = {.rows = g.trans_b ? g.n : g.k, .cols = g.trans_b ? g.k : g.n};
    matrix c = {.rows = g.m, .cols = g.n}, bias = {.rows = 1, .cols = g.n, .offset = 1};
    matrix *all[] = {&a, &b, &c, &bias};
    for (int i = 0; i < 4; i++) {
        all[i]->dtype = g.dtype;
        all[i]->batch = i < 3 ? g.batch : 1;
        all[i]->ld = all[i]->cols + i;
        all[i]->stride = all[i]->rows * all[i]->ld + 3;
        make(all[i], rt, 7, false);
    }
    g.a = a.buffer, g.b = b.buffer, g.c = c.buffer;
    g.lda = a.ld, g.ldb = b.ld, g.ldc = c.ld;
    g.a_stride = a.stride, g.b_stride = b.stride, g.c_stride = c.stride;
    size_t bytes = (size_t)(g.batch * g.m * g.n) * clade_dtype_size(g.dtype);
    size_t keep_bytes = (size_t)(g.batch * g.m * (g.n + 5) + 2);
    unsigned char *keep_host = clade_calloc(keep_bytes, 1);
    for (size_t i = 0; i < keep_bytes; i++)
        keep_host[i] = (unsigned char)random_int(0, 2);
    clade_buffer *keep, *out;
    ok(clade_buffer_create(&keep, rt, keep_bytes));
    ok(clade_buffer_write(keep, 0, keep_bytes, keep_host));
    ok(clade_buffer_create(&out, rt, bytes));
    clade_elementwise_call call;
    set_epilogue(&call, &g, &bias, keep, out);
    void *after[4];
    for (int i = 0; i < 4; i++)
        after[i] = clade_calloc(1, i % 2 ? bytes : bytes_of(&c));
    run_epilogue(rt, g, &call, false, &c, after[0], after[1], bytes);
    run_epilogue(rt, g, &call, true, &c, after[2], after[3], bytes);
    ck_assert_msg(!memcmp(after[0], after[2], bytes_of(&c)) && !memcmp(after[1], after[3], bytes),
                  "%s m %d n %d k %d batch %d ta %d tb %d", clade_dtype_name(g.dtype), (int)g.m,
                  (int)g.n, (int)g.k, (int)g.batch, g.trans_a, g.trans_b);
    for (int i = 0; i < 4; i++) {
        clade_free(after[i]);
        drop(all[i]);
    }
    clade_free(keep_host);
    clade_buffer_free(&keep);
    clade_buffer_free(&out);
}

START_TEST(epilogues)
{
    static const int shapes[][4] = {
        {40, 37, 20, 1}, {5, 10, 16, 2}, {1, 33, 9, 1}, {19, 3, 0, 2}, {130, 50, 1100, 1}};
    clade_runtime *rt = open_runtime("");
    int count = small_only() ? 4 : 5;
    bool f64 = clade_runtime_device(rt)->has_f64 && !small_only();
    for (int i = 0; i < count * 2; i++)
        for (int d = 0; d < (f64 && i % count < 2 ? 2 : 1); d++)
            check_epilogue(rt, (clade_gemm){.dtype = d ? CLADE_F64 : CLADE_F32,
                                            .trans_a = i & 1,
                                            .trans_b = i >= count,
                                            .m = shapes[i % count][0],
                                            .n = shapes[i % count][1],
                                            .k = shapes[i % count][2],
                                            .batch = shapes[i % count][3],
                                            .alpha = 0.5,
                                            .beta = i & 1});
    clade_runtime_free(&rt);
}
END_TEST

/* --- providers --- */

static clade_runtime *open_with(const char *provider)
{
    setenv("CLADE_GEMM", provider, 1);
    clade_runtime *rt = open_runtime("");
    unsetenv("CLADE_GEMM");
    return rt;
}

/* CLBlast compiles for seconds per kind of kernel: one kind. */
START_TEST(clblast)
{
    clade_runtime *rt = open_with("clblast");
    check_random(rt, CLADE_F32, 4, 17, 1);
    ck_assert(!logged("set aside"));
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(unknown_provider)
{
    clade_runtime *rt = NULL;
    setenv("CLADE_GEMM", "mkl", 1);
    fails(clade_runtime_create(&rt, NULL), CLADE_ERR_ARGUMENT, "\"mkl\"");
    unsetenv("CLADE_GEMM");
    ck_assert_ptr_null(rt);
}
END_TEST

static clade_status multiply_wrong(clade_runtime *rt, const clade_gemm *g)
{
    clade_gemm wrong = *g;
    wrong.n -= wrong.n > 1; /* its last column stays */
    return clade_gemm_own(rt, &wrong);
}

static clade_status multiply_never(clade_runtime *rt, const clade_gemm *g)
{
    (void)rt, (void)g;
    return CLADE_FAIL(CLADE_ERR_BUILD, "no such compiler");
}

static void check_taken_over(clade_status (*broken)(clade_runtime *, const clade_gemm *),
                             const char *said)
{
    const clade_gemm_provider good = clade_gemm_providers[CLADE_GEMM_CLBLAST];
    clade_gemm_providers[CLADE_GEMM_CLBLAST].run = broken;
    clade_runtime *rt = open_with("clblast");
    check_random(rt, CLADE_F32, 1, 17, 1);
    ck_assert_str_eq(clade_last_error()->message, "");
    clade_runtime_free(&rt);
    clade_gemm_providers[CLADE_GEMM_CLBLAST] = good;
    ck_assert_msg(logged("clblast is set aside") && logged(said), "%s", log_text);
}

START_TEST(broken_provider)
{
    check_taken_over(multiply_wrong, "instead of");
    check_taken_over(multiply_never, "no such compiler");
}
END_TEST

START_TEST(no_provider)
{
    clade_gemm_provider good[CLADE_GEMM_PROVIDERS];
    memcpy(good, clade_gemm_providers, sizeof good);
    for (int i = 0; i < CLADE_GEMM_PROVIDERS; i++)
        clade_gemm_providers[i].run = multiply_never;
    clade_runtime *rt = open_runtime("");
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 3 * sizeof(float)));
    const clade_gemm g = {.m = 1,
                          .n = 1,
                          .k = 1,
                          .batch = 1,
                          .alpha = 1,
                          .a = x,
                          .b = x,
                          .c = x,
                          .dtype = CLADE_F32,
                          .a_offset = 1,
                          .b_offset = 2,
                          .lda = 1,
                          .ldb = 1,
                          .ldc = 1};
    fails(clade_gemm_run(rt, &g), CLADE_ERR_BLAS, "no provider");
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
    memcpy(clade_gemm_providers, good, sizeof good);
}
END_TEST

START_TEST(zero_dimensions)
{
    clade_runtime *rt = open_runtime("");
    bool f64 = clade_runtime_device(rt)->has_f64;
    for (int i = 0; i < 2 * 2 * 3 * 6; i++) {
        clade_gemm g = {.dtype = i & 1 ? CLADE_F64 : CLADE_F32, .batch = 2, .alpha = 1};
        int which = i / 12;
        g.m = which == 0 ? 0 : 5;
        g.n = which == 1 ? 0 : 7;
        g.k = which == 2 || which == 5 ? 0 : 4;
        g.batch = which == 3 ? 0 : which == 5 ? 1 : 2;
        g.alpha = which == 4 ? 0 : 1;
        g.beta = i / 4 % 3 - 0.5 * (i / 4 % 3 == 2); /* 0, 1, 1.5 */
        if (g.dtype == CLADE_F32 || f64)
            check_gemm(rt, g, i >> 1 & 1);
    }
    clade_runtime_free(&rt);
}
END_TEST

/* A stride of 0 multiplies every matrix by the same one; C's matrices may interleave. */
START_TEST(shared_and_interleaved)
{
    clade_runtime *rt = open_runtime("");
    float av[2 * 3] = {1, 2, 3, 4, 5, 6}, bv[3 * 4], cv[2 * 2 * 2];
    for (int i = 0; i < 12; i++)
        bv[i] = (float)(i % 5) - 2;
    clade_buffer *a, *b, *c;
    ok(clade_buffer_create(&a, rt, sizeof av));
    ok(clade_buffer_create(&b, rt, sizeof bv));
    ok(clade_buffer_create(&c, rt, sizeof cv));
    ok(clade_buffer_write(a, 0, sizeof av, av));
    ok(clade_buffer_write(b, 0, sizeof bv, bv));
    /* b: two [3,2] matrices side by side; c: two [2,2] likewise. */
    const clade_gemm g = {.dtype = CLADE_F32,
                          .m = 2,
                          .n = 2,
                          .k = 3,
                          .batch = 2,
                          .alpha = 1,
                          .a = a,
                          .b = b,
                          .c = c,
                          .lda = 3,
                          .ldb = 4,
                          .ldc = 4,
                          .a_stride = 0,
                          .b_stride = 2,
                          .c_stride = 2};
    ok(clade_gemm_run(rt, &g));
    ok(clade_buffer_read(c, 0, sizeof cv, cv));
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            float expected = 0;
            for (int k = 0; k < 3; k++)
                expected += av[i * 3 + k] * bv[k * 4 + j];
            ck_assert_msg(cv[i * 4 + j] == expected, "[%d,%d]: %g not %g", i, j,
                          (double)cv[i * 4 + j], (double)expected);
        }
    }
    clade_buffer_free(&a);
    clade_buffer_free(&b);
    clade_buffer_free(&c);
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(refusals)
{
    clade_runtime *rt = open_runtime("");
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 16 * sizeof(float)));
    const clade_gemm good = {.dtype = CLADE_F32,
                             .m = 4,
                             .n = 4,
                             .k = 4,
                             .batch = 1,
                             .alpha = 1,
                             .a = x,
                             .b = x,
                             .c = x,
                             .lda = 4,
                             .ldb = 4,
                             .ldc = 4};
    clade_gemm g = good;
    g.dtype = CLADE_I32;
    fails(clade_gemm_run(rt, &g), CLADE_ERR_DTYPE, "i32");
    g = good;
    g.lda = 3;
    fails(clade_gemm_run(rt, &g), CLADE_ERR_INTERNAL, "matrix A [4,4]");
    g = good;
    g.b_offset = 1;
    fails(clade_gemm_run(rt, &g), CLADE_ERR_INTERNAL, "matrix B ends at element 17");
    g = good;
    g.c = NULL;
    fails(clade_gemm_run(rt, &g), CLADE_ERR_INTERNAL, "matrix C");
    g = good;
    g.m = -1;
    fails(clade_gemm_run(rt, &g), CLADE_ERR_INTERNAL, "negative");
    if (!clade_runtime_device(rt)->has_f64) {
        g = good;
        g.dtype = CLADE_F64;
        fails(clade_gemm_run(rt, &g), CLADE_ERR_UNSUPPORTED, "f64");
    }
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
}
END_TEST

/* CLBlast's process-wide cache: a runtime that goes must not spoil the next, or another's. */
START_TEST(runtimes_come_and_go)
{
    clade_runtime *stays = open_runtime("");
    for (int i = 0; i < 3; i++) {
        clade_runtime *rt = open_runtime("");
        check_random(rt, CLADE_F32, 2, 12, 1);
        check_random(stays, CLADE_F32, 2, 12, 1);
        clade_runtime_free(&rt);
    }
    clade_runtime_free(&stays);
}
END_TEST

static void *multiply_in_thread(void *arg)
{
    float *sum = arg;
    clade_runtime *rt = NULL;
    clade_buffer *x = NULL;
    const clade_context_params params = {.cache_dir = ""};
    const float one = 1;
    if (clade_runtime_create(&rt, &params) == CLADE_OK &&
        clade_buffer_create(&x, rt, 2 * 64 * sizeof one) == CLADE_OK &&
        clade_buffer_fill(x, 0, 2 * 64 * sizeof one, &one, sizeof one) == CLADE_OK) {
        const clade_gemm g = {.dtype = CLADE_F32,
                              .m = 8,
                              .n = 8,
                              .k = 8,
                              .batch = 1,
                              .alpha = 1,
                              .beta = 1,
                              .a = x,
                              .b = x,
                              .c = x,
                              .lda = 8,
                              .ldb = 8,
                              .ldc = 8,
                              .c_offset = 64};
        for (int i = 0; i < 20; i++)
            if (clade_gemm_run(rt, &g) != CLADE_OK)
                break;
        (void)clade_buffer_read(x, 127 * sizeof one, sizeof one, sum);
    }
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
    return NULL;
}

START_TEST(threads)
{
    pthread_t ids[3];
    float sums[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&ids[i], NULL, multiply_in_thread, &sums[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(sums[i] == 161, "thread %d: %g", i, (double)sums[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        random_shapes,   skinny_shapes,          many_blocks,     epilogues,
        clblast,         unknown_provider,       broken_provider, no_provider,
        zero_dimensions, shared_and_interleaved, refusals,        runtimes_come_and_go,
        threads,
    };
    return run_suite("gemm", tests, sizeof tests / sizeof *tests);
}
