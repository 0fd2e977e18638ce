#include "plan/plan.h"

#include "base/alloc.h"
#include "base/shape.h"

#include <string.h>

/* --- order ------------------------------------------------------------------------------------ */
/* Whether two commands may not change places: one writes what the other touches. */
static bool order_matters(clade_command *a, clade_command *b)
{
    clade_use of_a[CLADE_COMMAND_USES], of_b[CLADE_COMMAND_USES];
    int n = clade_command_uses(a, of_a), m = clade_command_uses(b, of_b);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++)
            if (*of_a[i].buffer == *of_b[k].buffer && (of_a[i].writes || of_b[k].writes))
                return true;
    return false;
}

/* --- joining two calls ------------------------------------------------------------------------ */
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

/* Sees the call as one of another shape with as many elements, where its operands allow it. */
static bool recast(clade_elementwise_call *call, const clade_shape *shape)
{
    int64_t step[CLADE_ELEMENTWISE_OPERANDS], even[CLADE_MAX_DIMS];
    if (clade_shape_numel(&call->shape) != clade_shape_numel(shape) || !is_flat(call, step))
        return false;
    clade_shape_strides(shape, even);
    call->shape = *shape;
    for (int k = 0; k < call->operands; k++)
        for (int i = 0; i < shape->ndim; i++)
            call->operand[k].stride[i] = step[k] * even[i];
    return true;
}

static bool same_window(const clade_operand *a, const clade_operand *b, const clade_shape *shape)
{
    if (a->dtype != b->dtype || a->offset != b->offset || a->index != b->index ||
        a->index_stride != b->index_stride)
        return false;
    for (int i = 0; i < shape->ndim; i++)
        if (shape->dim[i] != 1 && a->stride[i] != b->stride[i])
            return false;
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
        if (same_window(&joined->operand[m], &operand, &joined->shape))
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

/* first, then next, as one call; false when that is not the same, or not worth it. */
static bool join(clade_elementwise_call *joined, const clade_elementwise_call *first,
                 const clade_elementwise_call *next)
{
    if (first->stages + next->stages > CLADE_ELEMENTWISE_STAGES ||
        (first->stage[0].compute == CLADE_F64) != (next->stage[0].compute == CLADE_F64))
        return false;
    clade_elementwise_call second = *next;
    *joined = *first;
    if (!clade_shape_equal(&joined->shape, &second.shape) && !recast(joined, &second.shape) &&
        !recast(&second, &joined->shape))
        return false;
    int place[CLADE_ELEMENTWISE_OPERANDS];
    for (int k = 0; k < second.operands; k++) {
        place[k] = place_operand(joined, &second, k, place);
        if (place[k] < 0)
            return false;
    }
    bool forwarded = false;
    for (int s = 0; s < second.stages; s++)
        forwarded |= append_stage(joined, &second.stage[s], place, first->stages);
    drop_overwritten(joined);
    return forwarded;
}

/* --- the list --------------------------------------------------------------------------------- */
static bool is_elementwise(const clade_command *command)
{
    return command->kind == CLADE_COMMAND_ELEMENTWISE;
}

/* The nearest command before i that must stay before it; -1 when there is none. */
static int nearest_conflict(clade_recording *r, int i)
{
    int j = i - 1;
    while (j >= 0 && !order_matters(&r->commands[j], &r->commands[i]))
        j--;
    return j;
}

static bool can_sink(clade_recording *r, int j, int i)
{
    for (int k = j + 1; k < i; k++)
        if (order_matters(&r->commands[j], &r->commands[k]))
            return false;
    return true;
}

/* Joins command i with one before it: i moves up to its nearest conflict, or an earlier command
 * sinks to i. Returns where the joined command stands, -1 when there is none. */
static int join_backwards(clade_recording *r, int i, clade_elementwise_call *scratch)
{
    clade_elementwise_call *next = r->commands[i].as.elementwise;
    int nearest = nearest_conflict(r, i);
    for (int j = nearest; j >= 0; j--) {
        if (!is_elementwise(&r->commands[j]) || (j != nearest && !can_sink(r, j, i)) ||
            !join(scratch, r->commands[j].as.elementwise, next))
            continue;
        int stays = j == nearest ? j : i, goes = j == nearest ? i : j;
        *r->commands[stays].as.elementwise = *scratch;
        clade_plan_remove(r, (size_t)goes);
        return j == nearest ? j : i - 1;
    }
    return -1;
}

/* --- stores that nobody sees ------------------------------------------------------------------ */
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

static void drop_stores(clade_elementwise_call *call, const int *users)
{
    for (int s = 0; s < call->stages; s++) {
        int k = call->stage[s].output;
        if (k < 0)
            continue;
        clade_buffer *buffer = call->operand[k].buffer;
        if (s + 1 < call->stages && clade_recording_is_temporary(buffer) &&
            users[clade_recording_index(buffer)] == 1)
            call->stage[s].output = -1;
    }
    for (int k = call->operands - 1; k >= 0; k--)
        if (!clade_elementwise_reads(call, k) && !clade_elementwise_writes(call, k))
            remove_operand(call, k);
}

static void count_users(clade_recording *r, int *users)
{
    for (size_t i = 0; i < r->count; i++) {
        clade_use uses[CLADE_COMMAND_USES];
        int n = clade_command_uses(&r->commands[i], uses);
        for (int u = 0; u < n; u++) {
            bool again = false;
            for (int v = 0; v < u; v++)
                again = again || *uses[v].buffer == *uses[u].buffer;
            users[clade_recording_index(*uses[u].buffer)] += !again;
        }
    }
}

clade_status clade_plan_fuse(clade_recording *recording)
{
    clade_elementwise_call *scratch = clade_calloc(1, sizeof *scratch);
    int *users = clade_calloc(recording->buffer_count, sizeof *users);
    if (scratch && users) {
        for (int i = 1; i < (int)recording->count; i++) {
            int at = is_elementwise(&recording->commands[i]) ? join_backwards(recording, i, scratch)
                                                             : -1;
            if (at >= 0)
                i = at - 1;
        }
        count_users(recording, users);
        for (size_t i = 0; i < recording->count; i++)
            if (is_elementwise(&recording->commands[i]))
                drop_stores(recording->commands[i].as.elementwise, users);
    }
    bool enough = scratch && users;
    clade_free(scratch);
    clade_free(users);
    return enough ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}
