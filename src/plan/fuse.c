#include "plan/calls.h"
#include "plan/plan.h"

#include "base/alloc.h"

/* --- order ------------------------------------------------------------------------------------ */
/* Whether two commands may not change places: one writes what the other touches. */
bool clade_plan_order_matters(clade_command *a, clade_command *b)
{
    clade_use of_a[CLADE_COMMAND_USES], of_b[CLADE_COMMAND_USES];
    int n = clade_command_uses(a, of_a), m = clade_command_uses(b, of_b);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++)
            if (*of_a[i].buffer == *of_b[k].buffer && (of_a[i].writes || of_b[k].writes))
                return true;
    return false;
}

/* --- the list --------------------------------------------------------------------------------- */
/* first, then next, as one call; false when that is not the same, or not worth it. */
static bool join(clade_elementwise_call *joined, const clade_elementwise_call *first,
                 const clade_elementwise_call *next)
{
    if ((first->stage[0].compute == CLADE_F64) != (next->stage[0].compute == CLADE_F64))
        return false;
    clade_elementwise_call second = *next;
    *joined = *first;
    bool forwarded;
    return (clade_call_recast(joined, &second.shape) ||
            clade_call_recast(&second, &joined->shape)) &&
           clade_call_append(joined, &second, &forwarded) && forwarded;
}

static bool is_elementwise(const clade_command *command)
{
    return command->kind == CLADE_COMMAND_ELEMENTWISE;
}

/* The nearest command before i that must stay before it; -1 when there is none. */
int clade_plan_nearest_conflict(clade_recording *r, int i)
{
    int j = i - 1;
    while (j >= 0 && !clade_plan_order_matters(&r->commands[j], &r->commands[i]))
        j--;
    return j;
}

bool clade_plan_can_sink(clade_recording *r, int j, int i)
{
    for (int k = j + 1; k < i; k++)
        if (clade_plan_order_matters(&r->commands[j], &r->commands[k]))
            return false;
    return true;
}

/* Joins command i with one before it: i moves up to its nearest conflict, or an earlier command
 * sinks to i. Returns where the joined command stands, -1 when there is none. */
static int join_backwards(clade_recording *r, int i, clade_elementwise_call *scratch)
{
    clade_elementwise_call *next = r->commands[i].as.elementwise;
    int nearest = clade_plan_nearest_conflict(r, i);
    for (int j = nearest; j >= 0; j--) {
        if (!is_elementwise(&r->commands[j]) || (j != nearest && !clade_plan_can_sink(r, j, i)) ||
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
    clade_call_drop_unused(call, 0);
}

void clade_plan_count_users(clade_recording *r, int *users)
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
        clade_plan_count_users(recording, users);
        for (size_t i = 0; i < recording->count; i++)
            if (is_elementwise(&recording->commands[i]))
                drop_stores(recording->commands[i].as.elementwise, users);
    }
    bool enough = scratch && users;
    clade_free(scratch);
    clade_free(users);
    return enough ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}
