/* One launch updates all weights and their velocity. It is an elementwise call of a few stages, so
 * that a recorded step can fuse it with its neighbours. */
#include "ops/sgd_update.h"

#include <math.h>

#include "base/shape.h"
#include "runtime/record.h"
#include "tensor/elementwise.h"

enum { WEIGHT, GRAD, VELOCITY };

static const clade_expression decay_expression = {"sgd_decay", "g + p0 * w", "gw"};
static const clade_expression velocity_expression = {"sgd_velocity",
                                                     "p0 == 0 ? p1 * g : p0 * v + p1 * g", "gv"};
static const clade_expression nesterov_expression = {"sgd_nesterov", "g + p0 * v", "gv"};
static const clade_expression weight_expression = {"sgd_weight", "w - p0 * g", "wg"};

clade_sgd_numbers clade_sgd_numbers_of(const clade_sgd_params *settings, bool first)
{
    return (clade_sgd_numbers){.lr = settings->lr,
                               .weight_decay = settings->weight_decay,
                               .keep = first ? 0 : settings->momentum,
                               .take = first ? 1 : 1 - settings->dampening,
                               .ahead = settings->momentum};
}

static bool sound(double value)
{
    return isfinite(value) && value >= 0;
}

clade_status clade_sgd_check(const clade_sgd_params *settings, const char *what)
{
    if (!settings)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: settings is NULL", what);
    if (!sound(settings->lr) || !sound(settings->momentum) || !sound(settings->weight_decay) ||
        !isfinite(settings->dampening))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "%s: lr %g, momentum %g, dampening %g, weight_decay %g: each must be "
                          "finite, and all but dampening not negative",
                          what, settings->lr, settings->momentum, settings->dampening,
                          settings->weight_decay);
    if (settings->nesterov && (settings->momentum == 0 || settings->dampening != 0))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "%s: nesterov needs momentum above 0 and dampening 0, not %g and %g",
                          what, settings->momentum, settings->dampening);
    return CLADE_OK;
}

/* --- the call --------------------------------------------------------------------------------- */
static void add_operand(clade_elementwise_call *call, const clade_tensor *t)
{
    call->operand[call->operands++] = (clade_operand){
        .buffer = t->storage->buffer, .dtype = t->dtype, .offset = t->offset, .stride = {1}};
}

/* Adds a stage of two inputs and returns what names its value as an input. */
static int add_stage(clade_elementwise_call *call, const clade_expression *expression, int first,
                     int second, int output, const double *p0)
{
    call->stage[call->stages] = (clade_stage){.expression = *expression,
                                              .compute = call->operand[WEIGHT].dtype,
                                              .dtype = call->operand[WEIGHT].dtype,
                                              .count = 2,
                                              .input = {first, second},
                                              .output = output,
                                              .param = {*p0},
                                              .source = {p0}};
    return -1 - call->stages++;
}

static int add_velocity(clade_elementwise_call *call, int g, bool nesterov,
                        const clade_sgd_numbers *numbers)
{
    int v = add_stage(call, &velocity_expression, g, VELOCITY, VELOCITY, &numbers->keep);
    clade_stage *stage = &call->stage[call->stages - 1];
    stage->param[1] = numbers->take;
    stage->source[1] = &numbers->take;
    return nesterov ? add_stage(call, &nesterov_expression, g, v, -1, &numbers->ahead) : v;
}

static void forget_sources(clade_elementwise_call *call)
{
    for (int s = 0; s < call->stages; s++)
        for (int p = 0; p < CLADE_EXPRESSION_PARAMS; p++)
            call->stage[s].source[p] = NULL;
}

clade_status clade_sgd_run(clade_tensor *weight, clade_tensor *grad, clade_tensor *velocity,
                           const clade_sgd_params *settings, const clade_sgd_numbers *numbers,
                           void (*next)(void *user), void *user)
{
    clade_elementwise_call call = {.shape = CLADE_SHAPE(weight->numel)};
    bool has_velocity = settings->momentum > 0;
    add_operand(&call, weight);
    add_operand(&call, grad);
    if (has_velocity)
        add_operand(&call, velocity);
    int g = GRAD;
    if (settings->weight_decay > 0)
        g = add_stage(&call, &decay_expression, g, WEIGHT, -1, &numbers->weight_decay);
    if (has_velocity)
        g = add_velocity(&call, g, settings->nesterov, numbers);
    add_stage(&call, &weight_expression, WEIGHT, g, WEIGHT, &numbers->lr);
    clade_runtime *rt = clade_tensor_runtime(weight);
    if (next)
        CLADE_TRY(clade_recording_add_hook(rt, next, user, false));
    else
        forget_sources(&call);
    CLADE_TRY(clade_elementwise_run(rt, &call));
    clade_tensor_touch(weight);
    if (has_velocity)
        clade_tensor_touch(velocity);
    return CLADE_OK;
}

/* --- for weights of the user's own ------------------------------------------------------------ */
static clade_status check_operand(const clade_tensor *t, const clade_tensor *weight,
                                  const char *which)
{
    if (t->ctx != weight->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "sgd_update: weight and %s have different contexts",
                          which);
    if (!clade_dtype_is_float(weight->dtype) || t->dtype != weight->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "sgd_update: weight %s and %s %s; f32 or f64, alike",
                          clade_dtype_name(weight->dtype), which, clade_dtype_name(t->dtype));
    if (!clade_shape_equal(&t->shape, &weight->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "sgd_update: the weight is %s, the %s %s",
                          clade_shape_str(&weight->shape).s, which, clade_shape_str(&t->shape).s);
    if (!clade_tensor_is_contiguous(t))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "sgd_update: the %s %s is not contiguous", which,
                          clade_shape_str(&t->shape).s);
    return CLADE_OK;
}

clade_status clade_sgd_update(clade_tensor *weight, clade_tensor *grad, clade_tensor *velocity,
                              const clade_sgd_params *settings, bool first)
{
    if (!weight || !grad)
        return clade_error_null("sgd_update", weight ? "grad" : "weight");
    CLADE_TRY(clade_sgd_check(settings, "sgd_update"));
    CLADE_TRY(check_operand(weight, weight, "weight"));
    CLADE_TRY(check_operand(grad, weight, "gradient"));
    if (settings->momentum > 0 && !velocity)
        return clade_error_null("sgd_update", "velocity");
    if (settings->momentum > 0)
        CLADE_TRY(check_operand(velocity, weight, "velocity"));
    clade_sgd_numbers numbers = clade_sgd_numbers_of(settings, first);
    return clade_sgd_run(weight, grad, velocity, settings, &numbers, NULL, NULL);
}
