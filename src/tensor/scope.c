#include "tensor/context.h"
#include "tensor/tensor.h"

#include "base/alloc.h"

clade_status clade_scope_begin(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "scope_begin: ctx is NULL");
    clade_error_clear();
    return clade_scope_push(ctx);
}

clade_status clade_scope_push(clade_context *ctx)
{
    if (!clade_grow((void **)&ctx->marks, &ctx->mark_capacity, ctx->scope_count + 1,
                    sizeof *ctx->marks))
        return CLADE_ERR_OUT_OF_MEMORY;
    ctx->marks[ctx->scope_count++] = ctx->scoped_count;
    return CLADE_OK;
}

void clade_scope_pop(clade_context *ctx)
{
    size_t start = ctx->marks[--ctx->scope_count];
    while (ctx->scoped_count > start)
        clade_tensor_unref(ctx->scoped[--ctx->scoped_count]);
}

void clade_casts_forget(clade_context *ctx)
{
    while (ctx->cast_count) {
        clade_cast_copy *last = &ctx->casts[--ctx->cast_count];
        clade_tensor_unref(last->source);
        clade_tensor_unref(last->copy);
    }
}

clade_status clade_scope_end(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "scope_end: ctx is NULL");
    if (!ctx->scope_count)
        return CLADE_FAIL(CLADE_ERR_STATE, "scope_end: no scope is open");
    if (ctx->tape && ctx->tape_scope == ctx->scope_count - 1)
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "scope_end: the innermost scope is a tape; clade_tape_end closes it");
    clade_scope_pop(ctx);
    return CLADE_OK;
}

clade_status clade_scope_require(const clade_context *ctx, const char *what)
{
    if (ctx->scope_count)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_STATE,
                      "%s: no open scope to hold the result; call clade_scope_begin or "
                      "clade_tape_begin first",
                      what);
}

clade_tensor *clade_scope_adopt(clade_context *ctx, clade_tensor *t)
{
    if (!t)
        return NULL;
    if (clade_scope_require(ctx, "compute") != CLADE_OK ||
        !clade_grow((void **)&ctx->scoped, &ctx->scoped_capacity, ctx->scoped_count + 1,
                    sizeof *ctx->scoped)) {
        clade_tensor_unref(t);
        return NULL;
    }
    ctx->scoped[ctx->scoped_count++] = t;
    return t;
}
