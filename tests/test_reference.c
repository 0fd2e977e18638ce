/* The reference program against PyTorch: from the same initial weights and the same order of
 * batches, the losses of 200 steps and the weights after them. What the program is and where its
 * numbers come from: tests/goldens/reference_goldens.py. CLADE_TEST_SMALL=1: five steps. */
#include <math.h>

#include "golden_file.h"
#include "tensor_testing.h"

#define STEPS    200
#define BATCH    128
#define PIXELS   784
#define HIDDEN   128
#define CLASSES  10
#define SAMPLES  2000
#define IMAGES   6000
#define FEW      5
#define LOSS_TOL 1e-4

enum { FC1_WEIGHT, FC1_BIAS, FC2_WEIGHT, FC2_BIAS, WEIGHTS };

/* Where each weight's numbers begin, and those of the order and the sample. */
static const uint32_t first_counter[WEIGHTS] = {0x10000000u, 0x20000000u, 0x30000000u, 0x40000000u};
#define ORDER_COUNTER  0x50300000u
#define SAMPLE_COUNTER 0x60000000u

/* hash32 of tests/goldens/goldens_file.py. */
static uint32_t hash32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

/* --- the program ------------------------------------------------------------------------------ */

typedef struct program {
    clade_tensor *images, *labels; /* all of them, on the device */
    clade_params *params;
    clade_tensor *weight[WEIGHTS];
    clade_optimizer *opt;
    clade_tensor *loss; /* of the last step */
} program;

static void load_data(program *p)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/data/mnist-subset", tests_dir());
    clade_mnist *mnist;
    ok(clade_mnist_load(&mnist, folder));
    ck_assert_int_eq(mnist->train.count, IMAGES);
    int32_t labels[IMAGES];
    for (int i = 0; i < IMAGES; i++)
        labels[i] = mnist->train.labels[i];
    ok(clade_tensor_from_host(&p->images, ctx, CLADE_U8, CLADE_SHAPE(IMAGES, PIXELS),
                              mnist->train.images));
    ok(clade_tensor_from_host(&p->labels, ctx, CLADE_I32, CLADE_SHAPE(IMAGES), labels));
    clade_mnist_free(&mnist);
}

static void set_weight(clade_tensor *t, uint32_t counter, double fan_in)
{
    static float values[HIDDEN * PIXELS];
    int64_t n = clade_tensor_numel(t);
    double unit = (double)(float)(1 / sqrt(fan_in)) / 8388608;
    for (int64_t i = 0; i < n; i++) {
        int32_t k = (int32_t)(hash32((uint32_t)i + counter) >> 8) - 8388608;
        values[i] = (float)(k * unit);
    }
    ok(clade_tensor_write(t, values, (size_t)n * sizeof *values));
}

static void start(program *p)
{
    *p = (program){.images = NULL};
    load_data(p);
    ok(clade_params_create(&p->params, ctx));
    clade_tensor **w = p->weight;
    ok(clade_linear_params(p->params, "fc1", PIXELS, HIDDEN, &w[FC1_WEIGHT], &w[FC1_BIAS]));
    ok(clade_linear_params(p->params, "fc2", HIDDEN, CLASSES, &w[FC2_WEIGHT], &w[FC2_BIAS]));
    for (int i = 0; i < WEIGHTS; i++)
        set_weight(w[i], first_counter[i], i < FC2_WEIGHT ? PIXELS : HIDDEN);
    ok(clade_sgd_create(&p->opt, p->params, &(clade_sgd_params){.lr = 0.01, .momentum = 0.9}));
    ok(clade_tensor_create(&p->loss, ctx, CLADE_F32, clade_shape_scalar()));
}

static void end(program *p)
{
    clade_tensor_free(&p->loss);
    clade_optimizer_free(&p->opt);
    clade_params_free(&p->params);
    clade_tensor_free(&p->images);
    clade_tensor_free(&p->labels);
}

/* The batch's loss, NULL after a failure. */
static clade_tensor *loss_of(const program *p, clade_tensor *index)
{
    clade_tensor *const *w = p->weight;
    clade_tensor *x = clade_cast(clade_index_select(p->images, 0, index), CLADE_F32);
    x = clade_mul_scalar(clade_add_scalar(clade_mul_scalar(x, 1.0 / 255), -0.5), 2);
    clade_tensor *hidden = clade_relu(clade_linear(x, w[FC1_WEIGHT], w[FC1_BIAS]));
    clade_tensor *logits = clade_linear(hidden, w[FC2_WEIGHT], w[FC2_BIAS]);
    return clade_cross_entropy(logits, clade_index_select(p->labels, 0, index), NULL);
}

#define CHECK(expr)                                                                                \
    do {                                                                                           \
        clade_status check_ = (expr);                                                              \
        if (check_ != CLADE_OK)                                                                    \
            return check_;                                                                         \
    } while (0)

/* inputs: the numbers of the batch's images. */
static clade_status train(void *user, clade_tensor *const *inputs, int count)
{
    program *p = user;
    (void)count;
    CHECK(clade_optimizer_zero_grad(p->opt));
    CHECK(clade_tape_begin(ctx));
    clade_tensor *loss = loss_of(p, inputs[0]);
    CHECK(clade_backward(loss));
    CHECK(clade_tensor_copy(p->loss, loss));
    CHECK(clade_optimizer_step(p->opt));
    return clade_tape_end(ctx);
}

