#include "train.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"
#include "accumulate.h"
#include "signals.h"

/* The host waits for the device at least this often, so that it never queues far ahead: a Ctrl-C
 * ends soon. */
#define LONGEST_STRETCH 100

static clade_status add_loss(training *t, clade_tensor *loss)
{
    clade_status status = clade_no_grad_begin(t->ctx);
    if (status != CLADE_OK)
        return status;
    status = accumulate(t->loss, loss);
    clade_status ended = clade_no_grad_end(t->ctx);
    return status == CLADE_OK ? ended : status;
}

/* From the loss to the new weights. */
static clade_status descend(training *t, clade_tensor *loss)
{
    clade_status status = clade_optimizer_zero_grad(t->optimizer);
    if (status != CLADE_OK)
        return status;
    if (!t->scaler) {
        status = clade_backward(loss);
        return status == CLADE_OK ? clade_optimizer_step(t->optimizer) : status;
    }
    status = clade_backward(clade_loss_scaler_scale(t->scaler, loss));
    if (status == CLADE_OK)
        status = clade_loss_scaler_step(t->scaler, t->optimizer);
    return status == CLADE_OK ? clade_loss_scaler_update(t->scaler) : status;
}

/* Forward, loss, backward, update of one batch; `which` are the places of its images. */
static clade_status learn(training *t, clade_tensor *which)
{
    clade_tensor *images = clade_index_select(t->data->images, 0, which);
    clade_tensor *x =
        dataset_normalised(t->o->augment ? dataset_augmented(t->data, images) : images);
    clade_tensor *y = clade_index_select(t->data->labels, 0, which);
    const clade_cross_entropy_params smoothed = {.label_smoothing = t->o->label_smoothing};
    clade_tensor *loss = clade_cross_entropy(model_logits(t->model, x), y, &smoothed);
    clade_status status = descend(t, loss);
    if (status == CLADE_OK && t->ema)
        status = clade_ema_update(t->ema);
    return status == CLADE_OK ? add_loss(t, loss) : status;
}

