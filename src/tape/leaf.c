/* What a tensor itself knows of gradients, and letting go of them. */
#include "tape/tape.h"

#include <clade/autograd.h>

#include "base/shape.h"

clade_status clade_tensor_set_requires_grad(clade_tensor *t, bool requires_grad)
{
    if (!t)
        return clade_error_null("set_requires_grad", "tensor");
    if (t->node)
        return CLADE_FAIL(CLADE_ERR_STATE, "set_requires_grad: %s is the result of %s, not a leaf",
                          clade_shape_str(&t->shape).s, t->node->op->name);
    if (!clade_dtype_is_float(t->dtype))
        return CLADE_FAIL(CLADE_ERR_DTYPE, "set_requires_grad: %s has no gradients",
                          clade_dtype_name(t->dtype));
    t->requires_grad = requires_grad;
    return CLADE_OK;
}

bool clade_tensor_requires_grad(const clade_tensor *t)
{
    return t && t->requires_grad;
}

clade_tensor *clade_tensor_grad(const clade_tensor *t)
{
    return t ? t->grad : NULL;
}

clade_status clade_gradient_check(const clade_tensor *t, const clade_tensor *grad, const char *what)
{
    if (grad->ctx != t->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: gradient and tensor have different contexts",
                          what);
    if (grad->dtype != t->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the gradient is %s, the tensor %s", what,
                          clade_dtype_name(grad->dtype), clade_dtype_name(t->dtype));
    if (!clade_shape_equal(&grad->shape, &t->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the gradient is %s, the tensor %s", what,
                          clade_shape_str(&grad->shape).s, clade_shape_str(&t->shape).s);
    return CLADE_OK;
}

clade_status clade_tensor_set_grad(clade_tensor *t, clade_tensor *grad)
{
    if (!t)
        return clade_error_null("set_grad", "tensor");
    if (grad) {
        CLADE_TRY(clade_gradient_check(t, grad, "set_grad"));
        clade_tensor_ref(grad);
    }
    clade_tensor_unref(t->grad);
    t->grad = grad;
    return CLADE_OK;
}

clade_status clade_tensor_zero_grad(clade_tensor *t)
{
    if (!t)
        return clade_error_null("zero_grad", "tensor");
    return t->grad ? clade_tensor_fill(t->grad, 0) : CLADE_OK;
}

clade_tensor *clade_detach(clade_tensor *x)
{
    if (!x) {
        (void)clade_error_null("detach", "an input");
        return NULL;
    }
    if (clade_scope_require(x->ctx, "detach") != CLADE_OK)
        return NULL;
    return clade_scope_adopt(x->ctx, clade_tensor_new_view(x, &x->shape, x->stride, x->offset));
}
