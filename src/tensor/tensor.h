/* The tensor's inside: a typed, strided window on reference-counted storage. */
#ifndef CLADE_TENSOR_TENSOR_H
#define CLADE_TENSOR_TENSOR_H

#include <clade/tensor.h>

#include "runtime/runtime.h"
#include "tensor/context.h"

struct clade_node;

/* What is called with a tensor's gradient, in the order of the ids. */
typedef struct clade_hook {
    clade_tensor *(*fn)(void *user, clade_tensor *grad);
    void *user;
    int id;
    struct clade_hook *next;
} clade_hook;

typedef struct clade_storage {
    int refs;
    clade_buffer *buffer;
    uint64_t version; /* raised by every write after creation: backward compares */
} clade_storage;

struct clade_tensor {
    clade_context *ctx;
    int refs;
    clade_dtype dtype;
    clade_shape shape;
    int64_t stride[CLADE_MAX_DIMS]; /* in elements */
    int64_t offset;                 /* in elements */
    int64_t numel;
    clade_storage *storage;

    bool requires_grad;
    clade_tensor *grad;      /* of a leaf; owned */
    struct clade_node *node; /* what computed it while recording; the tape's */
    clade_tensor **wanted;   /* during clade_grad: where its gradient goes; else NULL */
    clade_hook *hooks;       /* owned */
    int last_hook;           /* the highest id given out */
};

/* Contiguous, one reference; NULL with the error set. `what` starts the message. */
clade_tensor *clade_tensor_new(clade_context *ctx, clade_dtype dtype, const clade_shape *shape,
                               const char *what);

/* A window on base's storage, one reference. The caller vouches for its bounds. */
clade_tensor *clade_tensor_new_view(const clade_tensor *base, const clade_shape *shape,
                                    const int64_t *stride, int64_t offset);

/* Moves t onto base's storage, at the same offset and with the same strides. */
void clade_tensor_rebind(clade_tensor *t, const clade_tensor *base);

clade_tensor *clade_tensor_ref(clade_tensor *t);
void clade_tensor_unref(clade_tensor *t); /* accepts NULL */

/* t's strides seen as a tensor of `shape`, which it must broadcast to: 0 where it stretches. */
void clade_tensor_expanded_strides(const clade_tensor *t, const clade_shape *shape,
                                   int64_t *stride);

/* Tells saved copies of the tape that t's memory changed. */
static inline void clade_tensor_touch(clade_tensor *t)
{
    t->storage->version++;
}

static inline clade_runtime *clade_tensor_runtime(const clade_tensor *t)
{
    return t->ctx->runtime;
}

/* Buffer and element offset as two kernel arguments. */
#define CLADE_ARG_TENSOR(t) clade_arg_buffer((t)->storage->buffer), clade_arg_i32((t)->offset)

#endif
