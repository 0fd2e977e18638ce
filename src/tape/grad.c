/* Gradients of chosen tensors. */
#include "tape/tape.h"

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/shape.h"

typedef struct query {
    clade_tensor *const *outputs, *const *grads;
    int output_count;
    clade_tensor *const *inputs;
    int input_count;
    clade_grad_params params;
    clade_tensor **slots; /* owned, and what is in it */
} query;

static clade_status check_input(const query *q, int i)
{
    const clade_tensor *t = q->inputs[i];
    if (!t)
        return clade_error_null("grad", "an input");
    if (t->ctx != q->outputs[0]->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "grad: input %d has a different context", i);
    if (!t->requires_grad)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "grad: input %d %s requires no gradient", i,
                          clade_shape_str(&t->shape).s);
    return CLADE_OK;
}

static clade_status check_query(const query *q)
{
    if (!q->outputs || !q->inputs || q->output_count < 1 || q->input_count < 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "grad: %d outputs and %d inputs%s", q->output_count,
                          q->input_count,
                          q->outputs && q->inputs ? "" : "; one of the arrays is NULL");
    for (int i = 0; i < q->output_count; i++) {
        if (!q->outputs[i])
            return clade_error_null("grad", "an output");
        if (q->outputs[i]->ctx != q->outputs[0]->ctx)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "grad: output %d has a different context", i);
    }
    for (int i = 0; i < q->input_count; i++)
        CLADE_TRY(check_input(q, i));
    const clade_tape *tape = q->outputs[0]->ctx->tape;
    if (!tape || tape->walking)
        return CLADE_FAIL(CLADE_ERR_STATE, "grad: %s",
                          tape ? "another backward is under way" : "no tape is open");
    return CLADE_OK;
}

static clade_status walk(const query *q)
{
    clade_context *ctx = q->outputs[0]->ctx;
    clade_walk walk = {.tape = ctx->tape,
                       .name = "grad",
                       .create = q->params.create_graph,
                       .retain = q->params.retain_graph || q->params.create_graph,
                       .asked = true};
    for (int i = 0; i < q->output_count; i++)
        CLADE_TRY(clade_walk_check(&walk, q->outputs[i], q->grads ? q->grads[i] : NULL));
    return clade_walk_run(&walk, q->outputs, q->grads, q->output_count);
}

/* out[i]: borrowed from the innermost scope. */
static clade_status hand_out(const query *q, clade_tensor **out)
{
    for (int i = 0; i < q->input_count; i++) {
        clade_tensor *grad = q->inputs[i]->wanted ? *q->inputs[i]->wanted : NULL;
        if (!grad && q->params.allow_unused)
            continue;
        if (!grad)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "grad: no output depends on input %d %s", i,
                              clade_shape_str(&q->inputs[i]->shape).s);
        out[i] = clade_scope_adopt(grad->ctx, clade_tensor_ref(grad));
        if (!out[i])
            return clade_last_error()->status;
    }
    return CLADE_OK;
}

static clade_status answer(query *q, clade_tensor **out)
{
    for (int i = 0; i < q->input_count; i++)
        if (!q->inputs[i]->wanted)
            q->inputs[i]->wanted = &q->slots[i];
    clade_status status = walk(q);
    if (status == CLADE_OK)
        status = hand_out(q, out);
    for (int i = 0; i < q->input_count; i++) {
        q->inputs[i]->wanted = NULL;
        clade_tensor_unref(q->slots[i]);
        if (status != CLADE_OK)
            out[i] = NULL;
    }
    return status;
}

clade_status clade_grad(clade_tensor **out, clade_tensor *const *outputs,
                        clade_tensor *const *grads, int output_count, clade_tensor *const *inputs,
                        int input_count, const clade_grad_params *params)
{
    query q = {.outputs = outputs,
               .grads = grads,
               .output_count = output_count,
               .inputs = inputs,
               .input_count = input_count};
    if (params)
        q.params = *params;
    if (!out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "grad: out is NULL");
    CLADE_TRY(check_query(&q));
    for (int i = 0; i < input_count; i++)
        out[i] = NULL;
    q.slots = clade_calloc((size_t)input_count, sizeof *q.slots);
    if (!q.slots)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = answer(&q, out);
    clade_free(q.slots);
    return status;
}
