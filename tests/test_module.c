/* Modules against PyTorch's (tests/goldens/module_goldens.py), and what they promise besides. */
#include "module_testing.h"

#include "base/alloc.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const clade_layer cnn_layers[] = {
    {.kind = CLADE_LAYER_CONV,
     .outputs = 4,
     .kernel = {3},
     .conv = {.stride = {1, 2}, .padding = {1, 1}}},
    {.kind = CLADE_LAYER_ACTIVATION, .activation = clade_relu},
    {.kind = CLADE_LAYER_MAX_POOL, .pool = {.kernel = {2}}},
    {.kind = CLADE_LAYER_FLATTEN},
    {.kind = CLADE_LAYER_LINEAR, .outputs = 5},
};
static const clade_layer cnn = {.layers = cnn_layers, .count = COUNT(cnn_layers)};

static const clade_layer inner_layers[] = {
    {.kind = CLADE_LAYER_LINEAR, .name = "fc", .outputs = 4, .no_bias = true},
    {.kind = CLADE_LAYER_ACTIVATION, .name = "act", .activation = clade_tanh},
};
static const clade_layer text_layers[] = {
    {.kind = CLADE_LAYER_EMBEDDING, .entries = 7, .outputs = 6},
    {.kind = CLADE_LAYER_LAYER_NORM},
    {.kind = CLADE_LAYER_RECURRENT,
     .recurrent = {.kind = CLADE_RECURRENT_LSTM, .hidden = 3, .bidirectional = true}},
    {.layers = inner_layers, .count = COUNT(inner_layers)},
    {.kind = CLADE_LAYER_FLATTEN},
    {.kind = CLADE_LAYER_LINEAR, .outputs = 3},
};
static const clade_layer text = {.layers = text_layers, .count = COUNT(text_layers)};

static clade_params *params_new(void)
{
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    return params;
}

static void check_network(const char *name, const clade_layer *layer, clade_dtype dtype,
                          clade_shape input, size_t parameters)
{
    clade_params *params = params_new();
    clade_module *m;
    ok(clade_module_create(&m, params, "", layer, dtype, input));
    ck_assert_uint_eq(clade_params_count(params), parameters);
    ck_assert_int_eq(clade_module_numel(m), clade_params_numel(params));
    put_weights(params, name);
    const clade_array *array = find(name, "x");
    clade_tensor *x;
    ok(clade_tensor_from_host(&x, ctx, dtype, array->shape, array->data));
    if (dtype == CLADE_F32)
        ok(clade_tensor_set_requires_grad(x, true));
    ok(clade_params_zero_grad(params));
    ok(clade_tape_begin(ctx));
    clade_tensor *y = clade_module_forward(m, x);
    expect(y, name, "output");
    ok(clade_backward(weighed(y, 0)));
    if (dtype == CLADE_F32)
        expect(clade_tensor_grad(x), name, "grad/x");
    for (size_t p = 0; p < parameters; p++) {
        char key[64];
        snprintf(key, sizeof key, "grad/%s", clade_params_name(params, p));
        expect(clade_tensor_grad(clade_params_get(params, p)), name, key);
    }
    ok(clade_tape_end(ctx));
    clade_tensor_free(&x);
    clade_module_free(&m);
    clade_module_free(&m);
    clade_params_free(&params);
}

START_TEST(pytorchs_networks)
{
    check_network("sequential/cnn", &cnn, CLADE_F32, CLADE_SHAPE(2, 4, 8), 4);
    check_network("sequential/text", &text, CLADE_I32, CLADE_SHAPE(5), 14);
}
END_TEST

START_TEST(summary)
{
    clade_params *params = params_new();
    clade_module *m;
    ok(clade_module_create(&m, params, "", &text, CLADE_I32, CLADE_SHAPE(5)));
    char *found;
    ok(clade_module_summary(m, &found));
    ck_assert_str_eq(
        found,
        "layer                        output                   parameters            MACs\n"
        "module sequential            [3]                             405            1260\n"
        "  0 embedding                [5,6]                            42               0\n"
        "  1 layer_norm               [5,6]                            12               0\n"
        "  2 recurrent                [5,6]                           264            1080\n"
        "  3 sequential               [5,4]                            24             120\n"
        "    fc linear                [5,4]                            24             120\n"
        "    act activation           [5,4]                             0               0\n"
        "  4 flatten                  [20]                              0               0\n"
        "  5 linear                   [3]                              63              60\n");
    clade_string_free(&found);
    clade_shape output = clade_module_output(m), want = CLADE_SHAPE(3);
    ck_assert(clade_shape_equal(&output, &want));
    ck_assert_int_eq(clade_module_macs(m), 1260);
    clade_module_free(&m);
    ok(clade_module_create(&m, params, "cnn", &cnn, CLADE_F32, CLADE_SHAPE(2, 4, 8)));
    ck_assert_int_eq(clade_module_macs(m), 4 * 4 * 4 * 2 * 9 + 16 * 5);
    ck_assert_ptr_nonnull(clade_params_find(params, "cnn.4.bias"));
    clade_module_free(&m);
    clade_params_free(&params);
}
END_TEST

