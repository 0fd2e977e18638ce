#include "plan/calls.h"
#include "plan/plan.h"

#include "base/alloc.h"
#include "base/shape.h"

#include <string.h>

/* Elements [begin, end) of a buffer that hold what a fill put there. */
typedef struct range {
    clade_buffer *buffer;
    clade_dtype dtype;
    int64_t begin, end;
    double value;
    size_t fill; /* the command */
} range;

/* What a fill must still write: the hull of what others than the substituted reads look at. */
typedef struct need {
    bool is_fill;
    int64_t begin, end;
} need;

typedef struct walk {
    clade_recording *recording;
    need *needs; /* one per command */
    range *ranges;
    size_t count, capacity;
} walk;

/* The elements between an operand's first and last. */
static void extent(const clade_operand *operand, const clade_shape *shape, int64_t *begin,
                   int64_t *end)
{
    *begin = *end = operand->offset;
    for (int i = 0; i < shape->ndim; i++) {
        int64_t span = (shape->dim[i] - 1) * operand->stride[i];
        *(span < 0 ? begin : end) += span;
    }
    *end += 1;
}

/* Whether it holds every element between its first and last, once. */
static bool is_dense(const clade_operand *operand, const clade_shape *shape)
{
    int64_t even[CLADE_MAX_DIMS];
    clade_shape_strides(shape, even);
    for (int i = 0; i < shape->ndim; i++)
        if (shape->dim[i] != 1 && operand->stride[i] != even[i])
            return false;
    return true;
}

static bool is_fill(const clade_command *command)
{
    if (command->kind != CLADE_COMMAND_ELEMENTWISE)
        return false;
    const clade_elementwise_call *call = command->as.elementwise;
    return call->stages == 1 && call->operands == 1 && call->stage[0].count == 0 &&
           !strcmp(call->stage[0].expression.text, "p0") && !call->stage[0].source[0] &&
           is_dense(&call->operand[0], &call->shape);
}

static void want(walk *w, const range *r, int64_t begin, int64_t end)
{
    need *n = &w->needs[r->fill];
    begin = begin > r->begin ? begin : r->begin;
    end = end < r->end ? end : r->end;
    bool first = n->begin == n->end;
    n->begin = first || begin < n->begin ? begin : n->begin;
    n->end = first || end > n->end ? end : n->end;
}

static clade_status add_range(walk *w, range r)
{
    if (r.begin >= r.end)
        return CLADE_OK;
    if (!clade_grow((void **)&w->ranges, &w->capacity, w->count + 1, sizeof *w->ranges))
        return CLADE_ERR_OUT_OF_MEMORY;
    w->ranges[w->count++] = r;
    return CLADE_OK;
}

/* Elements [begin, end) are written: what was known of them is over. */
static clade_status forget(walk *w, const clade_buffer *buffer, int64_t begin, int64_t end)
{
    for (size_t i = w->count; i-- > 0;) {
        range r = w->ranges[i];
        if (r.buffer != buffer || r.end <= begin || end <= r.begin)
            continue;
        w->ranges[i] = w->ranges[--w->count];
        range before = r, after = r;
        before.end = begin;
        after.begin = end;
        CLADE_TRY(add_range(w, before));
        CLADE_TRY(add_range(w, after));
    }
    return CLADE_OK;
}

/* Someone looks at [begin, end), or may: the fills behind it must happen there. */
static void look(walk *w, const clade_buffer *buffer, int64_t begin, int64_t end)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->ranges[i].buffer == buffer && w->ranges[i].begin < end && begin < w->ranges[i].end)
            want(w, &w->ranges[i], begin, end);
}

static clade_status touch_whole(walk *w, clade_command *command)
{
    clade_use uses[CLADE_COMMAND_USES];
    int n = clade_command_uses(command, uses);
    for (int u = 0; u < n; u++) {
        look(w, *uses[u].buffer, INT64_MIN, INT64_MAX);
        if (uses[u].writes)
            CLADE_TRY(forget(w, *uses[u].buffer, INT64_MIN, INT64_MAX));
    }
    return CLADE_OK;
}

/* --- substituting reads ----------------------------------------------------------------------- */
static const range *known(const walk *w, const clade_operand *operand, const clade_shape *shape)
{
    int64_t begin, end;
    extent(operand, shape, &begin, &end);
    for (size_t i = 0; i < w->count; i++) {
        const range *r = &w->ranges[i];
        if (r->buffer == operand->buffer && r->dtype == operand->dtype && r->begin <= begin &&
            end <= r->end)
            return r;
    }
    return NULL;
}

static bool is_index(const clade_elementwise_call *call, int k)
{
    for (int m = 0; m < call->operands; m++)
        if (call->operand[m].index == 1 + k)
            return true;
    return false;
}

/* Stage 0 becomes the constant; the others move up by one. Where they took operand k they take it.
 */
