/* Ops: what the tape knows of them, and how they are run and recorded.
 *
 * An op is one descriptor. Running one makes a node: plain data, so that the tape can be printed,
 * counted, replayed and fused. */
#ifndef CLADE_TAPE_OP_H
#define CLADE_TAPE_OP_H

#include "tensor/tensor.h"

/* How windows lie along one dimension of pictures. Each number is at most CLADE_WINDOW_MOST. */
typedef struct clade_attr_window {
    int64_t taps; /* not of a convolution, whose weight says it */
    int64_t stride, padding, dilation;
} clade_attr_window;

#define CLADE_WINDOW_MOST ((INT64_C(1) << 21) - 1)

/* What an op knows besides its inputs. Every op gives the fields it uses a meaning of its own. */
typedef struct clade_attrs {
    double real[4];
    int64_t integer[4];
    clade_shape shape; /* a target shape, or an order of axes */
    clade_attr_window window[3];
    void *object; /* lives as long as the context */
} clade_attrs;

/* One application of an op. */
typedef struct clade_node {
    const struct clade_op *op;
    clade_context *ctx;
    clade_attrs attrs;
    int count;
    clade_tensor **inputs; /* owned once recorded */
    clade_tensor *output;  /* likewise */
    void *owned;           /* of base/alloc: what an op keeps besides; freed with a recorded node */

    /* Set when recorded. */
    uint64_t *versions; /* of the inputs' storage, for those that backward needs */
    uint64_t out_version;
    clade_tensor *grad; /* what has arrived at the output; owned */
    bool done;          /* backward went through it */
    bool leads;         /* clade_grad: to a tensor that it was asked about */
    clade_tensor *inline_inputs[4];
    uint64_t inline_versions[4];
} clade_node;

/* What infer finds out about the result. A view shares the first input's storage. */
typedef struct clade_meta {
    clade_dtype dtype;
    clade_shape shape;
    bool is_view;
    int64_t stride[CLADE_MAX_DIMS]; /* of a view */
    int64_t offset;
} clade_meta;

/* From the 31st input on, all share a bit. */
#define CLADE_SAVES_OUTPUT   1u
#define CLADE_SAVES_INPUT(i) (2u << ((i) < 30 ? (i) : 30))
#define CLADE_SAVES_INPUTS   (~1u)

#define CLADE_OP_INPUTS 64 /* at most, of any op */

typedef struct clade_op {
    const char *name;
    int min_inputs, max_inputs;
    unsigned saves; /* what backward reads: overwriting it in between is an error */

    /* Shape and dtype of the result. Every error of the user's is found here, before anything is
     * done; messages start with the op's name. */
    clade_status (*infer)(const clade_node *node, clade_meta *out);

    /* Instead of forward and backward: the result as what other ops make of the inputs. The tape
     * records those and not this op, and infer is there for its errors alone. */
    clade_tensor *(*compose)(const clade_node *node);

    /* Enqueues the work that fills node->output, which is contiguous. Not called for views and
     * where the output is empty. */
    clade_status (*forward)(const clade_node *node);
    /* forward, or compose, takes f16 and bf16 as they are stored. Else it never meets them: it is
     * given f32 copies, and what it computes in f32 is rounded. */
    bool any_storage;

    /* grads[i] = d loss / d inputs[i] for the inputs with needs[i], in terms of ops, as borrowed
     * tensors of the open scope; in the output's shape where the op broadcasts (the caller sums).
     * A failure leaves NULL. NULL: the op has no gradient. */
    void (*backward)(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads);

    /* The same result computed anew, out of ops that can be differentiated again. Where there is
     * one, backward goes through these ops instead if it is itself being recorded (create_graph),
     * or if there is no other backward. It reads only what is saved. NULL: backward's own ops
     * have gradients, or there is no second derivative. */
    clade_tensor *(*recompute)(const clade_node *node);

    const void *data;        /* the op family's own: a row of its table */
    const char *gradient_of; /* names the op whose backward this one computes; else NULL */
} clade_op;

/* Runs op, records it where a tape is open and an input requires a gradient, and returns the
 * result, which belongs to the innermost scope. NULL among the inputs yields NULL. attrs may be
 * NULL. */
clade_tensor *clade_apply(const clade_op *op, const clade_attrs *attrs, clade_tensor *const *inputs,
                          int count);

/* The same for ops without inputs. */
clade_tensor *clade_apply_create(clade_context *ctx, const clade_op *op, const clade_attrs *attrs);

#define CLADE_APPLY(op, attrs, ...)                                                                \
    clade_apply((op), (attrs), (clade_tensor *const[]){__VA_ARGS__},                               \
                (int)(sizeof((clade_tensor *const[]){__VA_ARGS__}) / sizeof(clade_tensor *)))

/* For infer: rules in words. */
clade_status clade_require_float(const clade_node *node, int input);
clade_status clade_require_same_dtype(const clade_node *node, int first, int count);
clade_status clade_require_same_shape(const clade_node *node, int first, int count);
clade_status clade_require_dtype(const clade_node *node, int input, clade_dtype dtype);
/* For losses: integer[0] is one of clade_reduction. */
clade_status clade_require_reduction(const clade_node *node);
/* Two infers: the result is like the first input; of its dtype and the attribute shape. */
clade_status clade_infer_like_first(const clade_node *node, clade_meta *out);
clade_status clade_infer_given_shape(const clade_node *node, clade_meta *out);

/* --- registry: every op by position; the ops layer's one list fills it ------------------------ */
typedef struct clade_op_family {
    const clade_op *const *ops;
    size_t count;
} clade_op_family;

extern const clade_op_family *const clade_op_families[];
extern const size_t clade_op_family_count;
/* How ops take floats in an autocast region (precision.h), by name, NULL behind the last: in its
 * dtype; in f32; as they come. The others get f32 where their inputs would differ. */
extern const char *const clade_autocast_narrow[], *const clade_autocast_wide[],
                                                      *const clade_autocast_own[];
/* For ops of the third kind: t as one of the first would get it. */
clade_tensor *clade_autocast_input(clade_tensor *t);

/* NULL past the end. */
const clade_op *clade_op_at(size_t index);
const clade_op *clade_op_find(const char *name);

#endif
