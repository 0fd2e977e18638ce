/* clade_pointwise beside its rows: derivatives of any order, special values, errors; and the
 * gradients of the gradients in pointwise.c's table. */
#include <math.h>

#include "tape/op.h"
#include "tensor_testing.h"

static clade_tensor *leaf(clade_dtype dtype, clade_shape shape, const double *values)
{
    float single[16];
    clade_tensor *t;
    for (int64_t i = 0; i < clade_shape_numel(&shape); i++)
        single[i] = (float)values[i];
    ok(clade_tensor_from_host(&t, ctx, dtype, shape,
                              dtype == CLADE_F64 ? (const void *)values : single));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

static void reads(const clade_tensor *t, const float *expected, int count)
{
    float got[16];
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(t, got, (size_t)count * sizeof *got));
    for (int i = 0; i < count; i++)
        ck_assert_msg(got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])),
                      "element %d is %.9g, not %.9g", i, (double)got[i], (double)expected[i]);
}

START_TEST(an_expression_is_computed)
{
    const float x[] = {-1, 0, 2, 3}, w[] = {10, 20};
    clade_tensor *in[] = {lent(CLADE_F32, CLADE_SHAPE(2, 2), x),
                          lent(CLADE_F32, CLADE_SHAPE(2), w)};
    const double k[] = {1.5, 0.5};
    reads(clade_pointwise("x > k ? w*x : h", "x w k h", in, 2, k, 2),
          (const float[]){0.5F, 0.5F, 20, 60}, 4);
    reads(clade_pointwise("7/2", "x", in, 1, NULL, 0), (const float[]){3.5F, 3.5F, 3.5F, 3.5F}, 4);
    reads(clade_pointwise("x == 0", "x", in, 1, NULL, 0), (const float[]){0, 1, 0, 0}, 4);
}
END_TEST

START_TEST(integers_count_as_numbers)
{
    const float x[] = {0.5F, 2};
    const unsigned char mask[] = {3, 0};
    const int n[] = {7, -7};
    clade_tensor *in[] = {lent(CLADE_U8, CLADE_SHAPE(2), mask), lent(CLADE_I32, CLADE_SHAPE(2), n),
                          lent(CLADE_F32, CLADE_SHAPE(2), x)};
    reads(clade_pointwise("m/2 + n/2 + exp(m)*0 + x", "m n x", in, 3, NULL, 0),
          (const float[]){5.5F, -1.5F}, 2);
}
END_TEST

START_TEST(special_values_pass)
{
    const float x[] = {NAN, INFINITY, -INFINITY, -0.0F};
    clade_tensor *t = lent(CLADE_F32, CLADE_SHAPE(4), x);
    reads(clade_pointwise("max(x, 0)", "x", &t, 1, NULL, 0), (const float[]){NAN, INFINITY, 0, 0},
          4);
    reads(clade_pointwise("relu(x)", "x", &t, 1, NULL, 0), (const float[]){NAN, INFINITY, 0, 0}, 4);
    reads(clade_pointwise("clamp(x, -1, 1)", "x", &t, 1, NULL, 0), (const float[]){NAN, 1, -1, 0},
          4);
    reads(clade_pointwise("isnan(x) ? 1 : isinf(x) ? 2 : 3", "x", &t, 1, NULL, 0),
          (const float[]){1, 2, 2, 3}, 4);
}
END_TEST

/* A formula's gradient stays finite where its pieces overflow, as long as they are known ones. */
START_TEST(softplus_and_sigmoid_are_recognised)
{
    const double at[] = {-200, 200};
    clade_tensor *x = leaf(CLADE_F32, CLADE_SHAPE(2), at);
    ok(clade_tape_begin(ctx));
    ok(clade_backward(
        clade_sum(clade_pointwise("x*tanh(log1p(exp(x)))", "x", &x, 1, NULL, 0), NULL, 0, false)));
    ok(clade_tape_end(ctx));
    float got[2];
    ok(clade_tensor_read(clade_tensor_grad(x), got, sizeof got));
    ck_assert_msg(fabsf(got[0]) < 1e-4F && fabsf(got[1] - 1) < 1e-4F, "%g %g", (double)got[0],
                  (double)got[1]);
    clade_tensor_free(&x);
}
END_TEST

static size_t commands_of(clade_tensor *(*build)(clade_tensor *x), clade_tensor *x)
{
    ok(clade_tape_begin(ctx));
    clade_tensor *y = build(x);
    ck_assert_msg(y != NULL, "%s", clade_last_error()->message);
    size_t length = clade_tape_length(ctx);
    ok(clade_backward(clade_sum(y, NULL, 0, false)));
    ok(clade_tape_end(ctx));
    return length;
}

static clade_tensor *linear_in_x(clade_tensor *x)
{
    const double k[] = {3};
    clade_tensor *in[] = {x, x};
    return clade_pointwise("k*x + 2*y - floor(y)", "x y k", in, 2, k, 1);
}

