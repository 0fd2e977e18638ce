#include "evaluate.h"

#include "accumulate.h"

#define EVALUATION_BATCH 1000

static clade_status evaluate_batch(const model *m, const dataset_split *split, int64_t begin,
                                   clade_tensor *loss, clade_tensor *correct)
{
    int64_t end = begin + EVALUATION_BATCH;
    clade_tensor *x = dataset_normalised(clade_slice(split->images, 0, begin, end, 1));
    clade_tensor *y = clade_slice(split->labels, 0, begin, end, 1);
    clade_tensor *logits = model_logits(m, x);
    const clade_cross_entropy_params sum = {.reduction = CLADE_REDUCTION_SUM};
    clade_status status = accumulate(loss, clade_cross_entropy(logits, y, &sum));
    if (status != CLADE_OK)
        return status;
    clade_tensor *hits = clade_cast(clade_eq(clade_argmax(logits, 1, false), y), CLADE_I32);
    return accumulate(correct, clade_sum(hits, NULL, 0, false));
}

static clade_status evaluate_into(evaluation *out, const model *m, const dataset_split *split,
                                  clade_tensor *loss, clade_tensor *correct)
{
    clade_context *ctx = clade_tensor_context(loss);
    clade_status status = CLADE_OK;
    for (int64_t begin = 0; begin < split->count && status == CLADE_OK; begin += EVALUATION_BATCH) {
        status = clade_scope_begin(ctx);
        if (status != CLADE_OK)
            return status;
        status = evaluate_batch(m, split, begin, loss, correct);
        clade_status ended = clade_scope_end(ctx);
        status = status == CLADE_OK ? ended : status;
    }
    double loss_sum, hits;
    if (status == CLADE_OK)
        status = accumulator_take(loss, &loss_sum);
    if (status == CLADE_OK)
        status = accumulator_take(correct, &hits);
    if (status == CLADE_OK)
        *out = (evaluation){loss_sum / (double)split->count, 100 * hits / (double)split->count};
    return status;
}

clade_status evaluate(evaluation *out, const model *m, const dataset_split *split)
{
    clade_context *ctx = clade_tensor_context(split->images);
    clade_tensor *loss = NULL, *correct = NULL;
    clade_status status = accumulator_create(&loss, ctx, CLADE_F32);
    if (status == CLADE_OK)
        status = accumulator_create(&correct, ctx, CLADE_I32);
    if (status == CLADE_OK)
        status = evaluate_into(out, m, split, loss, correct);
    clade_tensor_free(&loss);
    clade_tensor_free(&correct);
    return status;
}
