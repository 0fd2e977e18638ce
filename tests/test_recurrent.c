/* Recurrent layers and cells against PyTorch's modules (tests/goldens/module_goldens.py). */
#include "module_testing.h"

#define STEPS  4
#define ROWS   2
#define INPUTS 3
#define HIDDEN 5

static const struct {
    const char *name;
    clade_recurrent_params settings;
} layers[] = {
    {"recurrent/rnn", {.kind = CLADE_RECURRENT_RNN}},
    {"recurrent/rnn_relu", {.kind = CLADE_RECURRENT_RNN_RELU, .layers = 2}},
    {"recurrent/lstm", {.kind = CLADE_RECURRENT_LSTM, .layers = 2, .bidirectional = true}},
    {"recurrent/lstm_no_bias",
     {.kind = CLADE_RECURRENT_LSTM, .no_bias = true, .batch_first = true}},
    {"recurrent/gru",
     {.kind = CLADE_RECURRENT_GRU, .layers = 2, .bidirectional = true, .batch_first = true}},
    {"recurrent/gru_no_bias", {.kind = CLADE_RECURRENT_GRU, .no_bias = true}},
};
#define LAYERS (sizeof layers / sizeof *layers)

static clade_params *make(clade_recurrent **r, size_t i)
{
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    clade_recurrent_params settings = layers[i].settings;
    settings.input = INPUTS;
    settings.hidden = HIDDEN;
    ok(clade_recurrent_create(r, params, "", &settings));
    return params;
}

static void check_layer(size_t i)
{
    const char *name = layers[i].name;
    clade_recurrent *r;
    clade_params *params = make(&r, i);
    put_weights(params, name);
    clade_tensor *x = leaf(name, "x"), *h0 = leaf(name, "h0"), *c0 = leaf(name, "c0");
    ok(clade_params_zero_grad(params));
    ok(clade_tape_begin(ctx));
    clade_tensor *h_n, *c_n, *output = clade_recurrent_forward(r, x, h0, c0, &h_n, &c_n);
    expect(output, name, "output");
    expect(h_n, name, "h_n");
    clade_tensor *loss = clade_add(weighed(output, 0), weighed(h_n, 1));
    if (c0) {
        expect(c_n, name, "c_n");
        loss = clade_add(loss, weighed(c_n, 2));
    } else {
        ck_assert_ptr_null(c_n);
    }
    ok(clade_backward(loss));
    expect(clade_tensor_grad(x), name, "grad/x");
    expect(clade_tensor_grad(h0), name, "grad/h0");
    if (c0)
        expect(clade_tensor_grad(c0), name, "grad/c0");
    for (size_t p = 0; p < clade_params_count(params); p++) {
        char key[64];
        snprintf(key, sizeof key, "grad/%s", clade_params_name(params, p));
        expect(clade_tensor_grad(clade_params_get(params, p)), name, key);
    }
    ok(clade_tape_end(ctx));
    clade_tensor_free(&x);
    clade_tensor_free(&h0);
    clade_tensor_free(&c0);
    clade_recurrent_free(&r);
    clade_recurrent_free(&r);
    clade_params_free(&params);
}

START_TEST(pytorchs_layers)
{
    for (size_t i = 0; i < LAYERS; i++)
        check_layer(i);
}
END_TEST

/* No h0 and c0 are zeros; and U(-1/sqrt(H), 1/sqrt(H)) is what a layer starts with. */
START_TEST(defaults)
{
    clade_recurrent *r;
    clade_params *params = make(&r, 2);
    float *weights = malloc((size_t)clade_params_numel(params) * 2 * sizeof *weights);
    clade_tensor *flat = clade_params_flat(params);
    ok(clade_tensor_read(flat, weights, (size_t)clade_tensor_numel(flat) * sizeof *weights));
    float low = 0, high = 0;
    for (int64_t i = 0; i < clade_tensor_numel(flat); i++) {
        low = fminf(low, weights[i]);
        high = fmaxf(high, weights[i]);
    }
    ck_assert(low >= -0.44722f && low < -0.44f && high <= 0.44722f && high > 0.44f);
    free(weights);
    ok(clade_scope_begin(ctx));
    clade_tensor *x = clade_normal(ctx, CLADE_F32, CLADE_SHAPE(STEPS, ROWS, INPUTS), 0, 1);
    clade_tensor *zeros = clade_full(ctx, CLADE_F32, CLADE_SHAPE(4, ROWS, HIDDEN), 0);
    clade_tensor *a = clade_recurrent_forward(r, x, NULL, NULL, NULL, NULL);
    clade_tensor *b = clade_recurrent_forward(r, x, zeros, zeros, NULL, NULL);
    float found[2][STEPS * ROWS * 2 * HIDDEN];
    ok(clade_tensor_read(a, found[0], sizeof found[0]));
    ok(clade_tensor_read(b, found[1], sizeof found[1]));
    ck_assert(!memcmp(found[0], found[1], sizeof found[0]));
    ok(clade_scope_end(ctx));
    clade_recurrent_free(&r);
    clade_params_free(&params);
}
END_TEST