/* The step that is recorded: it queues work for the device and waits for nothing. */
static clade_status step(void *user, clade_tensor *const *inputs, int count)
{
    training *t = user;
    (void)count;
    clade_status status = clade_tape_begin(t->ctx);
    if (status != CLADE_OK)
        return status;
    status = learn(t, inputs[0]);
    clade_status ended = clade_tape_end(t->ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status run_step(training *t, int64_t begin, int64_t end)
{
    clade_status status = clade_scope_begin(t->ctx);
    if (status != CLADE_OK)
        return status;
    status = clade_optimizer_set_lr(t->optimizer, schedule_lr(&t->schedule, t->steps));
    clade_tensor *which = clade_slice(t->order, 0, begin, end, 1);
    if (status == CLADE_OK)
        status = clade_step_run(t->step, &which, 1);
    clade_status ended = clade_scope_end(t->ctx);
    if (status != CLADE_OK || ended != CLADE_OK)
        return status != CLADE_OK ? status : ended;
    t->pending++;
    t->pending_batch = end - begin;
    t->steps++;
    t->images += end - begin;
    return CLADE_OK;
}

static clade_status create_optimizer(clade_optimizer **out, clade_params *params, const options *o)
{
    if (o->optimizer == OPTIMIZER_SGD) {
        const clade_sgd_params sgd = {
            .lr = o->lr, .momentum = o->momentum, .weight_decay = o->weight_decay};
        return clade_sgd_create(out, params, &sgd);
    }
    const clade_adam_params adam = {
        .lr = o->lr, .weight_decay = o->weight_decay, .decoupled = o->optimizer == OPTIMIZER_ADAMW};
    return clade_adam_create(out, params, &adam);
}

static clade_status create_on_device(training *t, clade_params *params)
{
    clade_status status = create_optimizer(&t->optimizer, params, t->o);
    if (status == CLADE_OK && t->o->dtype == DTYPE_F16)
        status = clade_loss_scaler_create(&t->scaler, t->ctx, NULL);
    if (status == CLADE_OK && t->o->ema > 0)
        status = clade_ema_create(&t->ema, params, t->o->ema);
    if (status == CLADE_OK)
        status = clade_tensor_create(&t->order, t->ctx, CLADE_I32, CLADE_SHAPE(t->data->count));
    if (status == CLADE_OK)
        status = accumulator_create(&t->loss, t->ctx, CLADE_F32);
    if (status == CLADE_OK)
        status = clade_step_create(&t->step, t->ctx, step, t,
                                   &(clade_step_params){.eager = t->o->eager});
    if (status == CLADE_OK)
        status = evaluator_create(&t->evaluator, t->ctx, t->model, t->o->eager);
    return status;
}

int training_create(training *t, const options *o, session *s)
{
    *t = (training){
        .o = o,
        .ctx = s->ctx,
        .model = &s->model,
        .data = &s->train,
        .random = &s->random,
        .schedule = schedule_begin(o, (s->train.count + o->batch - 1) / o->batch),
        .progress = progress_begin(!o->quiet, s->train.count * o->epochs, (int)o->epochs),
    };
    t->host_order = malloc((size_t)t->data->count * sizeof *t->host_order);
    if (!t->host_order)
        return cli_fail("out of memory for the order of the images");
    return create_on_device(t, s->model.params) == CLADE_OK ? EXIT_OK : cli_fail_library();
}

void training_free(training *t)
{
    progress_clear(&t->progress);
    clade_step_free(&t->step);
    evaluator_free(&t->evaluator);
    clade_ema_free(&t->ema);
    clade_loss_scaler_free(&t->scaler);
    clade_optimizer_free(&t->optimizer);
    clade_tensor_free(&t->order);
    clade_tensor_free(&t->loss);
    timing_free(&t->timing);
    free(t->host_order);
    t->host_order = NULL;
}

/* Reads the loss of the steps since the last time: where the host waits. */
static clade_status read_loss(training *t)
{
    if (t->pending == 0)
        return CLADE_OK;
    double sum;
    clade_status status = accumulator_take(t->loss, &sum);
    if (status != CLADE_OK)
        return status;
    double now = cli_seconds();
    timing_add(&t->timing, now - t->stretch_start, t->pending);
    t->stretch_start = now;
    t->window_loss += sum;
    t->epoch_loss += sum * (double)t->pending_batch;
    t->pending = 0;
    return CLADE_OK;
}

/* After step `step` of the epoch, counted from 1. */
static clade_status log_step(training *t, int epoch, int64_t step)
{
    int64_t every = t->o->log_every;
    bool line = every > 0 && step % every == 0;
    clade_status status = CLADE_OK;
    if (line || t->pending == LONGEST_STRETCH)
        status = read_loss(t);
    if (status != CLADE_OK || !line)
        return status;
    if (!t->o->quiet) {
        progress_clear(&t->progress);
        printf("[%d, %5" PRId64 "] loss: %.3f\n", epoch, step, t->window_loss / (double)every);
    }
    t->window_loss = 0;
    return CLADE_OK;
}

clade_status training_epoch(training *t, int epoch, double *mean_loss)
{
    int64_t count = t->data->count, batch = t->o->batch;
    t->window_loss = t->epoch_loss = 0;
    t->stretch_start = cli_seconds();
    torch_random_permutation(t->random, t->host_order, count);
    clade_status status =
        clade_tensor_write(t->order, t->host_order, (size_t)count * sizeof *t->host_order);
    int64_t begin = 0;
    for (int64_t step = 1; begin < count && status == CLADE_OK && !signals_caught(); step++) {
        int64_t end = begin + batch < count ? begin + batch : count;
        if (end - begin < batch) /* a smaller batch weighs less in the loss per image */
            status = read_loss(t);
        if (status == CLADE_OK)
            status = run_step(t, begin, end);
        if (status == CLADE_OK)
            status = log_step(t, epoch, step);
        progress_update(&t->progress, epoch, t->images);
        begin = end;
    }
    if (status == CLADE_OK)
        status = read_loss(t);
    *mean_loss = t->epoch_loss / (double)begin;
    schedule_epoch(&t->schedule, *mean_loss);
    return status;
}

clade_status training_swap_average(training *t)
{
    return t->ema ? clade_ema_swap(t->ema) : CLADE_OK;
}
