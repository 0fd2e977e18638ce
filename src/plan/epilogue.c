#include "plan/calls.h"
#include "plan/plan.h"

#include "base/alloc.h"

/* What an epilogue starts from: operand 0 is C. */
static void begin_epilogue(clade_elementwise_call *call, const clade_gemm *g)
{
    call->shape = CLADE_SHAPE(g->batch, g->m, g->n);
    call->stages = 0;
    call->operands = 1;
    call->operand[0] = (clade_operand){.buffer = g->c,
                                       .dtype = g->dtype,
                                       .offset = g->c_offset,
                                       .stride = {g->c_stride, g->ldc, 1}};
}

static bool touches(const clade_elementwise_call *call, const clade_buffer *buffer)
{
    for (int k = 0; k < call->operands; k++)
        if (call->operand[k].buffer == buffer)
            return true;
    return false;
}

/* The product itself is stored too, for those who read it later. */
static bool store_product(clade_elementwise_call *call)
{
    if (clade_elementwise_writes(call, 0))
        return true;
    if (call->stages == CLADE_ELEMENTWISE_STAGES)
        return false;
    clade_dtype dtype = call->operand[0].dtype;
    call->stage[call->stages++] = (clade_stage){.expression = {"product", "a", "a"},
                                                .compute = dtype,
                                                .dtype = dtype,
                                                .count = 1,
                                                .input = {0}};
    return true;
}

/* The epilogue of g that does what `next` does to its result; false when there is none. */
static bool make_epilogue(clade_elementwise_call *epilogue, const clade_gemm *g,
                          const clade_elementwise_call *next, bool product_is_needed)
{
    clade_elementwise_call call = *next;
    bool forwarded;
    begin_epilogue(epilogue, g);
    if ((g->dtype == CLADE_F64) != (call.stage[0].compute == CLADE_F64) ||
        !clade_call_recast(&call, &epilogue->shape))
        return false;
    bool takes_product = false;
    for (int k = 0; k < call.operands; k++) {
        bool on_c = call.operand[k].buffer == g->c;
        if (on_c && !clade_same_window(&call.operand[k], &epilogue->operand[0], &call.shape))
            return false;
        if (clade_elementwise_writes(&call, k) &&
            (call.operand[k].buffer == g->a || call.operand[k].buffer == g->b))
            return false;
        takes_product = takes_product || (on_c && clade_elementwise_reads(&call, k));
    }
    if (!takes_product || !clade_call_append(epilogue, &call, &forwarded))
        return false;
    return !product_is_needed || store_product(epilogue);
}

/* Gives command i, elementwise, to the GEMM whose result it takes; whether it did. */
static bool attach(clade_recording *r, int i, const int *users, clade_elementwise_call *scratch)
{
    const clade_elementwise_call *call = r->commands[i].as.elementwise;
    int nearest = clade_plan_nearest_conflict(r, i);
    for (int j = nearest; j >= 0; j--) {
        clade_gemm_command *gemm = &r->commands[j].as.gemm;
        if (r->commands[j].kind != CLADE_COMMAND_GEMM || gemm->epilogue ||
            !touches(call, gemm->gemm.c) || (j != nearest && !clade_plan_can_sink(r, j, i)))
            continue;
        bool needed = !clade_recording_is_temporary(gemm->gemm.c) ||
                      users[clade_recording_index(gemm->gemm.c)] > 2;
        if (!make_epilogue(scratch, &gemm->gemm, call, needed))
            continue;
        clade_command joined = r->commands[j];
        joined.as.gemm.epilogue = r->commands[i].as.elementwise;
        *joined.as.gemm.epilogue = *scratch;
        /* The joined command owns the call now: the place that is left must not free it. */
        int stays = j == nearest ? j : i, goes = j == nearest ? i : j;
        r->commands[stays] = joined;
        r->commands[goes].kind = CLADE_COMMAND_FILL;
        clade_plan_remove(r, (size_t)goes);
        return true;
    }
    return false;
}

clade_status clade_plan_fuse_epilogues(clade_recording *recording)
{
    clade_elementwise_call *scratch = clade_calloc(1, sizeof *scratch);
    int *users = clade_calloc(recording->buffer_count, sizeof *users);
    bool enough = scratch && users;
    if (enough) {
        clade_plan_count_users(recording, users);
        for (int i = 1; i < (int)recording->count; i++)
            if (recording->commands[i].kind == CLADE_COMMAND_ELEMENTWISE &&
                attach(recording, i, users, scratch))
                i--;
    }
    clade_free(scratch);
    clade_free(users);
    return enough ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}
