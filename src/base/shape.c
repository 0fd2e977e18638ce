#include "base/shape.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

clade_shape clade_shape_make(int ndim, const int64_t *dims)
{
    clade_shape shape = {.ndim = ndim};
    for (int i = 0; i < ndim && i < CLADE_MAX_DIMS; i++)
        shape.dim[i] = dims[i];
    return shape;
}

clade_shape clade_shape_scalar(void)
{
    return (clade_shape){.ndim = 0};
}

int64_t clade_shape_numel(const clade_shape *shape)
{
    if (shape->ndim < 0 || shape->ndim > CLADE_MAX_DIMS)
        return -1;
    int64_t n = 1;
    bool empty = false, too_large = false;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] < 0)
            return -1;
        empty = empty || shape->dim[i] == 0;
        too_large = too_large || (shape->dim[i] && n > INT32_MAX / shape->dim[i]);
        if (!too_large && shape->dim[i])
            n *= shape->dim[i];
    }
    if (too_large)
        return -1;
    return empty ? 0 : n;
}

bool clade_shape_equal(const clade_shape *a, const clade_shape *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

clade_shape_text clade_shape_str(const clade_shape *shape)
{
    clade_shape_text text = {"["};
    size_t at = 1;
    if (shape->ndim < 0 || shape->ndim > CLADE_MAX_DIMS) {
        snprintf(text.s, sizeof text.s, "[%d dimensions]", shape->ndim);
        return text;
    }
    for (int i = 0; i < shape->ndim; i++)
        at += (size_t)snprintf(text.s + at, sizeof text.s - at, i ? ",%" PRId64 : "%" PRId64,
                               shape->dim[i]);
    snprintf(text.s + at, sizeof text.s - at, "]");
    return text;
}

void clade_shape_strides(const clade_shape *shape, int64_t *strides)
{
    int64_t step = 1;
    for (int i = shape->ndim - 1; i >= 0; i--) {
        strides[i] = step;
        step *= shape->dim[i] ? shape->dim[i] : 1;
    }
}

/* Dimension i of `shape` once it is padded with leading ones to ndim dimensions. */
static int64_t padded_dim(const clade_shape *shape, int ndim, int i)
{
    int at = i - (ndim - shape->ndim);
    return at < 0 ? 1 : shape->dim[at];
}

bool clade_shape_broadcast(const clade_shape *a, const clade_shape *b, clade_shape *out)
{
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    clade_shape result = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        int64_t da = padded_dim(a, ndim, i), db = padded_dim(b, ndim, i);
        if (da != db && da != 1 && db != 1)
            return false;
        result.dim[i] = da == 1 ? db : da;
    }
    *out = result;
    return true;
}

bool clade_shape_expands_to(const clade_shape *from, const clade_shape *to)
{
    clade_shape both;
    return clade_shape_broadcast(from, to, &both) && clade_shape_equal(&both, to);
}

/* From the innermost dimension outwards: each run of `from` that steps like one dimension must be
 * cut into whole dimensions of `to`. */
bool clade_shape_view_strides(const clade_shape *from, const int64_t *stride, const clade_shape *to,
                              int64_t *out)
{
    if (clade_shape_numel(from) == 0) {
        clade_shape_strides(to, out);
        return true;
    }
    int at = from->ndim - 1;
    int64_t left = 1, step = 1;
    for (int i = to->ndim - 1; i >= 0; i--) {
        if (left == 1 && to->dim[i] != 1) {
            while (from->dim[at] == 1)
                at--;
            step = stride[at];
            for (; at >= 0 && (from->dim[at] == 1 || stride[at] == step * left); at--)
                left *= from->dim[at];
        }
        if (left % to->dim[i])
            return false;
        out[i] = step;
        step *= to->dim[i];
        left /= to->dim[i];
    }
    return true;
}

int clade_shape_axis(const clade_shape *shape, int axis)
{
    if (axis < -shape->ndim || axis >= shape->ndim)
        return -1;
    return axis < 0 ? axis + shape->ndim : axis;
}
