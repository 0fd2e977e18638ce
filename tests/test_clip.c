/* Clipping of gradients: by norm and by value, called and replayed. */
#include <math.h>

#include "tensor_testing.h"

/* Large enough that the sum of squares is made in several parts. */
#define COUNT 70003

static clade_params *params;
static clade_tensor *a, *b;
static float before[COUNT], after[COUNT];

static void setup_params(void)
{
    setup();
    ok(clade_params_create(&params, ctx));
    a = clade_param(params, "a", CLADE_SHAPE(3), clade_init_zeros());
    b = clade_param(params, "b", CLADE_SHAPE(COUNT - 3), clade_init_zeros());
    ck_assert(a && b);
}

static void teardown_params(void)
{
    clade_params_free(&params);
    teardown();
}

static void put(double scale)
{
    for (int i = 0; i < COUNT; i++)
        before[i] = (float)(scale * sin(i + 1.0));
    ok(clade_tensor_write(clade_tensor_grad(a), before, 3 * sizeof(float)));
    ok(clade_tensor_write(clade_tensor_grad(b), before + 3, (COUNT - 3) * sizeof(float)));
}

static void get(void)
{
    ok(clade_tensor_read(clade_tensor_grad(a), after, 3 * sizeof(float)));
    ok(clade_tensor_read(clade_tensor_grad(b), after + 3, (COUNT - 3) * sizeof(float)));
}

static double norm_before(void)
{
    double sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum += (double)before[i] * before[i];
    return sqrt(sum);
}

static void expect_scaled(double factor)
{
    get();
    for (int i = 0; i < COUNT; i++)
        ck_assert_msg(fabs(after[i] - factor * before[i]) <= 1e-5 * fabs(factor * before[i]),
                      "[%d]: %.9g, not %.9g", i, after[i], factor * before[i]);
}

START_TEST(by_norm)
{
    static const double limits[] = {0, 0.5, 5, 186, 188, 1e9, INFINITY}; /* the norm is 187.1 */
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        put(1);
        double norm = -1, expected = norm_before();
        ok(clade_params_clip_grad_norm(params, limits[i], i % 2 ? &norm : NULL));
        if (i % 2)
            ck_assert_double_eq_tol(norm, expected, 1e-4);
        expect_scaled(fmin(1, limits[i] / (expected + 1e-6)));
    }
}
END_TEST

/* Where nothing exceeds, no bit changes. */
START_TEST(small_gradients_stay)
{
    put(1e-3);
    ok(clade_params_clip_grad_norm(params, 1, NULL));
    ok(clade_params_clip_grad_value(params, 1));
    get();
    ck_assert_mem_eq(before, after, sizeof before);
}
END_TEST

START_TEST(zero_gradients_stay_zero)
{
    put(0);
    double norm = -1;
    ok(clade_params_clip_grad_norm(params, 0, &norm));
    ck_assert(norm == 0);
    expect_scaled(0);
}
END_TEST

START_TEST(nan_spreads)
{
    put(1);
    const float nans[3] = {1, NAN, 2};
    ok(clade_tensor_write(clade_tensor_grad(a), nans, sizeof nans));
    ok(clade_params_clip_grad_value(params, 0.5));
    get();
    ck_assert(after[0] == 0.5f && isnan(after[1]) && after[2] == 0.5f);
    double norm = 0;
    ok(clade_params_clip_grad_norm(params, 1, &norm));
    ck_assert(isnan(norm));
    get();
    for (int i = 0; i < COUNT; i++)
        ck_assert(isnan(after[i]));
}
END_TEST

START_TEST(by_value)
{
    put(2);
    ok(clade_params_clip_grad_value(params, 0.75));
    get();
    for (int i = 0; i < COUNT; i++)
        ck_assert(after[i] == fmaxf(-0.75f, fminf(0.75f, before[i])));
}
END_TEST

static clade_status clip(void *user, clade_tensor *const *inputs, int count)
{
    (void)count;
    clade_status status = clade_tensor_copy(clade_params_flat_grad(params), inputs[0]);
    return status == CLADE_OK ? clade_params_clip_grad_norm(params, 2, user) : status;
}

/* Each replay measures the norm anew. */
START_TEST(replayed)
{
    clade_step *step;
    ok(clade_step_create(&step, ctx, clip, NULL, NULL));
    for (int i = 0; i < 5; i++) {
        put(i);
        clade_tensor *input = clade_add_scalar(clade_params_flat_grad(params), 0);
        ok(clade_step_run(step, &input, 1));
        expect_scaled(fmin(1, 2 / (norm_before() + 1e-6)));
    }
    clade_step_free(&step);
    double norm;
    ok(clade_step_create(&step, ctx, clip, &norm, NULL));
    clade_tensor *input = clade_add_scalar(clade_params_flat_grad(params), 0);
    ok(clade_step_run(step, &input, 1));
    fails(clade_step_run(step, &input, 1), CLADE_ERR_STATE, "record");
    clade_step_free(&step);
}
END_TEST

START_TEST(bad_arguments)
{
    put(1);
    fails(clade_params_clip_grad_norm(NULL, 1, NULL), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_params_clip_grad_norm(params, -1, NULL), CLADE_ERR_ARGUMENT,
          "params_clip_grad_norm: max_norm -1");
    fails(clade_params_clip_grad_norm(params, NAN, NULL), CLADE_ERR_ARGUMENT, "max_norm nan");
    fails(clade_params_clip_grad_value(NULL, 1), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_params_clip_grad_value(params, -1), CLADE_ERR_ARGUMENT,
          "params_clip_grad_value: limit -1");
    expect_scaled(1);
    clade_params *none;
    double norm = -1;
    ok(clade_params_create(&none, ctx));
    ok(clade_params_clip_grad_norm(none, 1, &norm));
    ck_assert(norm == 0);
    ok(clade_params_clip_grad_value(none, 1));
    clade_params_free(&none);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        by_norm,  small_gradients_stay, zero_gradients_stay_zero, nan_spreads, by_value,
        replayed, bad_arguments,
    };
    return run_suite_with("clip", tests, sizeof tests / sizeof *tests, setup_params,
                          teardown_params);
}
