/* Tensors from outside: properties, ownership, scopes, transfers through views, memory. */
#include "tensor_testing.h"

static bool has_f64(void)
{
    if (!clade_context_device(ctx)->has_f64)
        printf("# without f64: %s has none\n", clade_context_device(ctx)->name);
    return clade_context_device(ctx)->has_f64;
}

static clade_memory_stats memory(void)
{
    clade_memory_stats stats;
    ok(clade_context_memory(ctx, &stats));
    return stats;
}

/* Row-major values of a tensor of any dtype, as doubles. */
static void values_of(const clade_tensor *t, double *out)
{
    double raw[64];
    int64_t n = clade_tensor_numel(t);
    size_t size = clade_dtype_size(clade_tensor_dtype(t));
    ck_assert_int_le(n, 64);
    ok(clade_tensor_read(t, raw, (size_t)n * size));
    for (int64_t i = 0; i < n; i++)
        out[i] = clade_dtype_get(clade_tensor_dtype(t), raw, (size_t)i);
}

static void check_values(const clade_tensor *t, int count, const double *expected)
{
    double got[64];
    ck_assert_int_eq(clade_tensor_numel(t), count);
    values_of(t, got);
    for (int i = 0; i < count; i++)
        ck_assert_msg(got[i] == expected[i], "element %d is %.17g, not %.17g", i, got[i],
                      expected[i]);
}

#define HOLDS(t, ...)                                                                              \
    check_values(t, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),                       \
                 (const double[]){__VA_ARGS__})

/* [2,3] of i32: 0 1 2 / 3 4 5. */
static clade_tensor *counting(void)
{
    return lent(CLADE_I32, CLADE_SHAPE(2, 3), (const int32_t[]){0, 1, 2, 3, 4, 5});
}

/* --- shapes and properties --- */

