/* Checkpoints: all that a run needs to go on where it was, in one file.
 *
 *     double epoch = 0;
 *     const clade_checkpoint_number numbers[] = {{"epoch", &epoch, 1}};
 *     const clade_checkpoint run = {.params = params, .optimizer = opt, .numbers = numbers,
 *                                   .number_count = 1};
 *     st = clade_checkpoint_save(&run, "run.safetensors");
 *     ... in another process, with the same model and optimizer made anew ...
 *     st = clade_checkpoint_load(&run, "run.safetensors");
 *
 * The file also holds the state of the context's random numbers. Training that goes on from a
 * checkpoint gives the same bits as training that was never interrupted.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_CHECKPOINT_H
#define CLADE_CHECKPOINT_H

#include <clade/scaler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers of the caller's, such as an epoch or a clade_plateau's. The name: printable ASCII, unique
 * within the checkpoint. */
typedef struct clade_checkpoint_number {
    const char *name;
    double *values;
    size_t count;
} clade_checkpoint_number;

/* Parts that are NULL are left out, but params. */
typedef struct clade_checkpoint {
    clade_params *params;
    clade_optimizer *optimizer; /* its states and steps; not its settings, learning rate included */
    clade_ema *ema;
    clade_loss_scaler *scaler; /* between steps: all its updates made */
    const clade_checkpoint_number *numbers;
    size_t number_count;
} clade_checkpoint;

/* Writes a safetensors file: params/NAME, buffers/NAME, optimizer/STATE/NAME and ema/NAME for each
 * parameter, numbers/NAME. The file is written beside its place and renamed: path holds either the
 * old content or the whole new one. Blocks. Errors: CLADE_ERR_ARGUMENT, CLADE_ERR_STATE (ema is
 * swapped in), CLADE_ERR_OUT_OF_MEMORY, those of clade_safetensors_write. */
CLADE_API clade_status clade_checkpoint_save(const clade_checkpoint *checkpoint, const char *path);

/* Reads such a file into the same parts. Each array must be there with its shape and dtype and no
 * other, and the optimizer be of the same kind. Nothing changes unless all fit. Blocks.
 * Errors: as above, those of clade_safetensors_read, and CLADE_ERR_FORMAT. */
CLADE_API clade_status clade_checkpoint_load(const clade_checkpoint *checkpoint, const char *path);

#ifdef __cplusplus
}
#endif
#endif
