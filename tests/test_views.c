/* What views promise besides values: which ops share memory, and which errors they report. */
#include "tensor_testing.h"

#include "base/error.h"
#include "tensor/tensor.h"

/* 0, 1, 2, ... */
static clade_tensor *counting(clade_shape shape)
{
    int32_t values[64];
    ck_assert(clade_shape_numel(&shape) <= 64);
    for (int i = 0; i < 64; i++)
        values[i] = i;
    return lent(CLADE_I32, shape, values);
}

/* Shape and values; whether a write to x shows in t. */
static void check(clade_tensor *x, clade_tensor *t, bool shares, clade_shape shape,
                  const int32_t *expected)
{
    int32_t got[64], changed[64];
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    clade_shape actual = clade_tensor_shape(t);
    ck_assert(clade_shape_equal(&actual, &shape));
    size_t bytes = (size_t)clade_tensor_numel(t) * sizeof *got;
    ok(clade_tensor_read(t, got, bytes));
    for (int i = 0; i < clade_tensor_numel(t); i++)
        ck_assert_msg(got[i] == expected[i], "element %d: %d, not %d", i, got[i], expected[i]);
    ok(clade_tensor_fill(x, -7));
    ok(clade_tensor_read(t, changed, bytes));
    for (int i = 0; i < clade_tensor_numel(t); i++)
        ck_assert_int_eq(changed[i], shares ? -7 : got[i]);
}

#define VALUES(...) ((const int32_t[]){__VA_ARGS__})

