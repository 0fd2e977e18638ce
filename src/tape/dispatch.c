#include "tape/tape.h"

#include <clade/loss.h>

#include "base/shape.h"

#include <string.h>

clade_status clade_require_float(const clade_node *node, int input)
{
    clade_dtype dtype = node->inputs[input]->dtype;
    if (clade_dtype_is_float(dtype))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: input %d is %s, not a float", node->op->name, input,
                      clade_dtype_name(dtype));
}

clade_status clade_require_same_dtype(const clade_node *node, int first, int count)
{
    clade_dtype dtype = node->inputs[first]->dtype;
    for (int i = first + 1; i < first + count; i++)
        if (node->inputs[i]->dtype != dtype)
            return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: inputs differ in dtype: %s %s and %s %s",
                              node->op->name, clade_dtype_name(dtype),
                              clade_shape_str(&node->inputs[first]->shape).s,
                              clade_dtype_name(node->inputs[i]->dtype),
                              clade_shape_str(&node->inputs[i]->shape).s);
    return CLADE_OK;
}

clade_status clade_require_same_shape(const clade_node *node, int first, int count)
{
    const clade_shape *shape = &node->inputs[first]->shape;
    for (int i = first + 1; i < first + count; i++)
        if (!clade_shape_equal(&node->inputs[i]->shape, shape))
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the shapes differ: %s and %s", node->op->name,
                              clade_shape_str(shape).s, clade_shape_str(&node->inputs[i]->shape).s);
    return CLADE_OK;
}

clade_status clade_require_dtype(const clade_node *node, int input, clade_dtype dtype)
{
    clade_dtype given = node->inputs[input]->dtype;
    if (given == dtype)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: input %d is %s, not %s", node->op->name, input,
                      clade_dtype_name(given), clade_dtype_name(dtype));
}

clade_status clade_require_reduction(const clade_node *node)
{
    int64_t kind = node->attrs.integer[0];
    if (kind >= CLADE_REDUCTION_MEAN && kind <= CLADE_REDUCTION_NONE)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %d is no reduction", node->op->name, (int)kind);
}

clade_status clade_infer_like_first(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[0]->dtype;
    out->shape = node->inputs[0]->shape;
    return CLADE_OK;
}

clade_status clade_infer_given_shape(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[0]->dtype;
    out->shape = node->attrs.shape;
    return CLADE_OK;
}

static clade_tensor *make_output(const clade_node *node, const clade_meta *meta)
{
    if (meta->is_view)
        return clade_tensor_new_view(node->inputs[0], &meta->shape, meta->stride, meta->offset);
    clade_tensor *out = clade_tensor_new(node->ctx, meta->dtype, &meta->shape, node->op->name);
    if (out && out->numel) {
        clade_node filled = *node;
        filled.output = out;
        if (clade_node_forward(&filled) != CLADE_OK) {
            clade_tensor_unref(out);
            return NULL;
        }
    }
    return out;
}

static clade_tensor *run(clade_node *node)
{
    if (clade_scope_require(node->ctx, node->op->name) != CLADE_OK)
        return NULL;
    clade_meta meta = {0};
    if (node->op->infer(node, &meta) != CLADE_OK)
        return NULL;
    if (node->op->compose)
        return clade_node_compose(node);
    node->output = clade_scope_adopt(node->ctx, make_output(node, &meta));
    if (!node->output)
        return NULL;
    if (clade_tape_wants(node->ctx, node) && clade_tape_record(node->ctx->tape, node) != CLADE_OK)
        return NULL;
    return node->output;
}

clade_tensor *clade_apply(const clade_op *op, const clade_attrs *attrs, clade_tensor *const *inputs,
                          int count)
{
    for (int i = 0; i < count; i++) {
        if (!inputs[i]) {
            (void)clade_error_null(op->name, "an input");
            return NULL;
        }
        if (inputs[i]->ctx != inputs[0]->ctx) {
            (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: inputs 0 and %d have different contexts",
                             op->name, i);
            return NULL;
        }
    }
    if (count < op->min_inputs || count > op->max_inputs) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %d inputs given, %d to %d taken", op->name, count,
                         op->min_inputs, op->max_inputs);
        return NULL;
    }
    clade_tensor *cast[CLADE_OP_INPUTS];
    if (inputs[0]->ctx->autocast != CLADE_F32) {
        if (clade_autocast_inputs(op, inputs, count, cast) != CLADE_OK)
            return NULL;
        inputs = cast;
    }
    clade_node node = {.op = op, .ctx = inputs[0]->ctx, .count = count};
    if (attrs)
        node.attrs = *attrs;
    node.inputs = (clade_tensor **)inputs;
    return run(&node);
}

clade_tensor *clade_apply_create(clade_context *ctx, const clade_op *op, const clade_attrs *attrs)
{
    if (!ctx) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: ctx is NULL", op->name);
        return NULL;
    }
    clade_node node = {.op = op, .ctx = ctx};
    if (attrs)
        node.attrs = *attrs;
    return run(&node);
}

const clade_op *clade_op_at(size_t index)
{
    for (size_t f = 0; f < clade_op_family_count; f++) {
        if (index < clade_op_families[f]->count)
            return clade_op_families[f]->ops[index];
        index -= clade_op_families[f]->count;
    }
    return NULL;
}

const clade_op *clade_op_find(const char *name)
{
    const clade_op *op;
    for (size_t i = 0; (op = clade_op_at(i)); i++)
        if (!strcmp(op->name, name))
            return op;
    return NULL;
}
