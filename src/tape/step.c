#include "plan/plan.h"
#include "tensor/context.h"
#include "tensor/tensor.h"
#include "tensor/transfer.h"

#include <clade/autograd.h>
#include <clade/precision.h>
#include <clade/step.h>

#include "base/alloc.h"
#include "base/shape.h"

/* One combination of input shapes and dtypes. */
typedef struct variant {
    clade_tensor *inputs[CLADE_STEP_MAX_INPUTS]; /* the step's own, once it records; else NULL */
    clade_dtype dtype[CLADE_STEP_MAX_INPUTS];
    clade_shape shape[CLADE_STEP_MAX_INPUTS];
    int count;
    clade_plan *plan; /* NULL until the second run */
    struct variant *next;
} variant;

struct clade_step {
    clade_context *ctx;
    clade_step_fn fn;
    void *user;
    clade_step_params params;
    variant *variants;
    const variant *latest; /* the last to get a plan */
    uint64_t eager_runs, replays;
};

clade_status clade_step_create(clade_step **out, clade_context *ctx, clade_step_fn fn, void *user,
                               const clade_step_params *params)
{
    if (!out || !ctx || !fn)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "step_create: %s is NULL",
                          !out   ? "out"
                          : !ctx ? "ctx"
                                 : "fn");
    clade_step *step = clade_calloc(1, sizeof *step);
    if (!step)
        return CLADE_ERR_OUT_OF_MEMORY;
    step->ctx = ctx;
    step->fn = fn;
    step->user = user;
    if (params)
        step->params = *params;
    *out = step;
    return CLADE_OK;
}

void clade_step_free(clade_step **handle)
{
    if (!handle || !*handle)
        return;
    clade_step *step = *handle;
    while (step->variants) {
        variant *v = step->variants;
        step->variants = v->next;
        clade_plan_free(&v->plan);
        for (int i = 0; i < v->count; i++)
            clade_tensor_unref(v->inputs[i]);
        clade_free(v);
    }
    clade_free(step);
    *handle = NULL;
}

/* --- variants --------------------------------------------------------------------------------- */
static bool fits(const variant *v, clade_tensor *const *inputs, int count)
{
    if (v->count != count)
        return false;
    for (int i = 0; i < count; i++)
        if (v->dtype[i] != inputs[i]->dtype || !clade_shape_equal(&v->shape[i], &inputs[i]->shape))
            return false;
    return true;
}

static clade_status add_variant(clade_step *step, clade_tensor *const *inputs, int count)
{
    variant *v = clade_calloc(1, sizeof *v);
    if (!v)
        return CLADE_ERR_OUT_OF_MEMORY;
    v->count = count;
    for (int i = 0; i < count; i++) {
        v->dtype[i] = inputs[i]->dtype;
        v->shape[i] = inputs[i]->shape;
    }
    v->next = step->variants;
    step->variants = v;
    return CLADE_OK;
}

static clade_status copy_inputs(variant *v, clade_tensor *const *inputs)
{
    for (int i = 0; i < v->count; i++)
        CLADE_TRY(clade_tensor_assign(v->inputs[i], inputs[i]));
    return CLADE_OK;
}

static clade_status make_inputs(variant *v, clade_context *ctx)
{
    for (int i = 0; i < v->count; i++) {
        if (!v->inputs[i])
            v->inputs[i] = clade_tensor_new(ctx, v->dtype[i], &v->shape[i], "step_run");
        if (!v->inputs[i])
            return clade_last_error()->status;
    }
    return CLADE_OK;
}

/* --- running ---------------------------------------------------------------------------------- */
/* Calls the function and closes what it left open, so that its temporaries are gone. */
static clade_status call(clade_step *step, clade_tensor *const *inputs, int count)
{
    clade_context *ctx = step->ctx;
    size_t scopes = ctx->scope_count;
    int regions = ctx->autocast_depth;
    step->eager_runs++;
    clade_status status = step->fn(step->user, inputs, count);
    while (ctx->autocast_depth > regions)
        (void)clade_autocast_end(ctx);
    if (ctx->scope_count < scopes)
        return CLADE_FAIL(CLADE_ERR_STATE, "step_run: the function closed a scope of its caller's");
    if (ctx->tape)
        ctx->tape_free(ctx->tape);
    while (ctx->scope_count > scopes)
        clade_scope_pop(ctx);
    return status;
}

static clade_status record(clade_step *step, variant *v, clade_tensor *const *inputs)
{
    CLADE_TRY(make_inputs(v, step->ctx));
    CLADE_TRY(copy_inputs(v, inputs));
    /* What eager runs leave in the pool: a replay works in memory of its own. */
    CLADE_TRY(clade_runtime_trim(step->ctx->runtime));
    clade_recording *recording;
    CLADE_TRY(clade_recording_begin(&recording, step->ctx->runtime));
    clade_casts_forget(step->ctx); /* a copy of before would not be made anew by a replay */
    clade_status status = call(step, v->inputs, v->count);
    clade_casts_forget(step->ctx);
    clade_recording_end(recording);
    if (status != CLADE_OK) {
        clade_recording_free(&recording);
        return status;
    }
    clade_plan_options options = {.no_fusion = step->params.no_fusion};
    CLADE_TRY(clade_plan_create(&v->plan, recording, &options));
    step->latest = v;
    return CLADE_OK;
}

static clade_status replay(clade_step *step, variant *v, clade_tensor *const *inputs)
{
    CLADE_TRY(copy_inputs(v, inputs));
    step->replays++;
    return clade_plan_run(v->plan);
}

static clade_status check_inputs(const clade_step *step, clade_tensor *const *inputs, int count)
{
    if (count < 0 || count > CLADE_STEP_MAX_INPUTS || (count && !inputs))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "step_run: %d inputs; 0 to %d are taken", count,
                          CLADE_STEP_MAX_INPUTS);
    for (int i = 0; i < count; i++) {
        if (!inputs[i])
            return clade_error_null("step_run", "an input");
        if (inputs[i]->ctx != step->ctx)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "step_run: input %d has a different context", i);
    }
    if (step->ctx->tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "step_run: a tape is open");
    if (clade_runtime_is_recording(step->ctx->runtime))
        return CLADE_FAIL(CLADE_ERR_STATE, "step_run: inside another step that is being recorded");
    return CLADE_OK;
}

clade_status clade_step_run(clade_step *step, clade_tensor *const *inputs, int count)
{
    if (!step)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "step_run: step is NULL");
    CLADE_TRY(check_inputs(step, inputs, count));
    if (step->params.eager)
        return call(step, inputs, count);
    for (variant *v = step->variants; v; v = v->next)
        if (fits(v, inputs, count))
            return v->plan ? replay(step, v, inputs) : record(step, v, inputs);
    CLADE_TRY(call(step, inputs, count));
    return add_variant(step, inputs, count);
}

clade_status clade_step_get_info(const clade_step *step, clade_step_info *out)
{
    if (!step || !out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "step_get_info: %s is NULL", step ? "out" : "step");
    *out = (clade_step_info){.eager_runs = step->eager_runs, .replays = step->replays};
    for (const variant *v = step->variants; v; v = v->next)
        out->plans += v->plan != NULL;
    if (step->latest) {
        clade_plan_stats stats = clade_plan_get_stats(step->latest->plan);
        out->recorded = stats.recorded;
        out->launches = stats.launches;
        out->temporary_bytes = stats.temporary_bytes;
    }
    return CLADE_OK;
}
