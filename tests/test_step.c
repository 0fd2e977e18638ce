/* clade_step: replays against the function itself, to the bit; and what recording refuses. */
#include <clade/clade.h>

#include "runtime_testing.h"

#define N 40

/* Pointwise training: y = tanh(x * w + b), w and b [N], x and target [rows, N]. */
typedef struct model {
    clade_context *ctx;
    clade_tensor *w, *b, *seen;
} model;

static clade_context *open_context(void)
{
    clade_context *ctx = NULL;
    ok(clade_context_create(&ctx, NULL));
    return ctx;
}

static void model_open(model *m, clade_context *ctx)
{
    float values[N];
    for (int i = 0; i < N; i++)
        values[i] = 0.05f * (float)(i - N / 2);
    *m = (model){.ctx = ctx};
    ok(clade_tensor_from_host(&m->w, ctx, CLADE_F32, CLADE_SHAPE(N), values));
    ok(clade_tensor_from_host(&m->b, ctx, CLADE_F32, CLADE_SHAPE(N), values));
    ok(clade_tensor_create(&m->seen, ctx, CLADE_F32, CLADE_SHAPE(N)));
    ok(clade_tensor_fill(m->seen, 0));
    ok(clade_tensor_set_requires_grad(m->w, true));
    ok(clade_tensor_set_requires_grad(m->b, true));
}

static void model_close(model *m)
{
    clade_tensor_free(&m->w);
    clade_tensor_free(&m->b);
    clade_tensor_free(&m->seen);
}

static clade_status descend(clade_tensor *w)
{
    clade_tensor *step = clade_mul_scalar(clade_tensor_grad(w), 0.01);
    return clade_tensor_copy(w, clade_sub(w, step));
}

static clade_status train(void *user, clade_tensor *const *inputs, int count)
{
    model *m = user;
    ck_assert_int_eq(count, 2);
    CLADE_TRY(clade_tensor_zero_grad(m->w));
    CLADE_TRY(clade_tensor_zero_grad(m->b));
    CLADE_TRY(clade_tape_begin(m->ctx));
    clade_tensor *y = clade_tanh(clade_add(clade_mul(inputs[0], m->w), m->b));
    clade_tensor *unused = clade_exp(y);
    CLADE_TRY(clade_backward_from(y, clade_mul_scalar(clade_sub(y, inputs[1]), 2)));
    CLADE_TRY(clade_no_grad_begin(m->ctx));
    clade_status status = unused ? descend(m->w) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = descend(m->b);
    if (status == CLADE_OK)
        status = clade_tensor_copy(m->seen, clade_add(m->seen, clade_square(m->w)));
    CLADE_TRY(clade_no_grad_end(m->ctx));
    CLADE_TRY(status);
    return clade_tape_end(m->ctx);
}

