/* clade_elementwise and clade_reduce against plain loops on the host: random shapes, strides,
 * offsets and masks, every dtype, outputs inside poisoned memory. All values are small multiples of
 * 1/8, so that the results are exact and compared for equality. Nearly each case compiles a kernel
 * of its own: CLADE_TEST_LONG=1 runs three times as many, CLADE_TEST_SMALL=1 a third. */
#include <math.h>

#include <clade/precision.h>

#include "runtime_testing.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

static uint32_t seed = 1;

static int random_int(int low, int high)
{
    seed = seed * 1664525u + 1013904223u;
    return low + (int)((seed >> 8) % (uint32_t)(high - low + 1));
}

static bool one_in(int n)
{
    return random_int(1, n) == 1;
}

static int cases(int full)
{
    const char *small = getenv("CLADE_TEST_SMALL"), *all = getenv("CLADE_TEST_LONG");
    if (all && *all && strcmp(all, "0") != 0)
        return full;
    return small && *small && strcmp(small, "0") != 0 ? full / 9 : full / 3;
}

static clade_context *open_context(const char *kernel_shape)
{
    clade_context *ctx = NULL;
    if (kernel_shape)
        setenv("CLADE_KERNEL_SHAPE", kernel_shape, 1);
    ok(clade_context_create(&ctx, NULL));
    return ctx;
}

/* --- a window on memory that the host knows ----------------------------------------------------
 */

typedef struct window {
    clade_tensor *base, *t;
    unsigned char *host; /* what base held when it was written */
} window;

static double get(const window *w, int64_t i)
{
    return clade_dtype_get(w->t->dtype, w->host, (size_t)i);
}

static void put(window *w, int64_t i, double v)
{
    clade_dtype_set(w->t->dtype, w->host, (size_t)i, v);
}

static size_t bytes_of(const window *w)
{
    return (size_t)w->base->numel * clade_dtype_size(w->base->dtype);
}

static void upload(const window *w)
{
    ok(clade_buffer_write(w->base->storage->buffer, 0, bytes_of(w), w->host));
}

