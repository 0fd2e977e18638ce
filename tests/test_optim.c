/* Optimizers: the goldens of torch.optim, through updates of single tensors, optimizers and
 * replayed steps. */
#include <math.h>

#include "golden_file.h"
#include "optim/optimizer.h"
#include "tensor_testing.h"

#define STEPS 20
#define COUNT 10

/* As tests/goldens/optimizer_goldens.py has them. */
typedef struct setting {
    const char *name;
    const clade_optimizer_kind *kind;
    clade_optimizer_settings settings;
} setting;

#define SGD(name, ...)                                                                             \
    {                                                                                              \
        name, &clade_kind_sgd,                                                                     \
        {                                                                                          \
            .sgd = { __VA_ARGS__ }                                                                 \
        }                                                                                          \
    }
#define ADAM(name, ...)                                                                            \
    {                                                                                              \
        name, &clade_kind_adam,                                                                    \
        {                                                                                          \
            .adam = { __VA_ARGS__ }                                                                \
        }                                                                                          \
    }
#define RMSPROP(name, ...)                                                                         \
    {                                                                                              \
        name, &clade_kind_rmsprop,                                                                 \
        {                                                                                          \
            .rmsprop = { __VA_ARGS__ }                                                             \
        }                                                                                          \
    }
#define ADAGRAD(name, ...)                                                                         \
    {                                                                                              \
        name, &clade_kind_adagrad,                                                                 \
        {                                                                                          \
            .adagrad = { __VA_ARGS__ }                                                             \
        }                                                                                          \
    }
#define LION(name, ...)                                                                            \
    {                                                                                              \
        name, &clade_kind_lion,                                                                    \
        {                                                                                          \
            .lion = { __VA_ARGS__ }                                                                \
        }                                                                                          \
    }
/* clang-format off */
static const setting settings[] = {
    SGD("plain", .lr = 0.1),
    SGD("momentum", .lr = 0.05, .momentum = 0.9),
    SGD("dampening", .lr = 0.05, .momentum = 0.9, .dampening = 0.3),
    SGD("nesterov", .lr = 0.05, .momentum = 0.9, .nesterov = true),
    SGD("weight_decay", .lr = 0.1, .weight_decay = 0.02),
    SGD("momentum_decay", .lr = 0.05, .momentum = 0.8, .weight_decay = 0.02),
    SGD("nesterov_decay", .lr = 0.05, .momentum = 0.8, .weight_decay = 0.02, .nesterov = true),
    SGD("all_but_nesterov", .lr = 0.05, .momentum = 0.8, .dampening = 0.5, .weight_decay = 0.1),
    SGD("zero_lr", .lr = 0, .momentum = 0.9),
    ADAM("adam", .lr = 0.05),
    ADAM("adam_betas", .lr = 0.05, .beta1 = 0.5, .beta2 = 0.75, .eps = 0.125),
    ADAM("adam_decay", .lr = 0.05, .weight_decay = 0.25),
    ADAM("adam_no_mean", .lr = 0.05, .beta1 = 1e-300, .beta2 = 0.9),
    ADAM("adamw", .lr = 0.05, .weight_decay = 0.25, .decoupled = true),
    ADAM("adamw_no_decay", .lr = 0.05, .decoupled = true),
    RMSPROP("rmsprop", .lr = 0.02),
    RMSPROP("rmsprop_centered", .lr = 0.02, .alpha = 0.9, .eps = 0.01, .centered = true),
    RMSPROP("rmsprop_momentum", .lr = 0.02, .momentum = 0.8, .weight_decay = 0.25),
    RMSPROP("rmsprop_all", .lr = 0.02, .alpha = 0.8, .eps = 0.01, .momentum = 0.8,
            .weight_decay = 0.25, .centered = true),
    ADAGRAD("adagrad", .lr = 0.1),
    ADAGRAD("adagrad_all", .lr = 0.1, .lr_decay = 0.05, .initial_sum = 0.5, .eps = 0.01,
            .weight_decay = 0.25),
    LION("lion", .lr = 0.02),
    LION("lion_decay", .lr = 0.02, .beta1 = 0.6, .beta2 = 0.8, .weight_decay = 0.25),
};
/* clang-format on */
#define SETTINGS (sizeof settings / sizeof *settings)