/* The same batches, by the function itself and by a step; every weight must agree to the bit. */
static void check_against_eager(const clade_step_params *params)
{
    clade_context *ctx = open_context();
    model models[2];
    clade_step *steps[2];
    const clade_step_params eager = {.eager = true};
    for (int k = 0; k < 2; k++) {
        model_open(&models[k], ctx);
        ok(clade_step_create(&steps[k], ctx, train, &models[k], k ? params : &eager));
    }
    for (int batch = 0; batch < 12; batch++) {
        int rows = batch % 4 == 3 ? 3 : 7; /* a short batch now and then */
        float x[7 * N], target[7 * N];
        for (int i = 0; i < rows * N; i++) {
            x[i] = (float)((i * 37 + batch * 11) % 101) / 50.0f - 1;
            target[i] = (float)((i * 53 + batch * 29) % 97) / 97.0f;
        }
        clade_tensor *inputs[2];
        ok(clade_tensor_from_host(&inputs[0], ctx, CLADE_F32, CLADE_SHAPE(rows, N), x));
        ok(clade_tensor_from_host(&inputs[1], ctx, CLADE_F32, CLADE_SHAPE(rows, N), target));
        float values[2][3][N];
        for (int k = 0; k < 2; k++) {
            ok(clade_step_run(steps[k], inputs, 2));
            ok(clade_tensor_read(models[k].w, values[k][0], sizeof values[k][0]));
            ok(clade_tensor_read(models[k].b, values[k][1], sizeof values[k][1]));
            ok(clade_tensor_read(models[k].seen, values[k][2], sizeof values[k][2]));
        }
        ck_assert_msg(memcmp(values[0], values[1], sizeof values[0]) == 0, "batch %d differs",
                      batch);
        clade_tensor_free(&inputs[0]);
        clade_tensor_free(&inputs[1]);
    }
    clade_step_info info;
    ok(clade_step_get_info(steps[1], &info));
    ck_assert_uint_eq(info.plans, 2);
    ck_assert_uint_eq(info.eager_runs, 4);
    ck_assert_uint_eq(info.replays, 8);
    ck_assert_uint_gt(info.launches, 0);
    if (params->no_fusion)
        ck_assert_uint_eq(info.launches, info.recorded - 1); /* the unused exp */
    else
        ck_assert_uint_le(info.launches, info.recorded / 2);
    for (int k = 0; k < 2; k++) {
        clade_step_free(&steps[k]);
        model_close(&models[k]);
    }
    clade_context_free(&ctx);
}

START_TEST(replays_are_the_function_to_the_bit)
{
    check_against_eager(&(clade_step_params){.no_fusion = true});
}
END_TEST

START_TEST(fused_replays_are_the_function_to_the_bit)
{
    check_against_eager(&(clade_step_params){0});
}
END_TEST

/* --- GEMM epilogues ------------------------------------------------------------------------ */
typedef struct layer {
    clade_tensor *weight, *bias, *pre; /* pre: where the value before the ReLU is kept, or NULL */
} layer;

/* y = relu(x W^T + b), a backward from y - target, and a step down the gradient. */
static clade_status train_layer(void *user, clade_tensor *const *inputs, int count)
{
    layer *l = user;
    clade_context *ctx = clade_tensor_context(l->weight);
    (void)count;
    CLADE_TRY(clade_tensor_zero_grad(l->weight));
    CLADE_TRY(clade_tensor_zero_grad(l->bias));
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *pre = clade_linear(inputs[0], l->weight, l->bias);
    if (l->pre)
        CLADE_TRY(clade_tensor_copy(l->pre, pre));
    clade_tensor *y = clade_relu(pre);
    CLADE_TRY(clade_backward_from(y, clade_sub(y, inputs[1])));
    CLADE_TRY(clade_no_grad_begin(ctx));
    clade_status status = descend(l->weight);
    if (status == CLADE_OK)
        status = descend(l->bias);
    CLADE_TRY(clade_no_grad_end(ctx));
    CLADE_TRY(status);
    return clade_tape_end(ctx);
}

static void layer_open(layer *l, clade_context *ctx, bool keep, const float *values)
{
    *l = (layer){0};
    ok(clade_tensor_from_host(&l->weight, ctx, CLADE_F32, CLADE_SHAPE(10, 20), values));
    ok(clade_tensor_from_host(&l->bias, ctx, CLADE_F32, CLADE_SHAPE(10), values));
    if (keep)
        ok(clade_tensor_create(&l->pre, ctx, CLADE_F32, CLADE_SHAPE(13, 10)));
    ok(clade_tensor_set_requires_grad(l->weight, true));
    ok(clade_tensor_set_requires_grad(l->bias, true));
}