START_TEST(reshape_is_a_view_where_strides_allow)
{
    clade_tensor *x = counting(CLADE_SHAPE(2, 6));
    check(x, clade_reshape(x, CLADE_SHAPE(3, -1, 1)), true, CLADE_SHAPE(3, 4, 1),
          VALUES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    /* [2,4] of [2,6]: rows can be cut, not joined */
    x = counting(CLADE_SHAPE(2, 6));
    check(x, clade_reshape(clade_slice(x, 1, 0, 4, 1), CLADE_SHAPE(1, 2, 2, 2)), true,
          CLADE_SHAPE(1, 2, 2, 2), VALUES(0, 1, 2, 3, 6, 7, 8, 9));
    x = counting(CLADE_SHAPE(2, 6));
    check(x, clade_reshape(clade_slice(x, 1, 0, 4, 1), CLADE_SHAPE(8)), false, CLADE_SHAPE(8),
          VALUES(0, 1, 2, 3, 6, 7, 8, 9));
    /* every second element of a row steps like one dimension over rows of even length */
    x = counting(CLADE_SHAPE(2, 6));
    check(x, clade_reshape(clade_slice(x, 1, 0, 6, 2), CLADE_SHAPE(3, 2)), true, CLADE_SHAPE(3, 2),
          VALUES(0, 2, 4, 6, 8, 10));
    x = counting(CLADE_SHAPE(2, 3));
    check(x, clade_reshape(clade_transpose(x, 0, 1), CLADE_SHAPE(6)), false, CLADE_SHAPE(6),
          VALUES(0, 3, 1, 4, 2, 5));
    x = counting(CLADE_SHAPE(2, 1));
    check(x, clade_reshape(clade_expand(x, CLADE_SHAPE(2, 4)), CLADE_SHAPE(2, 2, 2)), true,
          CLADE_SHAPE(2, 2, 2), VALUES(0, 0, 0, 0, 1, 1, 1, 1));
    x = counting(CLADE_SHAPE(1, 1));
    check(x, clade_reshape(x, clade_shape_scalar()), true, clade_shape_scalar(), VALUES(0));
    x = counting(CLADE_SHAPE(0, 4));
    check(x, clade_reshape(x, CLADE_SHAPE(3, -1, 2)), true, CLADE_SHAPE(3, 0, 2), NULL);
}
END_TEST

START_TEST(the_others_are_views)
{
    clade_tensor *x = counting(CLADE_SHAPE(2, 3, 2));
    check(x, clade_permute(x, (const int[]){2, 0, -2}), true, CLADE_SHAPE(2, 2, 3),
          VALUES(0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11));
    x = counting(CLADE_SHAPE(2, 3));
    check(x, clade_transpose(x, -1, 0), true, CLADE_SHAPE(3, 2), VALUES(0, 3, 1, 4, 2, 5));
    x = counting(CLADE_SHAPE(2, 7));
    check(x, clade_slice(x, -1, -6, 100, 2), true, CLADE_SHAPE(2, 3), VALUES(1, 3, 5, 8, 10, 12));
    check(x, clade_slice(x, 1, 5, 3, 1), true, CLADE_SHAPE(2, 0), NULL);
    x = counting(CLADE_SHAPE(0, 5));
    clade_tensor *tail = clade_slice(x, 1, 3, 5, 1);
    check(x, tail, true, CLADE_SHAPE(0, 2), NULL);
    ok(clade_tensor_copy(counting(CLADE_SHAPE(0, 2)), tail));
    x = counting(CLADE_SHAPE(7));
    check(x, clade_slice(x, 0, INT64_MIN, INT64_MAX, INT64_MAX), true, CLADE_SHAPE(1), VALUES(0));
    x = counting(CLADE_SHAPE(3, 1));
    check(x, clade_expand(x, CLADE_SHAPE(2, -1, 2)), true, CLADE_SHAPE(2, 3, 2),
          VALUES(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2));
}
END_TEST

START_TEST(contiguous_copies_only_when_it_must)
{
    clade_tensor *x = counting(CLADE_SHAPE(2, 3));
    ck_assert_ptr_eq(clade_contiguous(x), x);
    clade_tensor *copy = clade_contiguous(clade_transpose(x, 0, 1));
    ck_assert(clade_tensor_is_contiguous(copy));
    check(x, copy, false, CLADE_SHAPE(3, 2), VALUES(0, 3, 1, 4, 2, 5));
}
END_TEST

START_TEST(errors_name_the_shapes)
{
    clade_tensor *x = counting(CLADE_SHAPE(2, 3)), *one = counting(CLADE_SHAPE(1));
    clade_tensor *none = counting(CLADE_SHAPE(0, 3));
    null_with(clade_reshape(x, CLADE_SHAPE(4, 2)), CLADE_ERR_SHAPE,
              "reshape: [2,3] does not fit [4,2]");
    null_with(clade_reshape(x, CLADE_SHAPE(4, -1)), CLADE_ERR_SHAPE, "[2,3] does not fit [4,-1]");
    null_with(clade_reshape(x, CLADE_SHAPE(-2, -3)), CLADE_ERR_SHAPE, "does not fit [-2,-3]");
    null_with(clade_reshape(x, CLADE_SHAPE(-1, -1)), CLADE_ERR_SHAPE, "more than one -1");
    null_with(clade_reshape(none, CLADE_SHAPE(0, -1)), CLADE_ERR_SHAPE, "-1 in [0,-1]");
    null_with(clade_reshape(x, CLADE_SHAPE(1, 1, 1, 1, 1, 1, 1, 2, 3)), CLADE_ERR_SHAPE,
              "9 dimensions");
    null_with(clade_permute(x, NULL), CLADE_ERR_ARGUMENT, "permute: order is NULL");
    null_with(clade_permute(x, (const int[]){0, 0}), CLADE_ERR_SHAPE, "named twice");
    null_with(clade_permute(x, (const int[]){0, 2}), CLADE_ERR_SHAPE, "no axis 2 in [2,3]");
    null_with(clade_transpose(x, 0, -3), CLADE_ERR_SHAPE, "transpose: no axis -3 in [2,3]");
    null_with(clade_slice(x, 2, 0, 1, 1), CLADE_ERR_SHAPE, "slice: no axis 2 in [2,3]");
    null_with(clade_slice(x, 0, 0, 1, 0), CLADE_ERR_ARGUMENT, "the step is 0");
    null_with(clade_expand(x, CLADE_SHAPE(4, 3)), CLADE_ERR_SHAPE,
              "expand: [2,3] does not broadcast to [4,3]");
    null_with(clade_expand(x, CLADE_SHAPE(3)), CLADE_ERR_SHAPE, "does not broadcast to [3]");
    null_with(clade_expand(x, CLADE_SHAPE(-1, 2, 3)), CLADE_ERR_SHAPE, "to [-1,2,3]");
    null_with(clade_expand(one, CLADE_SHAPE(1 << 16, 1 << 16)), CLADE_ERR_SHAPE, "[65536,65536]");
    null_with(clade_reshape(NULL, CLADE_SHAPE(1)), CLADE_ERR_ARGUMENT, "reshape");
    null_with(clade_permute(NULL, NULL), CLADE_ERR_ARGUMENT, "permute");
    null_with(clade_contiguous(NULL), CLADE_ERR_ARGUMENT, "contiguous");
}
END_TEST

START_TEST(split_and_chunk_lend_views)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(7, 2), 1), *part[4];
    ok(clade_split(x, -2, 3, part, 3));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(clade_tensor_dim(part[i], 0), i < 2 ? 3 : 1);
        ck_assert_ptr_eq(part[i]->storage, x->storage);
    }
    ok(clade_chunk(x, 0, part, 4));
    ck_assert_int_eq(clade_tensor_dim(part[2], 0), 2);
    ck_assert_int_eq(clade_tensor_dim(part[3], 0), 1);
    ok(clade_chunk(x, 1, part, 3)); /* the last is empty */
    ck_assert_int_eq(clade_tensor_numel(part[2]), 0);

    ck_assert_int_eq(clade_split(x, 0, 3, part, 2), CLADE_ERR_ARGUMENT);
    ck_assert_ptr_null(part[0]);
    ck_assert_int_eq(clade_split(x, 0, 0, part, 2), CLADE_ERR_ARGUMENT);
    ck_assert_int_eq(clade_split(NULL, 0, 3, part, 3), CLADE_ERR_ARGUMENT);
    ck_assert_int_eq(clade_chunk(x, 2, part, 2), CLADE_ERR_SHAPE);
    ck_assert_int_eq(clade_chunk(x, 0, NULL, 2), CLADE_ERR_ARGUMENT);
}
END_TEST

