/* clade_gradcheck: what is right passes, each kind of wrong is named, and nothing is left changed.
 */
#include <math.h>

#include "tensor_testing.h"

#include "base/alloc.h"
#include "tape/op.h"
#include "tensor/elementwise.h"

#define N 6

static const double a_values[N] = {0.5, -1.25, 2, 0.75, -0.5, 1.5};
static const double b_values[N] = {1.5, 0.25, -1, 2.5, 0.5, -0.75};

static clade_tensor *a, *b;
static clade_tensor *inputs[2];

static bool has_f64(void)
{
    return clade_context_device(ctx)->has_f64;
}

static clade_tensor *leaf(clade_dtype dtype, clade_shape shape, const void *data)
{
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, dtype, shape, data));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

static void open_leaves(void)
{
    static bool said;
    setup();
    if (!has_f64()) {
        if (!said)
            printf("# only refusals are tested: device %s has no f64\n",
                   clade_context_device(ctx)->name);
        said = true;
        return;
    }
    inputs[0] = a = leaf(CLADE_F64, CLADE_SHAPE(2, 3), a_values);
    inputs[1] = b = leaf(CLADE_F64, CLADE_SHAPE(2, 3), b_values);
}

static void close_leaves(void)
{
    clade_tensor_free(&a);
    clade_tensor_free(&b);
    teardown();
}

static void check_values(clade_tensor *t, const double *expected)
{
    double got[N];
    ok(clade_tensor_read(t, got, sizeof got));
    ck_assert_mem_eq(got, expected, sizeof got);
}

/* --- an op whose gradient can be spoilt --------------------------------------------------------
 */

/* x^2, whose gradient is factor * g * x; `mask`, where there is one, multiplies it. */
static double factor;
static clade_tensor *mask;

static clade_status forward_square(const clade_node *node)
{
    const clade_expression square = {"test_square", "a*a", "a"};
    return clade_elementwise(&square, node->output->dtype, node->output, node->inputs, 1, NULL, 0);
}

static void backward_square(const clade_node *node, clade_tensor *grad, const bool *needs,
                            clade_tensor **grads)
{
    (void)needs;
    grads[0] = clade_mul_scalar(clade_mul(grad, node->inputs[0]), factor);
    if (mask)
        grads[0] = clade_mul(grads[0], mask);
}

static const clade_op square_op = {.name = "spoilt_square",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .saves = CLADE_SAVES_INPUT(0),
                                   .infer = clade_infer_like_first,
                                   .forward = forward_square,
                                   .backward = backward_square};

/* a * b^2 */
static clade_tensor *spoilt(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    return clade_mul(in[0], CLADE_APPLY(&square_op, NULL, in[1]));
}

static clade_tensor *good(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    return clade_sigmoid(
        clade_sub(clade_mul(in[0], in[1]), clade_transpose(clade_transpose(in[0], 0, 1), 0, 1)));
}

static clade_tensor *detached(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    ok(clade_no_grad_begin(ctx));
    clade_tensor *square = clade_square(in[1]);
    ok(clade_no_grad_end(ctx));
    return clade_mul(in[0], square);
}

/* --- verdicts ----------------------------------------------------------------------------------
 */

START_TEST(right_gradients_pass)
{
    if (!has_f64())
        return;
    clade_gradcheck_result result;
    ok(clade_gradcheck(good, NULL, inputs, 2, NULL, &result));
    ck_assert_int_eq(result.checks, 2 * N + 4);
    ck_assert_double_le(result.worst_error, 1);
    ck_assert_double_gt(result.worst_error, 0);
    const clade_gradcheck_params few = {.directions = 2, .elements = 3, .seed = 7};
    ok(clade_gradcheck(good, NULL, inputs, 2, &few, &result));
    ck_assert_int_eq(result.checks, 2 * 3 + 2);
    factor = 2;
    ok(clade_gradcheck(spoilt, NULL, inputs, 2, NULL, NULL));
    check_values(a, a_values);
    check_values(b, b_values);
    ck_assert_ptr_null(clade_tensor_grad(a));
}
END_TEST

/* Expects a complaint about input 1 in which backward's value is `ratio` times the numeric one. */
static void expect_flaw(clade_gradcheck_fn fn, double ratio)
{
    clade_gradcheck_result result;
    fails(clade_gradcheck(fn, NULL, inputs, 2, NULL, &result), CLADE_ERR_GRADIENT,
          "input 1, element ");
    ck_assert_double_gt(result.worst_error, 1);
    int element;
    double analytic, numeric;
    const char *message = strstr(clade_last_error()->message, "element ");
    ck_assert_int_eq(sscanf(message,
                            "element %d of [2,3]: backward says %lf, the central difference %lf",
                            &element, &analytic, &numeric),
                     3);
    ck_assert_msg(fabs(analytic - ratio * numeric) < 1e-6 * fabs(numeric), "%s", message);
    check_values(a, a_values);
    check_values(b, b_values);
}