static const clade_sgd_params *const plain = &settings[0].settings.sgd;
static const clade_sgd_params *const momentum = &settings[1].settings.sgd;

static clade_status create(clade_optimizer **opt, clade_params *params, const setting *s)
{
    if (s->kind == &clade_kind_sgd)
        return clade_sgd_create(opt, params, &s->settings.sgd);
    if (s->kind == &clade_kind_adam)
        return clade_adam_create(opt, params, &s->settings.adam);
    if (s->kind == &clade_kind_rmsprop)
        return clade_rmsprop_create(opt, params, &s->settings.rmsprop);
    if (s->kind == &clade_kind_adagrad)
        return clade_adagrad_create(opt, params, &s->settings.adagrad);
    return clade_lion_create(opt, params, &s->settings.lion);
}

/* By the public function where there is one. */
static clade_status update(clade_tensor *w, clade_tensor *g, clade_tensor *const *states,
                           const setting *s, int64_t steps)
{
    if (s->kind == &clade_kind_sgd)
        return clade_sgd_update(w, g, states[0], &s->settings.sgd, steps == 0);
    if (s->kind == &clade_kind_adam)
        return clade_adam_update(w, g, states[0], states[1], &s->settings.adam, steps);
    return clade_optimizer_update(s->kind, w, g, states, &s->settings, steps);
}

static clade_safetensors *goldens;