START_TEST(shapes)
{
    static const struct {
        clade_shape shape;
        int64_t numel;
    } rows[] = {
        {{0, {0}}, 1},
        {{2, {128, 784}}, 100352},
        {{3, {4, 0, 5}}, 0},
        {{8, {2, 2, 2, 2, 2, 2, 2, 2}}, 256},
        {{1, {INT32_MAX}}, INT32_MAX},
        {{1, {(int64_t)INT32_MAX + 1}}, -1},
        {{2, {65536, 32768}}, -1},
        {{4, {INT64_MAX, INT64_MAX, INT64_MAX, 2}}, -1},
        {{3, {INT64_MAX, 2, 0}}, -1},
        {{2, {3, -1}}, -1},
        {{9, {1, 1, 1, 1, 1, 1, 1, 1}}, -1},
        {{-1, {0}}, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(clade_shape_numel(&rows[i].shape) == rows[i].numel, "row %zu", i);
    clade_shape a = CLADE_SHAPE(2, 3), b = CLADE_SHAPE(2, 3), c = CLADE_SHAPE(2, 3, 1);
    clade_shape d = CLADE_SHAPE(3, 2), scalar = clade_shape_scalar();
    ck_assert(clade_shape_equal(&a, &b) && !clade_shape_equal(&a, &c));
    ck_assert(!clade_shape_equal(&a, &d) && !clade_shape_equal(&a, &scalar));
    clade_shape nine = CLADE_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1);
    ck_assert_int_eq(clade_shape_numel(&nine), -1);
}
END_TEST

START_TEST(dtypes)
{
    static const struct {
        clade_dtype dtype;
        size_t size;
        const char *name;
        bool is_float;
    } rows[] = {
        {CLADE_F32, 4, "f32", true},        {CLADE_F64, 8, "f64", true},
        {CLADE_I32, 4, "i32", false},       {CLADE_U8, 1, "u8", false},
        {CLADE_F16, 2, "f16", true},        {CLADE_BF16, 2, "bf16", true},
        {CLADE_DTYPE_COUNT, 0, "?", false}, {(clade_dtype)-1, 0, "?", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_eq(clade_dtype_size(rows[i].dtype), rows[i].size);
        ck_assert_str_eq(clade_dtype_name(rows[i].dtype), rows[i].name);
        ck_assert(clade_dtype_is_float(rows[i].dtype) == rows[i].is_float);
    }
}
END_TEST

START_TEST(properties)
{
    clade_tensor *t;
    ok(clade_tensor_create(&t, ctx, CLADE_U8, CLADE_SHAPE(2, 3, 4)));
    clade_shape shape = clade_tensor_shape(t), expected = CLADE_SHAPE(2, 3, 4);
    ck_assert(clade_shape_equal(&shape, &expected));
    ck_assert_ptr_eq(clade_tensor_context(t), ctx);
    ck_assert_int_eq(clade_tensor_dtype(t), CLADE_U8);
    ck_assert_int_eq(clade_tensor_ndim(t), 3);
    ck_assert_int_eq(clade_tensor_numel(t), 24);
    ck_assert(clade_tensor_is_contiguous(t));
    static const int64_t dims[] = {-1, 2, 3, 4, 2, 3, 4, -1}; /* of the axes -4 to 3 */
    static const int64_t strides[] = {0, 12, 4, 1, 12, 4, 1, 0};
    for (int axis = -4; axis < 4; axis++) {
        ck_assert_int_eq(clade_tensor_dim(t, axis), dims[axis + 4]);
        ck_assert_int_eq(clade_tensor_stride(t, axis), strides[axis + 4]);
    }
    clade_tensor *view = clade_transpose(t, 0, 2);
    ck_assert(!clade_tensor_is_contiguous(view));
    ck_assert_int_eq(clade_tensor_stride(view, 0), 1);
    ck_assert_int_eq(clade_tensor_stride(view, -1), 12);
    clade_tensor *wide = clade_expand(t, CLADE_SHAPE(5, 2, 3, 4));
    ck_assert_int_eq(clade_tensor_stride(wide, 0), 0);
    clade_tensor_free(&t);
    ck_assert_ptr_null(t);
}
END_TEST

/* --- the host's side --- */

START_TEST(every_dtype_comes_back)
{
    static const float f32[] = {-1.5f, 0, 3e38f, 1e-30f};
    static const double f64[] = {-1.5, 0, 1e300, 1.0000000000000002};
    static const int32_t i32[] = {INT32_MIN, -1, 16777217, INT32_MAX};
    static const uint8_t u8[] = {0, 1, 128, 255};
    HOLDS(lent(CLADE_F32, CLADE_SHAPE(4), f32), -1.5, 0, 3e38f, 1e-30f);
    HOLDS(lent(CLADE_I32, CLADE_SHAPE(2, 2), i32), INT32_MIN, -1, 16777217, INT32_MAX);
    HOLDS(lent(CLADE_U8, CLADE_SHAPE(4, 1), u8), 0, 1, 128, 255);
    if (has_f64())
        HOLDS(lent(CLADE_F64, CLADE_SHAPE(4), f64), -1.5, 0, 1e300, 1.0000000000000002);
}
END_TEST

START_TEST(single_elements)
{
    double value = 0;
    ok(clade_tensor_item(lent(CLADE_F32, clade_shape_scalar(), (const float[]){2.5f}), &value));
    ck_assert(value == 2.5);
    ok(clade_tensor_item(lent(CLADE_I32, CLADE_SHAPE(1, 1), (const int32_t[]){-7}), &value));
    ck_assert(value == -7);
    ok(clade_tensor_item(lent(CLADE_U8, CLADE_SHAPE(1), (const uint8_t[]){255}), &value));
    ck_assert(value == 255);
    ok(clade_tensor_item(clade_slice(clade_slice(counting(), 0, 1, 2, 1), 1, 2, 3, 1), &value));
    ck_assert(value == 5);
    if (has_f64()) {
        ok(clade_tensor_item(lent(CLADE_F64, CLADE_SHAPE(1), (const double[]){1e300}), &value));
        ck_assert(value == 1e300);
    }
}
END_TEST

START_TEST(empty_tensors)
{
    char none = 0;
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, CLADE_F32, CLADE_SHAPE(3, 0), &none));
    ck_assert_int_eq(clade_tensor_numel(t), 0);
    ok(clade_tensor_write(t, &none, 0));
    ok(clade_tensor_read(t, &none, 0));
    ok(clade_tensor_fill(t, 1));
    ok(clade_tensor_copy(t, t));
    ok(clade_tensor_copy(t, lent(CLADE_I32, CLADE_SHAPE(3, 1), (const int32_t[]){1, 2, 3})));
    clade_tensor_free(&t);
}
END_TEST

START_TEST(views_are_read_in_their_order)
{
    clade_tensor *t = counting();
    HOLDS(clade_transpose(t, 0, 1), 0, 3, 1, 4, 2, 5);
    HOLDS(clade_slice(t, 1, 0, 3, 2), 0, 2, 3, 5);
    HOLDS(clade_slice(t, 0, 1, 2, 1), 3, 4, 5);
    HOLDS(clade_expand(clade_slice(t, 1, 1, 2, 1), CLADE_SHAPE(2, 2, 2)), 1, 1, 4, 4, 1, 1, 4, 4);
}
END_TEST

