#include "tensor/elementwise.h"

static clade_operand operand_of(const clade_tensor *t, const clade_shape *shape)
{
    clade_operand operand = {.buffer = t->storage->buffer, .dtype = t->dtype, .offset = t->offset};
    clade_tensor_expanded_strides(t, shape, operand.stride);
    return operand;
}

clade_status clade_elementwise(const clade_expression *expression, clade_dtype compute,
                               clade_tensor *out, clade_tensor *const *inputs, int count,
                               const double *params, int param_count)
{
    if (!out->numel)
        return CLADE_OK;
    clade_elementwise_call call;
    call.shape = out->shape;
    call.stages = 1;
    call.operands = 1 + count;
    call.stage[0] = (clade_stage){
        .expression = *expression, .compute = compute, .dtype = out->dtype, .count = count};
    call.operand[0] = operand_of(out, &out->shape);
    for (int i = 0; i < count; i++) {
        call.operand[1 + i] = operand_of(inputs[i], &out->shape);
        call.stage[0].input[i] = 1 + i;
    }
    for (int p = 0; p < param_count; p++)
        call.stage[0].param[p] = params[p];
    clade_tensor_touch(out);
    return clade_elementwise_run(clade_tensor_runtime(out), &call);
}
