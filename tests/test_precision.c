/* f16 and bf16 on the device: conversions against those of the host, and that arithmetic is f32's
 * with one rounding at its end. */
#include <float.h>
#include <math.h>

#include "tensor_testing.h"

static const clade_dtype narrow[] = {CLADE_F16, CLADE_BF16};

/* A tensor's bits. */
static void read_bits(const clade_tensor *t, uint16_t *bits)
{
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(t, bits, (size_t)clade_tensor_numel(t) * sizeof *bits));
}

static void same_bits(const clade_tensor *a, const clade_tensor *b, const char *what)
{
    static uint16_t left[1 << 16], right[1 << 16];
    ck_assert_int_eq(clade_tensor_numel(a), clade_tensor_numel(b));
    read_bits(a, left);
    read_bits(b, right);
    for (int64_t i = 0; i < clade_tensor_numel(a); i++)
        ck_assert_msg(left[i] == right[i], "%s: element %lld is %04x, not %04x", what, (long long)i,
                      left[i], right[i]);
}

START_TEST(every_number_becomes_f32)
{
    static uint16_t bits[1 << 16];
    static float got[1 << 16];
    for (int i = 0; i < 1 << 16; i++)
        bits[i] = (uint16_t)i;
    for (int d = 0; d < 2; d++) {
        clade_tensor *wide = clade_cast(lent(narrow[d], CLADE_SHAPE(1 << 16), bits), CLADE_F32);
        ok(clade_tensor_read(wide, got, sizeof got));
        for (int i = 0; i < 1 << 16; i++) {
            float expected = (float)clade_dtype_get(narrow[d], bits, (size_t)i);
            ck_assert_msg(isnan(expected)
                              ? isnan(got[i])
                              : got[i] == expected && !signbit(got[i]) == !signbit(expected),
                          "%s %04x is %.9g, not %.9g", clade_dtype_name(narrow[d]), i,
                          (double)got[i], (double)expected);
        }
    }
}
END_TEST

/* Around every halfway point between two numbers, and elsewhere. */
static void interesting(clade_dtype dtype, float *x)
{
    for (int i = 0; i < 1 << 16; i++) {
        uint16_t pair[2] = {(uint16_t)(i / 2 % 0x7f80), (uint16_t)(i / 2 % 0x7f80 + 1)};
        float middle =
            (float)((clade_dtype_get(dtype, pair, 0) + clade_dtype_get(dtype, pair, 1)) / 2);
        x[i] = i % 2 ? nextafterf(middle, i % 4 == 1 ? 0.f : INFINITY) : middle;
        if (i % 3 == 0)
            x[i] = -x[i];
        uint32_t bits = (uint32_t)i * 65519u;
        if (i % 5 == 0)
            memcpy(&x[i], &bits, sizeof bits);
    }
}

START_TEST(f32_is_rounded_as_on_the_host)
{
    static float x[1 << 16];
    static uint16_t got[1 << 16];
    for (int d = 0; d < 2; d++) {
        interesting(narrow[d], x);
        read_bits(clade_cast(lent(CLADE_F32, CLADE_SHAPE(1 << 16), x), narrow[d]), got);
        for (int i = 0; i < 1 << 16; i++) {
            uint16_t expected;
            clade_dtype_set(narrow[d], &expected, 0, (double)x[i]);
            bool both_nan = isnan(x[i]) && isnan(clade_dtype_get(narrow[d], got, (size_t)i));
            ck_assert_msg(got[i] == expected || both_nan, "%s of %.9g is %04x, not %04x",
                          clade_dtype_name(narrow[d]), (double)x[i], got[i], expected);
        }
    }
}
END_TEST

START_TEST(fills_items_and_views)
{
    for (int d = 0; d < 2; d++) {
        double value, expected;
        uint16_t bits, all[6];
        clade_dtype_set(narrow[d], &bits, 0, 0.1);
        expected = clade_dtype_get(narrow[d], &bits, 0);
        clade_tensor *t = clade_full(ctx, narrow[d], CLADE_SHAPE(2, 3), 0.1);
        ok(clade_tensor_item(clade_slice(clade_slice(t, 0, 1, 2, 1), 1, 2, 3, 1), &value));
        ck_assert_double_eq(value, expected);
        ok(clade_tensor_fill(clade_slice(t, 1, 1, 2, 1), 3));
        read_bits(clade_transpose(t, 0, 1), all);
        for (size_t i = 0; i < 6; i++)
            ck_assert_double_eq(clade_dtype_get(narrow[d], all, i), i / 2 == 1 ? 3 : expected);
        clade_tensor *copy = clade_full(ctx, narrow[d], CLADE_SHAPE(3, 2), 0);
        ok(clade_tensor_copy(copy, clade_transpose(t, 0, 1)));
        same_bits(copy, clade_transpose(t, 0, 1), "copy");
        /* PyTorch's conversions: exact between integers and floats as far as they reach. */
        clade_tensor *counts =
            clade_cast(clade_full(ctx, CLADE_I32, CLADE_SHAPE(2), 77), narrow[d]);
        ok(clade_tensor_item(clade_slice(clade_cast(counts, CLADE_U8), 0, 0, 1, 1), &value));
        ck_assert_double_eq(value, 77);
    }
}
END_TEST