/* Drops half of what goes in while training, nothing else. */
START_TEST(train_and_eval)
{
    static const clade_layer layers[] = {{.kind = CLADE_LAYER_DROPOUT}};
    static const clade_layer net = {.layers = layers, .count = 1};
    clade_params *params = params_new();
    clade_module *m;
    ok(clade_module_create(&m, params, "", &net, CLADE_F32, CLADE_SHAPE(1000)));
    ok(clade_scope_begin(ctx));
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(1, 1000), 1);
    float found[1000];
    for (int training = 1; training >= 0; training--) {
        ok(clade_module_train(m, training));
        ck_assert(clade_module_training(m) == training);
        ok(clade_tensor_read(clade_module_forward(m, x), found, sizeof found));
        int dropped = 0;
        for (int i = 0; i < 1000; i++)
            dropped += found[i] == 0;
        ck_assert_msg(training ? dropped > 400 && dropped < 600 : dropped == 0, "%d", dropped);
    }
    ok(clade_scope_end(ctx));
    clade_module_free(&m);
    clade_params_free(&params);
}
END_TEST

/* The block that a transformer layer is; its dropout is for training alone. */
START_TEST(transformer)
{
    static const clade_layer layer = {.kind = CLADE_LAYER_TRANSFORMER,
                                      .heads = 2,
                                      .outputs = 12,
                                      .transformer = {.dropout = 0.5, .norm_first = true}};
    clade_params *params = params_new(), *same = params_new();
    clade_module *m;
    clade_transformer_block block;
    clade_manual_seed(ctx, 1);
    ok(clade_module_create(&m, params, "block", &layer, CLADE_F32, CLADE_SHAPE(3, 8)));
    ck_assert_int_eq(clade_module_macs(m), 3 * (4 * 64 + 2 * 8 * 12) + 2 * 3 * 3 * 8);
    ok(clade_transformer_block_params(same, "block", 8, 2, 12, &block));
    ok(clade_tensor_copy(clade_params_flat(same), clade_params_flat(params)));
    ok(clade_module_train(m, false));
    ok(clade_scope_begin(ctx));
    clade_tensor *x = clade_normal(ctx, CLADE_F32, CLADE_SHAPE(2, 3, 8), 0, 1);
    const clade_transformer_options options = {.norm_first = true};
    float found[3][48];
    ok(clade_tensor_read(clade_module_forward(m, x), found[0], sizeof found[0]));
    ok(clade_tensor_read(clade_transformer(&block, x, NULL, &options), found[1], sizeof found[1]));
    ck_assert(!memcmp(found[0], found[1], sizeof found[0]));
    ok(clade_module_train(m, true));
    ok(clade_tensor_read(clade_module_forward(m, x), found[2], sizeof found[2]));
    ck_assert(memcmp(found[0], found[2], sizeof found[0]) != 0);
    ok(clade_scope_end(ctx));
    clade_module_free(&m);
    clade_params_free(&params);
    clade_params_free(&same);
}
END_TEST

