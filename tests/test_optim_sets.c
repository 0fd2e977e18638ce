/* Optimizers of sets of parameters that are not all treated alike (groups, Muon), averages of
 * weights, and checkpoints: against PyTorch's goldens, called and replayed. */
#include <math.h>

#include "base/alloc.h"
#include "golden_file.h"
#include "tensor_testing.h"

#define STEPS      20
#define COUNT      10
#define MUON_COUNT 37

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

/* --- sets ------------------------------------------------------------------------------------- */
static clade_tensor *zeros(clade_params *params, const char *name, clade_shape shape)
{
    clade_tensor *t = clade_param(params, name, shape, clade_init_zeros());
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    return t;
}

static clade_params *two_params(void)
{
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    zeros(params, "a", CLADE_SHAPE(2, 2));
    zeros(params, "b", CLADE_SHAPE(6));
    return params;
}

/* As MUON_SHAPES of tests/goldens/optimizer_goldens.py. */
static clade_params *muon_params(void)
{
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    zeros(params, "tall", CLADE_SHAPE(4, 3));
    zeros(params, "wide", CLADE_SHAPE(3, 5));
    zeros(params, "head.weight", CLADE_SHAPE(2, 3));
    zeros(params, "head.bias", CLADE_SHAPE(4));
    return params;
}

/* All parameters or their gradients, one after the other, from or to `values`. */
static void put(clade_params *params, bool grads, const float *values)
{
    for (size_t i = 0; i < clade_params_count(params); i++) {
        clade_tensor *t = clade_params_get(params, i);
        int64_t n = clade_tensor_numel(t);
        ok(clade_tensor_write(grads ? clade_tensor_grad(t) : t, values, (size_t)n * sizeof(float)));
        values += n;
    }
}

static void get(clade_params *params, float *values)
{
    for (size_t i = 0; i < clade_params_count(params); i++) {
        clade_tensor *t = clade_params_get(params, i);
        int64_t n = clade_tensor_numel(t);
        ok(clade_tensor_read(t, values, (size_t)n * sizeof(float)));
        values += n;
    }
}

static void expect(clade_params *params, const char *name, const float *expected, int count,
                   double tolerance)
{
    float found[MUON_COUNT];
    get(params, found);
    for (int i = 0; i < count; i++)
        ck_assert_msg(fabs((double)found[i] - (double)expected[i]) <=
                          tolerance * (1 + fabs((double)expected[i])),
                      "%s: [%d] = %.9g, not %.9g", name, i, (double)found[i], (double)expected[i]);
}

/* What a recorded step does: gradients from its input, one update. */
typedef struct run {
    clade_params *params;
    clade_optimizer *opt;
    clade_ema *ema;
} run;

static clade_status update(void *user, clade_tensor *const *inputs, int count)
{
    run *r = user;
    (void)count;
    clade_status status = clade_tensor_copy(clade_params_flat_grad(r->params), inputs[0]);
    if (status == CLADE_OK)
        status = clade_optimizer_step(r->opt);
    return status == CLADE_OK && r->ema ? clade_ema_update(r->ema) : status;
}

/* Steps from..to-1 with gradients of a kind, by a step of their own; the weights come out. */
static void steps(run *r, int from, int to, bool eager, float *weights)
{
    clade_step *step;
    ok(clade_step_create(&step, ctx, update, r, &(clade_step_params){.eager = eager}));
    int64_t n = clade_tensor_numel(clade_params_flat(r->params));
    for (int i = from; i < to; i++) {
        float grad[128];
        for (int64_t k = 0; k < n; k++)
            grad[k] = (float)sin((double)(i * n + k));
        clade_tensor *input;
        ok(clade_tensor_from_host(&input, ctx, CLADE_F32, CLADE_SHAPE(n), grad));
        ok(clade_optimizer_set_lr(r->opt, 0.05 / (1 + i / 3)));
        ok(clade_step_run(step, &input, 1));
        clade_tensor_free(&input);
    }
    get(r->params, weights);
    clade_step_free(&step);
}

static void expect_replays_alike(run *(*make)(void), void (*done)(run *))
{
    float called[128] = {0}, replayed[128] = {0};
    run *r = make();
    steps(r, 0, STEPS, true, called);
    done(r);
    r = make();
    steps(r, 0, STEPS, false, replayed);
    ck_assert_int_eq(clade_optimizer_steps(r->opt), STEPS);
    done(r);
    ck_assert(!memcmp(called, replayed, sizeof called));
    ck_assert(called[0] != 0);
}