/* Between layers and in training alone. */
START_TEST(dropout)
{
    clade_recurrent *r;
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    const clade_recurrent_params settings = {
        .input = INPUTS, .hidden = HIDDEN, .layers = 2, .dropout = 1};
    ok(clade_recurrent_create(&r, params, "", &settings));
    ok(clade_scope_begin(ctx));
    clade_tensor *x[2], *zero = clade_full(ctx, CLADE_F32, CLADE_SHAPE(STEPS, ROWS, INPUTS), 0);
    x[0] = clade_add_scalar(zero, 1);
    x[1] = clade_add_scalar(zero, -1);
    float found[2][STEPS * ROWS * HIDDEN];
    for (int training = 1; training >= 0; training--) {
        ok(clade_recurrent_train(r, training));
        for (int i = 0; i < 2; i++)
            ok(clade_tensor_read(clade_recurrent_forward(r, x[i], NULL, NULL, NULL, NULL), found[i],
                                 sizeof found[i]));
        ck_assert((memcmp(found[0], found[1], sizeof found[0]) == 0) == (training == 1));
    }
    ok(clade_scope_end(ctx));
    fails(clade_recurrent_train(NULL, true), CLADE_ERR_ARGUMENT, "recurrent is NULL");
    clade_recurrent_free(&r);
    clade_params_free(&params);
}
END_TEST

/* A cell makes the steps of a layer of one direction, one by one. */
static void check_cell(size_t i)
{
    const char *name = layers[i].name;
    const clade_recurrent_params *s = &layers[i].settings;
    clade_recurrent *r;
    clade_params *params = make(&r, i);
    put_weights(params, name);
    clade_tensor *w[4];
    for (size_t k = 0; k < 4; k++)
        w[k] = s->no_bias && k > 1 ? NULL : clade_params_get(params, k);
    ok(clade_scope_begin(ctx));
    clade_tensor *x = clade_normal(ctx, CLADE_F32, CLADE_SHAPE(STEPS, ROWS, INPUTS), 0, 1);
    clade_tensor *h = clade_full(ctx, CLADE_F32, CLADE_SHAPE(ROWS, HIDDEN), 0), *c = h;
    clade_tensor *h_n, *given = s->batch_first ? clade_transpose(x, 0, 1) : x;
    ck_assert_ptr_nonnull(clade_recurrent_forward(r, given, NULL, NULL, &h_n, NULL));
    for (int t = 0; t < STEPS; t++) {
        clade_tensor *now =
            clade_reshape(clade_slice(x, 0, t, t + 1, 1), CLADE_SHAPE(ROWS, INPUTS));
        h = s->kind == CLADE_RECURRENT_LSTM ? clade_lstm_cell(&c, now, h, c, w[0], w[1], w[2], w[3])
            : s->kind == CLADE_RECURRENT_GRU
                ? clade_gru_cell(now, h, w[0], w[1], w[2], w[3])
                : clade_rnn_cell(now, h, w[0], w[1], w[2], w[3], false);
    }
    float found[2][ROWS * HIDDEN];
    ok(clade_tensor_read(h, found[0], sizeof found[0]));
    ok(clade_tensor_read(h_n, found[1], sizeof found[1]));
    for (int k = 0; k < ROWS * HIDDEN; k++)
        ck_assert_msg(fabsf(found[0][k] - found[1][k]) < 1e-6f, "%s: [%d] = %g, not %g", name, k,
                      (double)found[0][k], (double)found[1][k]);
    ok(clade_scope_end(ctx));
    clade_recurrent_free(&r);
    clade_params_free(&params);
}

START_TEST(cells)
{
    check_cell(0);
    check_cell(3);
    check_cell(5);
}
END_TEST

