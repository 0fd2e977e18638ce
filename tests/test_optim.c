/* SGD: the goldens of torch.optim.SGD, through the fused update, an optimizer and a replayed step.
 */
#include <math.h>

#include "golden_file.h"
#include "tensor_testing.h"

#define STEPS 20
#define COUNT 10

/* As tests/goldens/sgd_goldens.py has them. */
static const struct {
    const char *name;
    clade_sgd_params settings;
} settings[] = {
    {"plain", {.lr = 0.1}},
    {"momentum", {.lr = 0.05, .momentum = 0.9}},
    {"dampening", {.lr = 0.05, .momentum = 0.9, .dampening = 0.3}},
    {"nesterov", {.lr = 0.05, .momentum = 0.9, .nesterov = true}},
    {"weight_decay", {.lr = 0.1, .weight_decay = 0.02}},
    {"momentum_decay", {.lr = 0.05, .momentum = 0.8, .weight_decay = 0.02}},
    {"nesterov_decay", {.lr = 0.05, .momentum = 0.8, .weight_decay = 0.02, .nesterov = true}},
    {"all_but_nesterov", {.lr = 0.05, .momentum = 0.8, .dampening = 0.5, .weight_decay = 0.1}},
    {"zero_lr", {.lr = 0, .momentum = 0.9}},
};
#define SETTINGS (sizeof settings / sizeof *settings)

static clade_safetensors *goldens;

static void setup_goldens(void)
{
    setup();
    goldens = open_goldens("sgd");
}

static void teardown_goldens(void)
{
    clade_safetensors_free(&goldens);
    teardown();
}

static bool has_f64(void)
{
    return clade_context_device(ctx)->has_f64;
}

/* Numbers of a golden, which may be stored as f32 while f64 is wanted. */
static void numbers_of(double *out, const clade_array *array, int64_t from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = array->dtype == CLADE_F64 ? ((const double *)array->data)[from + i]
                                           : (double)((const float *)array->data)[from + i];
}

static void write_numbers(clade_tensor *t, const double *values)
{
    float narrow[COUNT];
    for (int i = 0; i < COUNT; i++)
        narrow[i] = (float)values[i];
    if (clade_tensor_dtype(t) == CLADE_F64)
        ok(clade_tensor_write(t, values, COUNT * sizeof *values));
    else
        ok(clade_tensor_write(t, narrow, sizeof narrow));
}

static void read_numbers(double *values, const clade_tensor *t)
{
    float narrow[COUNT];
    if (clade_tensor_dtype(t) == CLADE_F64) {
        ok(clade_tensor_read(t, values, COUNT * sizeof *values));
        return;
    }
    ok(clade_tensor_read(t, narrow, sizeof narrow));
    for (int i = 0; i < COUNT; i++)
        values[i] = narrow[i];
}

static void write_golden(clade_tensor *t, const char *name, int64_t row)
{
    double values[COUNT];
    numbers_of(values, clade_safetensors_find(goldens, name), row * COUNT, COUNT);
    write_numbers(t, values);
}

static void expect_golden(const clade_tensor *weight, size_t setting, int row)
{
    bool wide = clade_tensor_dtype(weight) == CLADE_F64;
    char name[64];
    snprintf(name, sizeof name, "%s%s/weights", settings[setting].name, wide ? "_f64" : "");
    double expected[COUNT], found[COUNT];
    numbers_of(expected, clade_safetensors_find(goldens, name), row * COUNT, COUNT);
    read_numbers(found, weight);
    for (int i = 0; i < COUNT; i++) {
        double allowed = (wide ? 1e-14 : 1e-6) * (1 + fabs(expected[i]));
        ck_assert_msg(fabs(found[i] - expected[i]) <= allowed, "%s, step %d: [%d] = %.9g, not %.9g",
                      name, row, i, found[i], expected[i]);
    }
}

static clade_tensor *fresh(clade_dtype dtype, clade_shape shape)
{
    clade_tensor *t;
    ok(clade_tensor_create(&t, ctx, dtype, shape));
    return t;
}

static void check_update(clade_dtype dtype)
{
    for (size_t s = 0; s < SETTINGS; s++) {
        clade_tensor *w = fresh(dtype, CLADE_SHAPE(2, 5)), *g = fresh(dtype, CLADE_SHAPE(2, 5));
        clade_tensor *v =
            settings[s].settings.momentum > 0 ? fresh(dtype, CLADE_SHAPE(2, 5)) : NULL;
        if (v)
            ok(clade_tensor_fill(v, NAN)); /* the first update must not read it */
        write_golden(w, "start", 0);
        for (int step = 0; step < STEPS; step++) {
            write_golden(g, "grads", step);
            ok(clade_sgd_update(w, g, v, &settings[s].settings, step == 0));
            expect_golden(w, s, step);
        }
        clade_tensor_free(&w);
        clade_tensor_free(&g);
        clade_tensor_free(&v);
    }
}

