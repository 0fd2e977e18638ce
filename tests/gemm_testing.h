/* Shared by the tests of GEMM: matrices with poison around them, and the naive product in double.
 */
#ifndef CLADE_TESTS_GEMM_TESTING_H
#define CLADE_TESTS_GEMM_TESTING_H

#include <math.h>

#include "runtime_testing.h"

static inline bool small_only(void)
{
    const char *small = getenv("CLADE_TEST_SMALL");
    return small && *small && strcmp(small, "0") != 0;
}

static uint32_t seed = 1;

static inline int random_int(int low, int high)
{
    seed = seed * 1664525u + 1013904223u;
    return low + (int)((seed >> 8) % (uint32_t)(high - low + 1));
}

static inline double random_real(void)
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

static inline double get(const matrix *m, int64_t i)
{
    return m->dtype == CLADE_F64 ? ((double *)m->host)[i] : (double)((float *)m->host)[i];
}

static inline void put(const matrix *m, int64_t i, double v)
{
    if (m->dtype == CLADE_F64)
        ((double *)m->host)[i] = v;
    else
        ((float *)m->host)[i] = (float)v;
}

static inline int64_t at(const matrix *m, int64_t batch, int64_t row, int64_t col)
{
    return m->offset + batch * m->stride + row * m->ld + col;
}

static inline size_t bytes_of(const matrix *m)
{
    return (size_t)m->numel * clade_dtype_size(m->dtype);
}

/* Everything outside the matrices is `poison`. */
static inline void make(matrix *m, clade_runtime *rt, double poison, bool fill_poison)
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

static inline void drop(matrix *m)
{
    clade_buffer_free(&m->buffer);
    clade_free(m->host);
}

static inline double product(const matrix *a, const matrix *b, const clade_gemm *g, int64_t batch,
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
static inline void compare(const clade_gemm *g, const matrix *a, const matrix *b, const matrix *c,
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
static inline void check_gemm(clade_runtime *rt, clade_gemm g, int pad)
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

static inline void check_random(clade_runtime *rt, clade_dtype dtype, int count, int largest,
                                int batch)
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

#endif
