/* Loss scaling: the scale against PyTorch's rule on the host, updates against those of the plain
 * optimizer, eager and replayed. */
#include <math.h>

#include "tensor_testing.h"

#define N     40
#define STEPS 24

typedef struct network {
    clade_params *params;
    clade_tensor *w;
    clade_optimizer *opt;
    clade_loss_scaler *scaler; /* NULL: none */
    bool clips;
} network;

static const clade_loss_scaler_params settings = {.scale = 1024, .growth = 4, .interval = 5};

static void network_open(network *n, bool scaled, bool lion)
{
    *n = (network){0};
    ok(clade_params_create(&n->params, ctx));
    n->w = clade_param(n->params, "w", CLADE_SHAPE(N), clade_init_constant(0.5));
    ck_assert_ptr_nonnull(n->w);
    if (lion)
        ok(clade_lion_create(&n->opt, n->params,
                             &(clade_lion_params){.lr = 0.01, .weight_decay = 0.1}));
    else
        ok(clade_sgd_create(
            &n->opt, n->params,
            &(clade_sgd_params){
                .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}));
    if (scaled)
        ok(clade_loss_scaler_create(&n->scaler, ctx, &settings));
}

static void network_close(network *n)
{
    clade_loss_scaler_free(&n->scaler);
    clade_optimizer_free(&n->opt);
    clade_params_free(&n->params);
}

static clade_status update(network *n)
{
    if (n->clips && n->scaler)
        CLADE_TRY(clade_loss_scaler_unscale(n->scaler, n->opt));
    if (n->clips)
        CLADE_TRY(clade_params_clip_grad_norm(n->params, 2, NULL));
    if (!n->scaler)
        return clade_optimizer_step(n->opt);
    CLADE_TRY(clade_loss_scaler_step(n->scaler, n->opt));
    return clade_loss_scaler_update(n->scaler);
}

/* The gradient is inputs[0]. */
static clade_status train(void *user, clade_tensor *const *inputs, int count)
{
    network *n = user;
    (void)count;
    CLADE_TRY(clade_params_zero_grad(n->params));
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *loss = clade_sum(clade_mul(n->w, inputs[0]), NULL, 0, false);
    CLADE_TRY(clade_backward(n->scaler ? clade_loss_scaler_scale(n->scaler, loss) : loss));
    CLADE_TRY(update(n));
    return clade_tape_end(ctx);
}

static bool overflows(int step)
{
    return step == 0 || step == 3 || step == 4 || step == 17;
}

/* Of a scale of at least 256, or of any where the gradient is infinite or NaN itself. */
static clade_tensor *gradient(int step)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN, 3e36f};
    float x[N];
    for (int i = 0; i < N; i++)
        x[i] = sinf((float)(i + 7 * step));
    if (overflows(step))
        x[(step * 11 + 3) % N] = bad[step % 4];
    return lent(CLADE_F32, CLADE_SHAPE(N), x);
}

static void read_weights(const network *n, float *out)
{
    ok(clade_tensor_read(n->w, out, N * sizeof *out));
}

static void same_weights(const float *got, const float *expected, int step)
{
    for (int i = 0; i < N; i++)
        ck_assert_msg(got[i] == expected[i], "step %d: weight %d is %.9g, not %.9g", step, i,
                      (double)got[i], (double)expected[i]);
}

/* PyTorch's GradScaler.update(). */
static void follow(double *scale, int *streak, bool found)
{
    *streak = found ? 0 : *streak + 1;
    if (found)
        *scale *= 0.5;
    if (*streak < settings.interval)
        return;
    *scale *= settings.growth;
    *streak = 0;
}

static void check_steps(bool eager, bool lion, bool clips)
{
    network scaled, plain;
    network_open(&scaled, true, lion);
    network_open(&plain, false, lion);
    scaled.clips = plain.clips = clips;
    clade_step *step;
    ok(clade_step_create(&step, ctx, train, &scaled, &(clade_step_params){.eager = eager}));
    double scale = settings.scale, got;
    int streak = 0;
    int64_t expected_skips = 0, skips;
    for (int s = 0; s < STEPS; s++) {
        float weights[2][N];
        clade_tensor *x = gradient(s);
        ok(clade_step_run(step, &x, 1));
        if (!overflows(s))
            ok(train(&plain, &x, 1));
        expected_skips += overflows(s);
        follow(&scale, &streak, overflows(s));
        ok(clade_loss_scaler_read(scaled.scaler, &got, &skips));
        ck_assert_msg(got == scale, "step %d: the scale is %g, not %g", s, got, scale);
        ck_assert_int_eq(skips, expected_skips);
        read_weights(&scaled, weights[0]);
        read_weights(&plain, weights[1]);
        same_weights(weights[0], weights[1], s);
    }
    clade_step_free(&step);
    network_close(&scaled);
    network_close(&plain);
}

