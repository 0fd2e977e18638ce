/* Second derivatives, as the first derivatives of the function that computes the first ones. */
#include "tape/tape.h"

#include <clade/autograd.h>
#include <clade/ops.h>

#include "base/alloc.h"
#include "base/shape.h"

typedef struct second {
    clade_gradcheck_fn fn;
    void *user;
    clade_context *ctx;
    clade_tensor **grads; /* room for one per input */
} second;

/* The gradients laid end to end, of fn's result with the last input arriving there. */
static clade_tensor *differentiate(second *s, clade_tensor *const *inputs, int count)
{
    const clade_grad_params params = {.create_graph = true, .allow_unused = true};
    clade_tensor *out = s->fn(s->user, inputs, count), *arriving = inputs[count];
    if (!out) {
        (void)clade_error_null("gradgradcheck", "the function's result");
        return NULL;
    }
    if (clade_grad(s->grads, &out, &arriving, 1, inputs, count, &params) != CLADE_OK)
        return NULL;
    int used = 0;
    for (int i = 0; i < count; i++)
        if (s->grads[i])
            s->grads[used++] = clade_reshape(s->grads[i], CLADE_SHAPE(s->grads[i]->numel));
    if (used)
        return clade_concat(s->grads, used, 0);
    (void)CLADE_FAIL(CLADE_ERR_STATE, "gradgradcheck: the result depends on no input");
    return NULL;
}

/* As clade_gradcheck calls it, with a tape open or without. */
static clade_tensor *gradients(void *user, clade_tensor *const *inputs, int count)
{
    second *s = user;
    if (s->ctx->tape)
        return differentiate(s, inputs, count - 1);
    if (clade_tape_begin(s->ctx) != CLADE_OK)
        return NULL;
    size_t depth = s->ctx->scope_count;
    clade_tensor *out = clade_tensor_retain(differentiate(s, inputs, count - 1));
    while (s->ctx->scope_count > depth)
        clade_scope_pop(s->ctx);
    (void)clade_tape_end(s->ctx);
    return clade_scope_adopt(s->ctx, out);
}

/* A leaf like fn's result, to arrive there: of both signs and never 0. */
static clade_status make_arriving(second *s, clade_tensor *const *inputs, int count,
                                  clade_tensor **arriving)
{
    CLADE_TRY(clade_scope_begin(s->ctx));
    size_t depth = s->ctx->scope_count;
    clade_tensor *out = s->fn(s->user, inputs, count);
    clade_status status = out ? CLADE_OK : clade_error_null("gradgradcheck", "the result");
    if (out)
        status = clade_tensor_create(arriving, s->ctx, out->dtype, out->shape);
    while (s->ctx->scope_count >= depth)
        clade_scope_pop(s->ctx);
    CLADE_TRY(status);
    double *value = clade_calloc((size_t)(*arriving)->numel, sizeof *value);
    if (!value)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < (*arriving)->numel; i++)
        value[i] = ((double)((i * 37 + 11) % 22) - 10.5) / 8;
    status = clade_tensor_write(*arriving, value, (size_t)(*arriving)->numel * sizeof *value);
    clade_free(value);
    return status == CLADE_OK ? clade_tensor_set_requires_grad(*arriving, true) : status;
}

static clade_status check(second *s, clade_tensor *const *inputs, int count,
                          const clade_gradcheck_params *params, clade_gradcheck_result *result)
{
    clade_tensor **all = clade_calloc((size_t)count + 1, sizeof *all), *arriving = NULL;
    s->grads = clade_calloc((size_t)count, sizeof *s->grads);
    clade_status status = all && s->grads ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
    if (status == CLADE_OK)
        status = make_arriving(s, inputs, count, &arriving);
    if (status == CLADE_OK) {
        for (int i = 0; i < count; i++)
            all[i] = inputs[i];
        all[count] = arriving;
        status = clade_gradcheck(gradients, s, all, count + 1, params, result);
    }
    clade_tensor_free(&arriving);
    clade_free(all);
    clade_free(s->grads);
    return status;
}

clade_status clade_gradgradcheck(clade_gradcheck_fn fn, void *user, clade_tensor *const *inputs,
                                 int count, const clade_gradcheck_params *params,
                                 clade_gradcheck_result *result)
{
    if (!fn || !inputs || count < 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "gradgradcheck: %s",
                          !fn ? "fn is NULL" : "there are no inputs");
    for (int i = 0; i < count; i++)
        if (!inputs[i])
            return clade_error_null("gradgradcheck", "an input");
    second s = {.fn = fn, .user = user, .ctx = inputs[0]->ctx};
    if (s.ctx->tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "gradgradcheck: a tape is open");
    return check(&s, inputs, count, params, result);
}