START_TEST(arranging_refuses)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3), 1), *many[65];
    clade_tensor *i = clade_full(ctx, CLADE_I32, CLADE_SHAPE(2), 1), *v = clade_sum(x, NULL, 0, 0);
    const int64_t amounts[] = {3, 0, 0, 0, 1, 1}, negative[] = {1, -1};
    null_with(clade_pad(x, amounts, 3, CLADE_PAD_CONSTANT, 0), CLADE_ERR_ARGUMENT, "3 amounts");
    null_with(clade_pad(x, amounts, 6, CLADE_PAD_CONSTANT, 0), CLADE_ERR_ARGUMENT, "[2,3]");
    null_with(clade_pad(x, negative, 2, CLADE_PAD_CONSTANT, 0), CLADE_ERR_ARGUMENT, "-1 after");
    null_with(clade_pad(x, amounts, 2, CLADE_PAD_REFLECT, 0), CLADE_ERR_SHAPE, "3 to reflect");
    null_with(clade_pad(x, amounts, 2, (clade_pad_mode)9, 0), CLADE_ERR_ARGUMENT, "9 is no mode");
    null_with(clade_pad(NULL, amounts, 2, CLADE_PAD_REFLECT, 0), CLADE_ERR_ARGUMENT, "x is NULL");
    null_with(clade_flip(x, (const int[]){2}, 1), CLADE_ERR_SHAPE, "flip: no axis 2 in [2,3]");
    null_with(clade_roll(x, 2, 1), CLADE_ERR_SHAPE, "roll: no axis 2 in [2,3]");
    null_with(clade_stack((clade_tensor *const[]){x, v}, 2, 0), CLADE_ERR_SHAPE, "[2,3] and []");
    null_with(clade_stack((clade_tensor *const[]){x}, 1, 3), CLADE_ERR_SHAPE, "stack: no axis 3");
    null_with(clade_stack(NULL, 2, 0), CLADE_ERR_ARGUMENT, "stack");
    for (int k = 0; k < 65; k++)
        many[k] = x;
    null_with(clade_stack(many, 65, 0), CLADE_ERR_ARGUMENT, "65 inputs");
    null_with(clade_repeat(x, amounts, 1), CLADE_ERR_ARGUMENT, "repeat: 1 counts for [2,3]");
    null_with(clade_repeat(x, negative, 2), CLADE_ERR_ARGUMENT, "repeat: a count is -1");
    null_with(clade_repeat(x, (const int64_t[]){1 << 30, 9}, 2), CLADE_ERR_SHAPE, "too large");
    null_with(clade_tril(v, 0), CLADE_ERR_SHAPE, "tril: [] is no matrix");
    null_with(clade_embedding(v, i, -1), CLADE_ERR_SHAPE, "the weight []");
    null_with(clade_embedding(x, x, -1), CLADE_ERR_DTYPE, "the index is f32, not i32");
    null_with(clade_one_hot(x, 3, CLADE_F32), CLADE_ERR_DTYPE, "one_hot: input 0 is f32, not i32");
    null_with(clade_one_hot(i, -3, CLADE_F32), CLADE_ERR_SHAPE, "one_hot: -3 classes");
    null_with(clade_index_add(x, 0, i, v), CLADE_ERR_SHAPE, "x [2,3], index [2] and source []");
    null_with(clade_scatter_add(x, 0, i, x), CLADE_ERR_SHAPE, "scatter_add");
    null_with(clade_arange(ctx, CLADE_F32, 0, 1, 0), CLADE_ERR_ARGUMENT, "in steps of 0");
    null_with(clade_arange(ctx, CLADE_I32, 0, 1, 0.5), CLADE_ERR_ARGUMENT, "in steps of 0");
    null_with(clade_arange(ctx, CLADE_U8, 0, 300, 1), CLADE_ERR_ARGUMENT, "299 is no u8");
    null_with(clade_arange(ctx, CLADE_F32, 0, 1e30, 1), CLADE_ERR_SHAPE, "arange");
    null_with(clade_linspace(ctx, CLADE_I32, 0, 1, 3), CLADE_ERR_DTYPE, "linspace: i32");
    null_with(clade_linspace(ctx, CLADE_F32, 0, 1, -1), CLADE_ERR_SHAPE, "[-1]");
}
END_TEST