/* In training by the batch, which moves the running statistics; else by those. */
START_TEST(batch_norm)
{
    static const clade_layer layers[] = {{.kind = CLADE_LAYER_BATCH_NORM, .no_bias = true}};
    static const clade_layer net = {.layers = layers, .count = 1};
    clade_params *params = params_new();
    clade_module *m;
    ok(clade_module_create(&m, params, "", &net, CLADE_F32, CLADE_SHAPE(1)));
    clade_tensor *mean = clade_params_find(clade_params_buffers(params), "0.running_mean");
    clade_tensor *var = clade_params_find(clade_params_buffers(params), "0.running_var");
    ok(clade_scope_begin(ctx));
    const float x[2] = {2, 6};
    float found[2], statistic;
    clade_tensor *t = lent(CLADE_F32, CLADE_SHAPE(2, 1), x);
    ok(clade_tensor_read(clade_module_forward(m, t), found, sizeof found));
    ck_assert_float_eq_tol(found[0], -1, 1e-4f);
    ck_assert_float_eq_tol(found[1], 1, 1e-4f);
    ok(clade_tensor_read(mean, &statistic, sizeof statistic));
    ck_assert_float_eq_tol(statistic, 0.4f, 1e-6f);
    ok(clade_tensor_read(var, &statistic, sizeof statistic));
    ck_assert_float_eq_tol(statistic, 0.9f + 0.8f, 1e-5f);
    ok(clade_module_train(m, false));
    ok(clade_tensor_read(clade_module_forward(m, t), found, sizeof found));
    ck_assert_float_eq_tol(found[0], (2 - 0.4f) / sqrtf(1.7f), 1e-4f);
    ok(clade_scope_end(ctx));
    clade_module_free(&m);
    clade_params_free(&params);
}
END_TEST

/* x + s * linear(x): a layer of the test's own, with a module inside. */
typedef struct residual {
    clade_module *inside;
    clade_tensor *scale;
    bool training;
} residual;

static clade_status residual_create(void *user, clade_params *params, const char *name,
                                    clade_dtype dtype, clade_shape input)
{
    residual *r = user;
    const clade_layer linear = {.kind = CLADE_LAYER_LINEAR, .outputs = input.dim[0]};
    char full[64];
    snprintf(full, sizeof full, "%s.scale", name);
    r->scale = clade_param(params, full, CLADE_SHAPE(1), clade_init_constant(0.5));
    snprintf(full, sizeof full, "%s.inside", name);
    return r->scale ? clade_module_create(&r->inside, params, full, &linear, dtype, input)
                    : clade_last_error()->status;
}

static clade_tensor *residual_forward(void *user, clade_tensor *x, bool training)
{
    residual *r = user;
    r->training = training;
    return clade_add(x, clade_mul(r->scale, clade_module_forward(r->inside, x)));
}

START_TEST(custom)
{
    static const clade_layer_class kind = {residual_create, residual_forward};
    residual r = {0};
    const clade_layer layers[] = {{.kind = CLADE_LAYER_LINEAR, .outputs = 3},
                                  {.kind = CLADE_LAYER_CUSTOM, .custom = &kind, .user = &r}};
    const clade_layer net = {.layers = layers, .count = 2};
    clade_params *params = params_new();
    clade_module *m;
    ok(clade_module_create(&m, params, "", &net, CLADE_F32, CLADE_SHAPE(2)));
    ck_assert_str_eq(clade_params_name(params, 2), "1.scale");
    ck_assert_str_eq(clade_params_name(params, 3), "1.inside.weight");
    ck_assert_int_eq(clade_module_numel(m), 9 + 1 + 12);
    ok(clade_module_train(m, false));
    ok(clade_scope_begin(ctx));
    clade_tensor *y = clade_module_forward(m, clade_full(ctx, CLADE_F32, CLADE_SHAPE(4, 2), 1));
    ck_assert_int_eq(clade_tensor_numel(y), 12);
    ck_assert(!r.training);
    ok(clade_scope_end(ctx));
    clade_module_free(&m);
    clade_module_free(&r.inside);
    clade_params_free(&params);
}
END_TEST

