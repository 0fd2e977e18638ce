/* The record of one tape, and the one place where gradients accumulate. */
#ifndef CLADE_TAPE_TAPE_H
#define CLADE_TAPE_TAPE_H

#include "tape/op.h"

typedef struct clade_tape {
    clade_context *ctx;
    clade_node **nodes;
    size_t count, capacity;
} clade_tape;

/* Whether an application of op to these inputs is to be recorded now. */
bool clade_tape_wants(const clade_context *ctx, const clade_node *node);

/* Appends a copy of `node`, which takes references on its tensors, and marks the output. */
clade_status clade_tape_record(clade_tape *tape, const clade_node *node);

/* CLADE_ERR_MODIFIED if something that node's backward reads was overwritten since. */
clade_status clade_node_check_saved(const clade_node *node);

#endif