START_TEST(views_are_written_through)
{
    clade_tensor *t = counting();
    static const int32_t four[] = {10, 20, 30, 40}, six[] = {10, 11, 12, 13, 14, 15};
    ok(clade_tensor_write(clade_slice(t, 1, 0, 3, 2), four, sizeof four));
    HOLDS(t, 10, 1, 20, 30, 4, 40);
    ok(clade_tensor_write(clade_transpose(t, 0, 1), six, sizeof six));
    HOLDS(t, 10, 12, 14, 11, 13, 15);
    ok(clade_tensor_write(clade_slice(t, 0, 1, 2, 1), six, 3 * sizeof *six));
    HOLDS(t, 10, 12, 14, 10, 11, 12);
}
END_TEST

START_TEST(host_memory_may_be_reused_at_once)
{
    int32_t data[6] = {0, 1, 2, 3, 4, 5};
    clade_tensor *t = lent(CLADE_I32, CLADE_SHAPE(2, 3), data);
    memset(data, 0xff, sizeof data);
    HOLDS(t, 0, 1, 2, 3, 4, 5);
    data[0] = data[1] = data[2] = 7;
    ok(clade_tensor_write(clade_slice(t, 0, 0, 1, 1), data, 3 * sizeof *data));
    memset(data, 0, sizeof data);
    HOLDS(t, 7, 7, 7, 3, 4, 5);
}
END_TEST

/* --- on the device --- */

START_TEST(copies_convert)
{
    static const clade_dtype types[] = {CLADE_F32, CLADE_I32, CLADE_U8, CLADE_F64};
    int count = has_f64() ? 4 : 3;
    for (int from = 0; from < count; from++)
        for (int to = 0; to < count; to++) {
            clade_tensor *src = clade_full(ctx, types[from], CLADE_SHAPE(2, 3), 0);
            ok(clade_tensor_fill(clade_slice(src, 1, 1, 2, 1), 200));
            clade_tensor *dst = clade_full(ctx, types[to], CLADE_SHAPE(2, 3), 9);
            ok(clade_tensor_copy(dst, src));
            HOLDS(dst, 0, 200, 0, 0, 200, 0);
        }
    clade_tensor *floats = lent(CLADE_F32, CLADE_SHAPE(4), (const float[]){-2.9f, 2.9f, 0.5f, 7});
    clade_tensor *ints = clade_full(ctx, CLADE_I32, CLADE_SHAPE(4), 9);
    ok(clade_tensor_copy(ints, floats));
    HOLDS(ints, -2, 2, 0, 7);
    /* What f32 cannot hold passes from i32 to i32 unharmed, through views too. */
    clade_tensor *large = lent(CLADE_I32, CLADE_SHAPE(2, 2),
                               (const int32_t[]){16777217, INT32_MAX, INT32_MIN, -16777217});
    clade_tensor *copy = clade_full(ctx, CLADE_I32, CLADE_SHAPE(2, 2), 0);
    ok(clade_tensor_copy(copy, clade_transpose(large, 0, 1)));
    HOLDS(copy, 16777217, INT32_MIN, INT32_MAX, -16777217);
}
END_TEST

START_TEST(copies_broadcast_and_go_into_views)
{
    clade_tensor *t = clade_full(ctx, CLADE_I32, CLADE_SHAPE(2, 3), -1);
    clade_tensor *row = lent(CLADE_U8, CLADE_SHAPE(3), (const uint8_t[]){1, 2, 3});
    clade_tensor *column = lent(CLADE_I32, CLADE_SHAPE(2, 1), (const int32_t[]){4, 5});
    ok(clade_tensor_copy(t, row));
    HOLDS(t, 1, 2, 3, 1, 2, 3);
    ok(clade_tensor_copy(t, column));
    HOLDS(t, 4, 4, 4, 5, 5, 5);
    ok(clade_tensor_copy(clade_slice(t, 1, 0, 3, 2), clade_slice(row, 0, 1, 2, 1)));
    HOLDS(t, 2, 4, 2, 2, 5, 2);
    ok(clade_tensor_copy(clade_transpose(t, 0, 1), clade_transpose(counting(), 0, 1)));
    HOLDS(t, 0, 1, 2, 3, 4, 5);
}
END_TEST