START_TEST(eager_steps)
{
    check_steps(true, false, false);
}
END_TEST

START_TEST(replayed_steps)
{
    check_steps(false, false, false);
    check_steps(false, true, false);
}
END_TEST

START_TEST(clipped_between_unscale_and_step)
{
    check_steps(false, false, true);
}
END_TEST

/* Muon updates in two kernels, Adam has two states. */
START_TEST(a_skipped_update_changes_no_state)
{
    for (int muon = 0; muon < 2; muon++) {
        clade_params *params;
        clade_optimizer *opt;
        clade_loss_scaler *scaler;
        float before[12], after[12];
        ok(clade_params_create(&params, ctx));
        clade_tensor *w = clade_param(params, "w", CLADE_SHAPE(3, 4), clade_init_constant(0.5));
        if (muon)
            ok(clade_muon_create(&opt, params, &(clade_muon_params){.lr = 0.01}));
        else
            ok(clade_adam_create(&opt, params, &(clade_adam_params){.lr = 0.01}));
        ok(clade_loss_scaler_create(&scaler, ctx, NULL));
        for (int s = 0; s < 3; s++) {
            clade_tensor *grad = clade_params_flat_grad(params);
            ok(clade_tensor_fill(grad, s == 1 ? -INFINITY : 65536));
            ok(clade_tensor_read(w, before, sizeof before));
            ok(clade_loss_scaler_step(scaler, opt));
            ok(clade_loss_scaler_update(scaler));
            ok(clade_tensor_read(w, after, sizeof after));
            ck_assert_msg((memcmp(before, after, sizeof after) == 0) == (s == 1), "step %d of %s",
                          s, muon ? "muon" : "adam");
            for (int i = 0; i < 12; i++)
                ck_assert(isfinite(after[i]));
        }
        clade_loss_scaler_free(&scaler);
        clade_optimizer_free(&opt);
        clade_params_free(&params);
    }
}
END_TEST

START_TEST(the_scale_stays_finite)
{
    clade_loss_scaler *scaler;
    double scale;
    ok(clade_loss_scaler_create(
        &scaler, ctx, &(clade_loss_scaler_params){.scale = 1e38, .growth = 4, .interval = 1}));
    ok(clade_loss_scaler_update(scaler));
    ok(clade_loss_scaler_read(scaler, &scale, NULL));
    ck_assert_double_eq(scale, (double)1e38f);
    clade_loss_scaler_free(&scaler);
}
END_TEST

START_TEST(errors)
{
    clade_loss_scaler *scaler;
    network n;
    network_open(&n, true, false);
    fails(clade_loss_scaler_create(NULL, ctx, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_loss_scaler_create(&scaler, NULL, NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    static const struct {
        clade_loss_scaler_params params;
        const char *part;
    } bad[] = {{{.scale = -1}, "scale -1"},
               {{.scale = 1e39}, "scale 1e+39"},
               {{.growth = 0.5}, "growth 0.5"},
               {{.backoff = 1.5}, "backoff 1.5"},
               {{.interval = -2}, "interval -2"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fails(clade_loss_scaler_create(&scaler, ctx, &bad[i].params), CLADE_ERR_ARGUMENT,
              bad[i].part);
    null_with(clade_loss_scaler_scale(NULL, n.w), CLADE_ERR_ARGUMENT, "scaler is NULL");
    fails(clade_loss_scaler_unscale(n.scaler, NULL), CLADE_ERR_ARGUMENT, "opt is NULL");
    fails(clade_loss_scaler_step(NULL, n.opt), CLADE_ERR_ARGUMENT, "scaler is NULL");
    fails(clade_loss_scaler_update(NULL), CLADE_ERR_ARGUMENT, "scaler is NULL");
    fails(clade_loss_scaler_read(NULL, NULL, NULL), CLADE_ERR_ARGUMENT, "scaler is NULL");
    ok(clade_loss_scaler_unscale(n.scaler, n.opt));
    fails(clade_loss_scaler_unscale(n.scaler, n.opt), CLADE_ERR_STATE, "were divided before");
    ok(clade_loss_scaler_step(n.scaler, n.opt));
    ok(clade_loss_scaler_update(n.scaler));
    ok(clade_loss_scaler_unscale(n.scaler, n.opt));
    network_close(&n);
}
END_TEST

int main(void)
{
    return RUN("scaler", eager_steps, replayed_steps, clipped_between_unscale_and_step,
               a_skipped_update_changes_no_state, the_scale_stays_finite, errors);
}