/* Each kind that the networks above lack, by its output's shape and parameters. */
START_TEST(other_kinds)
{
    static const struct {
        clade_layer layer;
        clade_shape input, output;
        int64_t numel;
    } rows[] = {
        {{.kind = CLADE_LAYER_CONV, .outputs = 6, .kernel = {3}, .no_bias = true},
         {2, {4, 9}},
         {2, {6, 7}},
         6 * 4 * 3},
        {{.kind = CLADE_LAYER_CONV, .outputs = 4, .kernel = {1, 2, 3}, .conv = {.groups = 2}},
         {4, {4, 3, 3, 3}},
         {4, {4, 3, 2, 1}},
         4 * 2 * 6 + 4},
        {{.kind = CLADE_LAYER_AVG_POOL, .pool = {.kernel = {2, 3}}},
         {3, {4, 4, 9}},
         {3, {4, 2, 3}}},
        {{.kind = CLADE_LAYER_MAX_POOL, .pool = {.kernel = {2}}}, {2, {4, 9}}, {2, {4, 4}}},
        {{.kind = CLADE_LAYER_ADAPTIVE_AVG, .kernel = {1}}, {3, {4, 4, 9}}, {3, {4, 1, 1}}},
        {{.kind = CLADE_LAYER_ADAPTIVE_AVG, .kernel = {2}}, {2, {4, 9}}, {2, {4, 2}}},
        {{.kind = CLADE_LAYER_RMS_NORM}, {2, {4, 9}}, {2, {4, 9}}, 9},
        {{.kind = CLADE_LAYER_LAYER_NORM, .no_bias = true}, {1, {9}}, {1, {9}}, 0},
        {{.kind = CLADE_LAYER_LINEAR, .outputs = 2}, {2, {4, 9}}, {2, {4, 2}}, 20},
        {{.kind = CLADE_LAYER_GROUP_NORM, .groups = 2}, {3, {4, 9, 2}}, {3, {4, 9, 2}}, 8},
        {{.kind = CLADE_LAYER_BATCH_NORM}, {3, {4, 9, 2}}, {3, {4, 9, 2}}, 8},
        {{.kind = CLADE_LAYER_BATCH_NORM, .no_bias = true}, {1, {4}}, {1, {4}}, 0},
        {{.kind = CLADE_LAYER_ATTENTION, .heads = 2, .attention = {.causal = true}},
         {2, {3, 8}},
         {2, {3, 8}},
         4 * 8 * 8 + 4 * 8},
        {{.kind = CLADE_LAYER_TRANSFORMER,
          .heads = 2,
          .outputs = 12,
          .transformer = {.gelu = true}},
         {2, {3, 8}},
         {2, {3, 8}},
         4 * 8 * 8 + 4 * 8 + 2 * 8 * 12 + 12 + 8 + 4 * 8},
    };
    clade_params *params = params_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[8];
        snprintf(name, sizeof name, "m%d", (int)i);
        clade_module *m;
        ok(clade_module_create(&m, params, name, &rows[i].layer, CLADE_F32, rows[i].input));
        clade_shape output = clade_module_output(m);
        ck_assert_msg(clade_shape_equal(&output, &rows[i].output), "row %d", (int)i);
        ck_assert_int_eq(clade_module_numel(m), rows[i].numel);
        clade_module_free(&m);
    }
    clade_params_free(&params);
}
END_TEST

static void refused(const clade_layer *layers, size_t count, clade_status status, const char *part)
{
    const clade_layer net = {.layers = layers, .count = count};
    clade_params *params = params_new();
    clade_tensor *first = clade_param(params, "first", CLADE_SHAPE(5), clade_init_constant(3));
    clade_module *m;
    fails(clade_module_create(&m, params, "", &net, CLADE_F32, CLADE_SHAPE(2, 4, 8)), status, part);
    ck_assert_uint_eq(clade_params_count(params), 1);
    ck_assert_int_eq(clade_tensor_numel(clade_params_flat(params)), 16);
    ok(clade_module_create(&m, params, "", &cnn, CLADE_F32, CLADE_SHAPE(2, 4, 8)));
    float found[5];
    ok(clade_tensor_read(first, found, sizeof found));
    ck_assert(found[0] == 3 && found[4] == 3);
    clade_module_free(&m);
    clade_params_free(&params);
}

