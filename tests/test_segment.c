/* Gradient checkpoints: the same bits, less memory, also in steps. */
#include "tensor_testing.h"

#include "base/alloc.h"

#define LAYERS 6
#define WIDTH  16
#define BATCH  128

static clade_tensor *x;
static clade_tensor *weight[LAYERS];
static int calls;

static float values[BATCH * WIDTH];

static clade_tensor *leaf(clade_shape shape, int salt)
{
    clade_tensor *t;
    for (int64_t i = 0; i < clade_shape_numel(&shape); i++)
        values[i] = (float)((i * 37 + salt * 11) % 101 - 50) / 256;
    ok(clade_tensor_from_host(&t, ctx, CLADE_F32, shape, values));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

static void open_model(void)
{
    setup();
    calls = 0;
    x = leaf(CLADE_SHAPE(BATCH, WIDTH), 0);
    for (int i = 0; i < LAYERS; i++)
        weight[i] = leaf(CLADE_SHAPE(WIDTH, WIDTH), i + 1);
}

static void close_model(void)
{
    clade_tensor_free(&x);
    for (int i = 0; i < LAYERS; i++)
        clade_tensor_free(&weight[i]);
    teardown();
}

/* A layer with dropout. *user: which. */
static clade_tensor *layer(void *user, clade_tensor *const *in, int count)
{
    const int *which = user;
    ck_assert_int_eq(count, 1);
    calls++;
    clade_tensor *h = clade_tanh(clade_matmul(in[0], weight[*which]));
    clade_shape shape = clade_tensor_shape(in[0]);
    clade_tensor *drawn = clade_uniform(ctx, CLADE_F32, shape, 0, 1);
    clade_tensor *half = clade_full(ctx, CLADE_F32, clade_shape_scalar(), 0.5);
    return clade_where(clade_ge(drawn, half), clade_mul_scalar(h, 2), clade_mul_scalar(h, 0.25));
}

static const int numbers[LAYERS] = {0, 1, 2, 3, 4, 5};

static clade_tensor *loss_of(bool checkpointed)
{
    clade_tensor *h = x;
    for (int i = 0; i < LAYERS; i++) {
        void *which = (void *)(uintptr_t)&numbers[i];
        h = checkpointed ? clade_gradient_checkpoint(layer, which, &h, 1) : layer(which, &h, 1);
    }
    return clade_mean(clade_square(h), NULL, 0, false);
}

/* The gradients of one training step, and the memory that it took at its highest. */
typedef struct outcome {
    float loss, dx[BATCH * WIDTH], dw[LAYERS][WIDTH * WIDTH];
    uint64_t peak;
    double next; /* random number drawn afterwards */
} outcome;

static void read_grad(clade_tensor *t, float *out, size_t size)
{
    ck_assert_ptr_nonnull(clade_tensor_grad(t));
    ok(clade_tensor_read(clade_tensor_grad(t), out, size));
}

static void train(outcome *out, bool checkpointed)
{
    clade_memory_stats memory;
    open_model();
    ok(clade_manual_seed(ctx, 7));
    ok(clade_tape_begin(ctx));
    clade_tensor *loss = loss_of(checkpointed);
    ck_assert_int_eq(calls, LAYERS);
    ok(clade_backward(loss));
    ck_assert_int_eq(calls, checkpointed ? 2 * LAYERS : LAYERS);
    ok(clade_tensor_read(loss, &out->loss, sizeof out->loss));
    ok(clade_tensor_item(clade_uniform(ctx, CLADE_F32, clade_shape_scalar(), 0, 1), &out->next));
    ok(clade_tape_end(ctx));
    read_grad(x, out->dx, sizeof out->dx);
    for (int i = 0; i < LAYERS; i++)
        read_grad(weight[i], out->dw[i], sizeof out->dw[i]);
    ok(clade_context_memory(ctx, &memory));
    out->peak = memory.peak_bytes;
    close_model();
}

START_TEST(the_same_bits_in_less_memory)
{
    static outcome plain, checkpointed;
    train(&plain, false);
    train(&checkpointed, true);
    ck_assert_float_ne(plain.dw[0][0], 0);
    ck_assert_mem_eq(&plain.loss, &checkpointed.loss, sizeof plain.loss);
    ck_assert_mem_eq(plain.dx, checkpointed.dx, sizeof plain.dx);
    ck_assert_mem_eq(plain.dw, checkpointed.dw, sizeof plain.dw);
    ck_assert_double_eq(plain.next, checkpointed.next);
    printf("# peak: %.0f kB, with gradient checkpoints %.0f kB\n", (double)plain.peak / 1e3,
           (double)checkpointed.peak / 1e3);
    ck_assert_uint_lt(checkpointed.peak * 2, plain.peak);
}
END_TEST

/* --- steps ------------------------------------------------------------------------------------ */
static bool step_checkpoints;

static clade_status train_step(void *user, clade_tensor *const *inputs, int count)
{
    clade_tensor *loss_out = user;
    (void)inputs, (void)count;
    for (int i = 0; i < LAYERS; i++)
        CLADE_TRY(clade_tensor_zero_grad(weight[i]));
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *loss = loss_of(step_checkpoints);
    CLADE_TRY(clade_backward(loss));
    CLADE_TRY(clade_tensor_copy(loss_out, loss));
    return clade_tape_end(ctx);
}

static void run_steps(float *losses, float (*dw)[WIDTH * WIDTH], bool checkpointed, bool eager)
{
    const clade_step_params params = {.eager = eager};
    clade_tensor *loss, *zero;
    clade_step *step;
    open_model();
    ok(clade_tensor_set_requires_grad(x, false));
    for (int i = 0; i < LAYERS; i++) {
        ok(clade_tensor_create(&zero, ctx, CLADE_F32, CLADE_SHAPE(WIDTH, WIDTH)));
        ok(clade_tensor_fill(zero, 0));
        ok(clade_tensor_set_grad(weight[i], zero));
        clade_tensor_free(&zero);
    }
    ok(clade_tensor_create(&loss, ctx, CLADE_F32, clade_shape_scalar()));
    ok(clade_manual_seed(ctx, 3));
    step_checkpoints = checkpointed;
    ok(clade_step_create(&step, ctx, train_step, loss, &params));
    for (int i = 0; i < 4; i++) { /* two calls, and two replays that draw on */
        ok(clade_step_run(step, NULL, 0));
        ok(clade_tensor_read(loss, &losses[i], sizeof losses[i]));
        read_grad(weight[i], dw[i], sizeof dw[i]);
    }
    clade_step_free(&step);
    clade_tensor_free(&loss);
    close_model();
}

START_TEST(steps_replay_the_second_time_too)
{
    static float plain[4][WIDTH * WIDTH], replayed[4][WIDTH * WIDTH];
    float plain_loss[4], replayed_loss[4];
    run_steps(plain_loss, plain, false, true);
    run_steps(replayed_loss, replayed, true, false);
    ck_assert_float_ne(plain_loss[2], plain_loss[3]);
    ck_assert_mem_eq(plain_loss, replayed_loss, sizeof plain_loss);
    ck_assert_mem_eq(plain, replayed, sizeof plain);
}
END_TEST

/* --- the record ------------------------------------------------------------------------------- */
static clade_tensor *product(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    calls++;
    return clade_matmul(clade_matmul(in[0], weight[0]), weight[0]);
}

START_TEST(one_node_stands_for_a_segment)
{
    char *text;
    open_model();
    ok(clade_tape_begin(ctx));
    clade_tensor *out = clade_gradient_checkpoint(product, NULL, &x, 1);
    ck_assert_uint_eq(clade_tape_length(ctx), 1);
    ok(clade_tape_print(ctx, &text)); /* the weight that it brought counts as an input, once */
    ck_assert_str_eq(text, "    0  gradient_checkpoint [128,16] [16,16] -> [128,16]\n");
    clade_string_free(&text);
    clade_tensor *g, *seed = clade_full(ctx, CLADE_F32, CLADE_SHAPE(BATCH, WIDTH), 1);
    ok(clade_grad(&g, &out, &seed, 1, &weight[0], 1, &(clade_grad_params){.retain_graph = true}));
    ck_assert_uint_eq(clade_tape_length(ctx), 1);
    ok(clade_backward_from(out, seed));
    ck_assert_int_eq(calls, 3);
    static float asked[WIDTH * WIDTH], added[WIDTH * WIDTH];
    ok(clade_tensor_read(g, asked, sizeof asked));
    read_grad(weight[0], added, sizeof added);
    ck_assert_mem_eq(asked, added, sizeof asked);
    ok(clade_tape_end(ctx));
    close_model();
}
END_TEST

START_TEST(without_a_record_it_is_a_call)
{
    open_model();
    clade_tensor *out = clade_gradient_checkpoint(product, NULL, &x, 1); /* no tape */
    ck_assert_ptr_nonnull(out);
    ok(clade_tape_begin(ctx));
    ok(clade_no_grad_begin(ctx));
    ck_assert(!clade_tensor_requires_grad(clade_gradient_checkpoint(product, NULL, &x, 1)));
    ok(clade_no_grad_end(ctx));
    ck_assert_uint_eq(clade_tape_length(ctx), 0);
    ok(clade_tape_end(ctx));
    ck_assert_int_eq(calls, 2);
    close_model();
}
END_TEST

/* x W W, inside (... W W) W W. */
static clade_tensor *nested(void *user, clade_tensor *const *in, int count)
{
    clade_tensor *h = clade_gradient_checkpoint(product, user, in, count);
    return product(user, &h, 1);
}

START_TEST(segments_nest)
{
    static float plain[WIDTH * WIDTH], deep[WIDTH * WIDTH];
    open_model();
    ok(clade_tape_begin(ctx));
    clade_tensor *h = product(NULL, &x, 1);
    ok(clade_backward(clade_mean(product(NULL, &h, 1), NULL, 0, false)));
    read_grad(weight[0], plain, sizeof plain);
    ok(clade_tensor_set_grad(weight[0], NULL));
    calls = 0;
    ok(clade_backward(clade_mean(clade_gradient_checkpoint(nested, NULL, &x, 1), NULL, 0, false)));
    ck_assert_int_eq(calls, 5);
    read_grad(weight[0], deep, sizeof deep);
    ck_assert_mem_eq(plain, deep, sizeof plain);
    ok(clade_tape_end(ctx));
    close_model();
}
END_TEST

START_TEST(segments_have_second_derivatives)
{
    clade_tensor *t, *first, *second;
    double value;
    const clade_grad_params create = {.create_graph = true};
    open_model();
    clade_tensor_free(&weight[0]);
    weight[0] = leaf(CLADE_SHAPE(1, 1), 5);
    t = leaf(CLADE_SHAPE(1, 1), 1);
    ok(clade_tensor_fill(weight[0], 3));
    ok(clade_tape_begin(ctx));
    clade_tensor *out = clade_gradient_checkpoint(product, NULL, &t, 1); /* t w^2 */
    ok(clade_grad(&first, &out, NULL, 1, &weight[0], 1, &create));
    ok(clade_grad(&second, &first, NULL, 1, &t, 1, &create)); /* 2 w */
    ok(clade_tensor_item(second, &value));
    ck_assert_double_eq(value, 6);
    ok(clade_tape_end(ctx));
    clade_tensor_free(&t);
    close_model();
}
END_TEST

static clade_tensor *uneven(void *user, clade_tensor *const *in, int count)
{
    clade_tensor *out = product(user, in, count);
    return calls % 2 ? out : clade_slice(out, 0, 0, 3, 1);
}

static clade_tensor *open_ended(void *user, clade_tensor *const *in, int count)
{
    ok(clade_scope_begin(ctx));
    return *(int *)user ? NULL : product(NULL, in, count);
}

START_TEST(what_a_segment_must_keep_to)
{
    int fail = 0;
    clade_tensor *none = NULL;
    open_model();
    ok(clade_tape_begin(ctx));
    ok(clade_backward(clade_mean(clade_gradient_checkpoint(open_ended, &fail, &x, 1), NULL, 0,
                                 false))); /* the scope is closed */
    clade_tensor *out = clade_gradient_checkpoint(product, NULL, &x, 1);
    ok(clade_tensor_fill(weight[0], 1));
    fails(clade_backward(clade_mean(out, NULL, 0, false)), CLADE_ERR_MODIFIED,
          "input 1 of gradient_checkpoint was overwritten");
    calls = 0;
    out = clade_gradient_checkpoint(uneven, NULL, &x, 1);
    fails(clade_backward(clade_mean(out, NULL, 0, false)), CLADE_ERR_STATE,
          "gradient_checkpoint computed anew is f32 [3,16], and was f32 [128,16]");
    fail = 1;
    size_t length = clade_tape_length(ctx);
    clade_error_clear();
    null_with(clade_gradient_checkpoint(open_ended, &fail, &x, 1), CLADE_ERR_ARGUMENT, "result");
    null_with(clade_gradient_checkpoint(NULL, NULL, &x, 1), CLADE_ERR_ARGUMENT, "fn is NULL");
    null_with(clade_gradient_checkpoint(product, NULL, &x, 0), CLADE_ERR_ARGUMENT, "no inputs");
    null_with(clade_gradient_checkpoint(product, NULL, &none, 1), CLADE_ERR_ARGUMENT, "an input");
    ck_assert_uint_eq(clade_tape_length(ctx), length);
    ok(clade_tape_end(ctx));
    close_model();
}
END_TEST

static clade_status small_step(void)
{
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *h = clade_slice(x, 0, 0, 4, 1);
    h = clade_gradient_checkpoint(layer, (void *)(uintptr_t)&numbers[1], &h, 1);
    h = clade_gradient_checkpoint(nested, NULL, &h, 1);
    clade_status status = clade_backward(clade_mean(h, NULL, 0, false));
    ok(clade_tape_end(ctx));
    return status;
}

START_TEST(every_failing_allocation_is_survived)
{
    clade_memory_stats before, after;
    open_model();
    ok(small_step());
    ok(clade_context_memory(ctx, &before));
    long n = 1;
    for (clade_status status = CLADE_ERR_OUT_OF_MEMORY; status != CLADE_OK; n++) {
        ok(clade_tensor_set_grad(x, NULL));
        ok(clade_tensor_set_grad(weight[0], NULL));
        ok(clade_tensor_set_grad(weight[1], NULL));
        clade_alloc_fail_after(n);
        status = small_step();
        clade_alloc_fail_after(0);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "allocation %ld: %s",
                      n, clade_last_error()->message);
    }
    ck_assert_int_gt(n, 60);
    ok(clade_context_memory(ctx, &after));
    ck_assert_uint_eq(after.live_bytes, before.live_bytes);
    close_model();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_same_bits_in_less_memory,
                                  steps_replay_the_second_time_too,
                                  one_node_stands_for_a_segment,
                                  without_a_record_it_is_a_call,
                                  segments_nest,
                                  segments_have_second_derivatives,
                                  what_a_segment_must_keep_to,
                                  every_failing_allocation_is_survived};
    return run_suite("segment", tests, sizeof tests / sizeof tests[0]);
}
