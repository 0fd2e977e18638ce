#include "evaluate.h"

#include "accumulate.h"

/* Images at a time. What a convolution makes of one is 32 times its size. */
static int64_t batch_of(const model *m)
{
    return m->layout.cnn ? 250 : 1000;
}

static clade_status add_batch(evaluator *e, clade_tensor *images, clade_tensor *labels)
{
    clade_tensor *logits = model_logits(e->model, dataset_normalised(images));
    const clade_cross_entropy_params sum = {.reduction = CLADE_REDUCTION_SUM};
    clade_status status = accumulate(e->loss, clade_cross_entropy(logits, labels, &sum));
    if (status != CLADE_OK)
        return status;
    clade_tensor *hits = clade_cast(clade_eq(clade_argmax(logits, 1, false), labels), CLADE_I32);
    return accumulate(e->correct, clade_sum(hits, NULL, 0, false));
}

/* The step that is recorded. */
static clade_status step(void *user, clade_tensor *const *inputs, int count)
{
    evaluator *e = user;
    clade_context *ctx = clade_tensor_context(e->loss);
    (void)count;
    clade_status status = clade_scope_begin(ctx);
    if (status != CLADE_OK)
        return status;
    status = add_batch(e, inputs[0], inputs[1]);
    clade_status ended = clade_scope_end(ctx);
    return status == CLADE_OK ? ended : status;
}

clade_status evaluator_create(evaluator *e, clade_context *ctx, const model *m, bool eager)
{
    *e = (evaluator){.model = m};
    clade_status status = accumulator_create(&e->loss, ctx, CLADE_F32);
    if (status == CLADE_OK)
        status = accumulator_create(&e->correct, ctx, CLADE_I32);
    if (status == CLADE_OK)
        status = clade_step_create(&e->step, ctx, step, e, &(clade_step_params){.eager = eager});
    return status;
}

void evaluator_free(evaluator *e)
{
    clade_step_free(&e->step);
    clade_tensor_free(&e->loss);
    clade_tensor_free(&e->correct);
}

static clade_status run_batch(evaluator *e, const dataset_split *split, int64_t begin)
{
    clade_context *ctx = clade_tensor_context(e->loss);
    clade_status status = clade_scope_begin(ctx);
    if (status != CLADE_OK)
        return status;
    int64_t end = begin + batch_of(e->model);
    clade_tensor *inputs[2] = {clade_slice(split->images, 0, begin, end, 1),
                               clade_slice(split->labels, 0, begin, end, 1)};
    status = clade_step_run(e->step, inputs, 2);
    clade_status ended = clade_scope_end(ctx);
    return status == CLADE_OK ? ended : status;
}

clade_status evaluate(evaluation *out, evaluator *e, const dataset_split *split)
{
    clade_status status = CLADE_OK;
    for (int64_t begin = 0; begin < split->count && status == CLADE_OK; begin += batch_of(e->model))
        status = run_batch(e, split, begin);
    double loss_sum, hits;
    if (status == CLADE_OK)
        status = accumulator_take(e->loss, &loss_sum);
    if (status == CLADE_OK)
        status = accumulator_take(e->correct, &hits);
    if (status == CLADE_OK)
        *out = (evaluation){loss_sum / (double)split->count, 100 * hits / (double)split->count};
    return status;
}