static void check_layer(bool keep)
{
    clade_context *ctx = open_context();
    float values[13 * 20];
    for (int i = 0; i < 13 * 20; i++)
        values[i] = (float)((i * 37) % 41) / 20.0f - 1;
    clade_tensor *inputs[2];
    ok(clade_tensor_from_host(&inputs[0], ctx, CLADE_F32, CLADE_SHAPE(13, 20), values));
    ok(clade_tensor_from_host(&inputs[1], ctx, CLADE_F32, CLADE_SHAPE(13, 10), values));
    layer layers[2];
    float result[2][200 + 10 + 130] = {{0}};
    for (int k = 0; k < 2; k++) {
        clade_step *step;
        layer_open(&layers[k], ctx, keep, values);
        ok(clade_step_create(&step, ctx, train_layer, &layers[k],
                             &(clade_step_params){.eager = k == 0}));
        for (int run = 0; run < 6; run++)
            ok(clade_step_run(step, inputs, 2));
        ok(clade_tensor_read(layers[k].weight, result[k], 200 * sizeof(float)));
        ok(clade_tensor_read(layers[k].bias, result[k] + 200, 10 * sizeof(float)));
        if (keep)
            ok(clade_tensor_read(layers[k].pre, result[k] + 210, 130 * sizeof(float)));
        clade_step_info info;
        ok(clade_step_get_info(step, &info));
        if (k)
            ck_assert_uint_lt(info.launches, info.recorded);
        clade_step_free(&step);
        clade_tensor_free(&layers[k].weight);
        clade_tensor_free(&layers[k].bias);
        clade_tensor_free(&layers[k].pre);
    }
    ck_assert_msg(memcmp(result[0], result[1], sizeof result[0]) == 0, "results differ");
    clade_tensor_free(&inputs[0]);
    clade_tensor_free(&inputs[1]);
    clade_context_free(&ctx);
}

START_TEST(epilogues_are_the_function_to_the_bit)
{
    check_layer(false);
    check_layer(true);
}
END_TEST

/* --- gradients in one buffer, zeroed as a whole --------------------------------------------- */
typedef struct flat_model {
    clade_tensor *w[2], *grads, *seen;
} flat_model;

static clade_status train_flat(void *user, clade_tensor *const *inputs, int count)
{
    flat_model *m = user;
    clade_context *ctx = clade_tensor_context(m->grads);
    (void)count;
    CLADE_TRY(clade_tensor_fill(m->grads, 0));
    CLADE_TRY(clade_tape_begin(ctx));
    for (int k = 0; k < 2; k++) {
        clade_tensor *y = clade_mul(m->w[k], clade_slice(inputs[0], 0, 0, k ? 14 : 16, 1));
        CLADE_TRY(clade_backward_from(y, y));
    }
    CLADE_TRY(clade_tensor_copy(m->seen, clade_mul_scalar(m->grads, 3)));
    return clade_tape_end(ctx);
}