/* A plan that leaves out fills must know what a window that steps backwards looks at. */
static clade_status fill_part_and_flip(void *user, clade_tensor *const *inputs, int count)
{
    (void)count;
    CLADE_TRY(clade_scope_begin(ctx));
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(4), 3);
    clade_tensor *start = clade_slice(x, 0, 0, 2, 1);
    clade_status status = start ? clade_tensor_copy(start, inputs[0]) : clade_last_error()->status;
    clade_tensor *flipped = status == CLADE_OK ? clade_flip(x, NULL, 0) : NULL;
    if (status == CLADE_OK)
        status = clade_tensor_copy(user, flipped);
    return status == CLADE_OK ? clade_scope_end(ctx) : status;
}

START_TEST(a_replayed_flip_sees_what_was_filled)
{
    static const float values[2] = {1, 2}, expected[4] = {3, 3, 2, 1};
    clade_tensor *in = lent(CLADE_F32, CLADE_SHAPE(2), values);
    clade_tensor *out = clade_full(ctx, CLADE_F32, CLADE_SHAPE(4), 0);
    clade_step *step;
    ok(clade_step_create(&step, ctx, fill_part_and_flip, out, NULL));
    for (int run = 0; run < 4; run++) {
        float got[4] = {0};
        ok(clade_step_run(step, &in, 1));
        ok(clade_tensor_read(out, got, sizeof got));
        for (int k = 0; k < 4; k++)
            ck_assert_msg(got[k] == expected[k], "run %d, element %d: %g", run, k, (double)got[k]);
    }
    clade_step_free(&step);
}
END_TEST

int main(void)
{
    return RUN("views", reshape_is_a_view_where_strides_allow, the_others_are_views,
               contiguous_copies_only_when_it_must, errors_name_the_shapes,
               split_and_chunk_lend_views, arranging_refuses, a_replayed_flip_sees_what_was_filled);
}
