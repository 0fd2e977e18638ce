/* Hooks on gradients. */
#include "autograd_testing.h"

typedef struct hooked {
    int calls;
    double factor; /* 0: the gradient goes on as it is */
    float seen[4];
} hooked;

static clade_tensor *look(void *user, clade_tensor *grad)
{
    hooked *h = user;
    h->calls++;
    ok(clade_tensor_read(grad, h->seen, sizeof h->seen));
    return h->factor != 0 ? clade_mul_scalar(grad, h->factor) : grad;
}

START_TEST(hooks_read_and_replace_gradients)
{
    hooked on_product = {.factor = 10}, first = {.factor = 2}, second = {0};
    int id;
    clade_tensor *product = clade_mul(x, y);
    ok(clade_tensor_register_hook(product, look, &on_product, NULL));
    ok(clade_tensor_register_hook(x, look, &first, &id));
    ok(clade_tensor_register_hook(x, look, &second, NULL));
    /* both parts of the product's gradient, and of x's, have arrived when they are shown */
    ok(clade_backward(total(clade_add(clade_add(product, product), x))));
    ck_assert_float_eq(on_product.seen[3], 2);
    ck_assert_float_eq(first.seen[0], 2 * 10 * 5 + 1);
    ck_assert_float_eq(second.seen[0], 2 * (2 * 10 * 5 + 1));
    CHECK(clade_tensor_grad(x), 202, 242, 282, 322);
    CHECK(clade_tensor_grad(y), 20, 40, 60, 80);
    ok(clade_tensor_remove_hook(x, id));
    fails(clade_tensor_remove_hook(x, id), CLADE_ERR_ARGUMENT, "[2,2] has no hook 1");
    ok(clade_backward(total(x)));
    CHECK(clade_tensor_grad(x), 203, 243, 283, 323); /* added to what was there */
    ck_assert_int_eq(first.calls, 1);
    ck_assert_int_eq(second.calls, 2);
}
END_TEST

START_TEST(hooks_run_in_grad_too)
{
    hooked on_x = {.factor = 3}, on_product = {.factor = 2};
    clade_tensor *product = clade_mul(x, y), *inputs[] = {x, product}, *g[2];
    ok(clade_tensor_register_hook(x, look, &on_x, NULL));
    ok(clade_tensor_register_hook(product, look, &on_product, NULL));
    clade_tensor *loss = total(product);
    ok(clade_grad(g, &loss, NULL, 1, inputs, 2, NULL));
    CHECK(g[0], 30, 36, 42, 48);
    CHECK(g[1], 2, 2, 2, 2);
    ck_assert_ptr_null(clade_tensor_grad(x));
}
END_TEST

static clade_tensor *misbehave(void *user, clade_tensor *grad)
{
    switch (*(int *)user) {
    case 0:
        return NULL;
    case 1:
        return clade_reshape(grad, CLADE_SHAPE(4));
    case 2:
        return clade_matmul(grad, clade_reshape(grad, CLADE_SHAPE(4, 1)));
    case 3:
        fails(clade_backward(total(y)), CLADE_ERR_STATE, "another backward is under way");
        fails(clade_grad(&grad, &y, &x, 1, &y, 1, NULL), CLADE_ERR_STATE, "another backward");
        fails(clade_tape_end(ctx), CLADE_ERR_STATE, "a backward is under way");
        return grad;
    default:
        ok(clade_scope_begin(ctx));
        return clade_neg(grad);
    }
}

START_TEST(hooks_that_fail_are_passed_on)
{
    int what = 0;
    ok(clade_tensor_register_hook(x, misbehave, &what, NULL));
    clade_error_clear();
    fails(clade_backward(total(x)), CLADE_ERR_ARGUMENT, "what a hook returned is NULL");
    what = 1;
    fails(clade_backward(total(x)), CLADE_ERR_SHAPE, "a hook returned: the gradient is [4]");
    what = 2;
    fails(clade_backward(total(x)), CLADE_ERR_SHAPE, "matmul");
    what = 3;
    ok(clade_backward(total(x)));
    what = 4;
    ok(clade_backward(total(x)));
    CHECK(clade_tensor_grad(x), 0, 0, 0, 0);
    fails(clade_tensor_register_hook(NULL, look, NULL, NULL), CLADE_ERR_ARGUMENT, "NULL");
    fails(clade_tensor_register_hook(x, NULL, NULL, NULL), CLADE_ERR_ARGUMENT, "fn is NULL");
    fails(clade_tensor_register_hook(clade_detach(x), look, NULL, NULL), CLADE_ERR_STATE,
          "requires no gradient");
    fails(clade_tensor_remove_hook(NULL, 1), CLADE_ERR_ARGUMENT, "NULL");
}
END_TEST

static clade_tensor *twice(void *user, clade_tensor *grad)
{
    ++*(int *)user;
    return clade_mul_scalar(grad, 2);
}

static clade_status hooked_step(void *user, clade_tensor *const *inputs, int count)
{
    (void)user, (void)count;
    CLADE_TRY(clade_tensor_zero_grad(x));
    CLADE_TRY(clade_tape_begin(ctx));
    CLADE_TRY(clade_backward(total(clade_mul(x, inputs[0]))));
    return clade_tape_end(ctx);
}

/* A replay repeats what the hook asked of the device. */
START_TEST(hooks_take_part_in_steps)
{
    int calls = 0;
    clade_step *step;
    ok(clade_tape_end(ctx));
    clade_tensor *zero;
    ok(clade_tensor_create(&zero, ctx, CLADE_F32, CLADE_SHAPE(2, 2)));
    ok(clade_tensor_set_grad(x, zero));
    ok(clade_tensor_register_hook(x, twice, &calls, NULL));
    ok(clade_step_create(&step, ctx, hooked_step, NULL, NULL));
    for (int i = 1; i <= 4; i++) {
        ok(clade_tensor_fill(zero, 7));
        clade_tensor *input = clade_mul_scalar(y, i);
        ok(clade_step_run(step, &input, 1));
        CHECK(zero, 10.0f * (float)i, 12.0f * (float)i, 14.0f * (float)i, 16.0f * (float)i);
    }
    ck_assert_int_eq(calls, 2);
    clade_step_free(&step);
    clade_tensor_free(&zero);
    ok(clade_tape_begin(ctx));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {hooks_read_and_replace_gradients, hooks_run_in_grad_too,
                                  hooks_that_fail_are_passed_on, hooks_take_part_in_steps};
    return run_suite_with("hooks", tests, sizeof tests / sizeof tests[0], open_tape, close_tape);
}
