#include "plan/plan.h"

#include "base/alloc.h"

#include <string.h>

void clade_plan_remove(clade_recording *recording, size_t index)
{
    clade_command_clear(&recording->commands[index]);
    recording->count--;
    memmove(&recording->commands[index], &recording->commands[index + 1],
            (recording->count - index) * sizeof *recording->commands);
}

/* Backwards: a command is alive if it writes something that is needed, and then needs what it
 * reads. A write may be partial, so it never ends a need. */
static void sweep(clade_recording *recording, bool *needed)
{
    for (size_t i = recording->count; i-- > 0;) {
        clade_command *command = &recording->commands[i];
        clade_use uses[CLADE_COMMAND_USES];
        int n = clade_command_uses(command, uses);
        bool alive = command->kind == CLADE_COMMAND_LAUNCH;
        for (int u = 0; u < n; u++)
            alive = alive || (uses[u].writes && needed[clade_recording_index(*uses[u].buffer)]);
        if (!alive) {
            clade_plan_remove(recording, i);
            continue;
        }
        for (int u = 0; u < n; u++)
            if (uses[u].reads)
                needed[clade_recording_index(*uses[u].buffer)] = true;
    }
}

clade_status clade_plan_drop_dead(clade_recording *recording)
{
    bool *needed = clade_calloc(recording->buffer_count, sizeof *needed);
    if (!needed)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < recording->buffer_count; i++)
        needed[i] = !clade_recording_is_temporary(recording->buffers[i]);
    sweep(recording, needed);
    clade_free(needed);
    return CLADE_OK;
}