START_TEST(copies_within_one_memory)
{
    enum { N = 40 };
    int32_t data[N * N], got[N * N];
    for (int i = 0; i < N * N; i++)
        data[i] = i;
    clade_tensor *t = lent(CLADE_I32, CLADE_SHAPE(N, N), data);
    ok(clade_tensor_copy(t, clade_transpose(t, 0, 1)));
    ok(clade_tensor_read(t, got, sizeof got));
    for (int i = 0; i < N * N; i++)
        ck_assert_int_eq(got[i], i % N * N + i / N);
    ok(clade_tensor_write(t, data, sizeof data));
    ok(clade_tensor_copy(clade_slice(t, 0, 1, N, 1), clade_slice(t, 0, 0, N - 1, 1)));
    ok(clade_tensor_read(t, got, sizeof got));
    for (int i = 0; i < N * N; i++)
        ck_assert_int_eq(got[i], i < N ? i : i - N);
    ok(clade_tensor_write(t, data, sizeof data));
    ok(clade_tensor_copy(t, clade_slice(t, 0, N - 1, N, 1)));
    ok(clade_tensor_read(t, got, sizeof got));
    for (int i = 0; i < N * N; i++)
        ck_assert_int_eq(got[i], N * (N - 1) + i % N);
}
END_TEST