START_TEST(update_f32)
{
    check_update(CLADE_F32);
}
END_TEST

START_TEST(update_f64)
{
    if (!has_f64())
        return; /* the device has no fp64 */
    check_update(CLADE_F64);
}
END_TEST

/* A window within a larger tensor: what lies around it stays. */
START_TEST(update_of_a_window)
{
    const clade_sgd_params plain = {.lr = 0.1};
    float around[3 * COUNT], grad[COUNT];
    for (int i = 0; i < 3 * COUNT; i++)
        around[i] = (float)i;
    for (int i = 0; i < COUNT; i++)
        grad[i] = 10;
    clade_tensor *all = lent(CLADE_F32, CLADE_SHAPE(3, COUNT), around);
    clade_tensor *w = clade_slice(all, 0, 1, 2, 1);
    ok(clade_sgd_update(w, lent(CLADE_F32, CLADE_SHAPE(1, COUNT), grad), NULL, &plain, true));
    float now[3 * COUNT];
    ok(clade_tensor_read(all, now, sizeof now));
    for (int i = 0; i < 3 * COUNT; i++)
        ck_assert_float_eq_tol(now[i], around[i] - (i / COUNT == 1 ? 1.0f : 0), 1e-5f);
}
END_TEST

/* Two parameters of 4 and 6 elements, so that the set has padding within. */
static clade_params *make_params(void)
{
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    ck_assert_ptr_nonnull(clade_param(params, "a", CLADE_SHAPE(2, 2), clade_init_zeros()));
    ck_assert_ptr_nonnull(clade_param(params, "b", CLADE_SHAPE(6), clade_init_zeros()));
    return params;
}

static void put_row(clade_params *params, bool grads, const char *name, int64_t row)
{
    double values[COUNT];
    float narrow[COUNT];
    numbers_of(values, clade_safetensors_find(goldens, name), row * COUNT, COUNT);
    for (int i = 0; i < COUNT; i++)
        narrow[i] = (float)values[i];
    clade_tensor *a = clade_params_find(params, "a"), *b = clade_params_find(params, "b");
    ok(clade_tensor_write(grads ? clade_tensor_grad(a) : a, narrow, 4 * sizeof(float)));
    ok(clade_tensor_write(grads ? clade_tensor_grad(b) : b, narrow + 4, 6 * sizeof(float)));
}

/* Both parameters as one tensor, lent. */
static clade_tensor *joined(clade_params *params)
{
    clade_tensor *parts[2] = {
        clade_reshape(clade_params_find(params, "a"), CLADE_SHAPE(4)),
        clade_params_find(params, "b"),
    };
    clade_tensor *all = clade_concat(parts, 2, 0);
    ck_assert_msg(all != NULL, "%s", clade_last_error()->message);
    return all;
}

START_TEST(optimizer)
{
    for (size_t s = 0; s < SETTINGS; s++) {
        clade_params *params = make_params();
        put_row(params, false, "start", 0);
        clade_optimizer *opt;
        ok(clade_sgd_create(&opt, params, &settings[s].settings));
        for (int step = 0; step < STEPS; step++) {
            put_row(params, true, "grads", step);
            ck_assert_int_eq(clade_optimizer_steps(opt), step);
            ok(clade_optimizer_step(opt));
            expect_golden(joined(params), s, step);
        }
        ok(clade_optimizer_zero_grad(opt));
        float grads[32];
        ok(clade_tensor_read(clade_params_flat_grad(params), grads, sizeof grads));
        for (int i = 0; i < 32; i++)
            ck_assert(grads[i] == 0);
        clade_optimizer_free(&opt);
        ck_assert_ptr_null(opt);
        clade_params_free(&params);
    }
}
END_TEST

typedef struct replayed {
    clade_params *params;
    clade_optimizer *opt;
} replayed;

static clade_status update_only(void *user, clade_tensor *const *inputs, int count)
{
    replayed *r = user;
    (void)count;
    clade_status status = clade_tensor_copy(clade_params_flat_grad(r->params), inputs[0]);
    return status == CLADE_OK ? clade_optimizer_step(r->opt) : status;
}

