#include "tensor/context.h"
#include "tensor/tensor.h"

#include "base/alloc.h"

clade_status clade_context_create(clade_context **out, const clade_context_params *params)
{
    if (!out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "context_create: out is NULL");
    *out = NULL;
    const clade_context_params defaults = {0};
    if (!params)
        params = &defaults;
    clade_context *ctx = clade_calloc(1, sizeof *ctx);
    if (!ctx)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_runtime_create(&ctx->runtime, params);
    if (status != CLADE_OK) {
        clade_free(ctx);
        return status;
    }
    ctx->seed = params->seed;
    *out = ctx;
    return CLADE_OK;
}

void clade_context_free(clade_context **ctx)
{
    if (!ctx || !*ctx)
        return;
    clade_context *c = *ctx;
    if (c->tape)
        c->tape_free(c->tape);
    while (c->scope_count)
        clade_scope_pop(c);
    clade_casts_forget(c);
    clade_free(c->casts);
    clade_runtime_free(&c->runtime);
    if (c->formulas)
        c->formulas_free(c->formulas);
    clade_free(c->scoped);
    clade_free(c->marks);
    clade_free(c);
    *ctx = NULL;
}

const clade_device_info *clade_context_device(const clade_context *ctx)
{
    return ctx ? clade_runtime_device(ctx->runtime) : NULL;
}

clade_status clade_context_finish(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "context_finish: ctx is NULL");
    return clade_runtime_finish(ctx->runtime);
}

clade_status clade_manual_seed(clade_context *ctx, uint64_t seed)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "manual_seed: ctx is NULL");
    ctx->seed = seed;
    ctx->draws = 0;
    return CLADE_OK;
}

clade_status clade_context_memory(const clade_context *ctx, clade_memory_stats *out)
{
    if (!ctx || !out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "context_memory: %s is NULL", ctx ? "out" : "ctx");
    clade_runtime_memory(ctx->runtime, out);
    return CLADE_OK;
}

const char *clade_context_tuning_path(const clade_context *ctx)
{
    return ctx ? clade_runtime_tuning_path(ctx->runtime) : NULL;
}

clade_status clade_context_trim(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "context_trim: ctx is NULL");
    return clade_runtime_trim(ctx->runtime);
}