START_TEST(constant_derivatives_are_numbers)
{
    const double at[] = {0.5, 1.5};
    clade_tensor *x = leaf(CLADE_F32, CLADE_SHAPE(2), at);
    ck_assert_uint_eq(commands_of(linear_in_x, x), 1);
    reads(clade_tensor_grad(x), (const float[]){5, 5}, 2);
    clade_tensor_free(&x);
}
END_TEST

/* --- second and third derivatives: grad ops are recorded like others ---------------------------
 */
#define ORDERS 3

typedef struct nested {
    const char *formula;
    int inputs, order;
} nested;

/* What backward would compute for each input, recorded. */
static clade_tensor *gradient_of(clade_tensor *y, clade_tensor *grad, int input)
{
    clade_tensor *grads[8] = {NULL};
    bool needs[8] = {false};
    const clade_node *node = y->node;
    needs[input] = true;
    node->op->backward(node, grad, needs, grads);
    return grads[input];
}

/* fn on a tape also where the gradient check opens none. */
static clade_tensor *on_tape(clade_gradcheck_fn fn, void *user, clade_tensor *const *in, int count)
{
    if (clade_tape_begin(ctx) != CLADE_OK)
        return fn(user, in, count);
    clade_tensor *kept = clade_tensor_retain(fn(user, in, count));
    ok(clade_tape_end(ctx));
    ck_assert_ptr_nonnull(kept);
    clade_tensor *y = clade_reshape(kept, clade_tensor_shape(kept));
    clade_tensor_free(&kept);
    return y;
}

static clade_tensor *nested_on_tape(void *user, clade_tensor *const *in, int count)
{
    const nested *n = user;
    clade_tensor *y = clade_pointwise(n->formula, "x y k", in, count, (const double[]){0.7}, 1);
    for (int i = 0; y && i < n->order; i++) {
        int input = i % y->node->count;
        while (!y->node->inputs[input]->requires_grad)
            input++;
        y = gradient_of(y, in[0], input);
    }
    return y;
}

static clade_tensor *nested_gradient(void *user, clade_tensor *const *in, int count)
{
    return on_tape(nested_on_tape, user, in, count);
}

static bool without_f64(const char *what)
{
    if (clade_context_device(ctx)->has_f64)
        return false;
    printf("# %s: left out, the device has no f64\n", what);
    return true;
}

START_TEST(derivatives_of_any_order)
{
    static const char *const formulas[] = {"x*x*x*y*y", "pow(x,y)*k",
                                           "x > k ? sin(x*y) : exp(x*y)"};
    const double x[] = {0.5, 0.9, 1.3, 1.7}, y[] = {1.2, 0.4};
    if (without_f64("derivatives of any order"))
        return;
    for (size_t i = 0; i < sizeof formulas / sizeof formulas[0]; i++) {
        for (int order = 0; order <= ORDERS; order++) {
            clade_tensor *in[] = {leaf(CLADE_F64, CLADE_SHAPE(2, 2), x),
                                  leaf(CLADE_F64, CLADE_SHAPE(2), y)};
            nested n = {formulas[i], 2, order};
            ok(clade_gradcheck(nested_gradient, &n, in, 2, NULL, NULL));
            clade_tensor_free(&in[0]);
            clade_tensor_free(&in[1]);
        }
    }
}
END_TEST

static clade_tensor *power(clade_tensor *const *in)
{
    return clade_pow(in[0], in[1]);
}
static clade_tensor *quotient(clade_tensor *const *in)
{
    return clade_div(in[0], in[1]);
}
static clade_tensor *hyperbolic(clade_tensor *const *in)
{
    return clade_tanh(in[0]);
}
static clade_tensor *choice(clade_tensor *const *in)
{
    return clade_where(clade_gt(in[0], in[1]), in[0], in[1]);
}
static clade_tensor *with_constant(clade_tensor *const *in)
{
    return clade_pow_scalar(in[0], 3);
}

typedef struct grad_case {
    const char *name;
    clade_tensor *(*build)(clade_tensor *const *in);
    int input;
} grad_case;

static clade_tensor *table_on_tape(void *user, clade_tensor *const *in, int count)
{
    (void)count;
    const grad_case *c = user;
    clade_tensor *y = c->build(in);
    return y ? gradient_of(y, in[2], c->input) : NULL;
}

static clade_tensor *table_gradient(void *user, clade_tensor *const *in, int count)
{
    return on_tape(table_on_tape, user, in, count);
}

START_TEST(gradients_in_the_table_have_gradients)
{
    grad_case cases[] = {{"pow by base", power, 0}, {"pow by exponent", power, 1},
                         {"div by b", quotient, 1}, {"tanh", hyperbolic, 0},
                         {"where", choice, 1},      {"pow_scalar", with_constant, 0}};
    const double a[] = {0.5, 0.9, 1.3, 1.7}, b[] = {1.2, 0.4}, g[] = {1, -2, 0.5, 3};
    if (without_f64("gradients in the table"))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clade_tensor *in[] = {leaf(CLADE_F64, CLADE_SHAPE(2, 2), a),
                              leaf(CLADE_F64, CLADE_SHAPE(2), b),
                              leaf(CLADE_F64, CLADE_SHAPE(2, 2), g)};
        clade_status status = clade_gradcheck(table_gradient, &cases[i], in, 3, NULL, NULL);
        ck_assert_msg(status == CLADE_OK, "%s: %s", cases[i].name, clade_last_error()->message);
        for (int k = 0; k < 3; k++)
            clade_tensor_free(&in[k]);
    }
}
END_TEST