START_TEST(bad_layers)
{
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    clade_recurrent *r;
    clade_recurrent_params s = {.input = 2, .hidden = 3};
    fails(clade_recurrent_create(NULL, params, "", &s), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_recurrent_create(&r, NULL, "", &s), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_recurrent_create(&r, params, NULL, &s), CLADE_ERR_ARGUMENT, "name is NULL");
    fails(clade_recurrent_create(&r, params, "", NULL), CLADE_ERR_ARGUMENT, "settings is NULL");
    s.kind = (clade_recurrent_kind)4;
    fails(clade_recurrent_create(&r, params, "", &s), CLADE_ERR_ARGUMENT, "4 is no kind");
    s = (clade_recurrent_params){.input = 2};
    fails(clade_recurrent_create(&r, params, "", &s), CLADE_ERR_SHAPE, "2 inputs and 0 hidden");
    s = (clade_recurrent_params){.input = 2, .hidden = 3, .layers = 33};
    fails(clade_recurrent_create(&r, params, "", &s), CLADE_ERR_ARGUMENT, "33 layers, not 1 to 32");
    s = (clade_recurrent_params){.input = 2, .hidden = 3, .dropout = 2};
    fails(clade_recurrent_create(&r, params, "", &s), CLADE_ERR_ARGUMENT, "dropout 2");
    s = (clade_recurrent_params){.input = 2, .hidden = 3};
    ck_assert_ptr_nonnull(clade_param(params, "a.bias_hh_l0", CLADE_SHAPE(1), clade_init_zeros()));
    fails(clade_recurrent_create(&r, params, "a", &s), CLADE_ERR_ARGUMENT,
          "\"a.bias_hh_l0\" is there already");
    ck_assert_uint_eq(clade_params_count(params), 1);
    ok(clade_recurrent_create(&r, params, "b", &s));
    ck_assert_str_eq(clade_params_name(params, 4), "b.bias_hh_l0");
    ok(clade_scope_begin(ctx));
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(4, 1, 2), 0);
    clade_tensor *h = clade_full(ctx, CLADE_F32, CLADE_SHAPE(1, 1, 3), 0);
    clade_tensor *row = clade_full(ctx, CLADE_F32, CLADE_SHAPE(1, 2), 0);
    null_with(clade_recurrent_forward(NULL, x, NULL, NULL, NULL, NULL), CLADE_ERR_ARGUMENT,
              "recurrent is NULL");
    null_with(clade_recurrent_forward(r, NULL, NULL, NULL, NULL, NULL), CLADE_ERR_ARGUMENT,
              "x is NULL");
    null_with(clade_recurrent_forward(r, h, NULL, NULL, NULL, NULL), CLADE_ERR_SHAPE,
              "x is [1,1,3], not [T,N,2]");
    null_with(clade_recurrent_forward(r, x, x, NULL, NULL, NULL), CLADE_ERR_SHAPE,
              "h0 is [4,1,2], not [1,1,3]");
    null_with(clade_recurrent_forward(r, x, h, h, NULL, NULL), CLADE_ERR_ARGUMENT,
              "c0 is for an LSTM");
    null_with(clade_rnn_cell(x, h, h, h, NULL, NULL, false), CLADE_ERR_SHAPE,
              "rnn_cell: x is [4,1,2], not [N,I]");
    null_with(clade_rnn_cell(row, h, NULL, h, NULL, NULL, false), CLADE_ERR_ARGUMENT,
              "a weight is NULL");
    null_with(clade_gru_cell(row, h, h, h, h, NULL), CLADE_ERR_ARGUMENT, "one bias is NULL");
    null_with(clade_lstm_cell(&h, row, h, NULL, h, h, h, NULL), CLADE_ERR_ARGUMENT, "c is NULL");
    null_with(clade_gru_scan(x, h, h, h, false), CLADE_ERR_SHAPE,
              "gru_scan: gates [4,1,2]: not [steps, rows, 3 * hidden]");
    null_with(clade_rnn_scan(x, h, h, false, false), CLADE_ERR_SHAPE,
              "weight is [1,1,3], but gates [4,1,2] ask for [2,2]");
    ok(clade_scope_end(ctx));
    clade_recurrent_free(&r);
    clade_params_free(&params);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {pytorchs_layers, defaults, dropout, cells, bad_layers};
    return run_suite_with("recurrent", tests, sizeof tests / sizeof *tests, setup_goldens,
                          teardown_goldens);
}