/* Of 40 gradients 30 belong to two weights; the rest is zeroed too, and nothing writes it again. */
START_TEST(zeroed_gradients_are_written_once)
{
    clade_context *ctx = open_context();
    float values[40], result[2][2][40];
    for (int i = 0; i < 40; i++)
        values[i] = (float)i - 7;
    clade_tensor *input;
    ok(clade_tensor_from_host(&input, ctx, CLADE_F32, CLADE_SHAPE(16), values));
    for (int k = 0; k < 2; k++) {
        flat_model m;
        clade_step *step;
        ok(clade_tensor_create(&m.grads, ctx, CLADE_F32, CLADE_SHAPE(40)));
        ok(clade_tensor_create(&m.seen, ctx, CLADE_F32, CLADE_SHAPE(40)));
        ok(clade_scope_begin(ctx));
        for (int i = 0; i < 2; i++) {
            int n = i ? 14 : 16;
            ok(clade_tensor_from_host(&m.w[i], ctx, CLADE_F32, CLADE_SHAPE(n), values));
            ok(clade_tensor_set_requires_grad(m.w[i], true));
            ok(clade_tensor_set_grad(m.w[i], clade_slice(m.grads, 0, i ? 16 : 0, i ? 30 : 16, 1)));
        }
        ok(clade_scope_end(ctx));
        ok(clade_step_create(&step, ctx, train_flat, &m, &(clade_step_params){.eager = k == 0}));
        for (int run = 0; run < 4; run++) {
            ok(clade_tensor_fill(m.grads, 99));
            ok(clade_step_run(step, &input, 1));
        }
        ok(clade_tensor_read(m.grads, result[k][0], sizeof result[k][0]));
        ok(clade_tensor_read(m.seen, result[k][1], sizeof result[k][1]));
        clade_step_free(&step);
        for (int i = 0; i < 2; i++)
            clade_tensor_free(&m.w[i]);
        clade_tensor_free(&m.grads);
        clade_tensor_free(&m.seen);
    }
    ck_assert_msg(memcmp(result[0], result[1], sizeof result[0]) == 0, "results differ");
    ck_assert_float_eq(result[1][0][35], 0);
    clade_tensor_free(&input);
    clade_context_free(&ctx);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */
static clade_status long_chain(void *user, clade_tensor *const *inputs, int count)
{
    clade_tensor *out = user;
    (void)count;
    CLADE_TRY(clade_scope_begin(clade_tensor_context(out)));
    clade_tensor *x = inputs[0];
    for (int i = 0; i < 12; i++) /* a permuted copy keeps its neighbours from fusing */
        x = clade_contiguous(clade_transpose(clade_add_scalar(x, 1), 0, 1));
    CLADE_TRY(clade_tensor_copy(out, x));
    return clade_scope_end(clade_tensor_context(out));
}

START_TEST(replays_allocate_nothing_and_share_memory)
{
    clade_context *ctx = open_context();
    clade_tensor *in, *out;
    float values[32 * 32];
    for (int i = 0; i < 32 * 32; i++)
        values[i] = (float)i;
    ok(clade_tensor_from_host(&in, ctx, CLADE_F32, CLADE_SHAPE(32, 32), values));
    ok(clade_tensor_create(&out, ctx, CLADE_F32, CLADE_SHAPE(32, 32)));
    clade_step *step;
    ok(clade_step_create(&step, ctx, long_chain, out, &(clade_step_params){.no_fusion = true}));
    ok(clade_step_run(step, &in, 1));
    ok(clade_step_run(step, &in, 1));
    clade_memory_stats before, after;
    ok(clade_context_memory(ctx, &before));
    for (int i = 0; i < 5; i++)
        ok(clade_step_run(step, &in, 1));
    ok(clade_context_memory(ctx, &after));
    ck_assert_uint_eq(before.allocations, after.allocations);
    ck_assert_uint_eq(before.live_bytes, after.live_bytes);
    clade_step_info info;
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_le(info.temporary_bytes, 2 * sizeof values);
    float result[32 * 32];
    ok(clade_tensor_read(out, result, sizeof result));
    for (int i = 0; i < 32 * 32; i++)
        ck_assert_float_eq(result[i], values[i] + 12);
    clade_step_free(&step);
    clade_tensor_free(&in);
    clade_tensor_free(&out);
    clade_context_free(&ctx);
}
END_TEST

/* --- a batch ---------------------------------------------------------------------------------- */
typedef struct loader {
    clade_tensor *images, *batch;
} loader;

static clade_status load(void *user, clade_tensor *const *inputs, int count)
{
    loader *l = user;
    (void)count;
    clade_context *ctx = clade_tensor_context(l->images);
    CLADE_TRY(clade_scope_begin(ctx));
    clade_tensor *rows = clade_index_select(l->images, 0, inputs[0]);
    clade_tensor *x = clade_mul_scalar(clade_cast(rows, CLADE_F32), 1.0 / 255);
    CLADE_TRY(clade_tensor_copy(l->batch, clade_add_scalar(x, -0.5)));
    return clade_scope_end(ctx);
}

/* The copy of the input is not part of the record. */
START_TEST(a_batch_of_bytes_is_gathered_and_normalised_by_one_kernel)
{
    clade_context *ctx = open_context();
    uint8_t pixels[20 * 30];
    for (int i = 0; i < 20 * 30; i++)
        pixels[i] = (uint8_t)(i * 7);
    const int32_t picks[6] = {3, 19, 0, 3, 20, -1}; /* the last two are outside */
    loader l;
    clade_tensor *index;
    ok(clade_tensor_from_host(&l.images, ctx, CLADE_U8, CLADE_SHAPE(20, 30), pixels));
    ok(clade_tensor_create(&l.batch, ctx, CLADE_F32, CLADE_SHAPE(6, 30)));
    ok(clade_tensor_from_host(&index, ctx, CLADE_I32, CLADE_SHAPE(6), picks));
    clade_step *step;
    ok(clade_step_create(&step, ctx, load, &l, NULL));
    for (int run = 0; run < 3; run++) {
        ok(clade_tensor_fill(l.batch, 99));
        ok(clade_step_run(step, &index, 1));
        float values[6 * 30];
        ok(clade_tensor_read(l.batch, values, sizeof values));
        for (int i = 0; i < 6 * 30; i++) {
            int row = picks[i / 30];
            float pixel = row >= 0 && row < 20 ? pixels[row * 30 + i % 30] : 0;
            ck_assert_float_eq_tol(values[i], pixel / 255 - 0.5f, 1e-6);
        }
    }
    clade_step_info info;
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_eq(info.replays, 1);
    ck_assert_uint_eq(info.launches, 1);
    clade_step_free(&step);
    clade_tensor_free(&index);
    clade_tensor_free(&l.images);
    clade_tensor_free(&l.batch);
    clade_context_free(&ctx);
}
END_TEST

/* --- misuse ----------------------------------------------------------------------------------- */
static clade_status reads(void *user, clade_tensor *const *inputs, int count)
{
    double value;
    (void)user, (void)count;
    return clade_tensor_item(inputs[0], &value);
}

static clade_status writes(void *user, clade_tensor *const *inputs, int count)
{
    float value = 1;
    (void)inputs, (void)count;
    return clade_tensor_write(user, &value, sizeof value);
}

static clade_status leaves_a_tape(void *user, clade_tensor *const *inputs, int count)
{
    (void)inputs, (void)count;
    return clade_tape_begin(clade_tensor_context(user));
}

static clade_status nests(void *user, clade_tensor *const *inputs, int count)
{
    (void)inputs, (void)count;
    return clade_step_run(*(clade_step **)user, NULL, 0);
}

static clade_status nothing(void *user, clade_tensor *const *inputs, int count)
{
    (void)user, (void)inputs, (void)count;
    return CLADE_OK;
}

START_TEST(what_cannot_be_replayed_is_refused)
{
    clade_context *ctx = open_context();
    clade_tensor *one;
    float value = 3;
    ok(clade_tensor_from_host(&one, ctx, CLADE_F32, CLADE_SHAPE(1), &value));
    clade_step *step, *outer;

    ok(clade_step_create(&step, ctx, reads, NULL, NULL));
    ok(clade_step_run(step, &one, 1));
    fails(clade_step_run(step, &one, 1), CLADE_ERR_STATE, "host cannot take part");
    fails(clade_step_run(step, &one, 1), CLADE_ERR_STATE, "host cannot take part");
    clade_step_free(&step);

    ok(clade_step_create(&step, ctx, writes, one, NULL));
    ok(clade_step_run(step, NULL, 0));
    fails(clade_step_run(step, NULL, 0), CLADE_ERR_STATE, "host cannot take part");
    clade_step_free(&step);

    ok(clade_step_create(&step, ctx, nothing, NULL, NULL));
    ok(clade_step_create(&outer, ctx, nests, &step, NULL));
    ok(clade_step_run(outer, NULL, 0));
    fails(clade_step_run(outer, NULL, 0), CLADE_ERR_STATE, "inside another step");
    clade_step_free(&outer);

    ok(clade_tape_begin(ctx));
    fails(clade_step_run(step, NULL, 0), CLADE_ERR_STATE, "a tape is open");
    ok(clade_tape_end(ctx));
    fails(clade_step_run(step, NULL, 1), CLADE_ERR_ARGUMENT, "1 inputs");
    fails(clade_step_run(step, NULL, 17), CLADE_ERR_ARGUMENT, "17 inputs");
    fails(clade_step_run(NULL, NULL, 0), CLADE_ERR_ARGUMENT, "step is NULL");
    clade_step_free(&step);
    clade_step_free(&step);
    fails(clade_step_create(&step, ctx, NULL, NULL, NULL), CLADE_ERR_ARGUMENT, "fn is NULL");

    clade_tensor_free(&one);
    clade_context_free(&ctx);
}
END_TEST

START_TEST(what_the_function_leaves_open_is_closed)
{
    clade_context *ctx = open_context();
    clade_tensor *one;
    ok(clade_tensor_create(&one, ctx, CLADE_F32, CLADE_SHAPE(1)));
    clade_step *step;
    ok(clade_step_create(&step, ctx, leaves_a_tape, one, NULL));
    for (int i = 0; i < 4; i++)
        ok(clade_step_run(step, NULL, 0));
    ok(clade_tape_begin(ctx));
    ok(clade_tape_end(ctx));
    fails(clade_scope_end(ctx), CLADE_ERR_STATE, "no scope is open");
    clade_step_free(&step);
    clade_tensor_free(&one);
    clade_context_free(&ctx);
}
END_TEST

/* --- allocation failures ---------------------------------------------------------------------- */
START_TEST(a_failed_allocation_is_reported_and_survived)
{
    clade_context *ctx = open_context();
    model m;
    model_open(&m, ctx);
    float x[7 * N] = {0};
    clade_tensor *inputs[2];
    ok(clade_tensor_from_host(&inputs[0], ctx, CLADE_F32, CLADE_SHAPE(7, N), x));
    ok(clade_tensor_from_host(&inputs[1], ctx, CLADE_F32, CLADE_SHAPE(7, N), x));
    clade_step *warm_up; /* compiles the kernels: a cache that cannot be written is no failure */
    ok(clade_step_create(&warm_up, ctx, train, &m, NULL));
    for (int run = 0; run < 3; run++)
        ok(clade_step_run(warm_up, inputs, 2));
    clade_step_free(&warm_up);
    int failures = 0;
    for (long n = 1;; n++) {
        clade_step *step = NULL;
        clade_status status;
        clade_alloc_fail_after(n);
        status = clade_step_create(&step, ctx, train, &m, NULL);
        for (int run = 0; run < 3 && status == CLADE_OK; run++)
            status = clade_step_run(step, inputs, 2);
        clade_alloc_fail_after(0);
        clade_step_free(&step);
        while (clade_no_grad_end(ctx) == CLADE_OK)
            ;
        if (status == CLADE_OK)
            break;
        ck_assert_int_eq(status, CLADE_ERR_OUT_OF_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 100);
    model_close(&m);
    clade_tensor_free(&inputs[0]);
    clade_tensor_free(&inputs[1]);
    clade_context_free(&ctx);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        replays_are_the_function_to_the_bit,
        fused_replays_are_the_function_to_the_bit,
        epilogues_are_the_function_to_the_bit,
        zeroed_gradients_are_written_once,
        replays_allocate_nothing_and_share_memory,
        a_batch_of_bytes_is_gathered_and_normalised_by_one_kernel,
        what_cannot_be_replayed_is_refused,
        what_the_function_leaves_open_is_closed,
        a_failed_allocation_is_reported_and_survived,
    };
    return run_suite("step", tests, sizeof tests / sizeof tests[0]);
}
