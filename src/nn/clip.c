#include <math.h>

#include "base/error.h"
#include "nn/params.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

/* NaN stays: it compares false. */
static const clade_expression factor_expression = {
    "clip_factor", "p0 >= sqrt(s) + 1e-6 ? (T)1 : p0 / (sqrt(s) + 1e-6)", "s"};
static const clade_expression scale_expression = {"clip_scale", "g * f", "gf"};
static const clade_expression value_expression = {"clip_value", "g > p0 ? p0 : g < -p0 ? -p0 : g",
                                                  "g"};

static clade_status check(const clade_params *params, double limit, const char *what,
                          const char *name)
{
    if (!params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: params is NULL", what);
    if (isnan(limit) || limit < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s %g: must not be negative", what, name, limit);
    return CLADE_OK;
}

static clade_status read_norm(double *norm, const clade_tensor *sum)
{
    float square;
    CLADE_TRY(clade_tensor_read(sum, &square, sizeof square));
    *norm = sqrt((double)square);
    return CLADE_OK;
}

/* `sum` is there for the sum of squares, and then for the factor. */
static clade_status clip_norm(clade_tensor *grad, clade_tensor *sum, double max_norm,
                              double *total_norm)
{
    CLADE_TRY(clade_reduce(sum, grad, 1u << 0, CLADE_REDUCE_SUM_OF_SQUARES, 1));
    if (total_norm)
        CLADE_TRY(read_norm(total_norm, sum));
    CLADE_TRY(clade_elementwise(&factor_expression, sum->dtype, sum, &sum, 1, &max_norm, 1));
    clade_tensor *inputs[] = {grad, sum};
    return clade_elementwise(&scale_expression, grad->dtype, grad, inputs, 2, NULL, 0);
}

clade_status clade_params_clip_grad_norm(clade_params *params, double max_norm, double *total_norm)
{
    CLADE_TRY(check(params, max_norm, "params_clip_grad_norm", "max_norm"));
    if (total_norm)
        *total_norm = 0;
    if (!params->flat_grad)
        return CLADE_OK;
    const clade_shape scalar = clade_shape_scalar();
    clade_tensor *sum =
        clade_tensor_new(params->ctx, params->flat_grad->dtype, &scalar, "params_clip_grad_norm");
    if (!sum)
        return clade_last_error()->status;
    clade_status status = clip_norm(params->flat_grad, sum, max_norm, total_norm);
    clade_tensor_unref(sum);
    return status;
}

clade_status clade_params_clip_grad_value(clade_params *params, double limit)
{
    CLADE_TRY(check(params, limit, "params_clip_grad_value", "limit"));
    clade_tensor *grad = params->flat_grad;
    if (!grad)
        return CLADE_OK;
    return clade_elementwise(&value_expression, grad->dtype, grad, &grad, 1, &limit, 1);
}
