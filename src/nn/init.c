#include "nn/init.h"

#include <math.h>

#include <clade/random.h>

#include "base/error.h"
#include "base/shape.h"

clade_init clade_init_zeros(void)
{
    return (clade_init){.kind = CLADE_INIT_KIND_ZEROS};
}

clade_init clade_init_constant(double value)
{
    return (clade_init){.kind = CLADE_INIT_KIND_CONSTANT, .a = value};
}

clade_init clade_init_uniform(double low, double high)
{
    return (clade_init){.kind = CLADE_INIT_KIND_UNIFORM, .a = low, .b = high};
}

clade_init clade_init_normal(double mean, double std)
{
    return (clade_init){.kind = CLADE_INIT_KIND_NORMAL, .a = mean, .b = std};
}

clade_init clade_init_kaiming_uniform(double slope)
{
    return (clade_init){.kind = CLADE_INIT_KIND_KAIMING_UNIFORM, .a = slope};
}

/* Copies what `draw` makes of (shape, a, b) into t. */
static clade_status fill_with(clade_tensor *t, double a, double b,
                              clade_tensor *(*draw)(clade_context *, clade_dtype, clade_shape,
                                                    double, double))
{
    clade_context *ctx = clade_tensor_context(t);
    CLADE_TRY(clade_scope_begin(ctx));
    clade_tensor *drawn = draw(ctx, clade_tensor_dtype(t), clade_tensor_shape(t), a, b);
    clade_status status = drawn ? clade_tensor_copy(t, drawn) : clade_last_error()->status;
    (void)clade_scope_end(ctx);
    return status;
}

static clade_status kaiming_uniform(clade_tensor *t, double slope, const char *what,
                                    const char *name)
{
    clade_shape shape = clade_tensor_shape(t);
    if (shape.ndim < 2)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "%s: %s: %s has no fan_in; kaiming_uniform needs two dimensions or more",
                          what, name, clade_shape_str(&shape).s);
    if (!isfinite(slope))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s: kaiming_uniform with slope %g", what, name,
                          slope);
    if (!clade_tensor_numel(t))
        return CLADE_OK;
    double fan_in = (double)(clade_tensor_numel(t) / shape.dim[0]);
    double bound = sqrt(6 / ((1 + slope * slope) * fan_in));
    return fill_with(t, -bound, bound, clade_uniform);
}

clade_status clade_init_apply(clade_tensor *t, const clade_init *init, const char *what,
                              const char *name)
{
    switch (init->kind) {
    case CLADE_INIT_KIND_ZEROS:
        return clade_tensor_fill(t, 0);
    case CLADE_INIT_KIND_CONSTANT:
        return clade_tensor_fill(t, init->a);
    case CLADE_INIT_KIND_UNIFORM:
        return fill_with(t, init->a, init->b, clade_uniform);
    case CLADE_INIT_KIND_NORMAL:
        return fill_with(t, init->a, init->b, clade_normal);
    case CLADE_INIT_KIND_KAIMING_UNIFORM:
        return kaiming_uniform(t, init->a, what, name);
    }
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s: %d is no kind of initialisation", what, name,
                      (int)init->kind);
}
