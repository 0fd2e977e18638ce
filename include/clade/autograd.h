/* Reverse-mode automatic differentiation.
 *
 *     clade_tape_begin(ctx);
 *     clade_tensor *loss = clade_mean(clade_square(clade_sub(clade_mul(x, w), y)), NULL, 0, false);
 *     st = clade_backward(loss);            // w's gradient += d loss / d w
 *     ... read clade_tensor_grad(w), step the optimizer ...
 *     clade_tape_end(ctx);                  // every temporary is gone
 *
 * While a tape is open, each op with an input that requires a gradient is recorded. clade_backward
 * walks the record backwards and adds to the gradient of every leaf: a tensor that requires a
 * gradient and was not computed. Gradients accumulate until they are zeroed.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_AUTOGRAD_H
#define CLADE_AUTOGRAD_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks a leaf: a tensor of its own (not computed while recording), of floats.
 * Errors: CLADE_ERR_DTYPE, CLADE_ERR_STATE for a recorded result. */
CLADE_API clade_status clade_tensor_set_requires_grad(clade_tensor *t, bool requires_grad);
/* True for such leaves and for everything recorded from them. */
CLADE_API bool clade_tensor_requires_grad(const clade_tensor *t);

/* The gradient accumulated so far, of t's shape and dtype; borrowed from t. NULL, without an error,
 * as long as there is none. */
CLADE_API clade_tensor *clade_tensor_grad(const clade_tensor *t);
/* Gives t a gradient tensor to accumulate into (of the same shape and dtype; t becomes a co-owner),
 * or with NULL takes it away. Errors: CLADE_ERR_SHAPE, CLADE_ERR_DTYPE, CLADE_ERR_ARGUMENT (another
 * context). */
CLADE_API clade_status clade_tensor_set_grad(clade_tensor *t, clade_tensor *grad);
/* Sets the gradient to zero, if there is one. */
CLADE_API clade_status clade_tensor_zero_grad(clade_tensor *t);

/* A view of x that no gradient flows through: a constant with x's values, in x's memory. Belongs to
 * the innermost scope; NULL in, NULL out. */
CLADE_API clade_tensor *clade_detach(clade_tensor *x);

/* Opens a scope that records. Tapes do not nest: CLADE_ERR_STATE while one is open. */
CLADE_API clade_status clade_tape_begin(clade_context *ctx);
/* Closes it: the record and all tensors computed since clade_tape_begin are gone. Scopes opened
 * inside must be closed before. */
CLADE_API clade_status clade_tape_end(clade_context *ctx);

/* Ops between these two are not recorded. They nest. */
CLADE_API clade_status clade_no_grad_begin(clade_context *ctx);
CLADE_API clade_status clade_no_grad_end(clade_context *ctx);

/* Adds d loss / d leaf to the gradient of every leaf that loss depends on. loss must be a recorded
 * tensor of one element; NULL reports the failure that made it NULL. The record is used up: a
 * second backward through the same nodes is CLADE_ERR_STATE (but see retain_graph).
 * Errors: CLADE_ERR_STATE (nothing recorded, or inside a hook), CLADE_ERR_SHAPE (not one element),
 * CLADE_ERR_NO_GRADIENT (an op on the way has none; the message names it), CLADE_ERR_MODIFIED (a
 * saved tensor was overwritten; the message names the op), and whatever running the kernels can
 * fail with. After a failure some gradients may already have been added to. */
CLADE_API clade_status clade_backward(clade_tensor *loss);

/* The same from a tensor of any shape, with the gradient that arrives at it (same shape and dtype;
 * else the errors of clade_tensor_set_grad). */
CLADE_API clade_status clade_backward_from(clade_tensor *output, clade_tensor *grad);

/* Zero means default. */
typedef struct clade_backward_params {
    bool retain_graph; /* keep the record for another backward (default false) */
    bool create_graph; /* record backward itself, so that gradients can be differentiated; implies
                          retain_graph (default false) */
} clade_backward_params;

/* The same with a choice. grad NULL: output has one element, and the gradient there is 1. With
 * create_graph a leaf that had no gradient gets a recorded one; where there was one, the sum stays
 * a constant in the memory it has: clade_grad is the function for gradients of gradients. params
 * may be NULL. */
CLADE_API clade_status clade_backward_with(clade_tensor *output, clade_tensor *grad,
                                           const clade_backward_params *params);

/* Zero means default. */
typedef struct clade_grad_params {
    bool retain_graph; /* as above */
    bool create_graph; /* as above: what comes out can be differentiated */
    bool allow_unused; /* an input that no output depends on gets NULL (default false: it is
                          CLADE_ERR_ARGUMENT) */
} clade_grad_params;

/* out[i] = sum over k of grads[k] * d outputs[k] / d inputs[i], without touching any leaf's own
 * gradient. inputs: tensors that require a gradient, leaves or recorded; only what lies between
 * them and the outputs is gone through. grads, or one of it, may be NULL: 1 for an output of one
 * element. The results belong to the innermost scope; they may be views and share memory with each
 * other and with grads: read, do not write them. After a failure all are NULL. params may be NULL.
 *
 * The penalty of a gradient's norm:
 *     clade_grad(&g, &loss, NULL, 1, &x, 1, &(clade_grad_params){.create_graph = true});
 *     st = clade_backward(clade_add(loss, clade_mean(clade_square(g), NULL, 0, false)));
 * A second derivative that an op lacks is CLADE_ERR_NO_GRADIENT, naming the op; a record made by
 * create_graph is of use until its tape ends. Errors: those of clade_backward_from. */
