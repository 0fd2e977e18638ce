/* pad: along one axis at a time; a constant by copying into a window, the other modes by index.
 *
 * Attributes: integer = axis, before, after, mode; real[0] = the constant. */
#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/arrange.h>
#include <clade/ops.h>

#include "base/shape.h"

static clade_status check_amounts(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    const int64_t *of = node->attrs.integer;
    int64_t size = shape->dim[of[0]], most = of[1] > of[2] ? of[1] : of[2];
    if (of[1] < 0 || of[2] < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "pad: %lld before and %lld after axis %d of %s",
                          (long long)of[1], (long long)of[2], (int)of[0], clade_shape_str(shape).s);
    if (of[3] == CLADE_PAD_REFLECT && most >= size && most > 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "pad: axis %d of %s has less than %lld to reflect",
                          (int)of[0], clade_shape_str(shape).s, (long long)most);
    if (of[3] == CLADE_PAD_REPLICATE && size == 0 && most > 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "pad: axis %d of %s is empty", (int)of[0],
                          clade_shape_str(shape).s);
    return CLADE_OK;
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const int64_t *of = node->attrs.integer;
    CLADE_TRY(check_amounts(node));
    CLADE_TRY(clade_infer_like_first(node, out));
    out->shape.dim[of[0]] += of[1] + of[2];
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *x = node->inputs[0], *out = node->output;
    CLADE_TRY(clade_tensor_fill(out, node->attrs.real[0]));
    if (!x->numel)
        return CLADE_OK;
    int64_t offset = node->attrs.integer[1] * out->stride[node->attrs.integer[0]];
    clade_tensor *window = clade_tensor_new_view(out, &x->shape, out->stride, out->offset + offset);
    if (!window)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_tensor_assign(window, x);
    clade_tensor_unref(window);
    return status;
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    int axis = (int)node->attrs.integer[0];
    int64_t before = node->attrs.integer[1], size = node->inputs[0]->shape.dim[axis];
    grads[0] = clade_slice(grad, axis, before, before + size, 1);
}

static const clade_op op_pad = {.name = "pad",
                                .min_inputs = 1,
                                .max_inputs = 1,
                                .infer = infer,
                                .forward = forward,
                                .any_storage = true,
                                .backward = backward};

/* The places -before ... size - 1 + after, brought into 0 ... size - 1. */
static clade_tensor *compose_indexed(const clade_node *node)
{
    const int64_t *of = node->attrs.integer;
    const double last = (double)node->inputs[0]->shape.dim[of[0]] - 1;
    clade_tensor *places =
        clade_arange(node->ctx, CLADE_I32, (double)-of[1], last + 1 + (double)of[2], 1);
    if (of[3] == CLADE_PAD_REPLICATE) {
        places = clade_clamp(places, 0, last);
    } else {
        /* last - |last - |i||: mirrored at 0, then at last. */
        clade_tensor *beyond = clade_add_scalar(clade_neg(clade_abs(places)), last);
        places = clade_add_scalar(clade_neg(clade_abs(beyond)), last);
    }
    return clade_index_select(node->inputs[0], (int)of[0], places);
}

static const clade_op op_pad_indexed = {.name = "pad_indexed",
                                        .min_inputs = 1,
                                        .max_inputs = 1,
                                        .infer = infer,
                                        .compose = compose_indexed};

static const clade_op *const ops[] = {&op_pad, &op_pad_indexed};
const clade_op_family clade_pad_ops = {ops, sizeof ops / sizeof ops[0]};

static clade_status check(const clade_tensor *x, const int64_t *amounts, int count,
                          clade_pad_mode mode)
{
    if (!x)
        return clade_error_null("pad", "x");
    if (!amounts || count < 0 || count % 2 || count / 2 > x->shape.ndim)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "pad: %d amounts for %s: pairs of its last axes",
                          amounts ? count : 0, clade_shape_str(&x->shape).s);
    if (mode < CLADE_PAD_CONSTANT || mode > CLADE_PAD_REPLICATE)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "pad: %d is no mode", (int)mode);
    return CLADE_OK;
}

clade_tensor *clade_pad(clade_tensor *x, const int64_t *amounts, int count, clade_pad_mode mode,
                        double value)
{
    if (check(x, amounts, count, mode) != CLADE_OK)
        return NULL;
    const clade_op *op = mode == CLADE_PAD_CONSTANT ? &op_pad : &op_pad_indexed;
    int ndim = x->shape.ndim;
    if (count == 0)
        return clade_contiguous(x);
    for (int i = 0; i < count; i += 2) {
        clade_attrs attrs = {.real = {value},
                             .integer = {ndim - 1 - i / 2, amounts[i], amounts[i + 1], mode}};
        x = CLADE_APPLY(op, &attrs, x);
    }
    return x;
}
