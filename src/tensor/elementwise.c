#include "tensor/elementwise.h"

/* The operand's number: that of an earlier one where both are the same elements. */
static int add_operand(clade_elementwise_call *call, const clade_tensor *t)
{
    clade_operand operand = {.buffer = t->storage->buffer, .dtype = t->dtype, .offset = t->offset};
    clade_tensor_expanded_strides(t, &call->shape, operand.stride);
    for (int k = 0; k < call->operands; k++)
        if (call->operand[k].buffer == operand.buffer &&
            clade_same_window(&call->operand[k], &operand, &call->shape))
            return k;
    call->operand[call->operands] = operand;
    return call->operands++;
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
    call.operands = 0;
    call.stage[0] = (clade_stage){
        .expression = *expression, .compute = compute, .dtype = out->dtype, .count = count};
    call.stage[0].output = add_operand(&call, out);
    for (int i = 0; i < count; i++)
        call.stage[0].input[i] = add_operand(&call, inputs[i]);
    for (int p = 0; p < param_count; p++)
        call.stage[0].param[p] = params[p];
    clade_tensor_touch(out);
    return clade_elementwise_run(clade_tensor_runtime(out), &call);
}
