/* Steps: record once, replay many.
 *
 *     static clade_status train(void *user, clade_tensor *const *inputs, int count)
 *     {
 *         struct model *m = user;
 *         CHECK(clade_optimizer_zero_grad(m->opt));
 *         CHECK(clade_tape_begin(m->ctx));
 *         CHECK(clade_backward(loss_of(m, inputs[0], inputs[1])));
 *         CHECK(clade_optimizer_step(m->opt));
 *         return clade_tape_end(m->ctx);
 *     }
 *     clade_step_create(&step, ctx, train, &model, NULL);
 *     for each batch
 *         clade_step_run(step, (clade_tensor *[]){images, labels}, 2);
 *
 * A step wraps a function that does the same work each time: forward, loss, backward, optimizer.
 * For each combination of input shapes and dtypes the first run is an ordinary one, the second
 * records what the device is asked to do, and from then on clade_step_run replays the record
 * without calling the function: no shape inference, no allocation, no argument setting but for what
 * changed. The record is made faster first: work that nobody sees is dropped, runs of pointwise
 * kernels become one kernel, temporaries share memory. Results are those of the function itself, to
 * the bit.
 *
 * What a function must keep to, to be replayed:
 *  - Everything it uses beside its inputs (parameters, optimizers, tensors it keeps) outlives the
 *    step, and is the same each time: a replay works on the same memory.
 *  - The host takes no part: reading from or writing to host memory is CLADE_ERR_STATE while it is
 *    recorded. Results leave through tensors made before (clade_tensor_copy) or retained.
 *  - What the host decides, it decides once. Replays follow the learning rate and step count of an
 *    optimizer and draw fresh random numbers; any other number is the one that was recorded.
 *  - Gradients start from a defined value: zero them inside, or accumulate knowingly.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_STEP_H
#define CLADE_STEP_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clade_step clade_step;

#define CLADE_STEP_MAX_INPUTS 16

/* inputs: for a recording copies that belong to the step; of the shapes and dtypes given to
 * clade_step_run, contiguous. A scope or tape that is left open is closed. */
typedef clade_status (*clade_step_fn)(void *user, clade_tensor *const *inputs, int count);

/* Zero means default. */
typedef struct clade_step_params {
    bool eager;     /* call the function each time (default false) */
    bool no_fusion; /* replay the kernels as they were recorded (default false) */
} clade_step_params;

/* Freed with clade_step_free. params may be NULL. */
CLADE_API CLADE_NODISCARD clade_status clade_step_create(clade_step **out, clade_context *ctx,
                                                         clade_step_fn fn, void *user,
                                                         const clade_step_params *params);
CLADE_API void clade_step_free(clade_step **step);

/* Runs the step on `inputs` (count of them, 0 to CLADE_STEP_MAX_INPUTS; any views; read, never
 * changed). Non-blocking. No tape may be open.
 * Errors: CLADE_ERR_ARGUMENT, CLADE_ERR_STATE, whatever the function returns, and what enqueueing
 * can fail with. */
CLADE_API clade_status clade_step_run(clade_step *step, clade_tensor *const *inputs, int count);

/* What a step has come to. */
typedef struct clade_step_info {
    size_t plans;             /* records that are replayed: one per combination of shapes */
    uint64_t eager_runs;      /* calls of the function */
    uint64_t replays;         /* runs without it */
    size_t recorded;          /* of the latest plan: commands as they were recorded, */
    size_t launches;          /* what is enqueued per replay, */
    uint64_t temporary_bytes; /* and device memory that its temporaries share */
} clade_step_info;

CLADE_API clade_status clade_step_get_info(const clade_step *step, clade_step_info *out);

#ifdef __cplusplus
}
#endif
#endif