static void substitute(clade_elementwise_call *call, int k, double value)
{
    static const clade_expression constant = {"constant", "p0", ""};
    memmove(&call->stage[1], &call->stage[0], (size_t)call->stages * sizeof call->stage[0]);
    call->stages++;
    for (int s = 1; s < call->stages; s++)
        for (int i = 0; i < call->stage[s].count; i++) {
            int *input = &call->stage[s].input[i];
            *input = *input == k ? -1 : *input < 0 ? *input - 1 : *input;
        }
    call->stage[0] = (clade_stage){.expression = constant,
                                   .compute = call->operand[k].dtype,
                                   .dtype = call->operand[k].dtype,
                                   .output = -1,
                                   .param = {value}};
}

/* first: the first operand that may go; an epilogue's operand 0 is the product. */
static clade_status visit_call(walk *w, clade_elementwise_call *call, int first)
{
    for (int k = first; k < call->operands; k++) {
        const clade_operand *operand = &call->operand[k];
        if (!clade_elementwise_reads(call, k))
            continue;
        const range *r = known(w, operand, &call->shape);
        bool same_width = (operand->dtype == CLADE_F64) == (call->stage[0].compute == CLADE_F64);
        if (r && same_width && !operand->index && !is_index(call, k) &&
            call->stages < CLADE_ELEMENTWISE_STAGES) {
            substitute(call, k, r->value);
            continue;
        }
        int64_t begin = INT64_MIN, end = INT64_MAX;
        if (!operand->index)
            extent(operand, &call->shape, &begin, &end);
        look(w, operand->buffer, begin, end);
    }
    for (int k = first; k < call->operands; k++) {
        if (!clade_elementwise_writes(call, k))
            continue;
        int64_t begin, end;
        extent(&call->operand[k], &call->shape, &begin, &end);
        if (!is_dense(&call->operand[k], &call->shape))
            look(w, call->operand[k].buffer, begin, end);
        CLADE_TRY(forget(w, call->operand[k].buffer, begin, end));
    }
    clade_call_drop_unused(call, first);
    return CLADE_OK;
}

static clade_status visit_gemm(walk *w, clade_command *command)
{
    if (!command->as.gemm.epilogue)
        return touch_whole(w, command);
    clade_command plain = *command;
    plain.as.gemm.epilogue = NULL;
    CLADE_TRY(touch_whole(w, &plain));
    return visit_call(w, command->as.gemm.epilogue, 1);
}

static clade_status visit_fill(walk *w, size_t i)
{
    const clade_elementwise_call *call = w->recording->commands[i].as.elementwise;
    range r = {.buffer = call->operand[0].buffer,
               .dtype = call->operand[0].dtype,
               .value = call->stage[0].param[0],
               .fill = i};
    extent(&call->operand[0], &call->shape, &r.begin, &r.end);
    CLADE_TRY(forget(w, r.buffer, r.begin, r.end));
    w->needs[i].is_fill = true;
    return add_range(w, r);
}

/* --- fills that are left ---------------------------------------------------------------------- */
static void shrink_fills(walk *w)
{
    for (size_t i = w->recording->count; i-- > 0;) {
        const need *n = &w->needs[i];
        if (!n->is_fill)
            continue;
        if (n->begin == n->end) {
            clade_plan_remove(w->recording, i);
            continue;
        }
        clade_elementwise_call *call = w->recording->commands[i].as.elementwise;
        call->shape = CLADE_SHAPE(n->end - n->begin);
        call->operand[0].offset = n->begin;
        call->operand[0].stride[0] = 1;
    }
}

static clade_status visit_all(walk *w)
{
    clade_recording *r = w->recording;
    for (size_t i = 0; i < r->count; i++) {
        clade_command *command = &r->commands[i];
        if (is_fill(command))
            CLADE_TRY(visit_fill(w, i));
        else if (command->kind == CLADE_COMMAND_ELEMENTWISE)
            CLADE_TRY(visit_call(w, command->as.elementwise, 0));
        else if (command->kind == CLADE_COMMAND_GEMM)
            CLADE_TRY(visit_gemm(w, command));
        else
            CLADE_TRY(touch_whole(w, command));
    }
    for (size_t i = 0; i < w->count; i++)
        if (!clade_recording_is_temporary(w->ranges[i].buffer))
            want(w, &w->ranges[i], INT64_MIN, INT64_MAX);
    return CLADE_OK;
}

clade_status clade_plan_use_fills(clade_recording *recording)
{
    walk *w = clade_calloc(1, sizeof *w);
    if (!w)
        return CLADE_ERR_OUT_OF_MEMORY;
    w->recording = recording;
    w->needs = clade_calloc(recording->count, sizeof *w->needs);
    clade_status status = w->needs ? visit_all(w) : CLADE_ERR_OUT_OF_MEMORY;
    if (status == CLADE_OK)
        shrink_fills(w);
    clade_free(w->needs);
    clade_free(w->ranges);
    clade_free(w);
    return status;
}
