/* The tape: what it records, how gradients accumulate, and what it refuses. */
#include "tensor_testing.h"

#include "base/alloc.h"
#include "tape/op.h"

static clade_tensor *leaf(clade_shape shape, const float *data)
{
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, CLADE_F32, shape, data));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

static void check(const clade_tensor *t, int count, const float *expected)
{
    float got[32];
    ck_assert_ptr_nonnull(t);
    ok(clade_tensor_read(t, got, (size_t)count * sizeof *got));
    for (int i = 0; i < count; i++)
        ck_assert_float_eq_tol(got[i], expected[i], 1e-5f);
}

#define CHECK(t, ...)                                                                              \
    check((t), (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)),                        \
          (const float[]){__VA_ARGS__})

/* A gradient of ones arrives at t. */
static clade_status backward_ones(clade_tensor *t)
{
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    clade_tensor *ones;
    ok(clade_tensor_create(&ones, ctx, clade_tensor_dtype(t), clade_tensor_shape(t)));
    ok(clade_tensor_fill(ones, 1));
    clade_status status = clade_backward_from(t, ones);
    clade_tensor_free(&ones);
    return status;
}

static clade_tensor *x, *y;

static void open_leaves(void)
{
    setup();
    x = leaf(CLADE_SHAPE(2, 2), (const float[]){1, 2, 3, 4});
    y = leaf(CLADE_SHAPE(2, 2), (const float[]){5, 6, 7, 8});
}

static void close_leaves(void)
{
    if (ctx) {
        clade_tensor_free(&x);
        clade_tensor_free(&y);
        teardown();
    }
}

/* --- recording ---------------------------------------------------------------------------------
 */

START_TEST(only_what_needs_a_gradient_is_recorded)
{
    clade_tensor *constant;
    ok(clade_tensor_from_host(&constant, ctx, CLADE_F32, CLADE_SHAPE(2, 2),
                              (const float[]){1, 1, 1, 1}));
    clade_tensor *outside = clade_mul(x, y);
    ck_assert(!clade_tensor_requires_grad(outside));
    ok(clade_tape_begin(ctx));
    ck_assert_uint_eq(clade_tape_length(ctx), 0);
    ck_assert(!clade_tensor_requires_grad(clade_exp(constant)));
    ck_assert_uint_eq(clade_tape_length(ctx), 0);
    ck_assert(clade_tensor_requires_grad(clade_add(constant, x)));
    ck_assert_uint_eq(clade_tape_length(ctx), 1);
    ck_assert(!clade_tensor_requires_grad(clade_lt(x, y)));
    ck_assert(!clade_tensor_requires_grad(clade_cast(x, CLADE_I32)));
    ck_assert_uint_eq(clade_tape_length(ctx), 1);
    ok(clade_tensor_set_requires_grad(x, false));
    ck_assert(!clade_tensor_requires_grad(clade_exp(x)));
    ok(clade_tape_end(ctx));
    ck_assert_uint_eq(clade_tape_length(ctx), 0);
    clade_tensor_free(&constant);
}
END_TEST