START_TEST(bad_modules)
{
    const clade_layer conv = cnn_layers[0], linear = cnn_layers[4];
    refused((clade_layer[]){conv, {.kind = (clade_layer_kind)77}}, 2, CLADE_ERR_ARGUMENT,
            "module_create: 1: module: 77 is no kind");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_MAX_POOL, .pool = {.kernel = {9}}}}, 2,
            CLADE_ERR_SHAPE, "module_create: 1: max_pool: ");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_LINEAR}}, 2, CLADE_ERR_ARGUMENT,
            "1: linear: outputs is 0");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_ACTIVATION}}, 2, CLADE_ERR_ARGUMENT,
            "1: activation: activation is NULL");
    refused((clade_layer[]){{.kind = CLADE_LAYER_FLATTEN}, conv}, 2, CLADE_ERR_SHAPE,
            "1: conv: samples of [64], not [channels,");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_EMBEDDING, .outputs = 3}}, 2,
            CLADE_ERR_ARGUMENT, "1: embedding: entries is 0");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_EMBEDDING, .outputs = 3, .entries = 3}}, 2,
            CLADE_ERR_DTYPE, "1: embedding: the index is f32");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_CUSTOM}}, 2, CLADE_ERR_ARGUMENT,
            "custom is NULL");
    refused((clade_layer[]){conv, {.kind = CLADE_LAYER_TRANSFORMER, .heads = 2, .outputs = 3}}, 2,
            CLADE_ERR_SHAPE, "1: transformer: samples of [4,4,4], not [places,features]");
    refused(NULL, 1, CLADE_ERR_ARGUMENT, "layers is NULL");
    clade_params *params = params_new();
    clade_module *m;
    const clade_shape input = CLADE_SHAPE(2, 4, 8);
    fails(clade_module_create(NULL, params, "", &cnn, CLADE_F32, input), CLADE_ERR_ARGUMENT,
          "out is NULL");
    fails(clade_module_create(&m, NULL, "", &cnn, CLADE_F32, input), CLADE_ERR_ARGUMENT,
          "params is NULL");
    fails(clade_module_create(&m, params, NULL, &cnn, CLADE_F32, input), CLADE_ERR_ARGUMENT,
          "name is NULL");
    fails(clade_module_create(&m, params, "", NULL, CLADE_F32, input), CLADE_ERR_ARGUMENT,
          "layer is NULL");
    fails(clade_module_create(&m, params, "", &linear, CLADE_F32, input), CLADE_ERR_ARGUMENT,
          "linear: no name");
    fails(clade_module_create(&m, params, "", &cnn, CLADE_F32, CLADE_SHAPE(-1)), CLADE_ERR_SHAPE,
          "samples of [-1]");
    ck_assert_uint_eq(clade_params_count(params), 0);
    ok(clade_module_create(&m, params, "", &cnn, CLADE_F32, input));
    ok(clade_scope_begin(ctx));
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(3, 2, 4, 9), 0);
    clade_tensor *bytes = clade_full(ctx, CLADE_U8, CLADE_SHAPE(3, 2, 4, 8), 0);
    null_with(clade_module_forward(m, x), CLADE_ERR_SHAPE,
              "x is f32 [3,2,4,9], not f32 [n] and [2,4,8]");
    null_with(clade_module_forward(m, bytes), CLADE_ERR_DTYPE, "x is u8 [3,2,4,8], not f32");
    null_with(clade_module_forward(m, NULL), CLADE_ERR_ARGUMENT, "x is NULL");
    null_with(clade_module_forward(NULL, x), CLADE_ERR_ARGUMENT, "module is NULL");
    ok(clade_scope_end(ctx));
    fails(clade_module_train(NULL, true), CLADE_ERR_ARGUMENT, "module is NULL");
    char *found;
    fails(clade_module_summary(NULL, &found), CLADE_ERR_ARGUMENT, "module is NULL");
    fails(clade_module_summary(m, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    clade_module_free(&m);
    clade_params_free(&params);
}
END_TEST

/* Whichever allocation fails: nothing is made, and the set is as it was. */
START_TEST(out_of_memory)
{
    clade_params *params = params_new();
    int failures = 0;
    for (long n = 1; n < 300; n++) {
        clade_module *m = NULL;
        clade_alloc_fail_after(n);
        clade_status status = clade_module_create(&m, params, "", &text, CLADE_I32, CLADE_SHAPE(5));
        clade_alloc_fail_after(0);
        if (status == CLADE_OK) {
            clade_module_free(&m);
            clade_params_free(&params);
            params = params_new();
            continue;
        }
        failures++;
        ck_assert_msg(status == CLADE_ERR_OUT_OF_MEMORY && !m, "allocation %ld: %s", n,
                      clade_last_error()->message);
        ck_assert_uint_eq(clade_params_count(params), 0);
        ck_assert_ptr_null(clade_params_flat(params));
    }
    ck_assert_int_gt(failures, 100);
    clade_params_free(&params);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {pytorchs_networks, summary,     train_and_eval, custom,
                                  other_kinds,       transformer, batch_norm,     bad_modules,
                                  out_of_memory};
    return run_suite_with("module", tests, sizeof tests / sizeof *tests, setup_goldens,
                          teardown_goldens);
}
