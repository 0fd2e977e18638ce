/* Ops on f16 and bf16 whose kernels compute in f32 alone. */
#include "tape/tape.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/alloc.h"

/* An f32 tensor of t's shape. */
static clade_tensor *wide_like(const clade_tensor *t, const clade_node *node)
{
    return clade_tensor_new(node->ctx, CLADE_F32, &t->shape, node->op->name);
}

/* A reference to t, or to an f32 copy where it has 16 bits; NULL with the error set. */
static clade_tensor *widened(clade_tensor *t, const clade_node *node)
{
    if (!clade_kernel_storage(t->dtype))
        return clade_tensor_ref(t);
    clade_tensor *copy = wide_like(t, node);
    if (copy && clade_tensor_assign(copy, t) != CLADE_OK) {
        clade_tensor_unref(copy);
        return NULL;
    }
    return copy;
}

static clade_status forward_rounded(const clade_node *node)
{
    clade_tensor *out = node->output;
    if (!clade_kernel_storage(out->dtype))
        return node->op->forward(node);
    clade_node wide = *node;
    wide.output = wide_like(out, node);
    if (!wide.output)
        return clade_last_error()->status;
    clade_status status = node->op->forward(&wide);
    if (status == CLADE_OK)
        status = clade_tensor_assign(out, wide.output);
    clade_tensor_unref(wide.output);
    return status;
}

static clade_status forward_widened(const clade_node *node)
{
    clade_node wide = *node;
    clade_status status = CLADE_OK;
    wide.inputs = clade_calloc((size_t)node->count + 1, sizeof *wide.inputs);
    if (!wide.inputs)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int i = 0; i < node->count && status == CLADE_OK; i++) {
        wide.inputs[i] = widened(node->inputs[i], node);
        if (!wide.inputs[i])
            status = clade_last_error()->status;
    }
    if (status == CLADE_OK)
        status = forward_rounded(&wide);
    for (int i = 0; i < node->count; i++)
        clade_tensor_unref(wide.inputs[i]);
    clade_free(wide.inputs);
    return status;
}

/* The dtype of the first input that has 16 bits, else f32. */
static clade_dtype narrow_dtype(const clade_node *node)
{
    for (int i = 0; i < node->count; i++)
        if (clade_kernel_storage(node->inputs[i]->dtype))
            return node->inputs[i]->dtype;
    return CLADE_F32;
}

clade_status clade_node_forward(const clade_node *node)
{
    bool narrow = narrow_dtype(node) != CLADE_F32 || clade_kernel_storage(node->output->dtype);
    return narrow && !node->op->any_storage ? forward_widened(node) : node->op->forward(node);
}

clade_tensor *clade_node_compose(const clade_node *node)
{
    clade_dtype narrow = narrow_dtype(node);
    if (narrow == CLADE_F32 || node->op->any_storage)
        return node->op->compose(node);
    clade_node wide = *node;
    wide.inputs = clade_calloc((size_t)node->count, sizeof *wide.inputs);
    if (!wide.inputs)
        return NULL;
    bool whole = true;
    for (int i = 0; i < node->count; i++) {
        clade_tensor *t = node->inputs[i];
        wide.inputs[i] = clade_kernel_storage(t->dtype) ? clade_cast(t, CLADE_F32) : t;
        whole = whole && wide.inputs[i];
    }
    clade_tensor *out = whole ? node->op->compose(&wide) : NULL;
    clade_free(wide.inputs);
    return out && out->dtype == CLADE_F32 ? clade_cast(out, narrow) : out;
}