/* In f16 alone the sum of ones would stop at 2048, in bf16 at 256. */
START_TEST(sums_are_f32)
{
    for (int d = 0; d < 2; d++) {
        double value;
        ok(clade_tensor_item(
            clade_sum(clade_full(ctx, narrow[d], CLADE_SHAPE(40, 1024), 1), NULL, 0, false),
            &value));
        ck_assert_double_eq(value, 40960);
        const int first = 0;
        clade_tensor *columns =
            clade_sum(clade_full(ctx, narrow[d], CLADE_SHAPE(4096, 3), 1), &first, 1, false);
        ok(clade_tensor_item(clade_slice(columns, 0, 2, 3, 1), &value));
        ck_assert_double_eq(value, 4096);
    }
}
END_TEST

static clade_tensor *numbers(clade_dtype dtype, int64_t rows, int64_t cols)
{
    float x[1024];
    for (int i = 0; i < rows * cols; i++)
        x[i] = sinf(1.7f * (float)i) * (1 + (float)(i % 13));
    return clade_cast(lent(CLADE_F32, CLADE_SHAPE(rows, cols), x), dtype);
}

/* Ops with kernels that take f32 alone compute what f32 does, rounded once. */
START_TEST(results_are_those_of_f32_rounded_once)
{
    for (int d = 0; d < 2; d++) {
        clade_tensor *x = numbers(narrow[d], 6, 33), *w = numbers(narrow[d], 7, 33);
        clade_tensor *wide = clade_cast(x, CLADE_F32), *wide_w = clade_cast(w, CLADE_F32);
        same_bits(clade_softmax(x, 1), clade_cast(clade_softmax(wide, 1), narrow[d]), "softmax");
        same_bits(clade_linear_no_bias(x, w),
                  clade_cast(clade_linear_no_bias(wide, wide_w), narrow[d]), "linear");
        same_bits(clade_tanh(x), clade_cast(clade_tanh(wide), narrow[d]), "tanh");
        same_bits(clade_mean(x, NULL, 0, false),
                  clade_cast(clade_mean(wide, NULL, 0, false), narrow[d]), "mean");
        clade_tensor *best = clade_argmax(x, 1, false);
        ck_assert_int_eq(clade_tensor_dtype(best), CLADE_I32);
    }
}
END_TEST

START_TEST(dtypes_do_not_mix)
{
    clade_tensor *x = numbers(CLADE_F16, 2, 3), *y = numbers(CLADE_BF16, 2, 3);
    null_with(clade_add(x, y), CLADE_ERR_DTYPE, "f16 [2,3] and bf16 [2,3]");
    null_with(clade_matmul(x, clade_cast(y, CLADE_F32)), CLADE_ERR_DTYPE, "f16");
}
END_TEST

/* --- a recorded step computes what eager does, to the bit --------------------------------------
 */
typedef struct chain {
    clade_tensor *w, *out; /* in the dtype of x */
} chain;

static clade_status run_chain(void *user, clade_tensor *const *inputs, int count)
{
    chain *c = user;
    (void)count;
    CLADE_TRY(clade_scope_begin(ctx));
    clade_tensor *h = clade_linear_no_bias(inputs[0], c->w);
    clade_tensor *y = clade_mul(clade_add_scalar(clade_exp(clade_mul_scalar(h, 0.01)), 0.3), h);
    y = clade_add(y, clade_full(ctx, clade_tensor_dtype(y), CLADE_SHAPE(1), 0.1));
    return y ? clade_tensor_copy(c->out, y) : clade_last_error()->status;
}

START_TEST(steps_round_as_eager_calls)
{
    for (int d = 0; d < 2; d++) {
        clade_tensor *x = numbers(narrow[d], 6, 33);
        chain c = {numbers(narrow[d], 7, 33), clade_full(ctx, narrow[d], CLADE_SHAPE(6, 7), 0)};
        clade_tensor *first = clade_full(ctx, narrow[d], CLADE_SHAPE(6, 7), 0);
        clade_step *step;
        ok(clade_step_create(&step, ctx, run_chain, &c, NULL));
        ok(clade_step_run(step, &x, 1));
        ok(clade_tensor_copy(first, c.out));
        for (int i = 0; i < 2; i++) {
            ok(clade_step_run(step, &x, 1));
            same_bits(c.out, first, i ? "replayed" : "recorded");
        }
        clade_step_info info;
        ok(clade_step_get_info(step, &info));
        ck_assert_uint_eq(info.replays, 1);
        ck_assert_uint_lt(info.launches, info.recorded);
        clade_step_free(&step);
    }
}
END_TEST

int main(void)
{
    return RUN("precision", every_number_becomes_f32, f32_is_rounded_as_on_the_host,
               fills_items_and_views, sums_are_f32, results_are_those_of_f32_rounded_once,
               dtypes_do_not_mix, steps_round_as_eager_calls);
}