static void run_free(run *r)
{
    clade_ema_free(&r->ema);
    clade_optimizer_free(&r->opt);
    clade_params_free(&r->params);
}

/* --- groups ----------------------------------------------------------------------------------- */
static void check_groups(const char *name, clade_optimizer *opt, clade_params *params)
{
    const float *grads = golden(goldens, "grads", CLADE_F32, STEPS * COUNT);
    const float *expected = golden(goldens, name, CLADE_F32, STEPS * COUNT);
    put(params, false, golden(goldens, "start", CLADE_F32, COUNT));
    ok(clade_optimizer_set_factors(opt, "", 3, 3)); /* what follows counts */
    ok(clade_optimizer_set_factors(opt, "a", 1, 0));
    ok(clade_optimizer_set_param_factors(opt, clade_params_find(params, "b"), 0.5, 2));
    for (int i = 0; i < STEPS; i++) {
        put(params, true, grads + (size_t)i * COUNT);
        ok(clade_optimizer_step(opt));
        expect(params, name, expected + (size_t)i * COUNT, COUNT, 1e-6);
    }
    ck_assert_int_eq(clade_optimizer_steps(opt), STEPS);
}

START_TEST(groups)
{
    clade_params *params = two_params();
    clade_optimizer *opt;
    ok(clade_sgd_create(&opt, params,
                        &(clade_sgd_params){.lr = 0.05, .momentum = 0.8, .weight_decay = 0.25}));
    check_groups("groups/sgd", opt, params);
    clade_optimizer_free(&opt);
    ok(clade_adam_create(
        &opt, params, &(clade_adam_params){.lr = 0.05, .weight_decay = 0.25, .decoupled = true}));
    check_groups("groups/adamw", opt, params);
    clade_optimizer_free(&opt);
    clade_params_free(&params);
}
END_TEST

static run replayed;

static run *make_groups(void)
{
    replayed = (run){.params = two_params()};
    ok(clade_adam_create(&replayed.opt, replayed.params, &(clade_adam_params){.lr = 0.05}));
    ok(clade_optimizer_set_factors(replayed.opt, "b", 0.5, 1));
    return &replayed;
}

START_TEST(groups_replay)
{
    expect_replays_alike(make_groups, run_free);
}
END_TEST

START_TEST(bad_groups)
{
    clade_params *params = two_params();
    clade_optimizer *opt;
    ok(clade_sgd_create(&opt, params, &(clade_sgd_params){.lr = 1}));
    clade_tensor *b = clade_params_find(params, "b");
    fails(clade_optimizer_set_factors(NULL, "a", 1, 1), CLADE_ERR_ARGUMENT, "opt is NULL");
    fails(clade_optimizer_set_factors(opt, NULL, 1, 1), CLADE_ERR_ARGUMENT, "prefix is NULL");
    fails(clade_optimizer_set_factors(opt, "c", 1, 1), CLADE_ERR_ARGUMENT,
          "no parameter's name starts with \"c\"");
    fails(clade_optimizer_set_factors(opt, "a", -1, 1), CLADE_ERR_ARGUMENT, "lr -1");
    fails(clade_optimizer_set_factors(opt, "a", 1, NAN), CLADE_ERR_ARGUMENT, "weight_decay nan");
    fails(clade_optimizer_set_param_factors(NULL, b, 1, 1), CLADE_ERR_ARGUMENT, "opt is NULL");
    fails(clade_optimizer_set_param_factors(opt, NULL, 1, 1), CLADE_ERR_ARGUMENT, "param is NULL");
    fails(clade_optimizer_set_param_factors(opt, clade_params_flat(params), 1, 1),
          CLADE_ERR_ARGUMENT, "is none of the parameters");
    fails(clade_optimizer_set_param_factors(opt, b, 1, INFINITY), CLADE_ERR_ARGUMENT,
          "weight_decay inf");
    ok(clade_optimizer_step(opt));
    fails(clade_optimizer_set_factors(opt, "a", 1, 1), CLADE_ERR_STATE, "1 updates were made");
    fails(clade_optimizer_set_param_factors(opt, b, 1, 1), CLADE_ERR_STATE, "1 updates were made");
    clade_optimizer_free(&opt);
    clade_params_free(&params);
}
END_TEST

/* --- Muon ------------------------------------------------------------------------------------- */
static const char *const head[] = {"head."};

static const clade_muon_params muon_default = {
    .lr = 0.02, .adam_prefixes = head, .adam_prefix_count = 1};
