#include "plan/plan.h"

#include "base/alloc.h"
#include "runtime/prepared.h"

struct clade_plan {
    clade_recording *recording; /* keeps the buffers that the work names, and the hooks */
    clade_buffer **memory;      /* what the temporaries share */
    size_t memory_count;
    clade_prepared *prepared;
    clade_plan_stats stats;
};

static clade_status enqueue(clade_runtime *rt, const clade_command *command)
{
    const clade_copy_command *copy = &command->as.copy;
    const clade_fill_command *fill = &command->as.fill;
    clade_gemm gemm;
    switch (command->kind) {
    case CLADE_COMMAND_LAUNCH:
        return clade_launch(rt, command->as.launch.kernel, &command->as.launch.grid,
                            command->as.launch.args, command->as.launch.count);
    case CLADE_COMMAND_ELEMENTWISE:
        return clade_elementwise_run(rt, command->as.elementwise);
    case CLADE_COMMAND_GEMM:
        gemm = command->as.gemm.gemm;
        gemm.epilogue = command->as.gemm.epilogue;
        return clade_gemm_run(rt, &gemm);
    case CLADE_COMMAND_COPY:
        return clade_buffer_copy(copy->dst, copy->dst_offset, copy->src, copy->src_offset,
                                 copy->bytes);
    case CLADE_COMMAND_FILL:
        return clade_buffer_fill(fill->buffer, fill->offset, fill->bytes, fill->pattern,
                                 fill->pattern_size);
    }
    return CLADE_OK;
}

static clade_status prepare(clade_plan *plan)
{
    clade_recording *r = plan->recording;
    CLADE_TRY(clade_prepared_begin(&plan->prepared, r->rt));
    clade_status status = CLADE_OK;
    for (size_t i = 0; i < r->count && status == CLADE_OK; i++)
        status = enqueue(r->rt, &r->commands[i]);
    clade_prepared_end(plan->prepared);
    return status;
}

static clade_status compile(clade_plan *plan, const clade_plan_options *options)
{
    plan->stats.recorded = plan->recording->count;
    CLADE_TRY(clade_plan_drop_dead(plan->recording));
    if (!options->no_fusion) {
        CLADE_TRY(clade_plan_fuse(plan->recording));
        CLADE_TRY(clade_plan_fuse_epilogues(plan->recording));
        CLADE_TRY(clade_plan_use_fills(plan->recording));
    }
    plan->stats.commands = plan->recording->count;
    clade_plan_log(plan->recording);
    CLADE_TRY(clade_plan_share_memory(plan->recording, &plan->memory, &plan->memory_count));
    for (size_t b = 0; b < plan->memory_count; b++)
        plan->stats.temporary_bytes += clade_buffer_size(plan->memory[b]);
    CLADE_TRY(prepare(plan));
    plan->stats.launches = clade_prepared_count(plan->prepared);
    return CLADE_OK;
}

clade_status clade_plan_create(clade_plan **out, clade_recording *recording,
                               const clade_plan_options *options)
{
    clade_plan *plan = clade_calloc(1, sizeof *plan);
    if (!plan) {
        clade_recording_free(&recording);
        return CLADE_ERR_OUT_OF_MEMORY;
    }
    plan->recording = recording;
    clade_status status = compile(plan, options);
    if (status != CLADE_OK) {
        clade_plan_free(&plan);
        return status;
    }
    *out = plan;
    return CLADE_OK;
}

clade_status clade_plan_run(clade_plan *plan)
{
    for (size_t i = 0; i < plan->recording->hook_count; i++)
        plan->recording->hooks[i].run(plan->recording->hooks[i].user);
    return clade_prepared_run(plan->prepared);
}

clade_plan_stats clade_plan_get_stats(const clade_plan *plan)
{
    return plan->stats;
}

void clade_plan_free(clade_plan **handle)
{
    if (!handle || !*handle)
        return;
    clade_plan *plan = *handle;
    clade_prepared_free(&plan->prepared);
    for (size_t b = 0; b < plan->memory_count; b++)
        clade_buffer_free(&plan->memory[b]);
    clade_free(plan->memory);
    clade_recording_free(&plan->recording);
    clade_free(plan);
    *handle = NULL;
}
