#include "optim/loss_scaler.h"

#include <math.h>

#include <clade/ops.h>

#include "base/alloc.h"
#include "optim/optimizer.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

/* Tensors of one element: the host never needs to know them. */
enum { SCALE, FOUND, STREAK, SKIPPED, STATES = CLADE_LOSS_SCALER_STATES };

struct clade_loss_scaler {
    clade_context *ctx;
    clade_loss_scaler_params settings;
    clade_tensor *state[STATES];     /* found: 1 if a gradient was not finite, else 0 */
    const clade_optimizer *unscaled; /* whose gradients are divided already; NULL: none */
    double interval;
};

static const clade_expression unscale = {"unscale", "g / s", "gs"};
static const clade_expression found_too = {"found_too",
                                           "f == 0 && isfinite(a) && isfinite(b) ? 0 : 1", "fab"};
static const clade_expression next_streak = {"scaler_streak", "f != 0 ? 0 : k + 1", "fk"};
static const clade_expression back_off = {"scaler_backoff", "f != 0 ? s * p0 : s", "fs"};
static const clade_expression grow = {"scaler_grow", "n == p0 && isfinite(s * p1) ? s * p1 : s",
                                      "ns"};
static const clade_expression start_over = {"scaler_restart", "n == p0 ? 0 : n", "n"};
static const clade_expression count_skipped = {"scaler_skipped", "c + f", "cf"};
static const clade_expression nothing_found = {"scaler_clear", "0", ""};

static clade_status complete(clade_loss_scaler_params *s)
{
    s->scale = s->scale == 0 ? 65536 : s->scale;
    s->growth = s->growth == 0 ? 2 : s->growth;
    s->interval = s->interval == 0 ? 2000 : s->interval;
    s->backoff = s->backoff == 0 ? 0.5 : s->backoff;
    if (!(s->scale > 0) || !isfinite((float)s->scale) || (float)s->scale == 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_create: scale %g", s->scale);
    if (!(s->growth >= 1) || !isfinite(s->growth))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_create: growth %g: must be at least 1",
                          s->growth);
    if (!(s->backoff > 0) || s->backoff > 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_create: backoff %g: must be in (0, 1]",
                          s->backoff);
    if (s->interval < 0 || s->interval >= 1 << 24)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "loss_scaler_create: interval %lld: must be from 1 to 2^24 - 1",
                          (long long)s->interval);
    return CLADE_OK;
}

clade_status clade_loss_scaler_create(clade_loss_scaler **out, clade_context *ctx,
                                      const clade_loss_scaler_params *settings)
{
    if (!out || !ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_create: %s is NULL",
                          out ? "ctx" : "out");
    clade_loss_scaler_params completed = settings ? *settings : (clade_loss_scaler_params){0};
    CLADE_TRY(complete(&completed));
    clade_loss_scaler *scaler = clade_calloc(1, sizeof *scaler);
    if (!scaler)
        return CLADE_ERR_OUT_OF_MEMORY;
    scaler->ctx = ctx;
    scaler->settings = completed;
    scaler->interval = (double)completed.interval;
    clade_status status = CLADE_OK;
    for (int i = 0; i < STATES && status == CLADE_OK; i++) {
        const float value = i == SCALE ? (float)completed.scale : 0;
        status = clade_tensor_from_host(&scaler->state[i], ctx, CLADE_F32, CLADE_SHAPE(1), &value);
    }
    if (status != CLADE_OK) {
        clade_loss_scaler_free(&scaler);
        return status;
    }
    *out = scaler;
    return CLADE_OK;
}

void clade_loss_scaler_free(clade_loss_scaler **scaler)
{
    if (!scaler || !*scaler)
        return;
    for (int i = 0; i < STATES; i++)
        clade_tensor_free(&(*scaler)->state[i]);
    clade_free(*scaler);
    *scaler = NULL;
}

clade_tensor *clade_loss_scaler_scale(clade_loss_scaler *scaler, clade_tensor *loss)
{
    if (!scaler)
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_scale: scaler is NULL");
    else if (!loss)
        (void)clade_error_null("loss_scaler_scale", "the loss");
    if (!scaler || !loss)
        return NULL;
    clade_tensor *scale = loss->shape.ndim == 0 ? clade_reshape(scaler->state[SCALE], loss->shape)
                                                : scaler->state[SCALE];
    return clade_mul(clade_cast(loss, CLADE_F32), scale);
}

static clade_status check(const clade_loss_scaler *scaler, const clade_optimizer *opt,
                          const char *what)
{
    if (!scaler || !opt)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s is NULL", what, scaler ? "opt" : "scaler");
    const clade_tensor *flat = clade_params_flat(opt->params);
    if (flat && flat->ctx != scaler->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "%s: the scaler and the parameters have different contexts", what);
    return CLADE_OK;
}

