/* The record of one tape, and how it is gone through backwards. */
#ifndef CLADE_TAPE_TAPE_H
#define CLADE_TAPE_TAPE_H

#include "tape/op.h"

typedef struct clade_tape {
    clade_context *ctx;
    clade_node **nodes;
    size_t count, capacity;
    bool walking; /* a backward is under way */
} clade_tape;

/* Whether an application of op to these inputs is to be recorded now. */
bool clade_tape_wants(const clade_context *ctx, const clade_node *node);

/* Appends a copy of `node`, which takes references on its tensors, and marks the output. */
clade_status clade_tape_record(clade_tape *tape, const clade_node *node);

/* Forgets the nodes from position `from` on; their results are constants then. */
void clade_tape_truncate(clade_tape *tape, size_t from);

/* Fills node->output; ops that cannot take f16 and bf16 as they are get f32 copies. */
clade_status clade_node_forward(const clade_node *node);
/* The inputs as an op takes them in the context's autocast region: themselves or copies. */
clade_status clade_autocast_inputs(const clade_op *op, clade_tensor *const *inputs, int count,
                                   clade_tensor **cast);
/* What op->compose makes; where inputs are f16 or bf16, of f32 copies, and rounded at the end. */
clade_tensor *clade_node_compose(const clade_node *node);

/* CLADE_ERR_MODIFIED if something that node's backward reads was overwritten since. */
clade_status clade_node_check_saved(const clade_node *node);

/* --- backward --------------------------------------------------------------------------------- */
/* One way from outputs back to where they came from. */
typedef struct clade_walk {
    clade_tape *tape;
    const char *name; /* starts the messages */
    bool retain, create;
    bool asked; /* gradients go to the tensors' `wanted` only, not to leaves */
} clade_walk;

/* CLADE_ERR_STATE, CLADE_ERR_ARGUMENT... unless a gradient can start at `output`: grad, or, where
 * that is NULL, 1 at a single element. */
clade_status clade_walk_check(const clade_walk *walk, const clade_tensor *output,
                              const clade_tensor *grad);
/* Goes back from all outputs at once; grads may be NULL, and so may each of it. */
clade_status clade_walk_run(clade_walk *walk, clade_tensor *const *outputs,
                            clade_tensor *const *grads, int count);

/* CLADE_ERR_SHAPE... unless grad can be the gradient of t. */
clade_status clade_gradient_check(const clade_tensor *t, const clade_tensor *grad,
                                  const char *what);

/* As ops, so that they are recorded where that is wanted: a + b, or with b NULL a, in fresh
 * contiguous memory; and g summed over the dimensions along which `shape` was broadcast. */
clade_tensor *clade_tape_add(clade_tensor *a, clade_tensor *b);
clade_tensor *clade_tape_sum_to(clade_tensor *g, const clade_shape *shape);

/* What t's hooks make of the gradient that arrived; NULL with the error set. */
clade_tensor *clade_hooks_run(clade_tensor *t, clade_tensor *grad);

#endif