/* Strides in a random order of the dimensions, with gaps, and 0 along some where it may expand. */
static int64_t random_strides(const clade_shape *shape, bool may_expand, int64_t *stride)
{
    int order[CLADE_MAX_DIMS];
    for (int i = 0; i < shape->ndim; i++)
        order[i] = i;
    for (int i = shape->ndim - 1; i > 0 && seed % 2; i--) {
        int j = random_int(0, i), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    int64_t span = 1;
    for (int k = shape->ndim - 1; k >= 0; k--) {
        int i = order[k];
        stride[i] = span * (one_in(8) ? 2 : 1);
        if (may_expand && one_in(6))
            stride[i] = 0;
        else
            span = stride[i] * (shape->dim[i] ? shape->dim[i] : 1) + (one_in(6) ? 3 : 0);
    }
    return span;
}

static window make(clade_context *ctx, clade_dtype dtype, const clade_shape *shape,
                   const int64_t *stride, int64_t span)
{
    window w;
    int64_t offset = one_in(2) ? random_int(1, 9) : 0;
    clade_shape all = CLADE_SHAPE(offset + span + 5);
    w.base = clade_tensor_new(ctx, dtype, &all, "test");
    ck_assert_ptr_nonnull(w.base);
    w.t = clade_tensor_new_view(w.base, shape, stride, offset);
    ck_assert_ptr_nonnull(w.t);
    w.host = clade_calloc(bytes_of(&w), 1);
    ck_assert_ptr_nonnull(w.host);
    return w;
}

static void drop(window *w)
{
    clade_tensor_unref(w->t);
    clade_tensor_unref(w->base);
    clade_free(w->host);
}

static window make_input(clade_context *ctx, clade_dtype dtype, const clade_shape *shape, int low,
                         int high)
{
    int64_t stride[CLADE_MAX_DIMS];
    int64_t span = random_strides(shape, true, stride);
    window w = make(ctx, dtype, shape, stride, span);
    double unit = clade_dtype_is_float(dtype) ? 0.125 : 1;
    for (int64_t i = 0; i < w.base->numel; i++)
        put(&w, i, random_int(low, high) * unit);
    upload(&w);
    return w;
}

/* Everything in and around it is poison. */
static window make_output(clade_context *ctx, clade_dtype dtype, const clade_shape *shape,
                          bool contiguous)
{
    int64_t stride[CLADE_MAX_DIMS], span = clade_shape_numel(shape);
    if (contiguous)
        for (int64_t i = shape->ndim - 1, step = 1; i >= 0; step *= shape->dim[i--])
            stride[i] = step;
    else
        span = random_strides(shape, false, stride);
    window w = make(ctx, dtype, shape, stride, span);
    memset(w.host, 0xa5, bytes_of(&w));
    upload(&w);
    return w;
}

/* The index after `index` in row-major order; false past the last. */
static bool next(const clade_shape *shape, int64_t *index)
{
    for (int i = shape->ndim - 1; i >= 0; i--) {
        if (++index[i] < shape->dim[i])
            return true;
        index[i] = 0;
    }
    return false;
}

static int64_t place(const clade_tensor *t, const int64_t *stride, const int64_t *index, int ndim)
{
    int64_t at = t->offset;
    for (int i = 0; i < ndim; i++)
        at += stride[i] * index[i];
    return at;
}

/* The device's memory equals the host's picture of it, padding included. */
static void compare(const window *w, const char *what)
{
    window got = *w;
    got.host = clade_calloc(bytes_of(w), 1);
    ck_assert_ptr_nonnull(got.host);
    ok(clade_buffer_read(w->base->storage->buffer, 0, bytes_of(w), got.host));
    size_t size = clade_dtype_size(w->base->dtype);
    for (int64_t i = 0; i < w->base->numel; i++) {
        size_t at = (size_t)i * size;
        if (!memcmp(got.host + at, w->host + at, size))
            continue;
        double a = get(&got, i), b = get(w, i);
        ck_assert_msg(a == b || (isnan(a) && isnan(b)),
                      "%s, %s, element %lld of memory (offset %lld): %g instead of %g", what,
                      clade_dtype_name(w->base->dtype), (long long)i, (long long)w->t->offset, a,
                      b);
    }
    clade_free(got.host);
}

static clade_shape random_shape(int most_dims)
{
    clade_shape shape = {.ndim = random_int(0, most_dims)};
    int64_t numel = 1;
    for (int i = 0; i < shape.ndim; i++) {
        shape.dim[i] = one_in(12) ? random_int(0, 70) : random_int(1, 5);
        if (numel * shape.dim[i] > 20000)
            shape.dim[i] = 1;
        numel *= shape.dim[i] ? shape.dim[i] : 1;
    }
    return shape;
}

/* --- elementwise --------------------------------------------------------------------------------
 */

static double fill(const double *v, const double *p)
{
    (void)v;
    return p[0];
}
static double affine(const double *v, const double *p)
{
    return v[0] * p[0] + p[1];
}
static double multiply(const double *v, const double *p)
{
    return v[0] * v[1] + p[0];
}
static double select_larger(const double *v, const double *p)
{
    (void)p;
    return v[0] > v[1] ? v[2] : v[1];
}
static double dot(const double *v, const double *p)
{
    (void)p;
    return v[0] * v[1] + v[2] * v[3];
}

typedef struct expression_case {
    clade_expression expression;
    int count;
    double (*host)(const double *v, const double *p);
    clade_dtype compute, out, inputs[CLADE_EXPRESSION_INPUTS];
} expression_case;

#define F CLADE_F32
#define D CLADE_F64
#define N CLADE_I32
#define B CLADE_U8
#define H CLADE_F16
#define L CLADE_BF16

static const expression_case expressions[] = {
    {{"test_fill", "p0", ""}, 0, fill, F, F, {0}},
    {{"test_fill", "p0", ""}, 0, fill, B, B, {0}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, F, F, {F}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, N, N, {N}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, D, F, {D}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, B, B, {B}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, F, N, {F}},
    {{"test_multiply", "a*b + p0", "ab"}, 2, multiply, F, F, {F, F}},
    {{"test_multiply", "a*b + p0", "ab"}, 2, multiply, D, D, {D, D}},
    {{"test_multiply", "a*b + p0", "ab"}, 2, multiply, F, F, {B, F}},
    {{"test_multiply", "a*b + p0", "ab"}, 2, multiply, F, H, {H, F}},
    {{"test_multiply", "a*b + p0", "ab"}, 2, multiply, L, L, {L, L}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, F, N, {H}},
    {{"test_affine", "x*p0 + p1", "x"}, 1, affine, F, H, {L}},
    {{"test_select", "a > b ? c : b", "abc"}, 3, select_larger, F, F, {F, F, F}},
    {{"test_select", "a > b ? c : b", "abc"}, 3, select_larger, N, N, {N, N, N}},
    {{"test_dot", "g*y + u*v", "gyuv"}, 4, dot, F, F, {F, F, F, F}},
    {{"test_dot", "g*y + u*v", "gyuv"}, 4, dot, D, D, {D, D, D, D}},
};
#define EXPRESSIONS ((int)(sizeof expressions / sizeof expressions[0]))

/* A shape that broadcasts to `to`. */
static clade_shape narrowed(const clade_shape *to)
{
    clade_shape shape = *to;
    int drop_dims = one_in(3) ? random_int(0, to->ndim) : 0;
    shape.ndim -= drop_dims;
    for (int i = 0; i < shape.ndim; i++)
        shape.dim[i] = one_in(5) ? 1 : to->dim[i + drop_dims];
    return shape;
}

static bool needs_f64(const expression_case *c)
{
    bool needs = c->compute == D || c->out == D;
    for (int k = 0; k < c->count; k++)
        needs = needs || c->inputs[k] == D;
    return needs;
}

static void fill_expected(const expression_case *c, window *out, const window *inputs,
                          const double *params)
{
    const clade_shape *shape = &out->t->shape;
    int64_t stride[CLADE_EXPRESSION_INPUTS][CLADE_MAX_DIMS], index[CLADE_MAX_DIMS] = {0};
    for (int k = 0; k < c->count; k++)
        clade_tensor_expanded_strides(inputs[k].t, shape, stride[k]);
    if (!out->t->numel)
        return;
    do {
        double v[CLADE_EXPRESSION_INPUTS] = {0};
        for (int k = 0; k < c->count; k++)
            v[k] = get(&inputs[k], place(inputs[k].t, stride[k], index, shape->ndim));
        put(out, place(out->t, out->t->stride, index, shape->ndim), c->host(v, params));
    } while (next(shape, index));
}

static void run_expression(clade_context *ctx, const expression_case *c, const clade_shape *shape)
{
    window inputs[CLADE_EXPRESSION_INPUTS], out = make_output(ctx, c->out, shape, one_in(2));
    clade_tensor *tensors[CLADE_EXPRESSION_INPUTS];
    for (int k = 0; k < c->count; k++) {
        clade_shape narrow = narrowed(shape);
        inputs[k] = make_input(ctx, c->inputs[k], &narrow, 0, 7);
        tensors[k] = inputs[k].t;
    }
    double params[2] = {random_int(1, 5), random_int(0, 3)};
    uint64_t version = out.base->storage->version;
    ok(clade_elementwise(&c->expression, c->compute, out.t, tensors, c->count, params, 2));
    ck_assert(out.t->numel == 0 || out.base->storage->version > version);
    fill_expected(c, &out, inputs, params);
    compare(&out, c->expression.text);
    for (int k = 0; k < c->count; k++) {
        compare(&inputs[k], "an input");
        drop(&inputs[k]);
    }
    drop(&out);
}

START_TEST(elementwise_random)
{
    clade_context *ctx = open_context(NULL);
    for (int n = 0; n < cases(84); n++) {
        const expression_case *c = &expressions[n % EXPRESSIONS];
        if (needs_f64(c) && !clade_context_device(ctx)->has_f64)
            continue;
        clade_shape shape = random_shape(n % 4 ? 4 : CLADE_MAX_DIMS);
        run_expression(ctx, c, &shape);
    }
    clade_context_free(&ctx);
}
END_TEST

/* Sizes around a work-group, and more than the first two dimensions hold. */
START_TEST(elementwise_sizes)
{
    static const clade_shape shapes[] = {
        {1, {255}},
        {1, {257}},
        {1, {100003}},
        {2, {64, 64}},
        {2, {65, 63}},
        {2, {1000, 17}},
        {3, {5, 300, 3}},
        {4, {3, 70, 2, 65}},
        {8, {2, 2, 2, 2, 2, 2, 2, 2}},
        {2, {0, 7}},
        {0, {0}},
    };
    clade_context *ctx = open_context(NULL);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int k = 0; k < 2; k++)
            run_expression(ctx, &expressions[k == 0 ? 2 : 7], &shapes[i]);
    clade_context_free(&ctx);
}
END_TEST