/* --- kernels and memory --- */

START_TEST(constants_share_a_kernel_and_names_do_not_matter)
{
    const float one[] = {1};
    clade_tensor *x = lent(CLADE_F32, CLADE_SHAPE(1), one), *y;
    for (int i = 0; i < 50; i++) {
        const double k = i;
        y = clade_pointwise("x*1.25 + k", "x k", &x, 1, &k, 1);
        reads(y, (const float[]){1.25F + (float)i}, 1);
        y = clade_pointwise("width * 1.25 + offset", "width offset", &x, 1, &k, 1);
        reads(y, (const float[]){1.25F + (float)i}, 1);
    }
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
    const double at[] = {0.5, 1.5};
    clade_tensor *x = leaf(CLADE_F32, CLADE_SHAPE(2), at);
    for (long n = 1;; n++) {
        ok(clade_tape_begin(ctx));
        clade_alloc_fail_after(n);
        clade_tensor *y = clade_pointwise("x*sin(x*0.125)", "x", &x, 1, NULL, 0);
        clade_status status = clade_backward(clade_sum(y, NULL, 0, false));
        clade_alloc_fail_after(0);
        ok(clade_tape_end(ctx));
        if (status == CLADE_OK)
            break;
        ck_assert_int_eq(status, CLADE_ERR_OUT_OF_MEMORY);
    }
    clade_tensor_free(&x);
}
END_TEST

START_TEST(misuse_is_refused)
{
    const float one[] = {1};
    const double k[] = {1, 2, 3, 4, 5}, at[] = {1};
    clade_tensor *x = lent(CLADE_F32, CLADE_SHAPE(1), one), *in[9];
    const clade_status argument = CLADE_ERR_ARGUMENT;
    for (int i = 0; i < 9; i++)
        in[i] = x;
    null_with(clade_pointwise("x*foo(x)", "x", in, 1, NULL, 0), argument,
              "pointwise: column 3: no function is called foo in \"x*foo(x)\"");
    null_with(clade_pointwise(NULL, "x", in, 1, NULL, 0), argument, "expression is NULL");
    null_with(clade_pointwise("x", NULL, in, 1, NULL, 0), argument, "names is NULL");
    null_with(clade_pointwise("x", "x", NULL, 1, NULL, 0), argument, "inputs is NULL");
    null_with(clade_pointwise("x", "x k", in, 1, NULL, 1), argument, "constants is NULL");
    null_with(clade_pointwise("x", "x", in, 0, NULL, 0), argument, "0 inputs and 0 constants");
    null_with(clade_pointwise("x", "x", in, 9, NULL, 0), argument, "9 inputs and 0 constants");
    null_with(clade_pointwise("x", "x", in, 1, k, 5), argument, "1 inputs and 5 constants");
    null_with(clade_pointwise("x", "x y", in, 1, NULL, 0), argument,
              "names 2 variables for 1 inputs and 0 constants");
    in[0] = NULL;
    null_with(clade_pointwise("x", "x", in, 1, NULL, 0), argument, "an input is NULL");
    clade_tensor *mixed[] = {x, lent(CLADE_I32, CLADE_SHAPE(1), one)};
    null_with(clade_pointwise("x", "x", mixed + 1, 1, NULL, 0), CLADE_ERR_DTYPE,
              "none of the 1 inputs is of floats");
    clade_tensor *wide = lent(CLADE_F32, CLADE_SHAPE(2), (const float[]){1, 2});
    clade_tensor *apart[] = {lent(CLADE_F32, CLADE_SHAPE(3), (const float[]){1, 2, 3}), wide};
    null_with(clade_pointwise("x+y", "x y", apart, 2, NULL, 0), CLADE_ERR_SHAPE,
              "pointwise: shapes do not broadcast: [3] and [2]");
    if (without_f64("inputs that differ in dtype"))
        return;
    clade_tensor *types[] = {x, lent(CLADE_F64, CLADE_SHAPE(1), at)};
    null_with(clade_pointwise("x+y", "x y", types, 2, NULL, 0), CLADE_ERR_DTYPE,
              "pointwise: inputs differ in dtype: f32 and f64");
}
END_TEST

int main(void)
{
    return RUN("formula_op", an_expression_is_computed, integers_count_as_numbers,
               special_values_pass, softplus_and_sigmoid_are_recognised,
               constant_derivatives_are_numbers, derivatives_of_any_order,
               gradients_in_the_table_have_gradients,
               constants_share_a_kernel_and_names_do_not_matter, memory_may_run_out_anywhere,
               misuse_is_refused);
}
