/* Tensors made of constants. Attributes: integer[0] = the dtype, shape. */
#include "tape/op.h"

#include <clade/ops.h>

#include <math.h>
#include <stdio.h>

static clade_status infer(const clade_node *node, clade_meta *out)
{
    out->dtype = (clade_dtype)node->attrs.integer[0];
    out->shape = node->attrs.shape;
    return CLADE_OK;
}

/* --- full: real[0] = the value -----------------------------------------------------------------
 */
static clade_status forward_full(const clade_node *node)
{
    return clade_tensor_fill(node->output, node->attrs.real[0]);
}

static const clade_op op_full = {
    .name = "full", .infer = infer, .forward = forward_full, .any_storage = true};

/* --- arange, linspace: shape = [count], real = the first and the last element ------------------
 */
static clade_status forward_ramp(const clade_node *node)
{
    clade_runtime *rt = node->ctx->runtime;
    const clade_tensor *out = node->output;
    bool floats = clade_dtype_is_float(out->dtype);
    double first = node->attrs.real[0], last = node->attrs.real[1];
    double step = out->numel > 1 ? (last - first) / (double)(out->numel - 1) : 0;
    char options[48];
    snprintf(options, sizeof options, "-DT=%s -DA=%s", clade_kernel_type(out->dtype),
             floats ? clade_kernel_type(out->dtype) : "int");
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(
        &kernel, rt,
        &(clade_kernel_key){
            .family = "create", .options = options, .name = "ramp", .any_shape = true}));
    clade_grid grid = clade_grid_elements(rt, out->numel);
    clade_arg numbers[3] = {clade_arg_i32((int64_t)first), clade_arg_i32((int64_t)last),
                            clade_arg_i32((int64_t)step)};
    if (floats) {
        numbers[0] = clade_arg_real(out->dtype, first);
        numbers[1] = clade_arg_real(out->dtype, last);
        numbers[2] = clade_arg_real(out->dtype, step);
    }
    return CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(out->storage->buffer),
                        clade_arg_i32(out->numel), numbers[0], numbers[1], numbers[2]);
}

static clade_status infer_ramp(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    if (clade_dtype_is_float(out->dtype))
        return CLADE_OK;
    double lowest = out->dtype == CLADE_U8 ? 0 : INT32_MIN;
    double highest = out->dtype == CLADE_U8 ? UINT8_MAX : INT32_MAX;
    for (int i = 0; i < 2 && out->shape.dim[0] > 0; i++)
        if (!(node->attrs.real[i] >= lowest && node->attrs.real[i] <= highest))
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %g is no %s", node->op->name,
                              node->attrs.real[i], clade_dtype_name(out->dtype));
    return CLADE_OK;
}

static clade_status infer_linspace(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    if (clade_dtype_is_float(out->dtype))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_DTYPE, "linspace: %s is not a float", clade_dtype_name(out->dtype));
}

static const clade_op op_arange = {.name = "arange", .infer = infer_ramp, .forward = forward_ramp};
static const clade_op op_linspace = {
    .name = "linspace", .infer = infer_linspace, .forward = forward_ramp};

static const clade_op *const ops[] = {&op_full, &op_arange, &op_linspace};
const clade_op_family clade_create_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_full(clade_context *ctx, clade_dtype dtype, clade_shape shape, double value)
{
    return clade_apply_create(ctx, &op_full,
                              &(clade_attrs){.real = {value}, .integer = {dtype}, .shape = shape});
}

/* Without fractions, as C cuts them off, for an integer dtype. */
static double number_of(clade_dtype dtype, double value)
{
    return clade_dtype_is_float(dtype) ? value : trunc(value);
}

clade_tensor *clade_arange(clade_context *ctx, clade_dtype dtype, double start, double stop,
                           double step)
{
    start = number_of(dtype, start);
    stop = number_of(dtype, stop);
    step = number_of(dtype, step);
    double count = ceil((stop - start) / step);
    if (step == 0 || !isfinite(count)) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "arange: from %g to %g in steps of %g", start, stop,
                         step);
        return NULL;
    }
    count = count < 0 ? 0 : count < 0x1p31 ? count : 0x1p31;
    clade_attrs attrs = {.real = {start, start + step * (count - 1)},
                         .integer = {dtype},
                         .shape = CLADE_SHAPE((int64_t)count)};
    return clade_apply_create(ctx, &op_arange, &attrs);
}

clade_tensor *clade_linspace(clade_context *ctx, clade_dtype dtype, double first, double last,
                             int64_t count)
{
    clade_attrs attrs = {.real = {first, last}, .integer = {dtype}, .shape = CLADE_SHAPE(count)};
    return clade_apply_create(ctx, &op_linspace, &attrs);
}