START_TEST(wrong_gradients_fail)
{
    if (!has_f64())
        return;
    factor = -2;
    expect_flaw(spoilt, -1);
    factor = 3;
    expect_flaw(spoilt, 1.5);
    factor = 2.001;
    expect_flaw(spoilt, 1.0005);
    expect_flaw(detached, 0);
    factor = NAN;
    fails(clade_gradcheck(spoilt, NULL, inputs, 2, NULL, NULL), CLADE_ERR_GRADIENT, "says nan");
}
END_TEST

/* One element is wrong and no single element is looked at: a direction notices, and names it. */
START_TEST(directions_find_what_elements_miss)
{
    if (!has_f64())
        return;
    const double all_but_one[N] = {1, 1, 1, 1, 1.01, 1};
    ok(clade_tensor_from_host(&mask, ctx, CLADE_F64, CLADE_SHAPE(2, 3), all_but_one));
    factor = 2;
    const clade_gradcheck_params few = {.elements = 1, .seed = 1};
    clade_gradcheck_result result;
    clade_status status = clade_gradcheck(spoilt, NULL, inputs, 2, &few, &result);
    clade_tensor_free(&mask);
    ck_assert_int_eq(status, CLADE_ERR_GRADIENT);
    ck_assert_msg(strstr(clade_last_error()->message, "input 1, element 4 of [2,3]"), "%s",
                  clade_last_error()->message);
    ck_assert_int_gt(result.checks, 2);
}
END_TEST

static clade_tensor *constant(void *user, clade_tensor *const *in, int count)
{
    (void)in, (void)count;
    return clade_full(ctx, CLADE_F64, CLADE_SHAPE(2), *(double *)user);
}

static clade_tensor *identity(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    return in[0];
}

START_TEST(functions_without_a_record_pass)
{
    if (!has_f64())
        return;
    double three = 3;
    ok(clade_gradcheck(constant, &three, inputs, 2, NULL, NULL));
    ok(clade_gradcheck(identity, NULL, inputs, 2, NULL, NULL));
}
END_TEST

START_TEST(views_can_be_leaves)
{
    if (!has_f64())
        return;
    clade_tensor *view = clade_transpose(a, 0, 1), *other = clade_transpose(b, 0, 1);
    ok(clade_tensor_set_requires_grad(view, true));
    ok(clade_tensor_set_requires_grad(other, true));
    clade_tensor *views[] = {view, other};
    ok(clade_gradcheck(good, NULL, views, 2, NULL, NULL));
    check_values(a, a_values);
}
END_TEST

START_TEST(gradients_are_kept)
{
    if (!has_f64())
        return;
    clade_tensor *grad;
    ok(clade_tensor_from_host(&grad, ctx, CLADE_F64, CLADE_SHAPE(2, 3), b_values));
    ok(clade_tensor_set_grad(a, grad));
    ok(clade_gradcheck(good, NULL, inputs, 2, NULL, NULL));
    ck_assert_ptr_eq(clade_tensor_grad(a), grad);
    check_values(grad, b_values);
    factor = -2;
    fails(clade_gradcheck(spoilt, NULL, inputs, 2, NULL, NULL), CLADE_ERR_GRADIENT, "gradcheck");
    ck_assert_ptr_eq(clade_tensor_grad(a), grad);
    clade_tensor_free(&grad);
}
END_TEST

/* --- refusals ----------------------------------------------------------------------------------
 */

static clade_tensor *fails_by_itself(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    return clade_add(in[0], clade_slice(in[1], 1, 0, 2, 1));
}

static clade_tensor *nothing(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)in, (void)count;
    return NULL;
}

static clade_tensor *narrow(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    return clade_cast(in[0], CLADE_F32);
}

static clade_tensor *shrinks(void *user, clade_tensor *const *in, int count)
{
    (void)count;
    int *calls = user;
    return clade_slice(in[0], 0, 0, ++*calls > 2 ? 1 : 2, 1);
}

static clade_tensor *leaves_scopes(void *user, clade_tensor *const *in, int count)
{
    ok(clade_scope_begin(ctx));
    return good(user, in, count);
}