static const clade_muon_params muon_all = {.lr = 0.05,
                                           .momentum = 0.8,
                                           .weight_decay = 0.25,
                                           .eps = 0.5,
                                           .iterations = 3,
                                           .no_nesterov = true,
                                           .match_adam = true,
                                           .adam_lr = 0.5,
                                           .beta1 = 0.8,
                                           .beta2 = 0.95,
                                           .adam_eps = 1e-6,
                                           .adam_prefixes = head,
                                           .adam_prefix_count = 1};

static void check_muon(const char *name, const clade_muon_params *settings)
{
    const float *grads = golden(goldens, "muon/grads", CLADE_F32, STEPS * MUON_COUNT);
    const float *expected = golden(goldens, name, CLADE_F32, STEPS * MUON_COUNT);
    clade_params *params = muon_params();
    put(params, false, golden(goldens, "muon/start", CLADE_F32, MUON_COUNT));
    clade_optimizer *opt;
    ok(clade_muon_create(&opt, params, settings));
    for (int i = 0; i < STEPS; i++) {
        put(params, true, grads + (size_t)i * MUON_COUNT);
        ok(clade_optimizer_step(opt));
        /* The polynomial's slope at 0 makes rounding 3.4 times larger in each iteration. */
        expect(params, name, expected + (size_t)i * MUON_COUNT, MUON_COUNT, 1e-5);
    }
    clade_optimizer_free(&opt);
    clade_params_free(&params);
}

START_TEST(muon)
{
    check_muon("muon/default", &muon_default);
    check_muon("muon/all", &muon_all);
}
END_TEST

static run *make_muon(void)
{
    replayed = (run){.params = muon_params()};
    ok(clade_muon_create(&replayed.opt, replayed.params, &muon_all));
    return &replayed;
}

START_TEST(muon_replays)
{
    expect_replays_alike(make_muon, run_free);
}
END_TEST

START_TEST(bad_muon)
{
    clade_params *params = muon_params();
    clade_optimizer *opt;
    fails(clade_muon_create(&opt, params, NULL), CLADE_ERR_ARGUMENT, "settings is NULL");
    fails(clade_muon_create(&opt, params, &(clade_muon_params){.lr = -1}), CLADE_ERR_ARGUMENT,
          "muon_create: lr -1");
    fails(clade_muon_create(&opt, params, &(clade_muon_params){.momentum = 1}), CLADE_ERR_ARGUMENT,
          "momentum 1: must be below 1");
    fails(clade_muon_create(&opt, params, &(clade_muon_params){.iterations = -1}),
          CLADE_ERR_ARGUMENT, "iterations -1");
    fails(clade_muon_create(&opt, params, &(clade_muon_params){.adam_lr = -1}), CLADE_ERR_ARGUMENT,
          "adam_lr -1");
    clade_params_free(&params);
}
END_TEST

/* --- averages --------------------------------------------------------------------------------- */
START_TEST(average)
{
    const float *weights = golden(goldens, "momentum/weights", CLADE_F32, STEPS * COUNT);
    const float *expected = golden(goldens, "ema", CLADE_F32, STEPS * COUNT);
    clade_params *params = two_params();
    clade_ema *ema;
    ok(clade_ema_create(&ema, params, 0.75));
    for (int i = 0; i < STEPS; i++) {
        put(params, false, weights + (size_t)i * COUNT);
        ok(clade_ema_update(ema));
        ok(clade_ema_swap(ema));
        ck_assert(clade_ema_swapped(ema));
        expect(params, "ema", expected + (size_t)i * COUNT, COUNT, 1e-6);
        fails(clade_ema_update(ema), CLADE_ERR_STATE, "the average is swapped in");
        ok(clade_ema_swap(ema));
        expect(params, "weights", weights + (size_t)i * COUNT, COUNT, 0);
    }
    ck_assert_int_eq(clade_ema_updates(ema), STEPS);
    zeros(params, "late", CLADE_SHAPE(1));
    fails(clade_ema_update(ema), CLADE_ERR_STATE, "3 parameters, 2 when");
    fails(clade_ema_swap(ema), CLADE_ERR_STATE, "3 parameters, 2 when");
    clade_ema_free(&ema);
    clade_ema_free(&ema);
    ck_assert(!clade_ema_swapped(ema));
    fails(clade_ema_update(NULL), CLADE_ERR_ARGUMENT, "ema is NULL");
    fails(clade_ema_create(&ema, NULL, 0.5), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_ema_create(&ema, params, 1), CLADE_ERR_ARGUMENT, "decay 1: must be in [0, 1)");
    fails(clade_ema_create(&ema, params, NAN), CLADE_ERR_ARGUMENT, "decay nan");
    clade_params_free(&params);
}
END_TEST