/* 20 steps of which the rate changes, called or replayed; the flat weights come out. */
static void run_steps(float out[32], const clade_sgd_params *sgd, bool eager)
{
    replayed r = {.params = make_params()};
    put_row(r.params, false, "start", 0);
    ok(clade_sgd_create(&r.opt, r.params, sgd));
    clade_step *step;
    ok(clade_step_create(&step, ctx, update_only, &r, &(clade_step_params){.eager = eager}));
    for (int i = 0; i < STEPS; i++) {
        float grad[32];
        for (int k = 0; k < 32; k++)
            grad[k] = (float)sin(i * 32 + k);
        clade_tensor *input;
        ok(clade_tensor_from_host(&input, ctx, CLADE_F32, CLADE_SHAPE(32), grad));
        ok(clade_optimizer_set_lr(r.opt, sgd->lr / (1 + i / 3)));
        ok(clade_step_run(step, &input, 1));
        clade_tensor_free(&input);
        ck_assert_int_eq(clade_optimizer_steps(r.opt), i + 1);
    }
    clade_step_info info;
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_eq(info.replays, eager ? 0 : STEPS - 2);
    if (!eager)
        ck_assert_uint_eq(info.recorded, 2); /* the copy and one update of all parameters */
    ok(clade_tensor_read(clade_params_flat(r.params), out, 32 * sizeof *out));
    clade_step_free(&step);
    clade_optimizer_free(&r.opt);
    clade_params_free(&r.params);
}

START_TEST(replays_follow_lr_and_steps)
{
    for (size_t s = 0; s < SETTINGS; s++) {
        float called[32], recorded[32];
        run_steps(called, &settings[s].settings, true);
        run_steps(recorded, &settings[s].settings, false);
        ck_assert_msg(!memcmp(called, recorded, sizeof called), "%s", settings[s].name);
    }
}
END_TEST

/* The learning rate is an argument of the kernel: another one compiles nothing. */
START_TEST(lr_compiles_nothing)
{
    clade_context *logged_ctx;
    const clade_context_params with_log = {.log = capture, .log_level = CLADE_LOG_DEBUG};
    ok(clade_context_create(&logged_ctx, &with_log));
    clade_params *params;
    ok(clade_params_create(&params, logged_ctx));
    ck_assert_ptr_nonnull(clade_param(params, "a", CLADE_SHAPE(4), clade_init_constant(1)));
    clade_optimizer *opt;
    ok(clade_sgd_create(&opt, params, &(clade_sgd_params){.lr = 0.1, .momentum = 0.9}));
    ok(clade_optimizer_step(opt));
    log_text[0] = '\0';
    ok(clade_optimizer_set_lr(opt, 0.25));
    ck_assert(clade_optimizer_lr(opt) == 0.25);
    ok(clade_optimizer_step(opt));
    ck_assert_str_eq(log_text, "");
    clade_optimizer_free(&opt);
    clade_params_free(&params);
    clade_context_free(&logged_ctx);
}
END_TEST

START_TEST(bad_settings)
{
    static const clade_sgd_params bad[] = {
        {.lr = -1},           {.lr = NAN},
        {.lr = INFINITY},     {.momentum = -0.1},
        {.weight_decay = -1}, {.dampening = NAN},
        {.nesterov = true},   {.momentum = 0.9, .dampening = 0.1, .nesterov = true},
    };
    clade_params *params = make_params();
    clade_tensor *flat = clade_params_flat(params), *grad = clade_params_flat_grad(params);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        clade_optimizer *opt;
        fails(clade_sgd_create(&opt, params, &bad[i]), CLADE_ERR_ARGUMENT, "sgd_create: ");
        fails(clade_sgd_update(flat, grad, grad, &bad[i], true), CLADE_ERR_ARGUMENT,
              "sgd_update: ");
    }
    clade_optimizer *opt;
    fails(clade_sgd_create(&opt, params, NULL), CLADE_ERR_ARGUMENT, "settings is NULL");
    fails(clade_sgd_create(&opt, NULL, &settings[0].settings), CLADE_ERR_ARGUMENT,
          "params is NULL");
    fails(clade_sgd_create(NULL, params, &settings[0].settings), CLADE_ERR_ARGUMENT, "out is NULL");
    ok(clade_sgd_create(&opt, params, &settings[0].settings));
    fails(clade_optimizer_set_lr(opt, -0.1), CLADE_ERR_ARGUMENT, "optimizer_set_lr: lr -0.1");
    ck_assert(clade_optimizer_lr(opt) == settings[0].settings.lr);
    fails(clade_optimizer_set_lr(NULL, 1), CLADE_ERR_ARGUMENT, "opt is NULL");
    fails(clade_optimizer_step(NULL), CLADE_ERR_ARGUMENT, "opt is NULL");
    fails(clade_optimizer_zero_grad(NULL), CLADE_ERR_ARGUMENT, "opt is NULL");
    ck_assert_ptr_nonnull(clade_param(params, "late", CLADE_SHAPE(1), clade_init_zeros()));
    fails(clade_optimizer_step(opt), CLADE_ERR_STATE, "3 parameters, 2 when");
    ck_assert_int_eq(clade_optimizer_steps(opt), 0);
    clade_optimizer_free(&opt);
    clade_optimizer_free(&opt);
    clade_optimizer_free(NULL);
    clade_params_free(&params);
}
END_TEST

