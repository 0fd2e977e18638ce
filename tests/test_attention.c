/* Attention beside its rows: dropout, memory, replay, where results lie, and what is refused. */
#include <math.h>

#include "tensor_testing.h"

/* As the rows have it, so that kernels are compiled once. */
#define D 4
#define E 3

static clade_tensor *drawn(clade_dtype dtype, clade_shape shape)
{
    clade_tensor *t = clade_normal(ctx, dtype, shape, 0, 1);
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    return t;
}

static void get(const clade_tensor *t, float *out, int64_t count)
{
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ck_assert_int_eq(clade_tensor_numel(t), count);
    ok(clade_tensor_read(t, out, (size_t)count * sizeof *out));
}

/* --- dropout ---------------------------------------------------------------------------------- */
#define KEYS 200
#define ROWS 100

/* One weight of each query: v [keys,3] has ones where i % 3 is the column. */
static clade_tensor *grouped_values(void)
{
    static float values[KEYS * E];
    for (int i = 0; i < KEYS; i++)
        for (int e = 0; e < E; e++)
            values[i * E + e] = i % E == e;
    return lent(CLADE_F32, CLADE_SHAPE(KEYS, E), values);
}

/* With equal scores a row's outputs count the weights that stayed. */
START_TEST(dropout_keeps_what_it_says)
{
    static float out[2][ROWS * E], again[ROWS * E];
    clade_tensor *zeros = clade_full(ctx, CLADE_F32, CLADE_SHAPE(ROWS, D), 0);
    clade_tensor *keys = clade_full(ctx, CLADE_F32, CLADE_SHAPE(KEYS, D), 0);
    clade_tensor *values = grouped_values();
    const clade_attention_params params = {.dropout = 0.25};
    ok(clade_manual_seed(ctx, 5));
    for (int k = 0; k < 2; k++)
        get(clade_attention(zeros, keys, values, &params), out[k], ROWS * E);
    ok(clade_manual_seed(ctx, 5));
    get(clade_attention(zeros, keys, values, &params), again, ROWS * E);
    ck_assert_mem_eq(out[0], again, sizeof again);
    ck_assert(memcmp(out[0], out[1], sizeof again) != 0);
    double sum = 0;
    for (int i = 0; i < ROWS * E; i++) {
        double kept = out[0][i] * 0.75 * KEYS; /* of each weight 1 / KEYS / 0.75 */
        ck_assert_msg(fabs(kept - round(kept)) < 1e-3, "%g weights stayed", kept);
        sum += kept;
    }
    /* 20000 draws: a deviation of 0.003 is one in a thousand or so */
    ck_assert_double_eq_tol(sum / (ROWS * KEYS), 0.75, 0.01);
}
END_TEST

static clade_tensor *attend_dropped(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    if (clade_manual_seed(ctx, 3) != CLADE_OK)
        return NULL;
    return clade_attention(in[0], in[1], in[2],
                           &(clade_attention_params){.causal = true, .dropout = 0.3});
}

START_TEST(dropout_has_the_gradient_of_its_mask)
{
    if (!clade_context_device(ctx)->has_f64)
        return;
    const clade_shape shapes[3] = {CLADE_SHAPE(2, 9, D), CLADE_SHAPE(2, 20, D),
                                   CLADE_SHAPE(2, 20, E)};
    clade_tensor *leaves[3];
    for (int i = 0; i < 3; i++) {
        leaves[i] = drawn(CLADE_F64, shapes[i]);
        ok(clade_tensor_set_requires_grad(leaves[i], true));
    }
    ok(clade_gradcheck(attend_dropped, NULL, leaves, 3, NULL, NULL));
}
END_TEST

/* --- replay ----------------------------------------------------------------------------------- */
typedef struct trainee {
    clade_tensor *w; /* a leaf; added to q, k and v */
    clade_tensor *seen;
} trainee;

