#include "runtime/record.h"

#include "base/alloc.h"
#include "runtime/cl_internal.h"

#include <string.h>

bool clade_runtime_is_recording(const clade_runtime *rt)
{
    return rt->recording != NULL;
}

clade_recording *clade_recording_pause(clade_runtime *rt)
{
    clade_recording *recording = rt->recording;
    rt->recording = NULL;
    return recording;
}

void clade_recording_resume(clade_runtime *rt, clade_recording *recording)
{
    rt->recording = recording;
}

clade_status clade_recording_begin(clade_recording **out, clade_runtime *rt)
{
    if (rt->recording)
        return CLADE_FAIL(CLADE_ERR_STATE, "a recording is open already");
    clade_recording *recording = clade_calloc(1, sizeof *recording);
    if (!recording)
        return CLADE_ERR_OUT_OF_MEMORY;
    recording->rt = rt;
    rt->recording = recording;
    *out = recording;
    return CLADE_OK;
}

void clade_recording_end(clade_recording *recording)
{
    recording->rt->recording = NULL;
    for (size_t i = 0; i < recording->buffer_count; i++)
        recording->buffers[i]->is_recorded = false;
}

void clade_command_clear(clade_command *command)
{
    if (command->kind == CLADE_COMMAND_LAUNCH)
        clade_free(command->as.launch.args);
    else if (command->kind == CLADE_COMMAND_ELEMENTWISE)
        clade_free(command->as.elementwise);
    else if (command->kind == CLADE_COMMAND_GEMM)
        clade_free(command->as.gemm.epilogue);
}

void clade_recording_free(clade_recording **handle)
{
    if (!handle || !*handle)
        return;
    clade_recording *recording = *handle;
    for (size_t i = 0; i < recording->count; i++)
        clade_command_clear(&recording->commands[i]);
    for (size_t i = 0; i < recording->buffer_count; i++)
        clade_buffer_free(&recording->buffers[i]);
    for (size_t i = 0; i < recording->hook_count; i++)
        if (recording->hooks[i].owned)
            clade_free(recording->hooks[i].user);
    clade_free(recording->commands);
    clade_free(recording->buffers);
    clade_free(recording->hooks);
    clade_free(recording);
    *handle = NULL;
}

size_t clade_recording_index(const clade_buffer *buffer)
{
    return buffer->recorded_index;
}

bool clade_recording_is_temporary(const clade_buffer *buffer)
{
    return buffer->made_while_recording && buffer->refs == 1;
}

clade_status clade_recording_add_hook(clade_runtime *rt, void (*run)(void *user), void *user,
                                      bool owned)
{
    clade_recording *r = rt->recording;
    if (!r)
        return CLADE_OK;
    if (!clade_grow((void **)&r->hooks, &r->hook_capacity, r->hook_count + 1, sizeof *r->hooks))
        return CLADE_ERR_OUT_OF_MEMORY;
    r->hooks[r->hook_count++] = (clade_replay_hook){run, user, owned};
    return CLADE_OK;
}

/* --- what a command touches ------------------------------------------------------------------- */
static int add_use(clade_use *uses, int n, clade_buffer **buffer, bool reads, bool writes)
{
    if (!*buffer)
        return n;
    uses[n] = (clade_use){buffer, reads, writes};
    return n + 1;
}

static int elementwise_uses(clade_elementwise_call *call, clade_use *uses, int n)
{
    for (int k = 0; k < call->operands; k++)
        n = add_use(uses, n, &call->operand[k].buffer, clade_elementwise_reads(call, k),
                    clade_elementwise_writes(call, k));
    return n;
}

static int launch_uses(clade_launch_command *launch, clade_use *uses)
{
    int n = 0;
    for (int i = 0; i < launch->count; i++)
        if (launch->args[i].kind == CLADE_ARG_BUFFER)
            n = add_use(uses, n, &launch->args[i].as.buffer, true, true);
    return n;
}