START_TEST(elementwise_in_place)
{
    clade_context *ctx = open_context(NULL);
    const expression_case *c = &expressions[7];
    for (int n = 0; n < cases(16); n++) {
        clade_shape shape = random_shape(4), narrow = narrowed(&shape);
        window out = make_output(ctx, F, &shape, one_in(2));
        window b = make_input(ctx, F, &narrow, 0, 7);
        for (int64_t i = 0; i < out.base->numel; i++)
            put(&out, i, random_int(0, 7));
        upload(&out);
        clade_tensor *tensors[2] = {out.t, b.t};
        double params[2] = {random_int(1, 5), 0};
        ok(clade_elementwise(&c->expression, F, out.t, tensors, 2, params, 2));
        fill_expected(c, &out, (window[]){out, b}, params);
        compare(&out, "in place");
        drop(&b);
        drop(&out);
    }
    clade_context_free(&ctx);
}
END_TEST

/* --- reduce
 * --------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {"sum", "max", "min"};

/* One step of the reduction, in the dtype's own arithmetic. */
static double combine(clade_reduce_kind kind, clade_dtype dtype, double acc, double v)
{
    if (kind == CLADE_REDUCE_SUM && dtype == CLADE_I32)
        return (int32_t)((uint32_t)(int32_t)acc + (uint32_t)(int32_t)v);
    if (kind == CLADE_REDUCE_SUM)
        return dtype == CLADE_U8 ? (unsigned char)((int)acc + (int)v) : acc + v;
    if (isnan(acc) || isnan(v))
        return NAN;
    return kind == CLADE_REDUCE_MAX ? fmax(acc, v) : fmin(acc, v);
}

