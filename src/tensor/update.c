#include "tensor/update.h"

#include <string.h>

#include "base/error.h"
#include "runtime/record.h"

void clade_update_init(clade_update *update, const clade_tensor *like)
{
    *update =
        (clade_update){.rt = clade_tensor_runtime(like), .call.shape = CLADE_SHAPE(like->numel)};
}

void clade_update_init_windows(clade_update *update, const clade_tensor *like, int64_t rows,
                               int64_t columns)
{
    *update =
        (clade_update){.rt = clade_tensor_runtime(like), .call.shape = CLADE_SHAPE(rows, columns)};
}

static void add_operand(clade_update *update, char letter, clade_tensor *t,
                        const clade_operand *operand, bool stored)
{
    int k = update->call.operands++;
    update->call.operand[k] = *operand;
    update->tensor[k] = stored ? t : NULL;
    update->operand[(int)letter] = 1 + k;
    update->value[(int)letter] = k;
}

void clade_update_add_tensor(clade_update *update, char letter, clade_tensor *t, bool stored)
{
    const clade_operand operand = {
        .buffer = t->storage->buffer, .dtype = t->dtype, .offset = t->offset, .stride = {1}};
    add_operand(update, letter, t, &operand, stored);
}

void clade_update_add_window(clade_update *update, char letter, clade_tensor *t, int64_t offset,
                             int64_t row_stride, int64_t column_stride, bool stored)
{
    const clade_operand operand = {.buffer = t->storage->buffer,
                                   .dtype = t->dtype,
                                   .offset = t->offset + offset,
                                   .stride = {row_stride, column_stride}};
    add_operand(update, letter, t, &operand, stored);
}

void clade_update_assign(clade_update *update, char letter, const clade_expression *expression,
                         const double *p0, const double *p1)
{
    clade_elementwise_call *call = &update->call;
    const double *source[2] = {p0, p1};
    int s = call->stages++, operand = update->operand[(int)letter] - 1;
    clade_stage *stage = &call->stage[s];
    *stage = (clade_stage){.expression = *expression,
                           .compute = call->operand[0].dtype,
                           .dtype = call->operand[0].dtype,
                           .count = (int)strlen(expression->inputs),
                           .output = -1};
    for (int i = 0; i < stage->count; i++)
        stage->input[i] = update->value[(int)expression->inputs[i]];
    for (int p = 0; p < 2; p++) {
        stage->param[p] = source[p] ? *source[p] : 0;
        stage->source[p] = source[p];
    }
    if (operand >= 0 && update->tensor[operand]) {
        for (int earlier = 0; earlier < s; earlier++)
            if (call->stage[earlier].output == operand)
                call->stage[earlier].output = -1;
        stage->output = operand;
    }
    update->value[(int)letter] = -1 - s;
}

void clade_update_unless(clade_update *update, const clade_tensor *skip)
{
    static const clade_expression unless = {"update_unless", "s != 0 ? o : n", "son"};
    clade_elementwise_call *call = &update->call;
    int stored = call->operands, stages = call->stages, flag = call->operands++;
    call->operand[flag] = (clade_operand){
        .buffer = skip->storage->buffer, .dtype = skip->dtype, .offset = skip->offset};
    for (int s = 0; s < stages; s++) {
        int k = call->stage[s].output;
        if (k < 0 || k >= stored)
            continue;
        call->stage[s].output = -1;
        call->stage[call->stages++] = (clade_stage){.expression = unless,
                                                    .compute = call->operand[k].dtype,
                                                    .dtype = call->operand[k].dtype,
                                                    .count = 3,
                                                    .input = {flag, k, -1 - s},
                                                    .output = k};
    }
}

static void forget_sources(clade_elementwise_call *call)
{
    for (int s = 0; s < call->stages; s++)
        for (int p = 0; p < CLADE_EXPRESSION_PARAMS; p++)
            call->stage[s].source[p] = NULL;
}

clade_status clade_update_run(clade_update *update, void (*next)(void *user), void *user)
{
    clade_elementwise_call *call = &update->call;
    if (next)
        CLADE_TRY(clade_recording_add_hook(update->rt, next, user, false));
    else
        forget_sources(call);
    CLADE_TRY(clade_elementwise_run(update->rt, call));
    for (int k = 0; k < call->operands; k++)
        if (clade_elementwise_writes(call, k))
            clade_tensor_touch(update->tensor[k]);
    return CLADE_OK;
}
