/* The context's inside: the device, the open scopes, and what the tape keeps here. */
#ifndef CLADE_TENSOR_CONTEXT_H
#define CLADE_TENSOR_CONTEXT_H

#include <clade/context.h>

#include "runtime/runtime.h"

struct clade_tape;
struct kept_formula;

#define CLADE_AUTOCAST_NESTING 8

/* A parameter in the dtype of an autocast region; both owned. */
typedef struct clade_cast_copy {
    clade_tensor *source, *copy;
    uint64_t version; /* of the source's memory then */
} clade_cast_copy;

struct clade_context {
    clade_runtime *runtime;

    /* Computed tensors of all open scopes, innermost last; marks[i] is where scope i starts. */
    clade_tensor **scoped;
    size_t scoped_count, scoped_capacity;
    size_t *marks;
    size_t scope_count, mark_capacity;

    /* Owned by the tape layer: NULL while no tape is open, and how to end one that is. */
    struct clade_tape *tape;
    void (*tape_free)(struct clade_tape *tape);
    size_t tape_scope; /* the tape's own scope is marks[tape_scope] */
    int no_grad_depth;

    clade_dtype autocast; /* of the innermost region; CLADE_F32: nothing is cast */
    clade_dtype outer_autocast[CLADE_AUTOCAST_NESTING];
    int autocast_depth;
    clade_cast_copy *casts; /* made in it */
    size_t cast_count, cast_capacity;

    /* Owned by the ops layer: formulas that were met, and how to free them. */
    struct kept_formula *formulas;
    void (*formulas_free)(struct kept_formula *formulas);

    uint64_t seed;
    uint64_t draws; /* random ops so far: the high counter words of Philox */
};

/* Gives the caller's reference on t to the innermost scope and returns t. On failure (no open
 * scope, out of memory) the reference is dropped and NULL returned. NULL in, NULL out. */
clade_tensor *clade_scope_adopt(clade_context *ctx, clade_tensor *t);

/* CLADE_ERR_STATE, naming `what`, unless a scope is open. */
clade_status clade_scope_require(const clade_context *ctx, const char *what);

/* What clade_scope_begin does, without forgetting the last error. */
clade_status clade_scope_push(clade_context *ctx);

/* Drops the copies that autocast keeps. */
void clade_casts_forget(clade_context *ctx);

/* What clade_scope_end does, without asking whether the scope belongs to a tape. */
void clade_scope_pop(clade_context *ctx);

#endif
