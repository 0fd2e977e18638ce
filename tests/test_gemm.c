/* clade_gemm_run against a naive product in double. CLADE_TEST_SMALL=1: few, small shapes. */
#include "gemm_testing.h"
#include "runtime/elementwise.h"

/* A kernel of ours that is wrong for a small product is found out, and another multiplies: right
 * results alone do not show it. */
static void close_runtime(clade_runtime **rt)
{
    const char *said = strstr(log_text, "clade is set aside");
    ck_assert_msg(!said, "%.300s", said);
    clade_runtime_free(rt);
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
    close_runtime(&rt);
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
    close_runtime(&rt);
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
    close_runtime(&rt);
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
    close_runtime(&rt);
}
END_TEST

/* A few rows times a transposed B, as in inference: with and without whole registers along k and
 * whole runs of columns. */
START_TEST(few_rows)
{
    static const int shapes[][2] = {{9, 33}, {1, 7}, {8, 32}, {130, 300}};
    clade_runtime *rt = open_runtime("");
    bool f64 = clade_runtime_device(rt)->has_f64 && !small_only();
    for (int m = 1; m <= 4; m++) {
        for (int i = 0; i < (small_only() ? 2 : 4); i++) {
            clade_gemm g = {.dtype = f64 && i % 2 ? CLADE_F64 : CLADE_F32,
                            .trans_b = true,
                            .m = m,
                            .n = shapes[i][0],
                            .k = shapes[i][1],
                            .batch = 1 + i % 2,
                            .alpha = 0.5,
                            .beta = m % 2};
            check_gemm(rt, g, i % 2);
            if (i == 0)
                check_epilogue(rt, g);
        }
    }
    close_runtime(&rt);
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
    close_runtime(&rt);
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
    close_runtime(&rt);
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
    g.a_offset = INT32_MAX;
    fails(clade_gemm_run(rt, &g), CLADE_ERR_UNSUPPORTED, "matrix A ends at element 2147483663");
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
    close_runtime(&rt);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        random_shapes,   skinny_shapes,          many_blocks, epilogues, few_rows,
        zero_dimensions, shared_and_interleaved, refusals,
    };
    return run_suite("gemm", tests, sizeof tests / sizeof *tests);
}
