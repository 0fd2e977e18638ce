/* Loss scaling: training in f16 without losing small gradients, as PyTorch's GradScaler.
 *
 * The smallest number of f16 is 6e-8: gradients below vanish. So the loss is multiplied by a large
 * scale before backward, and the gradients are divided by it before the update. Where a scaled
 * gradient overflowed, the update is skipped and the scale halved; after many updates without an
 * overflow it is doubled. bf16 has f32's range and does without.
 *
 *     clade_autocast_begin(ctx, CLADE_F16);
 *     loss = ...
 *     clade_autocast_end(ctx);
 *     clade_backward(clade_loss_scaler_scale(scaler, loss));
 *     clade_loss_scaler_step(scaler, opt);         // instead of clade_optimizer_step
 *     clade_loss_scaler_update(scaler);
 *
 * All is decided on the device: nothing here waits for it but clade_loss_scaler_read, and a step
 * (step.h) replays it with the decisions of the day.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_SCALER_H
#define CLADE_SCALER_H

#include <clade/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clade_loss_scaler clade_loss_scaler;

/* Zero means default. */
typedef struct clade_loss_scaler_params {
    double scale;     /* to start with, finite in f32, above 0 (default 65536) */
    double growth;    /* at least 1: what multiplies it after ... (default 2) */
    int64_t interval; /* ... so many updates in a row, below 2^24 (default 2000) */
    double backoff;   /* in (0, 1]: what multiplies it after an overflow (default 0.5) */
} clade_loss_scaler_params;

/* Freed with clade_loss_scaler_free. settings may be NULL. Errors: CLADE_ERR_ARGUMENT. */
CLADE_API CLADE_NODISCARD clade_status clade_loss_scaler_create(
    clade_loss_scaler **out, clade_context *ctx, const clade_loss_scaler_params *settings);
CLADE_API void clade_loss_scaler_free(clade_loss_scaler **scaler);

/* loss * scale, in f32, in the open scope; recorded on the tape. */
CLADE_API clade_tensor *clade_loss_scaler_scale(clade_loss_scaler *scaler, clade_tensor *loss);

/* Divides the gradients of the optimizer's parameters by the scale and looks for infinities and
 * NaN among them. Only needed where something stands between that and the update, such as
 * clade_params_clip_grad_norm; else clade_loss_scaler_step does it.
 * Errors: CLADE_ERR_STATE when it was done since the last clade_loss_scaler_update. */
CLADE_API clade_status clade_loss_scaler_unscale(clade_loss_scaler *scaler, clade_optimizer *opt);

/* clade_optimizer_step, which leaves weights and states as they are if an infinity or NaN was found
 * since the last clade_loss_scaler_update. What was skipped counts in clade_optimizer_steps all the
 * same, and so in Adam's correction of the first steps. */
CLADE_API clade_status clade_loss_scaler_step(clade_loss_scaler *scaler, clade_optimizer *opt);

/* Adapts the scale; once after all updates of a step. */
CLADE_API clade_status clade_loss_scaler_update(clade_loss_scaler *scaler);

/* The scale, and how many times an update was skipped. Blocks. Either may be NULL. */
CLADE_API clade_status clade_loss_scaler_read(const clade_loss_scaler *scaler, double *scale,
                                              int64_t *skipped);

#ifdef __cplusplus
}
#endif
#endif