/* out gets what clade_reduce should put there. */
static void expect_reduced(window *out, const window *in, unsigned mask, clade_reduce_kind kind,
                           double scale)
{
    const clade_tensor *t = in->t;
    int64_t out_stride[CLADE_MAX_DIMS], index[CLADE_MAX_DIMS] = {0}, step = 1;
    for (int i = t->shape.ndim - 1; i >= 0; i--) {
        out_stride[i] = mask >> i & 1 ? 0 : step;
        step *= mask >> i & 1 ? 1 : t->shape.dim[i];
    }
    size_t room = (size_t)out->base->numel + 1;
    bool *seen = clade_calloc(room, sizeof *seen);
    double *acc = clade_calloc(room, sizeof *acc);
    ck_assert(seen && acc);
    do {
        int64_t at = place(out->t, out_stride, index, t->shape.ndim);
        double v = get(in, place(t, t->stride, index, t->shape.ndim));
        acc[at] = seen[at] ? combine(kind, t->dtype, acc[at], v) : v;
        seen[at] = true;
    } while (next(&t->shape, index));
    bool single = t->dtype != CLADE_F64;
    for (int64_t at = 0; at < out->base->numel; at++)
        if (seen[at])
            put(out, at,
                scale == 1 ? acc[at]
                : single   ? (double)((float)acc[at] * (float)scale)
                           : acc[at] * scale);
    clade_free(acc);
    clade_free(seen);
}

static void run_reduce(clade_context *ctx, clade_dtype dtype, const clade_shape *shape,
                       unsigned mask, clade_reduce_kind kind)
{
    int range = dtype == CLADE_U8 ? 255 : dtype == CLADE_I32 ? 8000000 : 15;
    window in = make_input(ctx, dtype, shape, dtype == CLADE_U8 ? 0 : -range, range);
    if (dtype == CLADE_I32) {
        for (int64_t i = 0; i < in.base->numel; i++)
            put(&in, i, get(&in, i) * 256 + random_int(0, 255));
        upload(&in);
    }
    if (clade_dtype_is_float(dtype) && kind != CLADE_REDUCE_SUM && one_in(3)) {
        for (int64_t i = random_int(0, 20); i < in.base->numel; i += random_int(1, 40))
            put(&in, i, one_in(2) ? NAN : one_in(2) ? INFINITY : -INFINITY);
        upload(&in);
    }
    clade_shape kept = {0};
    for (int i = 0; i < shape->ndim; i++)
        if (!(mask >> i & 1))
            kept.dim[kept.ndim++] = shape->dim[i];
    window out = make_output(ctx, dtype, &kept, true);
    static const double scales[] = {1, 0.5, -2, 1.0 / 3};
    double scale =
        kind == CLADE_REDUCE_SUM && clade_dtype_is_float(dtype) ? scales[random_int(0, 3)] : 1;
    uint64_t version = out.base->storage->version;
    ok(clade_reduce(out.t, in.t, mask, kind, scale));
    if (out.t->numel) {
        ck_assert(out.base->storage->version > version);
        if (in.t->numel)
            expect_reduced(&out, &in, mask, kind, scale);
        else
            for (int64_t i = 0; i < out.t->numel; i++)
                put(&out, out.t->offset + i, 0);
    }
    char what[64];
    snprintf(what, sizeof what, "%s, mask %x", kind_names[kind], mask);
    compare(&out, what);
    drop(&out);
    drop(&in);
}