/* --- the order -------------------------------------------------------------------------------- */

typedef struct order {
    uint32_t counter;
    int32_t image[IMAGES];
    int at;
} order;

/* Fisher-Yates from scratch, each epoch with new draws. */
static void shuffle(order *o)
{
    for (int i = 0; i < IMAGES; i++)
        o->image[i] = i;
    for (int i = IMAGES - 1; i > 0; i--) {
        int j = (int)(hash32(o->counter++) % (uint32_t)(i + 1));
        int32_t swapped = o->image[i];
        o->image[i] = o->image[j];
        o->image[j] = swapped;
    }
    o->at = 0;
}

/* The next batch, short at the end of an epoch; freed by the caller. */
static clade_tensor *next_batch(order *o)
{
    if (o->at == IMAGES)
        shuffle(o);
    int size = IMAGES - o->at < BATCH ? IMAGES - o->at : BATCH;
    clade_tensor *index;
    ok(clade_tensor_from_host(&index, ctx, CLADE_I32, CLADE_SHAPE(size), o->image + o->at));
    o->at += size;
    return index;
}

/* --- comparison ------------------------------------------------------------------------------- */

/* An error of 1e-3 of the largest value; found[where[i]], or found[i] where `where` is NULL. */
static void expect_close(const char *name, const float *found, const uint32_t *where,
                         const float *expected, int count)
{
    float largest = 0;
    for (int i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(expected[i]));
    for (int i = 0; i < count; i++) {
        float value = found[where ? where[i] : (uint32_t)i];
        ck_assert_msg(fabsf(value - expected[i]) <= 1e-3f * largest, "%s[%d] = %.8g, not %.8g",
                      name, i, (double)value, (double)expected[i]);
    }
}

static void expect_weights(const program *p, const clade_safetensors *goldens)
{
    static float values[HIDDEN * PIXELS];
    static const char *const names[WEIGHTS] = {NULL, "fc1.bias", "fc2.weight", "fc2.bias"};
    for (int i = FC1_BIAS; i < WEIGHTS; i++) {
        int n = (int)clade_tensor_numel(p->weight[i]);
        ok(clade_tensor_read(p->weight[i], values, (size_t)n * sizeof *values));
        expect_close(names[i], values, NULL, golden(goldens, names[i], CLADE_F32, n), n);
    }
    ok(clade_tensor_read(p->weight[FC1_WEIGHT], values, sizeof values));
    uint32_t where[SAMPLES];
    for (uint32_t i = 0; i < SAMPLES; i++)
        where[i] = hash32(i + SAMPLE_COUNTER) % (HIDDEN * PIXELS);
    expect_close("fc1.weight", values, where,
                 golden(goldens, "fc1.weight.sample", CLADE_F32, SAMPLES), SAMPLES);
    const double *norms = golden(goldens, "fc1.weight.row_norms", CLADE_F64, HIDDEN);
    for (int row = 0; row < HIDDEN; row++) {
        double sum = 0;
        for (int i = 0; i < PIXELS; i++)
            sum += (double)values[row * PIXELS + i] * values[row * PIXELS + i];
        ck_assert_msg(fabs(sqrt(sum) - norms[row]) <= 1e-3 * norms[row], "row %d: norm %g, not %g",
                      row, sqrt(sum), norms[row]);
    }
}

static void check_program(bool eager)
{
    const char *small = getenv("CLADE_TEST_SMALL");
    int steps = small && *small && strcmp(small, "0") != 0 ? FEW : STEPS;
    clade_safetensors *goldens = open_goldens("reference");
    const float *losses = golden(goldens, "losses", CLADE_F32, STEPS);
    program p;
    start(&p);
    static order o;
    o = (order){.counter = ORDER_COUNTER, .at = IMAGES};
    clade_step *step;
    ok(clade_step_create(&step, ctx, train, &p, &(clade_step_params){.eager = eager}));
    for (int i = 0; i < steps; i++) {
        clade_tensor *index = next_batch(&o);
        ok(clade_step_run(step, &index, 1));
        clade_tensor_free(&index);
        double loss;
        ok(clade_tensor_item(p.loss, &loss));
        ck_assert_msg(fabs(loss - losses[i]) <= LOSS_TOL * losses[i],
                      "step %d: loss %.8g, not %.8g", i, loss, (double)losses[i]);
    }
    if (steps == STEPS)
        expect_weights(&p, goldens);
    clade_step_free(&step);
    end(&p);
    clade_safetensors_free(&goldens);
}

START_TEST(reference_through_the_tape)
{
    check_program(true);
}
END_TEST

START_TEST(reference_replayed)
{
    check_program(false);
}
END_TEST

int main(void)
{
#ifndef CLADE_HAVE_ZLIB
    printf("1..0 # SKIP a build without zlib cannot read the shipped images\n");
    return 77;
#else
    return RUN("reference", reference_through_the_tape, reference_replayed);
#endif
}