START_TEST(bad_tensors)
{
    const clade_sgd_params *plain = &settings[0].settings, *momentum = &settings[1].settings;
    clade_tensor *w = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3), 1);
    clade_tensor *g = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3), 1);
    clade_tensor *flat = clade_full(ctx, CLADE_F32, CLADE_SHAPE(6), 1);
    clade_tensor *ints = clade_full(ctx, CLADE_I32, CLADE_SHAPE(2, 3), 1);
    clade_tensor *turned = clade_transpose(clade_full(ctx, CLADE_F32, CLADE_SHAPE(3, 2), 1), 0, 1);
    fails(clade_sgd_update(NULL, g, NULL, plain, true), CLADE_ERR_ARGUMENT, "weight is NULL");
    fails(clade_sgd_update(w, NULL, NULL, plain, true), CLADE_ERR_ARGUMENT, "grad is NULL");
    fails(clade_sgd_update(w, g, NULL, NULL, true), CLADE_ERR_ARGUMENT, "settings is NULL");
    fails(clade_sgd_update(w, g, NULL, momentum, true), CLADE_ERR_ARGUMENT, "velocity is NULL");
    fails(clade_sgd_update(w, flat, NULL, plain, true), CLADE_ERR_SHAPE,
          "the weight is [2,3], the gradient [6]");
    fails(clade_sgd_update(w, g, flat, momentum, true), CLADE_ERR_SHAPE,
          "the weight is [2,3], the velocity [6]");
    fails(clade_sgd_update(w, ints, NULL, plain, true), CLADE_ERR_DTYPE,
          "weight f32 and gradient i32");
    fails(clade_sgd_update(ints, ints, NULL, plain, true), CLADE_ERR_DTYPE, "weight i32");
    fails(clade_sgd_update(turned, g, NULL, plain, true), CLADE_ERR_ARGUMENT,
          "the weight [2,3] is not contiguous");
    fails(clade_sgd_update(w, turned, NULL, plain, true), CLADE_ERR_ARGUMENT,
          "the gradient [2,3] is not contiguous");
    clade_context *other;
    ok(clade_context_create(&other, NULL));
    clade_tensor *foreign;
    ok(clade_tensor_create(&foreign, other, CLADE_F32, CLADE_SHAPE(2, 3)));
    fails(clade_sgd_update(w, foreign, NULL, plain, true), CLADE_ERR_ARGUMENT,
          "different contexts");
    clade_tensor_free(&foreign);
    clade_context_free(&other);
    float now[6];
    ok(clade_tensor_read(w, now, sizeof now));
    for (int i = 0; i < 6; i++)
        ck_assert(now[i] == 1);
}
END_TEST

START_TEST(empty)
{
    clade_params *params;
    clade_optimizer *opt;
    ok(clade_params_create(&params, ctx));
    ok(clade_sgd_create(&opt, params, &settings[1].settings));
    ok(clade_optimizer_zero_grad(opt));
    ok(clade_optimizer_step(opt));
    ck_assert_int_eq(clade_optimizer_steps(opt), 1);
    clade_optimizer_free(&opt);
    clade_params_free(&params);
    clade_tensor *none = clade_full(ctx, CLADE_F32, CLADE_SHAPE(0, 3), 0);
    ok(clade_sgd_update(none, none, none, &settings[1].settings, true));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        update_f32,
        update_f64,
        update_of_a_window,
        optimizer,
        replays_follow_lr_and_steps,
        lr_compiles_nothing,
        bad_settings,
        bad_tensors,
        empty,
    };
    return run_suite_with("optim", tests, sizeof tests / sizeof *tests, setup_goldens,
                          teardown_goldens);
}
