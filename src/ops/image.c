#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/image.h>

#include <stdio.h>

#include "base/shape.h"

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0], *theta = node->inputs[1];
    CLADE_TRY(clade_require_float(node, 1));
    if (x->dtype != theta->dtype && x->dtype != CLADE_U8)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "affine_sample: pictures %s with theta %s",
                          clade_dtype_name(x->dtype), clade_dtype_name(theta->dtype));
    clade_shape want = CLADE_SHAPE(x->shape.dim[0], 2, 3);
    if (x->shape.ndim != 3 || !clade_shape_equal(&theta->shape, &want))
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "affine_sample: pictures %s with theta %s: not [n,height,width] and "
                          "[n,2,3]",
                          clade_shape_str(&x->shape).s, clade_shape_str(&theta->shape).s);
    out->dtype = theta->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

static clade_status sample(const clade_node *node, const clade_tensor *x, const clade_tensor *theta)
{
    clade_runtime *rt = clade_tensor_runtime(x);
    bool wide = theta->dtype == CLADE_F64;
    char options[64];
    snprintf(options, sizeof options, "-DT=%s -DX=%s", wide ? "double" : "float",
             x->dtype == CLADE_U8 ? "uchar"
             : wide               ? "double"
                                  : "float");
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(
        &kernel, rt,
        &(clade_kernel_key){.family = "image", .options = options, .name = "affine_sample"}));
    const int64_t *dim = x->shape.dim;
    clade_grid grid = clade_grid_box(rt, dim[2], dim[1], dim[0]);
    return CLADE_LAUNCH(rt, kernel, &grid, CLADE_ARG_TENSOR(x), CLADE_ARG_TENSOR(theta),
                        clade_arg_buffer(node->output->storage->buffer), clade_arg_i32(dim[2]),
                        clade_arg_i32(dim[1]), clade_arg_i32(dim[0]));
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *x = clade_tensor_compact(node->inputs[0]);
    clade_tensor *theta = clade_tensor_compact(node->inputs[1]);
    clade_status status = x && theta ? sample(node, x, theta) : clade_last_error()->status;
    clade_tensor_unref(x);
    clade_tensor_unref(theta);
    return status;
}

static const clade_op op_affine_sample = {
    .name = "affine_sample", .min_inputs = 2, .max_inputs = 2, .infer = infer, .forward = forward};

static const clade_op *const ops[] = {&op_affine_sample};
const clade_op_family clade_image_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_affine_sample(clade_tensor *x, clade_tensor *theta)
{
    return CLADE_APPLY(&op_affine_sample, NULL, x, theta);
}
