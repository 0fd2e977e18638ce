/* clade_pointwise beside its rows: derivatives of any order, special values, errors. */
#include <math.h>

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

/* Computed with in f32 and rounded once. */
START_TEST(values_of_16_bits_are_taken)
{
    const float x[] = {0.5F, -2, 3};
    for (clade_dtype dtype = CLADE_F16; dtype <= CLADE_BF16; dtype++) {
        clade_tensor *t, *kept = clade_cast(lent(CLADE_F32, CLADE_SHAPE(3), x), dtype);
        ok(clade_tensor_create(&t, ctx, dtype, CLADE_SHAPE(3)));
        ok(clade_tensor_copy(t, kept));
        ok(clade_tensor_set_requires_grad(t, true));
        ok(clade_tape_begin(ctx));
        clade_tensor *y = clade_pointwise("x*x + relu(x)*4096 - 4096*relu(x)", "x", &t, 1, NULL, 0);
        ck_assert_ptr_nonnull(y);
        ck_assert_int_eq(clade_tensor_dtype(y), dtype);
        reads(clade_cast(y, CLADE_F32), (const float[]){0.25F, 4, 9}, 3);
        ok(clade_backward(clade_sum(y, NULL, 0, false)));
        ok(clade_tape_end(ctx));
        reads(clade_cast(clade_tensor_grad(t), CLADE_F32), (const float[]){1, -4, 6}, 3);
        clade_tensor_free(&t);
    }
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

/* --- derivatives of derivatives --- */

typedef struct nested {
    const char *formula;
    int order;
} nested;

/* Derivatives by x and y in turn. */
static clade_tensor *derive(const nested *n, clade_tensor *const *in)
{
    const clade_grad_params create = {.create_graph = true};
    clade_tensor *y = clade_pointwise(n->formula, "x y k", in, 2, (const double[]){0.7}, 1);
    for (int i = 0; y && i < n->order; i++) {
        clade_tensor *sum = clade_sum(y, NULL, 0, false);
        if (clade_grad(&y, &sum, NULL, 1, &in[i % 2], 1, &create) != CLADE_OK)
            return NULL;
    }
    return y;
}

/* On a tape also where the gradient check opens none. */
static clade_tensor *derive_on_tape(void *user, clade_tensor *const *in, int count)
{
    (void)count;
    if (clade_tape_begin(ctx) != CLADE_OK)
        return derive(user, in);
    clade_tensor *kept = clade_tensor_retain(derive(user, in));
    ok(clade_tape_end(ctx));
    ck_assert_msg(kept != NULL, "%s", clade_last_error()->message);
    clade_tensor *y = clade_reshape(kept, clade_tensor_shape(kept));
    clade_tensor_free(&kept);
    return y;
}

START_TEST(derivatives_of_any_order)
{
    static const char *const formulas[] = {"x*x*x*y*y", "pow(x,y)*k", "x > k ? sin(x*y) : x*x*y"};
    const double x[] = {0.5, 0.9, 1.3, 1.7}, y[] = {1.2, 0.4};
    if (!clade_context_device(ctx)->has_f64)
        return; /* no gradient check */
    for (size_t i = 0; i < sizeof formulas / sizeof formulas[0]; i++) {
        for (int order = 0; order <= 3; order++) {
            clade_tensor *in[] = {leaf(CLADE_F64, CLADE_SHAPE(2, 2), x),
                                  leaf(CLADE_F64, CLADE_SHAPE(2), y)};
            nested n = {formulas[i], order};
            clade_status status = clade_gradcheck(derive_on_tape, &n, in, 2, NULL, NULL);
            ck_assert_msg(status == CLADE_OK, "%s, order %d: %s", formulas[i], order,
                          clade_last_error()->message);
            clade_tensor_free(&in[0]);
            clade_tensor_free(&in[1]);
        }
    }
}
END_TEST

/* --- in a step --- */

typedef struct net {
    clade_tensor *x, *w, *out;
} net;

static clade_status run_net(void *user, clade_tensor *const *inputs, int count)
{
    (void)inputs, (void)count;
    net *n = user;
    const double k[] = {0.3};
    clade_status st = clade_tape_begin(ctx);
    if (st != CLADE_OK)
        return st;
    clade_tensor *in[] = {clade_add_scalar(n->x, 0.1), n->w};
    clade_tensor *y = clade_pointwise("x > k ? tanh(x*w) : w*exp(x)/3", "x w k", in, 2, k, 1);
    y = clade_square(y);
    st = clade_backward(clade_sum(y, NULL, 0, false));
    if (st == CLADE_OK)
        st = clade_tensor_copy(n->out, y);
    return st == CLADE_OK ? clade_tape_end(ctx) : st;
}

START_TEST(a_step_fuses_it_to_the_same_bits)
{
    const double x[] = {0.1, -0.7, 1.3, 0.9, 0.2, -1.1}, w[] = {0.3, -1.7, 0.6};
    net n = {leaf(CLADE_F32, CLADE_SHAPE(2, 3), x), leaf(CLADE_F32, CLADE_SHAPE(3), w), NULL};
    float eager[3][6], replayed[3][6];
    clade_step *step;
    clade_step_info info;
    ok(clade_tensor_create(&n.out, ctx, CLADE_F32, CLADE_SHAPE(2, 3)));
    ok(run_net(&n, NULL, 0));
    clade_tensor *results[] = {n.out, clade_tensor_grad(n.x), clade_tensor_grad(n.w)};
    const size_t bytes[] = {sizeof(float[6]), sizeof(float[6]), sizeof(float[3])};
    for (int i = 0; i < 3; i++)
        ok(clade_tensor_read(results[i], eager[i], bytes[i]));
    ok(clade_step_create(&step, ctx, run_net, &n, NULL));
    for (int run = 0; run < 3; run++) {
        ok(clade_tensor_zero_grad(n.x));
        ok(clade_tensor_zero_grad(n.w));
        ok(clade_tensor_fill(n.out, 0));
        ok(clade_step_run(step, NULL, 0));
        for (int i = 0; i < 3; i++) {
            ok(clade_tensor_read(results[i], replayed[i], bytes[i]));
            ck_assert_msg(!memcmp(eager[i], replayed[i], bytes[i]), "result %d of run %d", i, run);
        }
    }
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_lt(info.launches, info.recorded);
    clade_step_free(&step);
    clade_tensor_free(&n.x);
    clade_tensor_free(&n.w);
    clade_tensor_free(&n.out);
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
    if (!clade_context_device(ctx)->has_f64)
        return;
    clade_tensor *types[] = {x, lent(CLADE_F64, CLADE_SHAPE(1), at)};
    null_with(clade_pointwise("x+y", "x y", types, 2, NULL, 0), CLADE_ERR_DTYPE,
              "pointwise: inputs differ in dtype: f32 and f64");
}
END_TEST

int main(void)
{
    return RUN("formula_op", an_expression_is_computed, integers_count_as_numbers,
               values_of_16_bits_are_taken, special_values_pass,
               softplus_and_sigmoid_are_recognised, constant_derivatives_are_numbers,
               derivatives_of_any_order, a_step_fuses_it_to_the_same_bits,
               constants_share_a_kernel_and_names_do_not_matter, memory_may_run_out_anywhere,
               misuse_is_refused);
}