/* Whether the reduced set is empty, which max and min do not take. */
static bool empty_set(const clade_shape *shape, unsigned mask)
{
    for (int i = 0; i < shape->ndim; i++)
        if ((mask >> i & 1) && !shape->dim[i])
            return true;
    return false;
}

static void reduce_random_shapes(clade_context *ctx)
{
    for (int n = 0; n < cases(240); n++) {
        clade_dtype dtype = (clade_dtype)(n % CLADE_DTYPE_COUNT);
        clade_reduce_kind kind = (clade_reduce_kind)(n / CLADE_DTYPE_COUNT % 3);
        clade_shape shape = random_shape(n % 5 ? 4 : CLADE_MAX_DIMS);
        unsigned mask = (unsigned)random_int(0, (1 << shape.ndim) - 1);
        if (dtype == CLADE_F64 && !clade_context_device(ctx)->has_f64)
            continue;
        if (kind != CLADE_REDUCE_SUM && empty_set(&shape, mask))
            continue;
        run_reduce(ctx, dtype, &shape, mask, kind);
    }
}

/* Long enough to be cut into chunks; rows and columns that are no multiple of a vector. */
static void reduce_long_shapes(clade_context *ctx)
{
    static const struct {
        clade_shape shape;
        unsigned mask;
    } rows[] = {
        {{1, {100003}}, 1},        {{2, {3, 20011}}, 2},   {{2, {20011, 3}}, 1},
        {{2, {20011, 3}}, 3},      {{3, {2, 9001, 5}}, 2}, {{3, {2, 9001, 33}}, 2},
        {{2, {513, 37}}, 1},       {{2, {37, 513}}, 2},    {{3, {4, 70, 65}}, 5},
        {{4, {3, 40, 5, 17}}, 10}, {{2, {1000, 1}}, 1},    {{2, {1, 1000}}, 1},
        {{2, {70, 1037}}, 1},      {{2, {403, 1030}}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int kind = 0; kind < 3; kind++)
            for (int repeat = 0; repeat < 2; repeat++)
                run_reduce(ctx, repeat ? CLADE_U8 : CLADE_F32, &rows[i].shape, rows[i].mask,
                           (clade_reduce_kind)kind);
}

static void reduce_under(const char *kernel_shape)
{
    const char *before = getenv("CLADE_KERNEL_SHAPE");
    char *saved = before ? clade_strdup(before) : NULL;
    clade_context *ctx = open_context(kernel_shape);
    reduce_random_shapes(ctx);
    reduce_long_shapes(ctx);
    clade_context_free(&ctx);
    if (saved)
        setenv("CLADE_KERNEL_SHAPE", saved, 1);
    else
        unsetenv("CLADE_KERNEL_SHAPE");
    clade_free(saved);
}

START_TEST(reduce_cpu_shape)
{
    reduce_under("cpu");
}
END_TEST

START_TEST(reduce_gpu_shape)
{
    reduce_under("gpu");
}
END_TEST

/* Sums that round: near the true one, and the same bits every time. */
START_TEST(reduce_is_deterministic)
{
    clade_context *ctx = open_context(NULL);
    clade_shape shape = CLADE_SHAPE(3, 50021), kept = CLADE_SHAPE(3);
    clade_tensor *in = clade_tensor_new(ctx, CLADE_F32, &shape, "test");
    ck_assert_ptr_nonnull(in);
    float *x = clade_calloc((size_t)in->numel, sizeof *x), first[3] = {0}, again[3];
    double expected[3] = {0};
    for (int64_t i = 0; i < in->numel; i++) {
        x[i] = (float)random_int(1, 1 << 20) / 1000003.f;
        expected[i / 50021] += (double)x[i] * 0.25;
    }
    ok(clade_tensor_write(in, x, (size_t)in->numel * sizeof *x));
    for (int run = 0; run < 3; run++) {
        clade_tensor *out = clade_tensor_new(ctx, CLADE_F32, &kept, "test");
        ck_assert_ptr_nonnull(out);
        ok(clade_reduce(out, in, 2, CLADE_REDUCE_SUM, 0.25));
        ok(clade_tensor_read(out, run ? again : first, sizeof first));
        ck_assert(run == 0 || !memcmp(first, again, sizeof first));
        clade_tensor_unref(out);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(first[i], expected[i], 1e-5 * expected[i]);
    clade_free(x);
    clade_tensor_unref(in);
    clade_context_free(&ctx);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        elementwise_random, elementwise_sizes, elementwise_in_place,
        reduce_cpu_shape,   reduce_gpu_shape,  reduce_is_deterministic,
    };
    return run_suite("engines", tests, sizeof tests / sizeof *tests);
}