START_TEST(no_grad_regions_nest)
{
    ok(clade_tape_begin(ctx));
    ok(clade_no_grad_begin(ctx));
    ok(clade_no_grad_begin(ctx));
    ok(clade_no_grad_end(ctx));
    clade_tensor *silent = clade_exp(x);
    ok(clade_no_grad_end(ctx));
    ck_assert_uint_eq(clade_tape_length(ctx), 0);
    ck_assert(!clade_tensor_requires_grad(silent));
    fails(clade_no_grad_end(ctx), CLADE_ERR_STATE, "no region");
    fails(clade_no_grad_begin(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_no_grad_end(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    ok(backward_ones(clade_mul(x, silent))); /* silent counts as a constant */
    CHECK(clade_tensor_grad(x), 2.7182818f, 7.3890561f, 20.085537f, 54.598150f);
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(only_float_leaves_require_gradients)
{
    clade_tensor *labels;
    ok(clade_tensor_from_host(&labels, ctx, CLADE_I32, CLADE_SHAPE(2), (const int32_t[]){1, 2}));
    fails(clade_tensor_set_requires_grad(labels, true), CLADE_ERR_DTYPE, "i32");
    fails(clade_tensor_set_requires_grad(NULL, true), CLADE_ERR_ARGUMENT, "NULL");
    ck_assert(!clade_tensor_requires_grad(NULL));
    ck_assert_ptr_null(clade_tensor_grad(NULL));
    ok(clade_tape_begin(ctx));
    fails(clade_tensor_set_requires_grad(clade_exp(x), false), CLADE_ERR_STATE,
          "[2,2] is the result of exp");
    ok(clade_tape_end(ctx));
    clade_tensor_free(&labels);
}
END_TEST

START_TEST(tapes_do_not_nest)
{
    fails(clade_tape_end(ctx), CLADE_ERR_STATE, "no tape is open");
    ok(clade_tape_begin(ctx));
    fails(clade_tape_begin(ctx), CLADE_ERR_STATE, "open already");
    fails(clade_scope_end(ctx), CLADE_ERR_STATE, "clade_tape_end");
    ok(clade_tape_end(ctx));
    fails(clade_tape_begin(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_tape_end(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    ck_assert_uint_eq(clade_tape_length(NULL), 0);
}
END_TEST

START_TEST(scopes_open_inside_a_tape)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *square = clade_mul(x, x);
    ok(clade_scope_begin(ctx));
    clade_tensor *sum = clade_add(clade_sqrt(square), square);
    fails(clade_tape_end(ctx), CLADE_ERR_STATE, "1 scopes opened inside");
    ck_assert_ptr_eq(clade_tensor_retain(sum), sum);
    ok(clade_scope_end(ctx)); /* the record keeps what backward needs */
    ok(backward_ones(clade_mul(square, square)));
    CHECK(clade_tensor_grad(x), 4, 32, 108, 256);
    ok(clade_tape_end(ctx));
    CHECK(sum, 2, 6, 12, 20);
    clade_tensor_free(&sum);
}
END_TEST

/* What is kept beyond its tape is a constant from then on. */
START_TEST(a_result_can_be_retained)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *product = clade_tensor_retain(clade_mul(x, y));
    ck_assert(clade_tensor_requires_grad(product));
    ok(clade_tape_end(ctx));
    CHECK(product, 5, 12, 21, 32);
    ck_assert(!clade_tensor_requires_grad(product));
    fails(clade_backward(product), CLADE_ERR_STATE, "not recorded");
    ok(clade_tape_begin(ctx));
    ok(backward_ones(clade_mul(product, x)));
    CHECK(clade_tensor_grad(x), 5, 12, 21, 32);
    ck_assert_ptr_null(clade_tensor_grad(product));
    ok(clade_tape_end(ctx));
    clade_tensor_free(&product);
}
END_TEST

START_TEST(the_record_can_be_printed)
{
    char *text = NULL;
    fails(clade_tape_print(ctx, &text), CLADE_ERR_STATE, "no tape is open");
    ok(clade_tape_begin(ctx));
    ok(clade_tape_print(ctx, &text));
    ck_assert_str_eq(text, "");
    clade_string_free(&text);
    ck_assert_ptr_null(text);
    (void)clade_concat((clade_tensor *const[]){clade_mul(x, y), x, y, x, y, x}, 6, 0);
    ok(clade_tape_print(ctx, &text));
    ck_assert_str_eq(text, "    0  mul          [2,2] [2,2] -> [2,2]\n"
                           "    1  concat       [2,2] [2,2] [2,2] [2,2] [2,2] [2,2] -> [12,2]\n");
    clade_string_free(&text);
    clade_string_free(&text);
    clade_string_free(NULL);
    fails(clade_tape_print(NULL, &text), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_tape_print(ctx, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    ok(clade_tape_end(ctx));
}
END_TEST

/* --- accumulating ------------------------------------------------------------------------------
 */

START_TEST(uses_of_a_leaf_add_up)
{
    ok(clade_tape_begin(ctx));
    ok(backward_ones(clade_add(clade_mul(x, y), clade_add(x, x))));
    CHECK(clade_tensor_grad(x), 7, 8, 9, 10);
    CHECK(clade_tensor_grad(y), 1, 2, 3, 4);
    ck_assert_uint_eq(clade_tape_length(ctx), 3); /* backward records nothing */
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(one_op_may_take_a_tensor_twice)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *square = clade_mul(x, x);
    ok(backward_ones(clade_mul(square, square)));
    CHECK(clade_tensor_grad(x), 4, 32, 108, 256);
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(branches_join)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *top = clade_mul(x, x);
    clade_tensor *left = clade_mul_scalar(top, 3), *right = clade_mul(top, y);
    ok(backward_ones(clade_sub(left, right)));
    /* d (3 x^2 - x^2 y) / dx = 2x (3 - y) */
    CHECK(clade_tensor_grad(x), -4, -12, -24, -40);
    CHECK(clade_tensor_grad(y), -1, -4, -9, -16);
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(backward_calls_add_up_until_zeroed)
{
    ck_assert_ptr_null(clade_tensor_grad(x));
    ok(clade_tensor_zero_grad(x)); /* nothing to zero yet */
    for (int i = 1; i <= 3; i++) {
        ok(clade_tape_begin(ctx));
        ok(backward_ones(clade_mul_scalar(x, 2)));
        ok(clade_tape_end(ctx));
        CHECK(clade_tensor_grad(x), 2.0f * (float)i, 2.0f * (float)i, 2.0f * (float)i,
              2.0f * (float)i);
    }
    ck_assert_ptr_null(clade_tensor_grad(y));
    ok(clade_tensor_zero_grad(x));
    CHECK(clade_tensor_grad(x), 0, 0, 0, 0);
    fails(clade_tensor_zero_grad(NULL), CLADE_ERR_ARGUMENT, "NULL");
}
END_TEST

START_TEST(gradients_of_leaves_have_memory_of_their_own)
{
    ok(clade_tape_begin(ctx));
    ok(backward_ones(clade_add(x, y))); /* one gradient arrives at both */
    ok(clade_tensor_fill(clade_tensor_grad(x), 9));
    CHECK(clade_tensor_grad(y), 1, 1, 1, 1);
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(a_gradient_can_be_given)
{
    clade_tensor *mine, *wide, *whole;
    ok(clade_tensor_from_host(&mine, ctx, CLADE_F32, CLADE_SHAPE(2, 2),
                              (const float[]){10, 20, 30, 40}));
    ok(clade_tensor_create(&wide, ctx, CLADE_F32, CLADE_SHAPE(4)));
    ok(clade_tensor_create(&whole, ctx, CLADE_I32, CLADE_SHAPE(2, 2)));
    fails(clade_tensor_set_grad(x, wide), CLADE_ERR_SHAPE, "the gradient is [4], the tensor [2,2]");
    fails(clade_tensor_set_grad(x, whole), CLADE_ERR_DTYPE, "the gradient is i32, the tensor f32");
    fails(clade_tensor_set_grad(NULL, mine), CLADE_ERR_ARGUMENT, "NULL");
    ok(clade_tensor_set_grad(x, mine));
    ok(clade_tape_begin(ctx));
    ok(backward_ones(clade_mul_scalar(x, 2)));
    ok(clade_tape_end(ctx));
    CHECK(mine, 12, 22, 32, 42);
    ok(clade_tensor_set_grad(x, NULL));
    ck_assert_ptr_null(clade_tensor_grad(x));
    clade_tensor_free(&mine);
    clade_tensor_free(&wide);
    clade_tensor_free(&whole);
}
END_TEST

START_TEST(broadcast_gradients_are_summed)
{
    clade_tensor *row = leaf(CLADE_SHAPE(2), (const float[]){1, 2});
    clade_tensor *column = leaf(CLADE_SHAPE(2, 1), (const float[]){1, 2});
    clade_tensor *scalar = leaf(clade_shape_scalar(), (const float[]){2});
    ok(clade_tape_begin(ctx));
    ok(backward_ones(clade_mul(x, clade_add(clade_add(row, column), scalar))));
    CHECK(clade_tensor_grad(row), 4, 6);
    CHECK(clade_tensor_grad(column), 3, 7);
    CHECK(clade_tensor_grad(scalar), 10);
    CHECK(clade_tensor_grad(x), 4, 5, 5, 6);
    ok(clade_tape_end(ctx));
    clade_tensor_free(&row);
    clade_tensor_free(&column);
    clade_tensor_free(&scalar);
}
END_TEST

/* --- refusals ----------------------------------------------------------------------------------
 */

START_TEST(backward_needs_one_recorded_element)
{
    fails(clade_backward(NULL), CLADE_ERR_ARGUMENT, "the tensor is NULL");
    fails(clade_backward(x), CLADE_ERR_STATE, "[2,2] was not recorded");
    ok(clade_tape_begin(ctx));
    clade_tensor *sum = clade_add(x, y);
    fails(clade_backward(sum), CLADE_ERR_SHAPE, "the loss is [2,2], not one element");
    fails(clade_backward_from(sum, NULL), CLADE_ERR_ARGUMENT, "grad is NULL");
    fails(clade_backward_from(sum, clade_slice(y, 0, 0, 1, 1)), CLADE_ERR_SHAPE,
          "the gradient is [1,2], the tensor [2,2]");
    fails(clade_backward_from(sum, clade_cast(y, CLADE_I32)), CLADE_ERR_DTYPE, "is i32");
    ck_assert_ptr_null(clade_tensor_grad(x));
    ok(clade_backward(clade_reshape(clade_slice(clade_slice(sum, 0, 1, 2, 1), 1, 0, 1, 1),
                                    clade_shape_scalar())));
    CHECK(clade_tensor_grad(x), 0, 0, 1, 0);
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(a_record_is_used_once)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *shared = clade_exp(x), *once = clade_mul(shared, y),
                 *again = clade_add(shared, y);
    clade_tensor *apart = clade_add(y, y);
    ok(backward_ones(once));
    fails(backward_ones(once), CLADE_ERR_STATE, "mul was gone through before");
    fails(backward_ones(again), CLADE_ERR_STATE, "exp was gone through before");
    ok(backward_ones(apart));
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(what_backward_reads_must_not_change)
{
    const float other[] = {0, 0, 0, 0};
    ok(clade_tape_begin(ctx));
    clade_tensor *product = clade_mul(x, y);
    ok(clade_tensor_write(x, other, sizeof other));
    fails(backward_ones(product), CLADE_ERR_MODIFIED, "input 0 of mul was overwritten");
    ok(clade_tape_end(ctx));

    ok(clade_tape_begin(ctx));
    clade_tensor *exponential = clade_exp(x);
    ok(clade_tensor_fill(exponential, 3));
    fails(backward_ones(exponential), CLADE_ERR_MODIFIED, "the result of exp was overwritten");
    ok(clade_tape_end(ctx));

    ok(clade_tape_begin(ctx));
    product = clade_mul(x, y);
    ok(clade_tensor_fill(clade_slice(y, 0, 0, 1, 1), 3)); /* a view writes to the same memory */
    fails(backward_ones(product), CLADE_ERR_MODIFIED, "input 1 of mul");
    ok(clade_tape_end(ctx));
    ck_assert_ptr_null(clade_tensor_grad(x));

    ok(clade_tape_begin(ctx));
    clade_tensor *sum = clade_add(x, y);
    ok(clade_tensor_fill(x, 3));
    ok(clade_tensor_fill(sum, 3));
    ok(backward_ones(sum)); /* add saves nothing */
    CHECK(clade_tensor_grad(x), 1, 1, 1, 1);
    ok(clade_tape_end(ctx));
}
END_TEST

static clade_status forward_copy(const clade_node *node)
{
    return clade_tensor_copy(node->output, node->inputs[0]);
}

START_TEST(an_op_without_a_gradient_is_a_status)
{
    static const clade_op rounding = {.name = "test_round",
                                      .min_inputs = 1,
                                      .max_inputs = 1,
                                      .infer = clade_infer_like_first,
                                      .forward = forward_copy};
    ok(clade_tape_begin(ctx));
    clade_tensor *rounded = CLADE_APPLY(&rounding, NULL, clade_mul(x, y));
    fails(backward_ones(clade_add(rounded, y)), CLADE_ERR_NO_GRADIENT,
          "test_round has no gradient");
    ok(clade_tape_end(ctx));
    ok(clade_tape_begin(ctx));
    (void)CLADE_APPLY(&rounding, NULL, x); /* beside the way, it does no harm */
    ok(backward_ones(clade_add(x, y)));
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(a_failing_op_leaves_the_tape_as_it_was)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *product = clade_mul(x, y);
    clade_tensor *bad = clade_add(product, clade_reshape(y, CLADE_SHAPE(4, 1, 1)));
    ck_assert_ptr_nonnull(bad);
    bad = clade_matmul(product, clade_reshape(y, CLADE_SHAPE(4, 1)));
    ck_assert_ptr_null(bad);
    size_t length = clade_tape_length(ctx);
    char first[256];
    snprintf(first, sizeof first, "%s", clade_last_error()->message);
    ck_assert_msg(strstr(first, "matmul") && strstr(first, "[2,2]") && strstr(first, "[4,1]"), "%s",
                  first);
    /* NULL in, NULL out, and the first cause stays */
    clade_tensor *loss = clade_exp(clade_add(clade_reshape(bad, CLADE_SHAPE(1)), y));
    ck_assert_ptr_null(loss);
    ck_assert_str_eq(clade_last_error()->message, first);
    ck_assert_int_eq(clade_backward(loss), CLADE_ERR_SHAPE);
    ck_assert_str_eq(clade_last_error()->message, first);
    ck_assert_uint_eq(clade_tape_length(ctx), length);
    ok(backward_ones(product));
    CHECK(clade_tensor_grad(x), 5, 6, 7, 8);
    ok(clade_tape_end(ctx));
    ok(clade_tape_begin(ctx));
    ck_assert_int_eq(clade_last_error()->status, CLADE_OK);
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(a_context_goes_with_an_open_tape)
{
    ok(clade_tape_begin(ctx));
    ok(clade_scope_begin(ctx));
    (void)clade_exp(clade_mul(x, y));
    clade_tensor_free(&x);
    clade_tensor_free(&y);
    clade_context_free(&ctx);
}
END_TEST

/* --- memory ------------------------------------------------------------------------------------
 */

static clade_tensor *weight, *bias;

/* Forward, backward, and gradients zeroed: a linear layer, broadcasts, a shared branch, views. */
static clade_status step(void)
{
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *h = clade_sigmoid(clade_linear(x, weight, bias));
    clade_tensor *z = clade_add(clade_mul(h, clade_transpose(h, 0, 1)), y);
    clade_tensor *out = clade_concat((clade_tensor *const[]){z, h, z, y, h}, 5, 0);
    clade_status status = out ? CLADE_OK : clade_last_error()->status;
    clade_tensor *ones = NULL;
    if (out)
        status = clade_tensor_create(&ones, ctx, CLADE_F32, clade_tensor_shape(out));
    if (status == CLADE_OK)
        status = clade_tensor_fill(ones, 1);
    if (status == CLADE_OK)
        status = clade_backward_from(out, ones);
    clade_tensor_free(&ones);
    ok(clade_tape_end(ctx));
    return status;
}

START_TEST(every_failing_allocation_is_survived)
{
    weight = leaf(CLADE_SHAPE(2, 2), (const float[]){0.5, -1, 2, 0.25});
    bias = leaf(CLADE_SHAPE(2), (const float[]){0.1f, -0.1f});
    clade_tensor *const leaves[] = {x, y, weight, bias};
    ok(step());
    float expected[4], got[4];
    ok(clade_tensor_read(clade_tensor_grad(weight), expected, sizeof expected));
    clade_memory_stats before, after;
    ok(clade_context_memory(ctx, &before));
    long n = 1;
    for (clade_status status = CLADE_ERR_OUT_OF_MEMORY; status != CLADE_OK; n++) {
        for (int i = 0; i < 4; i++)
            ok(clade_tensor_set_grad(leaves[i], NULL));
        clade_alloc_fail_after(n);
        status = step();
        clade_alloc_fail_after(0);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "allocation %ld: %s",
                      n, clade_last_error()->message);
    }
    ck_assert_int_gt(n, 20);
    ok(clade_tensor_read(clade_tensor_grad(weight), got, sizeof got));
    ck_assert_mem_eq(got, expected, sizeof got);
    ok(clade_context_memory(ctx, &after));
    ck_assert_uint_eq(after.live_bytes, before.live_bytes);
    clade_tensor_free(&weight);
    clade_tensor_free(&bias);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {only_what_needs_a_gradient_is_recorded,
                                  no_grad_regions_nest,
                                  only_float_leaves_require_gradients,
                                  tapes_do_not_nest,
                                  scopes_open_inside_a_tape,
                                  a_result_can_be_retained,
                                  the_record_can_be_printed,
                                  uses_of_a_leaf_add_up,
                                  one_op_may_take_a_tensor_twice,
                                  branches_join,
                                  backward_calls_add_up_until_zeroed,
                                  gradients_of_leaves_have_memory_of_their_own,
                                  a_gradient_can_be_given,
                                  broadcast_gradients_are_summed,
                                  backward_needs_one_recorded_element,
                                  a_record_is_used_once,
                                  what_backward_reads_must_not_change,
                                  an_op_without_a_gradient_is_a_status,
                                  a_failing_op_leaves_the_tape_as_it_was,
                                  a_context_goes_with_an_open_tape,
                                  every_failing_allocation_is_survived};
    return run_suite_with("tape", tests, sizeof tests / sizeof tests[0], open_leaves, close_leaves);
}