START_TEST(misuse_is_refused)
{
    if (!has_f64())
        return;
    fails(clade_gradcheck(NULL, NULL, inputs, 2, NULL, NULL), CLADE_ERR_ARGUMENT, "fn is NULL");
    fails(clade_gradcheck(good, NULL, inputs, 0, NULL, NULL), CLADE_ERR_ARGUMENT, "no inputs");
    fails(clade_gradcheck(good, NULL, NULL, 2, NULL, NULL), CLADE_ERR_ARGUMENT, "no inputs");
    clade_tensor *with_null[] = {a, NULL}, *twice[] = {a, a};
    fails(clade_gradcheck(good, NULL, with_null, 2, NULL, NULL), CLADE_ERR_ARGUMENT, "NULL");
    fails(clade_gradcheck(good, NULL, twice, 2, NULL, NULL), CLADE_ERR_ARGUMENT, "one tensor");
    const clade_gradcheck_params backwards = {.step = -1};
    fails(clade_gradcheck(good, NULL, inputs, 2, &backwards, NULL), CLADE_ERR_ARGUMENT, "step -1");
    ok(clade_tensor_set_requires_grad(b, false));
    fails(clade_gradcheck(good, NULL, inputs, 2, NULL, NULL), CLADE_ERR_ARGUMENT,
          "input 1 [2,3] is not a leaf");
    ok(clade_tensor_set_requires_grad(b, true));
    ok(clade_tape_begin(ctx));
    fails(clade_gradcheck(good, NULL, inputs, 2, NULL, NULL), CLADE_ERR_STATE, "a tape is open");
    ok(clade_tape_end(ctx));
    clade_tensor *expanded = clade_expand(a, CLADE_SHAPE(2, 2, 3));
    ok(clade_tensor_set_requires_grad(expanded, true));
    fails(clade_gradcheck(good, NULL, &expanded, 1, NULL, NULL), CLADE_ERR_ARGUMENT, "expanded");
}
END_TEST

START_TEST(failing_functions_are_reported)
{
    if (!has_f64())
        return;
    int calls = 0;
    fails(clade_gradcheck(fails_by_itself, NULL, inputs, 2, NULL, NULL), CLADE_ERR_SHAPE,
          "add: shapes do not broadcast: [2,3] and [2,2]");
    fails(clade_gradcheck(nothing, NULL, inputs, 2, NULL, NULL), CLADE_ERR_ARGUMENT, "result");
    fails(clade_gradcheck(narrow, NULL, inputs, 2, NULL, NULL), CLADE_ERR_DTYPE, "f32, not f64");
    fails(clade_gradcheck(shrinks, &calls, inputs, 2, NULL, NULL), CLADE_ERR_SHAPE,
          "is [1,3], and was [2,3]");
    ok(clade_gradcheck(leaves_scopes, NULL, inputs, 2, NULL, NULL));
    check_values(a, a_values);
    check_values(b, b_values);
}
END_TEST

START_TEST(other_dtypes_are_refused)
{
    const float values[N] = {1, 2, 3, 4, 5, 6};
    clade_tensor *x = leaf(CLADE_F32, CLADE_SHAPE(2, 3), values);
    fails(clade_gradcheck(identity, NULL, &x, 1, NULL, NULL),
          has_f64() ? CLADE_ERR_DTYPE : CLADE_ERR_UNSUPPORTED, "input 0 is f32");
    clade_tensor_free(&x);
}
END_TEST

START_TEST(every_failing_allocation_is_survived)
{
    if (!has_f64())
        return;
    const clade_gradcheck_params few = {.directions = 1, .elements = 1};
    ok(clade_gradcheck(good, NULL, inputs, 2, &few, NULL));
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    for (long n = 1; status != CLADE_OK; n++) {
        clade_alloc_fail_after(n);
        status = clade_gradcheck(good, NULL, inputs, 2, &few, NULL);
        clade_alloc_fail_after(0);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "allocation %ld: %s",
                      n, clade_last_error()->message);
        check_values(a, a_values);
        check_values(b, b_values);
        ck_assert_ptr_null(clade_tensor_grad(a));
        ok(clade_tape_begin(ctx)); /* none is left open */
        ok(clade_tape_end(ctx));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {right_gradients_pass,
                                  wrong_gradients_fail,
                                  directions_find_what_elements_miss,
                                  functions_without_a_record_pass,
                                  views_can_be_leaves,
                                  gradients_are_kept,
                                  misuse_is_refused,
                                  failing_functions_are_reported,
                                  other_dtypes_are_refused,
                                  every_failing_allocation_is_survived};
    return run_suite_with("gradcheck", tests, sizeof tests / sizeof tests[0], open_leaves,
                          close_leaves);
}