START_TEST(average_of_nothing)
{
    clade_params *params;
    clade_ema *ema;
    ok(clade_params_create(&params, ctx));
    ok(clade_ema_create(&ema, params, 0.5));
    ok(clade_ema_update(ema));
    ok(clade_ema_swap(ema));
    ck_assert_int_eq(clade_ema_updates(ema), 1);
    clade_ema_free(&ema);
    clade_params_free(&params);
}
END_TEST

/* --- checkpoints ------------------------------------------------------------------------------ */
static run *make_all(void)
{
    (void)make_muon();
    ok(clade_ema_create(&replayed.ema, replayed.params, 0.75));
    return &replayed;
}

static char folder[256], path[300];

static clade_checkpoint checkpoint_of(const run *r, const clade_checkpoint_number *number)
{
    return (clade_checkpoint){.params = r->params,
                              .optimizer = r->opt,
                              .ema = r->ema,
                              .numbers = number,
                              .number_count = 1};
}

static void average_of(const run *r, float *average)
{
    ok(clade_ema_swap(r->ema));
    get(r->params, average);
    ok(clade_ema_swap(r->ema));
}

static void open_folder(void)
{
    make_temporary_dir(folder);
    snprintf(path, sizeof path, "%s/run.safetensors", folder);
}

/* Through a file in the middle: the same bits, random numbers included. */
START_TEST(checkpoint_goes_on)
{
    float whole[128] = {0}, parted[128] = {0}, e[2][128] = {{0}}, random[2][8];
    open_folder();
    clade_manual_seed(ctx, 7);
    run *r = make_all();
    steps(r, 0, 9, false, whole);
    ok(clade_tensor_read(clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(8), 0, 1), random[0], 32));
    double note[2] = {0.1, -3};
    const clade_checkpoint_number number = {"note", note, 2};
    clade_checkpoint c = checkpoint_of(r, &number);
    ok(clade_checkpoint_save(&c, path));
    steps(r, 9, STEPS, false, whole);
    ok(clade_tensor_read(clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(8), 0, 1), random[0], 32));
    average_of(r, e[0]);
    run_free(r);
    clade_manual_seed(ctx, 0);
    note[0] = note[1] = 0;
    r = make_all();
    c = checkpoint_of(r, &number);
    ok(clade_checkpoint_load(&c, path));
    ck_assert_int_eq(clade_optimizer_steps(r->opt), 9);
    ck_assert_int_eq(clade_ema_updates(r->ema), 9);
    ck_assert(note[0] == 0.1 && note[1] == -3);
    steps(r, 9, STEPS, false, parted);
    ok(clade_tensor_read(clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(8), 0, 1), random[1], 32));
    average_of(r, e[1]);
    run_free(r);
    ck_assert(!memcmp(whole, parted, sizeof whole));
    ck_assert(!memcmp(e[0], e[1], sizeof e[0]));
    ck_assert(!memcmp(random[0], random[1], sizeof random[0]));
    remove_tree(folder);
}
END_TEST

/* The scale that an overflow has halved. */
START_TEST(checkpoint_of_a_scaler)
{
    open_folder();
    run *r = make_groups();
    clade_loss_scaler *scaler[2];
    for (int i = 0; i < 2; i++)
        ok(clade_loss_scaler_create(&scaler[i], ctx, NULL));
    ok(clade_tensor_fill(clade_params_flat_grad(r->params), INFINITY));
    ok(clade_loss_scaler_step(scaler[0], r->opt));
    ok(clade_loss_scaler_update(scaler[0]));
    const clade_checkpoint saved = {.params = r->params, .scaler = scaler[0]},
                           loaded = {.params = r->params, .scaler = scaler[1]},
                           without = {.params = r->params};
    ok(clade_checkpoint_save(&saved, path));
    ok(clade_checkpoint_load(&loaded, path));
    double scale;
    int64_t skipped;
    ok(clade_loss_scaler_read(scaler[1], &scale, &skipped));
    ck_assert(scale == 32768);
    ck_assert_int_eq(skipped, 1);
    fails(clade_checkpoint_load(&without, path), CLADE_ERR_FORMAT, "arrays, here are");
    for (int i = 0; i < 2; i++)
        clade_loss_scaler_free(&scaler[i]);
    run_free(r);
    remove_tree(folder);
}
END_TEST

