/* Gradients, the optimizer, and a whole small training run. */
#include <math.h>
#include <string.h>

#include "selftest.h"

/* --- gradients: each function of one input x [6, 5] in f64 ---------------------------------------
 */
static clade_tensor *of_pointwise(void *user, clade_tensor *const *in, int count)
{
    (void)user;
    (void)count;
    clade_tensor *x = in[0], *y = clade_tanh(clade_mul(x, clade_sigmoid(x)));
    clade_tensor *z = clade_div(clade_exp(clade_neg(x)), clade_add_scalar(clade_square(x), 1));
    return clade_sub(clade_gelu(y), clade_mul_scalar(clade_softplus(z), 0.5));
}

static clade_tensor *of_reduction(void *user, clade_tensor *const *in, int count)
{
    (void)user;
    (void)count;
    clade_tensor *top = clade_max(in[0], (int[]){1}, 1, true);
    clade_tensor *mean = clade_mean(in[0], (int[]){0}, 1, true);
    return clade_mul(clade_sub(in[0], top), mean);
}

static clade_tensor *of_matmul(void *user, clade_tensor *const *in, int count)
{
    (void)user;
    (void)count;
    clade_tensor *gram = clade_matmul(in[0], clade_transpose(in[0], 0, 1));
    return clade_linear_no_bias(gram, clade_transpose(in[0], 0, 1));
}

static clade_tensor *of_views(void *user, clade_tensor *const *in, int count)
{
    (void)user;
    (void)count;
    clade_tensor *part = clade_slice(in[0], 0, 1, 5, 2);
    clade_tensor *both = clade_concat((clade_tensor *[]){part, in[0]}, 2, 0);
    return clade_square(clade_reshape(clade_permute(both, (int[]){1, 0}), CLADE_SHAPE(-1)));
}

static clade_tensor *of_index(void *user, clade_tensor *const *in, int count)
{
    (void)count;
    return clade_square(clade_index_select(in[0], 0, user));
}

static clade_tensor *of_loss(void *user, clade_tensor *const *in, int count)
{
    (void)count;
    clade_tensor *p = clade_softmax(in[0], 1);
    return clade_add(clade_cross_entropy(in[0], user, NULL),
                     clade_mse_loss(p, clade_log_softmax(in[0], 1), CLADE_REDUCTION_MEAN));
}

enum { ROWS = 6, COLS = 5 };

static void check_gradient(check *c, const char *name, clade_gradcheck_fn fn, clade_tensor *x,
                           clade_tensor *index)
{
    const clade_gradcheck_params params = {.rtol = 1e-5};
    clade_gradcheck_result result;
    if (!check_ok(c, name, clade_gradcheck(fn, index, &x, 1, &params, &result)))
        return;
    c->comparisons += result.checks;
    c->worst = fmax(c->worst, result.worst_error * params.rtol);
}

void check_gradients(check *c)
{
    if (!clade_context_device(c->ctx)->has_f64) {
        check_skip(c, "the device has no fp64, which the check of gradients needs");
        return;
    }
    double values[ROWS * COLS];
    const double places[ROWS] = {4, 0, 2, 2, 1, 3};
    check_random(c, values, ROWS * COLS, -2, 2);
    clade_tensor *index = check_input(c, CLADE_I32, CLADE_SHAPE(ROWS), places);
    clade_tensor *x = NULL;
    if (!index ||
        !check_ok(c, "input",
                  clade_tensor_from_host(&x, c->ctx, CLADE_F64, CLADE_SHAPE(ROWS, COLS), values)))
        return;
    if (check_ok(c, "input", clade_tensor_set_requires_grad(x, true))) {
        check_gradient(c, "pointwise", of_pointwise, x, index);
        check_gradient(c, "reductions", of_reduction, x, index);
        check_gradient(c, "matmul", of_matmul, x, index);
        check_gradient(c, "views", of_views, x, index);
        check_gradient(c, "index_select", of_index, x, index);
        check_gradient(c, "losses", of_loss, x, index);
    }
    clade_tensor_free(&x);
}

/* --- SGD
 * ------------------------------------------------------------------------------------------ */
void check_sgd(check *c)
{
    enum { N = 1003 };
    double w[N], g[N], v[N] = {0};
    check_random(c, w, N, -1, 1);
    check_random(c, g, N, -1, 1);
    const clade_sgd_params sgd = {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01};
    clade_tensor *weight = check_input(c, CLADE_F32, CLADE_SHAPE(N), w);
    clade_tensor *grad = check_input(c, CLADE_F32, CLADE_SHAPE(N), g);
    clade_tensor *velocity = check_input(c, CLADE_F32, CLADE_SHAPE(N), v);
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < N; i++) {
            double full = g[i] + sgd.weight_decay * w[i];
            v[i] = step == 0 ? full : sgd.momentum * v[i] + full;
            w[i] -= sgd.lr * v[i];
        }
        if (!check_ok(c, "sgd_update", clade_sgd_update(weight, grad, velocity, &sgd, step == 0)))
            return;
    }
    check_values(c, "weights after 3 steps", weight, w, N, 1e-5);
    check_values(c, "velocity after 3 steps", velocity, v, N, 1e-5);
}

