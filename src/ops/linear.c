/* x [...,in] * weight [out,in]^T (+ bias [out]): one GEMM over all leading dimensions. */
#include "tape/op.h"
#include "tensor/elementwise.h"
#include "tensor/multiply.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

static const clade_expression add_bias = {"add_bias", "a+b", "ab"};

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    const clade_shape *bias = node->count > 2 ? &node->inputs[2]->shape : NULL;
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    if (x->ndim < 1 || weight->ndim != 2 || x->dim[x->ndim - 1] != weight->dim[1])
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: x %s does not fit weight %s, which is [out,in]",
                          node->op->name, clade_shape_str(x).s, clade_shape_str(weight).s);
    if (bias && (bias->ndim != 1 || bias->dim[0] != weight->dim[0]))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: bias %s does not fit weight %s, which is [out,in]",
                          node->op->name, clade_shape_str(bias).s, clade_shape_str(weight).s);
    out->dtype = node->inputs[0]->dtype;
    out->shape = *x;
    out->shape.dim[x->ndim - 1] = weight->dim[0];
    return CLADE_OK;
}

/* t [...,n] as [rows,n], its leading dimensions taken together. */
static clade_shape as_matrix(const clade_shape *shape)
{
    clade_shape lead = *shape;
    lead.ndim--;
    return CLADE_SHAPE(clade_shape_numel(&lead), shape->dim[lead.ndim]);
}

/* An owned view of x, or of a copy of it where x's strides do not allow one. */
static clade_tensor *matrix_of(clade_tensor *x)
{
    int64_t stride[CLADE_MAX_DIMS];
    clade_shape shape = as_matrix(&x->shape);
    if (clade_shape_view_strides(&x->shape, x->stride, &shape, stride))
        return clade_tensor_new_view(x, &shape, stride, x->offset);
    clade_tensor *copy = clade_tensor_compact(x);
    if (!copy)
        return NULL;
    clade_shape_strides(&shape, stride);
    clade_tensor *view = clade_tensor_new_view(copy, &shape, stride, copy->offset);
    clade_tensor_unref(copy);
    return view;
}

static clade_tensor *transposed(const clade_tensor *w)
{
    clade_shape shape = CLADE_SHAPE(w->shape.dim[1], w->shape.dim[0]);
    int64_t stride[2] = {w->stride[1], w->stride[0]};
    return clade_tensor_new_view(w, &shape, stride, w->offset);
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *x = matrix_of(node->inputs[0]);
    clade_tensor *weight = transposed(node->inputs[1]);
    clade_tensor *out = matrix_of(node->output);
    clade_status status =
        x && weight && out ? clade_multiply(out, x, weight) : clade_last_error()->status;
    if (status == CLADE_OK && node->count > 2) {
        clade_tensor *inputs[2] = {out, node->inputs[2]};
        status = clade_elementwise(&add_bias, out->dtype, out, inputs, 2, NULL, 0);
    }
    clade_tensor_unref(x);
    clade_tensor_unref(weight);
    clade_tensor_unref(out);
    return status;
}

/* dx = g weight, dweight = g^T x; dbias = g, which the tape sums over the leading dimensions. */
static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    clade_tensor *x = node->inputs[0], *weight = node->inputs[1];
    clade_tensor *g = clade_reshape(grad, as_matrix(&grad->shape));
    if (needs[0])
        grads[0] = clade_reshape(clade_matmul(g, weight), x->shape);
    if (needs[1])
        grads[1] = clade_matmul(clade_transpose(g, 0, 1), clade_reshape(x, as_matrix(&x->shape)));
    if (node->count > 2 && needs[2])
        grads[2] = grad;
}

#define LINEAR_OP(name_, inputs)                                                                   \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = inputs,                                      \
                                        .max_inputs = inputs,                                      \
                                        .saves = CLADE_SAVES_INPUT(0) | CLADE_SAVES_INPUT(1),      \
                                        .infer = infer,                                            \
                                        .forward = forward,                                        \
                                        .backward = backward}

LINEAR_OP(linear, 3);
LINEAR_OP(linear_no_bias, 2);

static const clade_op *const ops[] = {&op_linear, &op_linear_no_bias};
const clade_op_family clade_linear_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_linear(clade_tensor *x, clade_tensor *weight, clade_tensor *bias)
{
    return CLADE_APPLY(&op_linear, NULL, x, weight, bias);
}

clade_tensor *clade_linear_no_bias(clade_tensor *x, clade_tensor *weight)
{
    return CLADE_APPLY(&op_linear_no_bias, NULL, x, weight);
}