START_TEST(bad_checkpoints)
{
    open_folder();
    run *r = make_all();
    double note = 5;
    const clade_checkpoint_number number = {"note", &note, 1}, unnamed = {NULL, &note, 1},
                                  other = {"other", &note, 1};
    clade_checkpoint c = checkpoint_of(r, &number);
    fails(clade_checkpoint_save(NULL, path), CLADE_ERR_ARGUMENT, "checkpoint is NULL");
    fails(clade_checkpoint_save(&c, NULL), CLADE_ERR_ARGUMENT, "path is NULL");
    clade_checkpoint bad = c;
    bad.params = NULL;
    fails(clade_checkpoint_save(&bad, path), CLADE_ERR_ARGUMENT, "params is NULL");
    bad = c;
    bad.numbers = &unnamed;
    fails(clade_checkpoint_save(&bad, path), CLADE_ERR_ARGUMENT, "numbers 0: no name");
    clade_params *params = two_params();
    bad = c;
    bad.params = params;
    fails(clade_checkpoint_save(&bad, path), CLADE_ERR_ARGUMENT, "the optimizer has other");
    bad.optimizer = NULL;
    fails(clade_checkpoint_load(&bad, path), CLADE_ERR_ARGUMENT, "the average has other");
    ok(clade_ema_swap(r->ema));
    fails(clade_checkpoint_save(&c, path), CLADE_ERR_STATE, "the average is swapped in");
    ok(clade_ema_swap(r->ema));
    fails(clade_checkpoint_load(&c, path), CLADE_ERR_IO, path);
    ok(clade_checkpoint_save(&c, path));
    bad = c;
    bad.optimizer = NULL;
    fails(clade_checkpoint_load(&bad, path), CLADE_ERR_FORMAT, "the optimizer was muon, here none");
    bad = c;
    bad.ema = NULL;
    fails(clade_checkpoint_load(&bad, path), CLADE_ERR_FORMAT, "arrays, here are");
    bad = c;
    bad.numbers = &other;
    fails(clade_checkpoint_load(&bad, path), CLADE_ERR_FORMAT, "holds no \"numbers/other\"");
    ok(clade_params_save(r->params, path));
    fails(clade_checkpoint_load(&c, path), CLADE_ERR_FORMAT, "is no checkpoint");
    zeros(r->params, "late", CLADE_SHAPE(1));
    fails(clade_checkpoint_save(&c, path), CLADE_ERR_STATE, "5 parameters, 4 when the optimizer");
    ck_assert(note == 5);
    run_free(r);
    clade_params_free(&params);
    remove_tree(folder);
}
END_TEST

/* Whichever allocation fails: no object, and a checkpoint's parts as they were. */
START_TEST(out_of_memory)
{
    open_folder();
    run *r = make_all();
    double note = 5;
    const clade_checkpoint_number number = {"note", &note, 1};
    const clade_checkpoint c = checkpoint_of(r, &number);
    ok(clade_optimizer_step(r->opt));
    ok(clade_checkpoint_save(&c, path));
    ok(clade_optimizer_step(r->opt));
    note = 6;
    int failures = 0;
    for (long n = 1; n < 200; n++) {
        clade_optimizer *opt = NULL;
        clade_ema *ema = NULL;
        clade_alloc_fail_after(n);
        clade_status status = clade_muon_create(&opt, r->params, &muon_all);
        if (status == CLADE_OK)
            status = clade_ema_create(&ema, r->params, 0.5);
        if (status == CLADE_OK)
            status = clade_checkpoint_load(&c, path);
        clade_alloc_fail_after(0);
        clade_optimizer_free(&opt);
        clade_ema_free(&ema);
        if (status == CLADE_OK)
            break;
        failures++;
        ck_assert_msg(status == CLADE_ERR_OUT_OF_MEMORY, "allocation %ld: %s", n,
                      clade_last_error()->message);
        ck_assert(note == 6);
        ck_assert_int_eq(clade_optimizer_steps(r->opt), 2);
    }
    ck_assert_int_gt(failures, 50);
    run_free(r);
    remove_tree(folder);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        groups,
        groups_replay,
        bad_groups,
        muon,
        muon_replays,
        bad_muon,
        average,
        average_of_nothing,
        checkpoint_goes_on,
        checkpoint_of_a_scaler,
        bad_checkpoints,
        out_of_memory,
    };
    return run_suite_with("optim_sets", tests, sizeof tests / sizeof *tests, setup_goldens,
                          teardown_goldens);
}
