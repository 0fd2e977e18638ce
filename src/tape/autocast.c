/* Autocast regions: ops get their inputs in the dtype that suits them. Which ops those are, the ops
 * layer says (clade_autocast_narrow and the others). */
#include "tape/tape.h"

#include <clade/ops.h>
#include <clade/precision.h>

#include "base/alloc.h"

#include <string.h>

clade_status clade_autocast_begin(clade_context *ctx, clade_dtype dtype)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "autocast_begin: ctx is NULL");
    if (dtype != CLADE_F16 && dtype != CLADE_BF16 && dtype != CLADE_F32)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "autocast_begin: %s is none of f16, bf16 and f32",
                          clade_dtype_name(dtype));
    if (ctx->autocast_depth == CLADE_AUTOCAST_NESTING)
        return CLADE_FAIL(CLADE_ERR_STATE, "autocast_begin: %d regions are open",
                          CLADE_AUTOCAST_NESTING);
    ctx->outer_autocast[ctx->autocast_depth++] = ctx->autocast;
    ctx->autocast = dtype;
    return CLADE_OK;
}

clade_status clade_autocast_end(clade_context *ctx)
{
    if (!ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "autocast_end: ctx is NULL");
    if (!ctx->autocast_depth)
        return CLADE_FAIL(CLADE_ERR_STATE, "autocast_end: no region is open");
    ctx->autocast = ctx->outer_autocast[--ctx->autocast_depth];
    if (!ctx->autocast_depth)
        clade_casts_forget(ctx);
    return CLADE_OK;
}

/* --- what becomes of an input ------------------------------------------------------------------
 */
static bool is_listed(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

static bool is_half(clade_dtype dtype)
{
    return dtype == CLADE_F16 || dtype == CLADE_BF16;
}

/* Whether f32 and 16-bit floats meet. */
static bool is_mixed(clade_tensor *const *inputs, int count)
{
    bool single = false, half = false;
    for (int i = 0; i < count; i++) {
        single = single || inputs[i]->dtype == CLADE_F32;
        half = half || is_half(inputs[i]->dtype);
    }
    return single && half;
}

/* --- copies of parameters, made once per region ------------------------------------------------
 */
/* Whether a copy serves here: a tape that is open must have recorded how it was made. */
static bool serves(const clade_cast_copy *c, const clade_tensor *t, clade_dtype dtype)
{
    bool recorded = c->copy->node || !t->ctx->tape || t->ctx->no_grad_depth;
    return c->source == t && c->copy->dtype == dtype && c->version == t->storage->version &&
           recorded;
}

static clade_tensor *kept_copy(const clade_tensor *t, clade_dtype dtype)
{
    const clade_context *ctx = t->ctx;
    for (size_t i = 0; i < ctx->cast_count; i++)
        if (serves(&ctx->casts[i], t, dtype))
            return ctx->casts[i].copy;
    return NULL;
}

static clade_status keep_copy(clade_tensor *t, clade_tensor *copy)
{
    clade_context *ctx = t->ctx;
    size_t i = 0;
    while (i < ctx->cast_count &&
           (ctx->casts[i].source != t || ctx->casts[i].copy->dtype != copy->dtype))
        i++;
    if (i < ctx->cast_count) {
        clade_tensor_unref(ctx->casts[i].copy);
    } else {
        if (!clade_grow((void **)&ctx->casts, &ctx->cast_capacity, i + 1, sizeof *ctx->casts))
            return CLADE_ERR_OUT_OF_MEMORY;
        ctx->cast_count++;
        ctx->casts[i].source = clade_tensor_ref(t);
    }
    ctx->casts[i].copy = clade_tensor_ref(copy);
    ctx->casts[i].version = t->storage->version;
    return CLADE_OK;
}

/* t in the dtype; a parameter's copy is kept. NULL with the error set. */
static clade_tensor *cast_to(clade_tensor *t, clade_dtype dtype)
{
    bool is_parameter = t->requires_grad && !t->node && t->dtype == CLADE_F32;
    clade_tensor *copy = is_parameter ? kept_copy(t, dtype) : NULL;
    if (copy)
        return copy;
    copy = clade_cast(t, dtype);
    if (copy && is_parameter && keep_copy(t, copy) != CLADE_OK)
        return NULL;
    return copy;
}

clade_tensor *clade_autocast_input(clade_tensor *t)
{
    clade_dtype region = t->ctx->autocast;
    bool casts = region != CLADE_F32 && region != t->dtype;
    return casts && (t->dtype == CLADE_F32 || is_half(t->dtype)) ? cast_to(t, region) : t;
}

clade_status clade_autocast_inputs(const clade_op *op, clade_tensor *const *inputs, int count,
                                   clade_tensor **cast)
{
    bool narrow = is_listed(clade_autocast_narrow, op->name);
    bool own = !narrow && is_listed(clade_autocast_own, op->name);
    bool wide =
        !narrow && !own && (is_listed(clade_autocast_wide, op->name) || is_mixed(inputs, count));
    for (int i = 0; i < count; i++) {
        clade_dtype dtype = inputs[i]->dtype;
        cast[i] = inputs[i];
        if (narrow)
            cast[i] = clade_autocast_input(inputs[i]);
        else if (wide && is_half(dtype))
            cast[i] = cast_to(inputs[i], CLADE_F32);
        if (!cast[i])
            return clade_last_error()->status;
    }
    return CLADE_OK;
}