static void setup_goldens(void)
{
    setup();
    goldens = open_goldens("optimizers");
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

static void check_update_of(clade_dtype dtype, size_t s)
{
    clade_tensor *w = fresh(dtype, CLADE_SHAPE(2, 5)), *g = fresh(dtype, CLADE_SHAPE(2, 5));
    clade_tensor *tensors[CLADE_OPTIMIZER_STATES] = {NULL};
    clade_optimizer_state states[CLADE_OPTIMIZER_STATES];
    int count = settings[s].kind->states(&settings[s].settings, states);
    for (int i = 0; i < count; i++) {
        tensors[i] = fresh(dtype, CLADE_SHAPE(2, 5));
        /* What the first update of SGD must not read. */
        ok(clade_tensor_fill(tensors[i],
                             settings[s].kind == &clade_kind_sgd ? NAN : states[i].start));
    }
    write_golden(w, "start", 0);
    for (int step = 0; step < STEPS; step++) {
        write_golden(g, "grads", step);
        ok(update(w, g, tensors, &settings[s], step));
        expect_golden(w, s, step);
    }
    clade_tensor_free(&w);
    clade_tensor_free(&g);
    for (int i = 0; i < count; i++)
        clade_tensor_free(&tensors[i]);
}

static void check_update(clade_dtype dtype)
{
    for (size_t s = 0; s < SETTINGS; s++)
        check_update_of(dtype, s);
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
    float around[3 * COUNT], grad[COUNT];
    for (int i = 0; i < 3 * COUNT; i++)
        around[i] = (float)i;
    for (int i = 0; i < COUNT; i++)
        grad[i] = 10;
    clade_tensor *all = lent(CLADE_F32, CLADE_SHAPE(3, COUNT), around);
    clade_tensor *w = clade_slice(all, 0, 1, 2, 1);
    ok(clade_sgd_update(w, lent(CLADE_F32, CLADE_SHAPE(1, COUNT), grad), NULL, plain, true));
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
        ok(create(&opt, params, &settings[s]));
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
static void run_steps(float out[32], const setting *s, bool eager)
{
    replayed r = {.params = make_params()};
    put_row(r.params, false, "start", 0);
    ok(create(&r.opt, r.params, s));
    clade_step *step;
    ok(clade_step_create(&step, ctx, update_only, &r, &(clade_step_params){.eager = eager}));
    for (int i = 0; i < STEPS; i++) {
        float grad[32];
        for (int k = 0; k < 32; k++)
            grad[k] = (float)sin(i * 32 + k);
        clade_tensor *input;
        ok(clade_tensor_from_host(&input, ctx, CLADE_F32, CLADE_SHAPE(32), grad));
        ok(clade_optimizer_set_lr(r.opt, s->settings.lr / (1 + i / 3)));
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
        run_steps(called, &settings[s], true);
        run_steps(recorded, &settings[s], false);
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
    fails(clade_sgd_create(&opt, NULL, plain), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_sgd_create(NULL, params, plain), CLADE_ERR_ARGUMENT, "out is NULL");
    ok(clade_sgd_create(&opt, params, plain));
    fails(clade_optimizer_set_lr(opt, -0.1), CLADE_ERR_ARGUMENT, "optimizer_set_lr: lr -0.1");
    ck_assert(clade_optimizer_lr(opt) == plain->lr);
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

/* Each kind refuses its own; the message names the setting and its value. */
START_TEST(bad_settings_of_kinds)
{
    static const struct {
        setting setting;
        const char *message;
    } bad[] = {
        {ADAM("", .lr = -1), "adam_create: lr -1: must be finite and not negative"},
        {ADAM("", .beta1 = 1), "adam_create: beta1 1: must be below 1"},
        {ADAM("", .beta2 = 1.5), "adam_create: beta2 1.5: must be below 1"},
        {ADAM("", .beta2 = -0.5), "beta2 -0.5: must be finite and not negative"},
        {ADAM("", .eps = NAN), "eps nan"},
        {ADAM("", .weight_decay = INFINITY), "weight_decay inf"},
        {RMSPROP("", .lr = NAN), "rmsprop_create: lr nan"},
        {RMSPROP("", .alpha = 1), "alpha 1: must be below 1"},
        {RMSPROP("", .eps = -1), "eps -1"},
        {RMSPROP("", .momentum = -1), "momentum -1"},
        {RMSPROP("", .weight_decay = -1), "weight_decay -1"},
        {ADAGRAD("", .lr = -1), "adagrad_create: lr -1"},
        {ADAGRAD("", .lr_decay = -1), "lr_decay -1"},
        {ADAGRAD("", .initial_sum = -1), "initial_sum -1"},
        {ADAGRAD("", .eps = -1), "eps -1"},
        {ADAGRAD("", .weight_decay = -1), "weight_decay -1"},
        {LION("", .lr = -1), "lion_create: lr -1"},
        {LION("", .beta1 = 1), "beta1 1: must be below 1"},
        {LION("", .beta2 = 1), "beta2 1: must be below 1"},
        {LION("", .weight_decay = -1), "weight_decay -1"},
    };
    clade_params *params = make_params();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        clade_optimizer *opt;
        fails(create(&opt, params, &bad[i].setting), CLADE_ERR_ARGUMENT, bad[i].message);
    }
    clade_params_free(&params);
    clade_tensor *w = clade_full(ctx, CLADE_F32, CLADE_SHAPE(3), 1);
    const clade_adam_params adam = {.lr = 0.1}, bad_adam = {.lr = 0.1, .beta1 = 2};
    fails(clade_adam_update(w, w, w, NULL, &adam, 0), CLADE_ERR_ARGUMENT, "square is NULL");
    fails(clade_adam_update(w, w, NULL, w, &adam, 0), CLADE_ERR_ARGUMENT, "mean is NULL");
    fails(clade_adam_update(w, w, w, w, &adam, -1), CLADE_ERR_ARGUMENT, "-1 steps made");
    fails(clade_adam_update(w, w, w, w, &bad_adam, 0), CLADE_ERR_ARGUMENT, "adam_update: beta1 2");
}
END_TEST

START_TEST(empty)
{
    for (size_t s = 0; s < SETTINGS; s++) {
        clade_params *params;
        clade_optimizer *opt;
        ok(clade_params_create(&params, ctx));
        ok(create(&opt, params, &settings[s]));
        ok(clade_optimizer_zero_grad(opt));
        ok(clade_optimizer_step(opt));
        ck_assert_int_eq(clade_optimizer_steps(opt), 1);
        clade_optimizer_free(&opt);
        clade_params_free(&params);
        clade_tensor *none = clade_full(ctx, CLADE_F32, CLADE_SHAPE(0, 3), 0);
        clade_tensor *const states[CLADE_OPTIMIZER_STATES] = {none, none, none};
        ok(update(none, none, states, &settings[s], 0));
    }
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
        bad_settings_of_kinds,
        bad_tensors,
        empty,
    };
    return run_suite_with("optim", tests, sizeof tests / sizeof *tests, setup_goldens,
                          teardown_goldens);
}
