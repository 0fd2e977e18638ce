#include "tape/tape.h"

#include <clade/autograd.h>

#include "base/alloc.h"

static void node_free(clade_node *node)
{
    if (node->inputs)
        for (int i = 0; i < node->count; i++)
            clade_tensor_unref(node->inputs[i]);
    if (node->output) {
        node->output->node = NULL;
        node->output->requires_grad = false; /* who retained it has a constant */
        clade_tensor_unref(node->output);
    }
    clade_tensor_unref(node->grad);
    if (node->inputs != node->inline_inputs)
        clade_free(node->inputs);
    if (node->versions != node->inline_versions)
        clade_free(node->versions);
    clade_free(node->owned);
    clade_free(node);
}

void clade_tape_truncate(clade_tape *tape, size_t from)
{
    while (tape->count > from)
        node_free(tape->nodes[--tape->count]);
}

static void tape_free(clade_tape *tape)
{
    clade_context *ctx = tape->ctx;
    clade_tape_truncate(tape, 0);
    clade_free(tape->nodes);
    clade_free(tape);
    ctx->tape = NULL;
}

clade_status clade_tape_begin(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tape_begin: ctx is NULL");
    if (ctx->tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "tape_begin: a tape is open already");
    clade_tape *tape = clade_calloc(1, sizeof *tape);
    if (!tape)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_scope_begin(ctx);
    if (status != CLADE_OK) {
        clade_free(tape);
        return status;
    }
    tape->ctx = ctx;
    ctx->tape = tape;
    ctx->tape_free = tape_free;
    ctx->tape_scope = ctx->scope_count - 1;
    return CLADE_OK;
}

clade_status clade_tape_end(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tape_end: ctx is NULL");
    if (!ctx->tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "tape_end: no tape is open");
    if (ctx->tape->walking)
        return CLADE_FAIL(CLADE_ERR_STATE, "tape_end: a backward is under way");
    if (ctx->tape_scope != ctx->scope_count - 1)
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "tape_end: %zu scopes opened inside the tape are still open",
                          ctx->scope_count - 1 - ctx->tape_scope);
    tape_free(ctx->tape);
    clade_scope_pop(ctx);
    return CLADE_OK;
}

clade_status clade_no_grad_begin(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "no_grad_begin: ctx is NULL");
    ctx->no_grad_depth++;
    return CLADE_OK;
}

clade_status clade_no_grad_end(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "no_grad_end: ctx is NULL");
    if (!ctx->no_grad_depth)
        return CLADE_FAIL(CLADE_ERR_STATE, "no_grad_end: no region is open");
    ctx->no_grad_depth--;
    return CLADE_OK;
}

size_t clade_tape_length(const clade_context *ctx)
{
    return ctx && ctx->tape ? ctx->tape->count : 0;
}

bool clade_tape_wants(const clade_context *ctx, const clade_node *node)
{
    if (!ctx->tape || ctx->no_grad_depth || !clade_dtype_is_float(node->output->dtype))
        return false;
    for (int i = 0; i < node->count; i++)
        if (node->inputs[i]->requires_grad)
            return true;
    return false;
}

/* A copy of `from` on the heap, owning nothing yet but its arrays. */
static clade_node *node_copy(const clade_node *from)
{
    clade_node *node = clade_calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->op = from->op;
    node->ctx = from->ctx;
    node->attrs = from->attrs;
    size_t count = (size_t)from->count;
    bool small = count <= sizeof node->inline_inputs / sizeof node->inline_inputs[0];
    node->inputs = small ? node->inline_inputs : clade_calloc(count, sizeof *node->inputs);
    node->versions = small ? node->inline_versions : clade_calloc(count, sizeof *node->versions);
    if (!node->inputs || !node->versions) {
        node_free(node);
        return NULL;
    }
    return node;
}

clade_status clade_tape_record(clade_tape *tape, const clade_node *from)
{
    if (!clade_grow((void **)&tape->nodes, &tape->capacity, tape->count + 1, sizeof *tape->nodes))
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_node *node = node_copy(from);
    if (!node)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int i = 0; i < from->count; i++) {
        node->inputs[node->count++] = clade_tensor_ref(from->inputs[i]);
        node->versions[i] = from->inputs[i]->storage->version;
    }
    node->output = clade_tensor_ref(from->output);
    node->out_version = from->output->storage->version;
    node->output->node = node;
    node->output->requires_grad = true;
    node->owned = from->owned;
    tape->nodes[tape->count++] = node;
    return CLADE_OK;
}

clade_status clade_node_check_saved(const clade_node *node)
{
    for (int i = 0; i < node->count; i++)
        if ((node->op->saves & CLADE_SAVES_INPUT(i)) &&
            node->inputs[i]->storage->version != node->versions[i])
            return CLADE_FAIL(CLADE_ERR_MODIFIED,
                              "backward: input %d of %s was overwritten after it was recorded", i,
                              node->op->name);
    if ((node->op->saves & CLADE_SAVES_OUTPUT) &&
        node->output->storage->version != node->out_version)
        return CLADE_FAIL(CLADE_ERR_MODIFIED,
                          "backward: the result of %s was overwritten after it was recorded",
                          node->op->name);
    return CLADE_OK;
}