CLADE_API clade_status clade_grad(clade_tensor **out, clade_tensor *const *outputs,
                                  clade_tensor *const *grads, int output_count,
                                  clade_tensor *const *inputs, int input_count,
                                  const clade_grad_params *params);

/* --- hooks ------------------------------------------------------------------------------------ */
/* Called with a tensor's gradient once all of it has arrived, before it goes on: for a computed
 * tensor before the op that computed it, for a leaf at the end of backward, with what this backward
 * adds to its gradient. Returns the gradient to go on with: `grad` itself, or a result of the same
 * shape and dtype computed in here (temporaries go when the hook returns). NULL is a failure,
 * which backward passes on. A hook must not write to grad, nor call backward or clade_grad. With
 * create_graph its ops are recorded.
 * In a step (step.h) hooks are called while it runs eagerly and while it is recorded; a replay
 * repeats the device's work, and calls nothing. */
typedef clade_tensor *(*clade_tensor_hook_fn)(void *user, clade_tensor *grad);

/* t requires a gradient. Hooks of one tensor run in the order of their registration, each on what
 * the one before returned, and go with the tensor. *id (id may be NULL) is for removal.
 * Errors: CLADE_ERR_ARGUMENT, CLADE_ERR_STATE (t requires no gradient). */
CLADE_API clade_status clade_tensor_register_hook(clade_tensor *t, clade_tensor_hook_fn fn,
                                                  void *user, int *id);
/* CLADE_ERR_ARGUMENT if t has no such hook. */
CLADE_API clade_status clade_tensor_remove_hook(clade_tensor *t, int id);

/* --- gradient checkpoints --------------------------------------------------------------------- */
/* Computes a part of a network from its inputs, out of ops. */
typedef clade_tensor *(*clade_segment_fn)(void *user, clade_tensor *const *inputs, int count);

/* fn(user, inputs, count), without keeping what lies between for backward, which calls fn again
 * when it gets there: less memory for more work, and the same gradients to the bit, since the
 * second call draws the same random numbers. fn may use other tensors too, such as weights;
 * gradients flow to them. What fn's result is computed from must not change until backward:
 * CLADE_ERR_MODIFIED. user must live until then, and fn do the same each time: what it changes
 * besides, such as running statistics, it changes twice. count >= 1. Segments nest, work inside
 * steps (step.h), and with create_graph. Only the result is recorded: not what fn leaves elsewhere.
 * Where nothing is recorded it is an ordinary call. The result belongs to the innermost scope. */
CLADE_API clade_tensor *clade_gradient_checkpoint(clade_segment_fn fn, void *user,
                                                  clade_tensor *const *inputs, int count);

/* The open tape's record, for inspection: one line per node, such as
 *     3  linear       [128,784] [10,784] [10] -> [128,10]
 * *out is owned by the caller and released with clade_string_free. */
CLADE_API clade_status clade_tape_print(clade_context *ctx, char **out);
CLADE_API void clade_string_free(char **string);
/* Nodes recorded on the open tape; 0 when none is open. */
CLADE_API size_t clade_tape_length(const clade_context *ctx);

/* --- gradient check --------------------------------------------------------------------------- */
/* Computes the function under test from its inputs, out of ops; called many times. */
typedef clade_tensor *(*clade_gradcheck_fn)(void *user, clade_tensor *const *inputs, int count);

typedef struct clade_gradcheck_params {
    double step;    /* h of the central difference (default 0: 1e-5) */
    double rtol;    /* (default 0: 1e-5) */
    double atol;    /* (default 0: 1e-7) */
    int directions; /* random directions over all inputs at once (default 0: 4) */
    int elements;   /* single elements checked per input (default 0: 8; all if it has fewer) */
    uint64_t seed;  /* of the directions and the choice of elements (default 0) */
} clade_gradcheck_params;

/* What was measured. */
typedef struct clade_gradcheck_result {
    int checks;         /* comparisons made */
    double worst_error; /* largest |analytic - numeric| / (atol + rtol * |numeric|); <= 1 passes */
} clade_gradcheck_result;

/* Compares the gradients from clade_backward with central differences, signs included:
 * for the scalar s(x) = sum(c * fn(x)) with a fixed random c, along random directions d
 *     (s(x + h d) - s(x - h d)) / 2h   against   sum(grad * d)
 * and the same for single elements. inputs: f64 leaves that require a gradient; their values are
 * restored. No tape may be open. params and result may be NULL.
 * Errors: CLADE_ERR_GRADIENT with the input, the element and both values; CLADE_ERR_DTYPE;
 * CLADE_ERR_UNSUPPORTED on a device without fp64; and the failures of fn itself. */
CLADE_API clade_status clade_gradcheck(clade_gradcheck_fn fn, void *user,
                                       clade_tensor *const *inputs, int count,
                                       const clade_gradcheck_params *params,
                                       clade_gradcheck_result *result);

/* The same for second derivatives: checks, as clade_gradcheck does, the function of inputs and v
 * that computes the gradients of fn with v arriving at its result (clade_grad, create_graph).
 * Errors beside clade_gradcheck's: CLADE_ERR_NO_GRADIENT, naming an op without second derivative.
 */
CLADE_API clade_status clade_gradgradcheck(clade_gradcheck_fn fn, void *user,
                                           clade_tensor *const *inputs, int count,
                                           const clade_gradcheck_params *params,
                                           clade_gradcheck_result *result);

#ifdef __cplusplus
}
#endif
#endif