int clade_command_uses(clade_command *command, clade_use *uses)
{
    int n = 0;
    switch (command->kind) {
    case CLADE_COMMAND_LAUNCH:
        return launch_uses(&command->as.launch, uses);
    case CLADE_COMMAND_ELEMENTWISE:
        return elementwise_uses(command->as.elementwise, uses, 0);
    case CLADE_COMMAND_GEMM:
        n = add_use(uses, n, &command->as.gemm.gemm.a, true, false);
        n = add_use(uses, n, &command->as.gemm.gemm.b, true, false);
        n = add_use(uses, n, &command->as.gemm.gemm.c, command->as.gemm.gemm.beta != 0, true);
        return command->as.gemm.epilogue ? elementwise_uses(command->as.gemm.epilogue, uses, n) : n;
    case CLADE_COMMAND_COPY:
        n = add_use(uses, n, &command->as.copy.src, true, false);
        return add_use(uses, n, &command->as.copy.dst, false, true);
    case CLADE_COMMAND_FILL:
        return add_use(uses, n, &command->as.fill.buffer, false, true);
    }
    return n;
}

/* --- appending -------------------------------------------------------------------------------- */
static clade_status hold(clade_recording *r, clade_buffer *buffer)
{
    if (buffer->is_recorded)
        return CLADE_OK;
    if (!clade_grow((void **)&r->buffers, &r->buffer_capacity, r->buffer_count + 1,
                    sizeof *r->buffers))
        return CLADE_ERR_OUT_OF_MEMORY;
    buffer->recorded_index = r->buffer_count;
    r->buffers[r->buffer_count++] = clade_buffer_ref(buffer);
    buffer->is_recorded = true;
    return CLADE_OK;
}

/* Takes over what the command owns, also when it fails. */
static clade_status append(clade_recording *r, clade_command *command)
{
    clade_use uses[CLADE_COMMAND_USES];
    int n = clade_command_uses(command, uses);
    clade_status status = CLADE_OK;
    for (int i = 0; i < n && status == CLADE_OK; i++)
        status = hold(r, *uses[i].buffer);
    if (status == CLADE_OK &&
        !clade_grow((void **)&r->commands, &r->capacity, r->count + 1, sizeof *r->commands))
        status = CLADE_ERR_OUT_OF_MEMORY;
    if (status != CLADE_OK) {
        clade_command_clear(command);
        return status;
    }
    r->commands[r->count++] = *command;
    return CLADE_OK;
}

clade_status clade_record_launch(clade_runtime *rt, clade_kernel *kernel, const clade_grid *grid,
                                 const clade_arg *args, int count)
{
    if (!rt->recording)
        return CLADE_OK;
    if (count > CLADE_COMMAND_USES)
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "%s: %d arguments cannot be recorded", kernel->name,
                          count);
    clade_command command = {.kind = CLADE_COMMAND_LAUNCH,
                             .as.launch = {.kernel = kernel, .grid = *grid, .count = count}};
    command.as.launch.args = clade_calloc((size_t)count, sizeof *args);
    if (!command.as.launch.args)
        return CLADE_ERR_OUT_OF_MEMORY;
    memcpy(command.as.launch.args, args, (size_t)count * sizeof *args);
    return append(rt->recording, &command);
}

clade_status clade_record_elementwise(clade_runtime *rt, const clade_elementwise_call *call)
{
    if (!rt->recording)
        return CLADE_OK;
    clade_command command = {.kind = CLADE_COMMAND_ELEMENTWISE};
    command.as.elementwise = clade_calloc(1, sizeof *call);
    if (!command.as.elementwise)
        return CLADE_ERR_OUT_OF_MEMORY;
    *command.as.elementwise = *call;
    return append(rt->recording, &command);
}

clade_status clade_record_gemm(clade_runtime *rt, const clade_gemm *gemm)
{
    if (!rt->recording)
        return CLADE_OK;
    clade_command command = {.kind = CLADE_COMMAND_GEMM, .as.gemm = {*gemm, NULL}};
    if (gemm->epilogue) {
        command.as.gemm.epilogue = clade_calloc(1, sizeof *command.as.gemm.epilogue);
        if (!command.as.gemm.epilogue)
            return CLADE_ERR_OUT_OF_MEMORY;
        *command.as.gemm.epilogue = *gemm->epilogue;
    }
    return append(rt->recording, &command);
}

clade_status clade_record_copy(clade_runtime *rt, const clade_copy_command *copy)
{
    if (!rt->recording)
        return CLADE_OK;
    clade_command command = {.kind = CLADE_COMMAND_COPY, .as.copy = *copy};
    return append(rt->recording, &command);
}

clade_status clade_record_fill(clade_runtime *rt, const clade_fill_command *fill)
{
    if (!rt->recording)
        return CLADE_OK;
    clade_command command = {.kind = CLADE_COMMAND_FILL, .as.fill = *fill};
    return append(rt->recording, &command);
}