static clade_status train(void *user, clade_tensor *const *in, int count)
{
    trainee *t = user;
    (void)count;
    clade_status status = clade_tensor_zero_grad(t->w);
    if (status == CLADE_OK)
        status = clade_tape_begin(ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor *x = clade_add(in[0], t->w);
    clade_tensor *y = clade_attention(x, x, clade_slice(x, -1, 0, E, 1),
                                      &(clade_attention_params){.causal = true, .dropout = 0.5});
    status = clade_backward(clade_sum(clade_square(y), NULL, 0, false));
    if (status == CLADE_OK)
        status = clade_tensor_copy(t->seen, clade_add(t->seen, clade_tensor_grad(t->w)));
    clade_status ended = clade_tape_end(ctx);
    return status == CLADE_OK ? ended : status;
}

/* Also that forward and backward of a replay drop the same weights. */
START_TEST(replays_as_it_runs)
{
    float seen[2][D];
    for (int k = 0; k < 2; k++) {
        trainee t = {.w = clade_full(ctx, CLADE_F32, CLADE_SHAPE(D), 0.1),
                     .seen = clade_full(ctx, CLADE_F32, CLADE_SHAPE(D), 0)};
        ok(clade_tensor_set_requires_grad(t.w, true));
        ok(clade_manual_seed(ctx, 7));
        clade_tensor *x = drawn(CLADE_F32, CLADE_SHAPE(2, 20, D));
        clade_step *step;
        ok(clade_step_create(&step, ctx, train, &t, &(clade_step_params){.eager = k == 1}));
        for (int i = 0; i < 5; i++)
            ok(clade_step_run(step, &x, 1));
        clade_step_info info;
        ok(clade_step_get_info(step, &info));
        ck_assert_uint_eq(info.replays, k == 1 ? 0 : 3);
        clade_step_free(&step);
        get(t.seen, seen[k], D);
    }
    ck_assert_mem_eq(seen[0], seen[1], sizeof seen[0]);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */
static uint64_t live_bytes(void)
{
    clade_memory_stats stats;
    ok(clade_context_memory(ctx, &stats));
    return stats.peak_bytes;
}

START_TEST(memory_grows_with_the_length)
{
    const int64_t t = getenv("CLADE_TEST_SMALL") ? 512 : 2048;
    clade_tensor *x = drawn(CLADE_F32, CLADE_SHAPE(t, D));
    ok(clade_tensor_set_requires_grad(x, true));
    ok(clade_tape_begin(ctx));
    clade_tensor *y = clade_attention(x, x, clade_slice(x, -1, 0, E, 1), NULL);
    ok(clade_backward(clade_sum(y, NULL, 0, false)));
    ok(clade_tape_end(ctx));
    ck_assert_uint_lt(live_bytes(), (uint64_t)(t * t));
}
END_TEST

/* --- results ---------------------------------------------------------------------------------- */
START_TEST(results_lie_as_queries_do)
{
    clade_tensor *x = drawn(CLADE_F32, CLADE_SHAPE(2, 5, 3, D));
    clade_tensor *heads = clade_transpose(x, 1, 2);
    clade_tensor *y = clade_attention(heads, heads, heads, NULL);
    ck_assert(y && clade_tensor_is_contiguous(clade_transpose(y, 1, 2)));
    clade_tensor *copy = clade_contiguous(heads);
    clade_tensor *z = clade_attention(copy, copy, copy, NULL);
    ck_assert(z && clade_tensor_is_contiguous(z));
    static float a[2 * 5 * 3 * D], b[2 * 5 * 3 * D];
    get(y, a, 2 * 5 * 3 * D);
    get(z, b, 2 * 5 * 3 * D);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

/* A query that sees nothing yields 0 and asks nothing of anybody. */
START_TEST(blind_queries)
{
    static const uint8_t mask[2 * 3] = {0, 0, 0, 1, 0, 1};
    float out[2 * E], grad[2 * D];
    clade_tensor *q = drawn(CLADE_F32, CLADE_SHAPE(2, D));
    clade_tensor *k = drawn(CLADE_F32, CLADE_SHAPE(3, D));
    clade_tensor *v = drawn(CLADE_F32, CLADE_SHAPE(3, E));
    clade_tensor *sees = lent(CLADE_U8, CLADE_SHAPE(2, 3), mask);
    ok(clade_tensor_set_requires_grad(q, true));
    ok(clade_tape_begin(ctx));
    clade_tensor *y = clade_attention_masked(q, k, v, sees, NULL);
    get(y, out, 2 * E);
    ok(clade_backward(clade_sum(clade_square(y), NULL, 0, false)));
    ok(clade_tape_end(ctx));
    get(clade_tensor_grad(q), grad, 2 * D);
    for (int e = 0; e < E; e++)
        ck_assert(out[e] == 0 && out[E + e] != 0);
    for (int e = 0; e < D; e++)
        ck_assert(grad[e] == 0 && isfinite(grad[D + e]) && grad[D + e] != 0);
}
END_TEST

/* --- errors ----------------------------------------------------------------------------------- */
START_TEST(refusals)
{
    clade_tensor *q = drawn(CLADE_F32, CLADE_SHAPE(2, 5, D));
    clade_tensor *k = drawn(CLADE_F32, CLADE_SHAPE(2, 7, D));
    clade_tensor *v = drawn(CLADE_F32, CLADE_SHAPE(2, 7, E));
    clade_tensor *mask = clade_full(ctx, CLADE_F32, CLADE_SHAPE(5, 7), 0);
    clade_tensor *wrong = clade_full(ctx, CLADE_F32, CLADE_SHAPE(7, 5), 0);
    clade_tensor *integers = clade_full(ctx, CLADE_I32, CLADE_SHAPE(5, 7), 0);
    clade_tensor *row = clade_full(ctx, CLADE_F32, CLADE_SHAPE(D), 0);
    null_with(clade_attention(NULL, k, v, NULL), CLADE_ERR_ARGUMENT, "attention");
    null_with(clade_attention_masked(q, k, v, NULL, NULL), CLADE_ERR_ARGUMENT, "attention");
    null_with(clade_attention(row, k, v, NULL), CLADE_ERR_SHAPE, "[4]");
    null_with(clade_attention(q, k, q, NULL), CLADE_ERR_SHAPE, "q [2,5,4], k [2,7,4]");
    null_with(clade_attention(q, v, k, NULL), CLADE_ERR_SHAPE, "k [2,7,3]");
    null_with(clade_attention(q, k, clade_cast(v, CLADE_I32), NULL), CLADE_ERR_DTYPE, "i32");
    null_with(clade_attention_masked(q, k, v, wrong, NULL), CLADE_ERR_SHAPE, "[2,5,7]");
    null_with(clade_attention_masked(q, k, v, integers, NULL), CLADE_ERR_DTYPE, "i32");
    null_with(clade_attention(q, k, v, &(clade_attention_params){.dropout = 1}), CLADE_ERR_ARGUMENT,
              "dropout 1");
    null_with(clade_attention(q, k, v, &(clade_attention_params){.scale = NAN}), CLADE_ERR_ARGUMENT,
              "scale nan");
    ok(clade_tensor_set_requires_grad(mask, true));
    null_with(clade_attention_masked(q, k, v, mask, NULL), CLADE_ERR_NO_GRADIENT, "the mask [5,7]");
    clade_tensor *wide = clade_full(ctx, CLADE_F32, CLADE_SHAPE(1, 1 << 20), 0);
    null_with(clade_attention(wide, wide, wide, NULL), CLADE_ERR_UNSUPPORTED, "1048576");
}
END_TEST

int main(void)
{
    return RUN("attention", dropout_keeps_what_it_says, dropout_has_the_gradient_of_its_mask,
               replays_as_it_runs, memory_grows_with_the_length, results_lie_as_queries_do,
               blind_queries, refusals);
}