/* --- training: four clouds of points, a network 8-32-4, eager and replayed -----------------------
 */
enum { POINTS = 256, FEATURES = 8, HIDDEN = 32, CLASSES = 4, STEPS = 60 };
enum { WEIGHTS = HIDDEN * (FEATURES + 1) + CLASSES * (HIDDEN + 1) };

typedef struct network {
    clade_context *ctx;
    clade_params *params;
    clade_optimizer *optimizer;
    clade_step *step;
    clade_tensor *w1, *b1, *w2, *b2;
    clade_tensor *loss; /* of the last step */
} network;

static clade_status update(network *n, clade_tensor *points, clade_tensor *labels)
{
    clade_tensor *h = clade_relu(clade_linear(points, n->w1, n->b1));
    clade_tensor *loss = clade_cross_entropy(clade_linear(h, n->w2, n->b2), labels, NULL);
    clade_status status = clade_optimizer_zero_grad(n->optimizer);
    if (status == CLADE_OK)
        status = clade_backward(loss);
    if (status == CLADE_OK)
        status = clade_optimizer_step(n->optimizer);
    return status == CLADE_OK ? clade_tensor_copy(n->loss, loss) : status;
}

static clade_status step(void *user, clade_tensor *const *inputs, int count)
{
    network *n = user;
    (void)count;
    clade_status status = clade_tape_begin(n->ctx);
    if (status != CLADE_OK)
        return status;
    status = update(n, inputs[0], inputs[1]);
    clade_status ended = clade_tape_end(n->ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status build_network(network *n, bool eager)
{
    const clade_sgd_params sgd = {.lr = 0.1, .momentum = 0.9};
    clade_status status = clade_manual_seed(n->ctx, 1);
    if (status == CLADE_OK)
        status = clade_params_create(&n->params, n->ctx);
    if (status == CLADE_OK)
        status = clade_linear_params(n->params, "fc1", FEATURES, HIDDEN, &n->w1, &n->b1);
    if (status == CLADE_OK)
        status = clade_linear_params(n->params, "fc2", HIDDEN, CLASSES, &n->w2, &n->b2);
    if (status == CLADE_OK)
        status = clade_sgd_create(&n->optimizer, n->params, &sgd);
    if (status == CLADE_OK)
        status = clade_tensor_create(&n->loss, n->ctx, CLADE_F32, clade_shape_scalar());
    if (status == CLADE_OK)
        status = clade_step_create(&n->step, n->ctx, step, n, &(clade_step_params){.eager = eager});
    return status;
}

static void free_network(network *n)
{
    clade_step_free(&n->step);
    clade_optimizer_free(&n->optimizer);
    clade_tensor_free(&n->loss);
    clade_params_free(&n->params);
}

/* Trains and leaves the weights, one parameter after the other, in `weights`. */
static clade_status train(network *n, clade_tensor *const *data, double *first, double *last,
                          float *weights)
{
    for (int i = 0; i < STEPS; i++) {
        clade_status status = clade_step_run(n->step, data, 2);
        if (status == CLADE_OK)
            status = clade_tensor_item(n->loss, i == 0 ? first : last);
        if (status != CLADE_OK)
            return status;
    }
    clade_tensor *const all[] = {n->w1, n->b1, n->w2, n->b2};
    for (int i = 0; i < 4; i++) {
        size_t count = (size_t)clade_tensor_numel(all[i]);
        clade_status status = clade_tensor_read(all[i], weights, count * sizeof *weights);
        if (status != CLADE_OK)
            return status;
        weights += count;
    }
    return CLADE_OK;
}

static void train_new(check *c, bool eager, clade_tensor *const *data, float *weights)
{
    network n = {.ctx = c->ctx};
    double first = 0, last = 0;
    const char *what = eager ? "eager" : "replayed";
    if (check_ok(c, what, build_network(&n, eager)) &&
        check_ok(c, what, train(&n, data, &first, &last, weights)) && !(last < 0.2 * first))
        check_fail(c, "%s: the loss went from %.4f to %.4f in %d steps, not below a fifth", what,
                   first, last, STEPS);
    c->comparisons++;
    free_network(&n);
}

void check_training(check *c)
{
    double points[POINTS * FEATURES], centres[CLASSES * FEATURES], labels[POINTS];
    float eager[WEIGHTS], replayed[WEIGHTS];
    check_random(c, centres, CLASSES * FEATURES, -2, 2);
    check_random(c, points, POINTS * FEATURES, -1, 1);
    for (int i = 0; i < POINTS; i++) {
        labels[i] = i % CLASSES;
        for (int k = 0; k < FEATURES; k++)
            points[i * FEATURES + k] += centres[i % CLASSES * FEATURES + k];
    }
    clade_tensor *const data[] = {
        check_input(c, CLADE_F32, CLADE_SHAPE(POINTS, FEATURES), points),
        check_input(c, CLADE_I32, CLADE_SHAPE(POINTS), labels),
    };
    if (!c->failed)
        train_new(c, true, data, eager);
    if (!c->failed)
        train_new(c, false, data, replayed);
    if (!c->failed && memcmp(eager, replayed, sizeof eager) != 0)
        check_fail(c, "replayed steps do not give the bits of eager ones");
    c->comparisons++;
}