/* Divides, and notes what is not finite: in the largest or the smallest element it shows. */
static clade_status divide(clade_loss_scaler *scaler, clade_tensor *grad, clade_tensor *largest,
                           clade_tensor *smallest)
{
    clade_tensor *found = scaler->state[FOUND];
    CLADE_TRY(clade_elementwise(&unscale, CLADE_F32, grad,
                                (clade_tensor *[]){grad, scaler->state[SCALE]}, 2, NULL, 0));
    CLADE_TRY(clade_reduce(largest, grad, 1, CLADE_REDUCE_MAX, 1));
    CLADE_TRY(clade_reduce(smallest, grad, 1, CLADE_REDUCE_MIN, 1));
    return clade_elementwise(&found_too, CLADE_F32, found,
                             (clade_tensor *[]){found, largest, smallest}, 3, NULL, 0);
}

static clade_status unscale_gradients(clade_loss_scaler *scaler, const clade_optimizer *opt,
                                      const char *what)
{
    clade_tensor *grad = clade_params_flat_grad(opt->params);
    if (grad && grad->numel) {
        const clade_shape scalar = clade_shape_scalar();
        clade_tensor *largest = clade_tensor_new(scaler->ctx, CLADE_F32, &scalar, what);
        clade_tensor *smallest = clade_tensor_new(scaler->ctx, CLADE_F32, &scalar, what);
        clade_status status = largest && smallest ? divide(scaler, grad, largest, smallest)
                                                  : clade_last_error()->status;
        clade_tensor_unref(largest);
        clade_tensor_unref(smallest);
        CLADE_TRY(status);
    }
    scaler->unscaled = opt;
    return CLADE_OK;
}

clade_status clade_loss_scaler_unscale(clade_loss_scaler *scaler, clade_optimizer *opt)
{
    CLADE_TRY(check(scaler, opt, "loss_scaler_unscale"));
    if (scaler->unscaled == opt)
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "loss_scaler_unscale: the gradients were divided before, and "
                          "clade_loss_scaler_update was not called since");
    return unscale_gradients(scaler, opt, "loss_scaler_unscale");
}

clade_status clade_loss_scaler_step(clade_loss_scaler *scaler, clade_optimizer *opt)
{
    CLADE_TRY(check(scaler, opt, "loss_scaler_step"));
    if (scaler->unscaled != opt)
        CLADE_TRY(unscale_gradients(scaler, opt, "loss_scaler_step"));
    opt->skip = scaler->state[FOUND];
    clade_status status = clade_optimizer_step(opt);
    opt->skip = NULL;
    return status;
}

clade_status clade_loss_scaler_update(clade_loss_scaler *scaler)
{
    if (!scaler)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_update: scaler is NULL");
    const clade_loss_scaler_params *s = &scaler->settings;
    clade_update update;
    clade_update_init(&update, scaler->state[SCALE]);
    clade_update_add_tensor(&update, 's', scaler->state[SCALE], true);
    clade_update_add_tensor(&update, 'f', scaler->state[FOUND], true);
    clade_update_add_tensor(&update, 'k', scaler->state[STREAK], true);
    clade_update_add_tensor(&update, 'c', scaler->state[SKIPPED], true);
    clade_update_assign(&update, 'n', &next_streak, NULL, NULL);
    clade_update_assign(&update, 's', &back_off, &s->backoff, NULL);
    clade_update_assign(&update, 's', &grow, &scaler->interval, &s->growth);
    clade_update_assign(&update, 'k', &start_over, &scaler->interval, NULL);
    clade_update_assign(&update, 'c', &count_skipped, NULL, NULL);
    clade_update_assign(&update, 'f', &nothing_found, NULL, NULL);
    CLADE_TRY(clade_update_run(&update, NULL, NULL));
    scaler->unscaled = NULL;
    return CLADE_OK;
}

clade_status clade_loss_scaler_read(const clade_loss_scaler *scaler, double *scale,
                                    int64_t *skipped)
{
    if (!scaler)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "loss_scaler_read: scaler is NULL");
    double count = 0;
    if (scale)
        CLADE_TRY(clade_tensor_item(scaler->state[SCALE], scale));
    if (skipped)
        CLADE_TRY(clade_tensor_item(scaler->state[SKIPPED], &count));
    if (skipped)
        *skipped = (int64_t)count;
    return CLADE_OK;
}

clade_status clade_loss_scaler_get_state(const clade_loss_scaler *scaler, double *state)
{
    for (int i = 0; i < STATES; i++)
        CLADE_TRY(clade_tensor_item(scaler->state[i], &state[i]));
    return CLADE_OK;
}

clade_status clade_loss_scaler_set_state(clade_loss_scaler *scaler, const double *state)
{
    for (int i = 0; i < STATES; i++)
        CLADE_TRY(clade_tensor_fill(scaler->state[i], state[i]));
    return CLADE_OK;
}
