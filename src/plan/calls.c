#include "plan/calls.h"

#include "base/shape.h"

/* Whether every operand steps through the whole shape evenly; its step comes out. */
static bool is_flat(const clade_elementwise_call *call, int64_t *step)
{
    int64_t even[CLADE_MAX_DIMS];
    clade_shape_strides(&call->shape, even);
    for (int k = 0; k < call->operands; k++) {
        bool first = true;
        if (call->operand[k].index)
            return false;
        step[k] = 0;
        for (int i = call->shape.ndim - 1; i >= 0; i--) {
            if (call->shape.dim[i] == 1)
                continue;
            if (first)
                step[k] = call->operand[k].stride[i] / even[i];
            first = false;
            if (call->operand[k].stride[i] != step[k] * even[i])
                return false;
        }
    }
    return true;
}

/* Dimensions of 1 come and go. */
static bool recast_ones(clade_elementwise_call *call, const clade_shape *shape)
{
    int from[CLADE_MAX_DIMS], n = 0;
    for (int i = 0; i < shape->ndim; i++) {
        from[i] = -1;
        while (shape->dim[i] != 1 && n < call->shape.ndim && call->shape.dim[n] == 1)
            n++;
        if (shape->dim[i] == 1)
            continue;
        if (n == call->shape.ndim || call->shape.dim[n] != shape->dim[i])
            return false;
        from[i] = n++;
    }
    for (; n < call->shape.ndim; n++)
        if (call->shape.dim[n] != 1)
            return false;
    for (int k = 0; k < call->operands; k++) {
        clade_operand was = call->operand[k];
        for (int i = 0; i < shape->ndim; i++)
            call->operand[k].stride[i] = from[i] < 0 ? 0 : was.stride[from[i]];
    }
    call->shape = *shape;
    return true;
}

bool clade_call_recast(clade_elementwise_call *call, const clade_shape *shape)
{
    int64_t step[CLADE_ELEMENTWISE_OPERANDS], even[CLADE_MAX_DIMS];
    if (clade_shape_numel(&call->shape) != clade_shape_numel(shape))
        return false;
    if (clade_shape_equal(&call->shape, shape) || recast_ones(call, shape))
        return true;
    if (!is_flat(call, step))
        return false;
    clade_shape_strides(shape, even);
    call->shape = *shape;
    for (int k = 0; k < call->operands; k++)
        for (int i = 0; i < shape->ndim; i++)
            call->operand[k].stride[i] = step[k] * even[i];
    return true;
}

static int last_writer(const clade_elementwise_call *call, int stages, int operand)
{
    for (int s = stages - 1; s >= 0; s--)
        if (call->stage[s].output == operand)
            return s;
    return -1;
}

/* Where operand k of `next` is found in or added to `joined`; -1 when the two windows on one buffer
 * may overlap in another way than element by element, or there is no room. */
static int place_operand(clade_elementwise_call *joined, const clade_elementwise_call *next, int k,
                         const int *place)
{
    clade_operand operand = next->operand[k];
    bool writes = clade_elementwise_writes(next, k);
    int found = -1;
    if (operand.index) {
        operand.index = 1 + place[operand.index - 1];
        if (clade_elementwise_writes(joined, operand.index - 1))
            return -1;
    }
    for (int m = 0; m < joined->operands; m++) {
        if (joined->operand[m].buffer != operand.buffer)
            continue;
        if (clade_same_window(&joined->operand[m], &operand, &joined->shape))
            found = m;
        else if (writes || clade_elementwise_writes(joined, m))
            return -1;
    }
    if (found >= 0)
        return found;
    if (joined->operands == CLADE_ELEMENTWISE_OPERANDS)
        return -1;
    joined->operand[joined->operands] = operand;
    return joined->operands++;
}

/* Stage s of `next` behind the `before` stages that were there; whether it takes a value from them.
 */
static bool append_stage(clade_elementwise_call *joined, const clade_stage *stage, const int *place,
                         int before)
{
    bool forwarded = false;
    clade_stage *to = &joined->stage[joined->stages++];
    *to = *stage;
    for (int i = 0; i < stage->count; i++) {
        if (stage->input[i] < 0) {
            to->input[i] = stage->input[i] - before;
            continue;
        }
        int writer = last_writer(joined, before, place[stage->input[i]]);
        to->input[i] = writer >= 0 ? -1 - writer : place[stage->input[i]];
        forwarded = forwarded || writer >= 0;
    }
    if (stage->output >= 0)
        to->output = place[stage->output];
    return forwarded;
}

/* Earlier stores to a place that a later stage of the same kernel writes anyway. */
static void drop_overwritten(clade_elementwise_call *call)
{
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].output >= 0 &&
            last_writer(call, call->stages, call->stage[s].output) != s)
            call->stage[s].output = -1;
}

bool clade_call_append(clade_elementwise_call *joined, const clade_elementwise_call *next,
                       bool *forwarded)
{
    int place[CLADE_ELEMENTWISE_OPERANDS], before = joined->stages;
    *forwarded = false;
    if (joined->stages + next->stages > CLADE_ELEMENTWISE_STAGES)
        return false;
    for (int k = 0; k < next->operands; k++) {
        place[k] = place_operand(joined, next, k, place);
        if (place[k] < 0)
            return false;
    }
    for (int s = 0; s < next->stages; s++)
        *forwarded |= append_stage(joined, &next->stage[s], place, before);
    drop_overwritten(joined);
    return true;
}

static void remove_operand(clade_elementwise_call *call, int k)
{
    call->operands--;
    for (int m = k; m < call->operands; m++)
        call->operand[m] = call->operand[m + 1];
    for (int m = 0; m < call->operands; m++)
        call->operand[m].index -= call->operand[m].index > k + 1;
    for (int s = 0; s < call->stages; s++) {
        for (int i = 0; i < call->stage[s].count; i++)
            if (call->stage[s].input[i] > k)
                call->stage[s].input[i]--;
        if (call->stage[s].output > k)
            call->stage[s].output--;
    }
}

void clade_call_drop_unused(clade_elementwise_call *call, int first)
{
    for (int k = call->operands - 1; k >= first; k--)
        if (!clade_elementwise_reads(call, k) && !clade_elementwise_writes(call, k))
            remove_operand(call, k);
}
