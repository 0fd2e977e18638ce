/* Rotary embedding. Attributes: integer = the axis of places, whether pairs are interleaved, the
 * first place; real = the base, and the direction: 1, or -1 for the gradient, which turns back. */
#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/attention.h>

#include "base/shape.h"

#include <math.h>
#include <stdio.h>

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    const int last = x->shape.ndim - 1;
    CLADE_TRY(clade_require_float(node, 0));
    int axis = clade_shape_axis(&x->shape, (int)node->attrs.integer[0]);
    if (axis < 0 || axis == last || x->shape.dim[last] % 2)
        return CLADE_FAIL(
            CLADE_ERR_SHAPE,
            "rotary: places along axis %lld of %s: needs an axis before the last, and "
            "an even number of elements in that",
            (long long)node->attrs.integer[0], clade_shape_str(&x->shape).s);
    if (!(node->attrs.real[0] > 0) || !isfinite(node->attrs.real[0]) || node->attrs.integer[2] < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "rotary: base %g and first place %lld: must be above 0 and not negative",
                          node->attrs.real[0], (long long)node->attrs.integer[2]);
    out->dtype = x->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

static clade_status launch(const clade_node *node, const clade_tensor *x)
{
    const clade_tensor *out = node->output;
    const int64_t *integer = node->attrs.integer;
    const int axis = clade_shape_axis(&x->shape, (int)integer[0]), last = x->shape.ndim - 1;
    const int64_t half = x->shape.dim[last] / 2, rows = x->numel / (2 * half);
    int64_t inner = 1;
    for (int i = axis + 1; i < last; i++)
        inner *= x->shape.dim[i];
    char options[24];
    snprintf(options, sizeof options, "-DT=%s", clade_kernel_type(x->dtype));
    const clade_kernel_key key = {
        .family = "rotary", .options = options, .name = "rotary", .any_shape = true};
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, node->ctx->runtime, &key));
    clade_grid grid = clade_grid_box(node->ctx->runtime, half, rows, 1);
    return CLADE_LAUNCH(node->ctx->runtime, kernel, &grid, CLADE_ARG_TENSOR(x),
                        CLADE_ARG_TENSOR(out), clade_arg_i32(rows),
                        clade_arg_i32(x->shape.dim[axis]), clade_arg_i32(inner),
                        clade_arg_i32(half), clade_arg_i32(integer[1] ? 2 : 1),
                        clade_arg_i32(integer[1] ? 1 : half), clade_arg_i32(integer[2]),
                        clade_arg_real(x->dtype, log(node->attrs.real[0])),
                        clade_arg_real(x->dtype, node->attrs.real[1]));
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *x = clade_tensor_compact(node->inputs[0]);
    clade_status status = x ? launch(node, x) : clade_last_error()->status;
    clade_tensor_unref(x);
    return status;
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    clade_attrs attrs = node->attrs;
    attrs.real[1] = -attrs.real[1];
    grads[0] = CLADE_APPLY(node->op, &attrs, grad);
}

static const clade_op op_rotary = {.name = "rotary",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .infer = infer,
                                   .forward = forward,
                                   .backward = backward};

static const clade_op *const ops[] = {&op_rotary};
const clade_op_family clade_rotary_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_rotary(clade_tensor *x, int axis, const clade_rotary_params *params)
{
    const clade_rotary_params p = params ? *params : (clade_rotary_params){0};
    const clade_attrs attrs = {.real = {p.base != 0 ? p.base : 10000, 1},
                               .integer = {axis, p.interleaved, p.first}};
    return CLADE_APPLY(&op_rotary, &attrs, x);
}
