/* What index_select and gather promise beyond op_cases: indices outside the axis, and the order in
 * which gradients are added; and concat of as many tensors as it takes. */
#include "tensor_testing.h"

#include <math.h>

START_TEST(outside_yields_nan_or_zero_and_no_gradient)
{
    const float x[] = {1, 2, 3, 4, 5, 6}, up[] = {1, 1, 1, 1, 1, 1, 1, 1};
    const int32_t places[] = {2, -1, 3, 0}, integers[] = {7, 8, 9};
    const int32_t columns[] = {INT32_MIN, 1, INT32_MAX, 2, 1, 1};
    const uint8_t bytes[] = {7, 8, 9};
    float got[8], grad[6];
    ok(clade_tape_begin(ctx));
    clade_tensor *t, *index = lent(CLADE_I32, CLADE_SHAPE(4), places);
    ok(clade_tensor_from_host(&t, ctx, CLADE_F32, CLADE_SHAPE(3, 2), x));
    ok(clade_tensor_set_requires_grad(t, true));
    clade_tensor *y = clade_index_select(t, 0, index);
    ok(clade_tensor_read(y, got, sizeof got));
    ck_assert(got[0] == 5 && got[1] == 6 && got[6] == 1 && got[7] == 2);
    for (int i = 2; i < 6; i++)
        ck_assert(isnan(got[i]));
    ok(clade_backward_from(y, lent(CLADE_F32, CLADE_SHAPE(4, 2), up)));
    ok(clade_tensor_read(clade_tensor_grad(t), grad, sizeof grad));
    ck_assert(grad[0] == 1 && grad[1] == 1 && grad[2] == 0 && grad[3] == 0 && grad[4] == 1);

    y = clade_gather(t, 1, lent(CLADE_I32, CLADE_SHAPE(3, 2), columns));
    ok(clade_tensor_read(y, got, 6 * sizeof *got));
    ck_assert(isnan(got[0]) && got[1] == 2 && isnan(got[2]) && isnan(got[3]) && got[4] == 6);
    ok(clade_tensor_zero_grad(t));
    ok(clade_backward_from(y, lent(CLADE_F32, CLADE_SHAPE(3, 2), up)));
    ok(clade_tensor_read(clade_tensor_grad(t), grad, sizeof grad));
    ck_assert(grad[0] == 0 && grad[1] == 1 && grad[2] == 0 && grad[3] == 0 && grad[5] == 2);

    int32_t words[4];
    uint8_t small[4];
    y = clade_index_select(lent(CLADE_I32, CLADE_SHAPE(3), integers), 0, index);
    ok(clade_tensor_read(y, words, sizeof words));
    ck_assert(words[0] == 9 && words[1] == 0 && words[2] == 0 && words[3] == 7);
    y = clade_index_select(lent(CLADE_U8, CLADE_SHAPE(3), bytes), 0, index);
    ok(clade_tensor_read(y, small, sizeof small));
    ck_assert(small[0] == 9 && small[1] == 0 && small[2] == 0 && small[3] == 7);
    /* nothing to take from */
    y = clade_index_select(clade_slice(t, 0, 1, 1, 1), 0, index);
    ok(clade_tensor_read(y, got, sizeof got));
    ck_assert(isnan(got[0]) && isnan(got[7]));
    ok(clade_tape_end(ctx));
    clade_tensor_free(&t);
}
END_TEST

#define PICKS      600
#define PLACES     50
#define MOST_INNER 37

/* The gradient of x [PLACES,inner] by gather or index_select is, bit by bit, what adding one pick
 * after the other gives. */
static void check_order(int inner, bool gather)
{
    static float up[PICKS * MOST_INNER], expected[PLACES * MOST_INNER], got[PLACES * MOST_INNER];
    static int32_t index[PICKS * MOST_INNER];
    uint32_t state = 1;
    memset(expected, 0, sizeof expected);
    for (int p = 0; p < PICKS; p++) {
        for (int i = 0; i < inner; i++) {
            state = state * 1664525u + 1013904223u;
            up[p * inner + i] = (float)((double)state / 0x1p31 - 1) * ((state >> 8) % 7 ? 1 : 1e4f);
            int at = gather ? p * inner + i : p;
            if (gather || i == 0)
                index[at] = (int32_t)(state >> 16) % PLACES;
            volatile float *sum = &expected[index[at] * inner + i];
            *sum += up[p * inner + i];
        }
    }
    ok(clade_tape_begin(ctx));
    clade_tensor *t;
    ok(clade_tensor_create(&t, ctx, CLADE_F32, CLADE_SHAPE(PLACES, inner)));
    ok(clade_tensor_fill(t, 1));
    ok(clade_tensor_set_requires_grad(t, true));
    clade_tensor *y = gather ? clade_gather(t, 0, lent(CLADE_I32, CLADE_SHAPE(PICKS, inner), index))
                             : clade_index_select(t, 0, lent(CLADE_I32, CLADE_SHAPE(PICKS), index));
    ok(clade_backward_from(y, lent(CLADE_F32, CLADE_SHAPE(PICKS, inner), up)));
    size_t bytes = (size_t)(PLACES * inner) * sizeof *got;
    ok(clade_tensor_read(clade_tensor_grad(t), got, bytes));
    ck_assert_msg(!memcmp(got, expected, bytes), "inner %d, gather %d", inner, gather);
    ok(clade_tape_end(ctx));
    clade_tensor_free(&t);
}

