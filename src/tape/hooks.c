/* Functions of the user's that see a gradient on its way. */
#include "tape/tape.h"

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/shape.h"

clade_status clade_tensor_register_hook(clade_tensor *t, clade_tensor_hook_fn fn, void *user,
                                        int *id)
{
    if (!t)
        return clade_error_null("register_hook", "tensor");
    if (!fn)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "register_hook: fn is NULL");
    if (!t->requires_grad)
        return CLADE_FAIL(CLADE_ERR_STATE, "register_hook: %s requires no gradient",
                          clade_shape_str(&t->shape).s);
    clade_hook *hook = clade_calloc(1, sizeof *hook);
    if (!hook)
        return CLADE_ERR_OUT_OF_MEMORY;
    *hook = (clade_hook){.fn = fn, .user = user, .id = ++t->last_hook};
    clade_hook **end = &t->hooks;
    while (*end)
        end = &(*end)->next;
    *end = hook;
    if (id)
        *id = hook->id;
    return CLADE_OK;
}

clade_status clade_tensor_remove_hook(clade_tensor *t, int id)
{
    if (!t)
        return clade_error_null("remove_hook", "tensor");
    for (clade_hook **at = &t->hooks; *at; at = &(*at)->next) {
        clade_hook *hook = *at;
        if (hook->id != id)
            continue;
        *at = hook->next;
        clade_free(hook);
        return CLADE_OK;
    }
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "remove_hook: %s has no hook %d",
                      clade_shape_str(&t->shape).s, id);
}

/* A hook may remove hooks. */
static const clade_hook *hook_after(const clade_tensor *t, int id)
{
    const clade_hook *hook = t->hooks;
    while (hook && hook->id <= id)
        hook = hook->next;
    return hook;
}

clade_tensor *clade_hooks_run(clade_tensor *t, clade_tensor *grad)
{
    int id = 0;
    for (const clade_hook *hook; (hook = hook_after(t, id));) {
        id = hook->id;
        grad = hook->fn(hook->user, grad);
        if (!grad) {
            (void)clade_error_null("backward", "what a hook returned");
            return NULL;
        }
        if (clade_gradient_check(t, grad, "backward: what a hook returned") != CLADE_OK)
            return NULL;
    }
    return grad;
}
