#include "tape/axes.h"

#include "base/shape.h"

clade_attrs clade_axes_attrs(const int *axes, int count, bool keepdim)
{
    clade_attrs attrs = {.integer = {axes == NULL, keepdim}};
    attrs.shape.ndim = axes ? count : 0;
    for (int i = 0; i < attrs.shape.ndim && i < CLADE_MAX_DIMS; i++)
        attrs.shape.dim[i] = axes[i];
    return attrs;
}

clade_status clade_axes_check(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape, *axes = &node->attrs.shape;
    unsigned seen = 0;
    if (axes->ndim < 0 || axes->ndim > CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %d axes given for %s", node->op->name,
                          axes->ndim, clade_shape_str(shape).s);
    for (int i = 0; i < axes->ndim; i++) {
        int axis = clade_shape_axis(shape, (int)axes->dim[i]);
        if (axis < 0)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %d in %s", node->op->name,
                              (int)axes->dim[i], clade_shape_str(shape).s);
        if (seen >> axis & 1)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: axis %d of %s is given twice", node->op->name,
                              axis, clade_shape_str(shape).s);
        seen |= 1u << axis;
    }
    return CLADE_OK;
}

unsigned clade_axes_mask(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape, *axes = &node->attrs.shape;
    if (node->attrs.integer[0])
        return (1u << shape->ndim) - 1u;
    unsigned mask = 0;
    for (int i = 0; i < axes->ndim; i++)
        mask |= 1u << clade_shape_axis(shape, (int)axes->dim[i]);
    return mask;
}

int clade_axes_list(const clade_node *node, int *axes)
{
    unsigned mask = clade_axes_mask(node);
    int count = 0;
    for (int i = 0; i < node->inputs[0]->shape.ndim; i++)
        if (mask >> i & 1)
            axes[count++] = i;
    return count;
}

int64_t clade_axes_set_size(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    unsigned mask = clade_axes_mask(node);
    int64_t size = 1;
    for (int i = 0; i < shape->ndim; i++)
        if (mask >> i & 1)
            size *= shape->dim[i];
    return size;
}

clade_shape clade_axes_reduced_shape(const clade_node *node, bool keepdim)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    unsigned mask = clade_axes_mask(node);
    clade_shape out = {0};
    for (int i = 0; i < shape->ndim; i++) {
        if (!(mask >> i & 1))
            out.dim[out.ndim++] = shape->dim[i];
        else if (keepdim)
            out.dim[out.ndim++] = 1;
    }
    return out;
}