START_TEST(gradients_add_up_in_the_order_of_the_index)
{
    const char *const shapes[] = {"cpu", "gpu"};
    for (int s = 0; s < 2; s++) {
        teardown();
        setenv("CLADE_KERNEL_SHAPE", shapes[s], 1);
        setup();
        for (int inner = 1; inner <= MOST_INNER; inner += 12) {
            check_order(inner, false);
            check_order(inner, true);
        }
    }
    unsetenv("CLADE_KERNEL_SHAPE");
}
END_TEST

START_TEST(errors_name_the_shapes)
{
    const float x[6] = {0};
    const int32_t i[6] = {0};
    clade_tensor *t = lent(CLADE_F32, CLADE_SHAPE(3, 2), x);
    clade_tensor *index = lent(CLADE_I32, CLADE_SHAPE(4), i);
    null_with(clade_index_select(t, 2, index), CLADE_ERR_SHAPE, "no axis 2 in [3,2]");
    null_with(clade_index_select(t, 0, t), CLADE_ERR_DTYPE, "the index is f32, not i32");
    null_with(clade_index_select(t, 0, lent(CLADE_I32, CLADE_SHAPE(2, 3), i)), CLADE_ERR_SHAPE,
              "index_select: the index [2,3]");
    null_with(clade_gather(t, 1, index), CLADE_ERR_SHAPE, "gather: [3,2] and index [4]");
    null_with(clade_gather(t, 1, lent(CLADE_I32, CLADE_SHAPE(2, 2), i)), CLADE_ERR_SHAPE,
              "gather: [3,2] and index [2,2] differ off axis 1");
    null_with(clade_gather(t, 1, NULL), CLADE_ERR_ARGUMENT, "gather: an input is NULL");
}
END_TEST

START_TEST(concat_takes_up_to_64)
{
    clade_tensor *parts[65];
    int32_t got[64], one = 0;
    for (int i = 0; i < 65; i++) {
        one = i;
        parts[i] = lent(CLADE_I32, CLADE_SHAPE(1), &one);
    }
    ok(clade_tensor_read(clade_concat(parts, 64, 0), got, sizeof got));
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(got[i], i);
    null_with(clade_concat(parts, 65, 0), CLADE_ERR_ARGUMENT, "concat: 65 inputs");
    null_with(clade_concat(parts, 0, 0), CLADE_ERR_ARGUMENT, "concat: 0 inputs");
    null_with(clade_concat(NULL, 1, 0), CLADE_ERR_ARGUMENT, "tensors is NULL");
    null_with(clade_concat(parts, 2, 1), CLADE_ERR_SHAPE, "concat: no axis 1 in [1]");
    parts[1] = clade_reshape(parts[1], CLADE_SHAPE(1, 1));
    null_with(clade_concat(parts, 2, 0), CLADE_ERR_SHAPE, "concat: [1] and [1,1]");
    parts[1] = clade_cast(parts[0], CLADE_F32);
    null_with(clade_concat(parts, 2, 0), CLADE_ERR_DTYPE, "concat: inputs differ in dtype");
    null_with(clade_cast(parts[0], (clade_dtype)9), CLADE_ERR_DTYPE, "cast: 9 is no dtype");
}
END_TEST

START_TEST(gradients_reach_all_64)
{
    clade_tensor *parts[64];
    float up[128];
    for (int i = 0; i < 128; i++)
        up[i] = (float)i;
    ok(clade_tape_begin(ctx));
    for (int i = 0; i < 64; i++) {
        ok(clade_tensor_create(&parts[i], ctx, CLADE_F32, CLADE_SHAPE(2, 1)));
        ok(clade_tensor_fill(parts[i], i));
        ok(clade_tensor_set_requires_grad(parts[i], true));
    }
    ok(clade_backward_from(clade_concat(parts, 64, 1), lent(CLADE_F32, CLADE_SHAPE(2, 64), up)));
    for (int i = 0; i < 64; i++) {
        float got[2];
        ok(clade_tensor_read(clade_tensor_grad(parts[i]), got, sizeof got));
        ck_assert(got[0] == up[i] && got[1] == up[64 + i]);
    }
    ok(clade_tape_end(ctx));
    for (int i = 0; i < 64; i++)
        clade_tensor_free(&parts[i]);
}
END_TEST

int main(void)
{
    return RUN("index", outside_yields_nan_or_zero_and_no_gradient,
               gradients_add_up_in_the_order_of_the_index, errors_name_the_shapes,
               concat_takes_up_to_64, gradients_reach_all_64);
}