START_TEST(fills)
{
    clade_tensor *t = counting();
    ok(clade_tensor_fill(clade_slice(t, 1, 1, 2, 1), -16777217));
    HOLDS(t, 0, -16777217, 2, 3, -16777217, 5);
    ok(clade_tensor_fill(t, INT32_MAX));
    HOLDS(t, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
    ok(clade_tensor_fill(t, -2.9));
    HOLDS(clade_slice(t, 0, 0, 1, 1), -2, -2, -2);
    clade_tensor *bytes = clade_full(ctx, CLADE_U8, CLADE_SHAPE(2), 0);
    ok(clade_tensor_fill(bytes, 255.5));
    HOLDS(bytes, 255, 255);
    clade_tensor *floats = clade_full(ctx, CLADE_F32, clade_shape_scalar(), 0);
    ok(clade_tensor_fill(floats, 0.1));
    HOLDS(floats, 0.1f);
    if (has_f64()) {
        clade_tensor *doubles = clade_full(ctx, CLADE_F64, CLADE_SHAPE(1), 0);
        ok(clade_tensor_fill(doubles, 0.1));
        HOLDS(doubles, 0.1);
    }
}
END_TEST

/* --- ownership --- */

START_TEST(scopes_nest)
{
    uint64_t before = memory().live_bytes;
    clade_tensor *outer = clade_full(ctx, CLADE_F32, CLADE_SHAPE(1000), 1);
    uint64_t with_outer = memory().live_bytes;
    ck_assert_uint_ge(with_outer, before + 4000);
    ok(clade_scope_begin(ctx));
    ok(clade_scope_begin(ctx));
    ck_assert_ptr_nonnull(clade_add(outer, outer));
    ok(clade_scope_end(ctx));
    ck_assert_uint_eq(memory().live_bytes, with_outer);
    clade_tensor *kept = clade_tensor_retain(clade_add(outer, outer));
    ok(clade_scope_end(ctx));
    ck_assert_uint_gt(memory().live_bytes, with_outer);
    float values[1000];
    ok(clade_tensor_read(kept, values, sizeof values));
    ck_assert(values[0] == 2 && values[999] == 2);
    clade_tensor_free(&kept);
    ck_assert_uint_eq(memory().live_bytes, with_outer);
}
END_TEST

START_TEST(opening_a_scope_forgets_the_error)
{
    ck_assert_ptr_null(clade_transpose(counting(), 0, 2));
    ck_assert_int_eq(clade_last_error()->status, CLADE_ERR_SHAPE);
    ok(clade_scope_begin(ctx));
    ck_assert_int_eq(clade_last_error()->status, CLADE_OK);
    ck_assert_str_eq(clade_last_error()->message, "");
    ok(clade_scope_end(ctx));
}
END_TEST

START_TEST(views_keep_the_memory)
{
    clade_tensor *t;
    static const int32_t data[] = {0, 1, 2, 3, 4, 5};
    uint64_t before = memory().live_bytes;
    ok(clade_tensor_from_host(&t, ctx, CLADE_I32, CLADE_SHAPE(2, 3), data));
    ok(clade_scope_begin(ctx));
    clade_tensor *view = clade_tensor_retain(clade_slice(t, 1, 2, 3, 1));
    clade_tensor_free(&t);
    ok(clade_scope_end(ctx));
    HOLDS(view, 2, 5);
    ck_assert_uint_gt(memory().live_bytes, before);
    clade_tensor_free(&view);
    ck_assert_uint_eq(memory().live_bytes, before);
}
END_TEST

START_TEST(freeing_accepts_nothing)
{
    clade_tensor *t = NULL;
    clade_context *none = NULL;
    clade_tensor_free(NULL);
    clade_tensor_free(&t);
    clade_context_free(NULL);
    clade_context_free(&none);
    ck_assert_ptr_null(clade_tensor_retain(NULL));
    ck_assert_ptr_null(clade_context_device(NULL));
}
END_TEST

START_TEST(owners_count)
{
    clade_tensor *t;
    uint64_t before = memory().live_bytes;
    ok(clade_tensor_create(&t, ctx, CLADE_F32, CLADE_SHAPE(10)));
    clade_tensor *also = clade_tensor_retain(t);
    ck_assert_ptr_eq(also, t);
    clade_tensor_free(&t);
    ok(clade_tensor_fill(also, 3));
    HOLDS(clade_slice(also, 0, 0, 2, 1), 3, 3);
    ck_assert_uint_gt(memory().live_bytes, before);
    clade_tensor_free(&also);
    ok(clade_scope_end(ctx)); /* the view above */
    ok(clade_scope_begin(ctx));
    ck_assert_uint_eq(memory().live_bytes, before);
}
END_TEST

START_TEST(a_context_takes_its_open_scopes_along)
{
    clade_context *other;
    ok(clade_context_create(&other, NULL));
    ok(clade_scope_begin(other));
    ok(clade_tape_begin(other));
    clade_tensor *t = clade_full(other, CLADE_F32, CLADE_SHAPE(3), 1);
    ok(clade_scope_begin(other));
    ck_assert_ptr_nonnull(clade_exp(t));
    clade_context_free(&other);
    ck_assert_ptr_null(other);
}
END_TEST

/* --- memory --- */

START_TEST(memory_is_counted_and_reused)
{
    clade_tensor *a, *b;
    clade_memory_stats start = memory();
    ok(clade_tensor_create(&a, ctx, CLADE_F32, CLADE_SHAPE(1 << 18)));
    clade_memory_stats one = memory();
    ck_assert_uint_ge(one.live_bytes, start.live_bytes + (1u << 20));
    ck_assert_uint_eq(one.allocations, start.allocations + 1);
    ck_assert_uint_ge(one.peak_bytes, one.live_bytes);
    clade_tensor_free(&a);
    clade_memory_stats freed = memory();
    ck_assert_uint_eq(freed.live_bytes, start.live_bytes);
    ck_assert_uint_eq(freed.cached_bytes, start.cached_bytes + one.live_bytes - start.live_bytes);
    ck_assert_uint_eq(freed.peak_bytes, one.peak_bytes);
    ok(clade_tensor_create(&b, ctx, CLADE_U8, CLADE_SHAPE(1 << 20)));
    ck_assert_uint_eq(memory().allocations, one.allocations);
    clade_tensor_free(&b);
    ok(clade_context_trim(ctx));
    ck_assert_uint_eq(memory().cached_bytes, 0);
    ok(clade_tensor_create(&b, ctx, CLADE_U8, CLADE_SHAPE(1 << 20)));
    ck_assert_uint_eq(memory().allocations, one.allocations + 1);
    clade_tensor_free(&b);
}
END_TEST

START_TEST(contexts_are_independent)
{
    clade_context *other;
    clade_tensor *t;
    uint64_t live = memory().live_bytes;
    ok(clade_context_create(&other, &(clade_context_params){.no_memory_pool = true}));
    ok(clade_tensor_create(&t, other, CLADE_F32, CLADE_SHAPE(100)));
    ck_assert_uint_eq(memory().live_bytes, live);
    ck_assert_ptr_eq(clade_tensor_context(t), other);
    ok(clade_tensor_fill(t, 2));
    clade_memory_stats stats;
    clade_tensor_free(&t);
    ok(clade_context_finish(other));
    ok(clade_context_memory(other, &stats));
    ck_assert_uint_eq(stats.live_bytes + stats.cached_bytes, 0);
    clade_context_free(&other);
    HOLDS(counting(), 0, 1, 2, 3, 4, 5);
}
END_TEST

int main(void)
{
    return RUN("tensor", shapes, dtypes, properties, every_dtype_comes_back, single_elements,
               empty_tensors, views_are_read_in_their_order, views_are_written_through,
               host_memory_may_be_reused_at_once, copies_convert,
               copies_broadcast_and_go_into_views, copies_within_one_memory, fills, scopes_nest,
               opening_a_scope_forgets_the_error, views_keep_the_memory, freeing_accepts_nothing,
               owners_count, a_context_takes_its_open_scopes_along, memory_is_counted_and_reused,
               contexts_are_independent);
}
