#include "optim/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/shape.h"

const clade_expression clade_optimizer_decay = {"decay", "g + p0 * w", "gw"};

clade_status clade_optimizer_check_values(const char *what, const clade_named_value *values)
{
    for (; values->name; values++) {
        double value = values->value;
        if (!isfinite(value) || value < 0)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s %g: must be finite and not negative",
                              what, values->name, value);
        if (values->below > 0 && value >= values->below)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s %g: must be below %g", what, values->name,
                              value, values->below);
    }
    return CLADE_OK;
}

/* Settings as the caller gave them, completed. */
static clade_status take_settings(clade_optimizer_settings *out, const clade_optimizer_kind *kind,
                                  const void *settings, const char *what)
{
    if (!settings)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: settings is NULL", what);
    memset(out, 0, sizeof *out);
    memcpy(out, settings, kind->settings_size);
    return kind->complete(out, what);
}

/* The update of tensors that are treated alike. */
static clade_status run(const clade_optimizer_kind *kind, clade_tensor *weight, clade_tensor *grad,
                        clade_tensor *const *tensors, const clade_optimizer_settings *settings,
                        const double *numbers, clade_optimizer_hook hook)
{
    if (kind->update)
        return kind->update(weight, grad, tensors, settings, numbers, hook);
    clade_optimizer_state states[CLADE_OPTIMIZER_STATES];
    int count = kind->states(settings, states);
    clade_update update;
    clade_update_init(&update, weight);
    clade_update_add_tensor(&update, 'w', weight, true);
    clade_update_add_tensor(&update, 'g', grad, false);
    for (int i = 0; i < count; i++)
        clade_update_add_tensor(&update, states[i].letter, tensors[i], true);
    kind->assign(&update, settings, numbers);
    if (hook.skip)
        clade_update_unless(&update, hook.skip);
    return clade_update_run(&update, hook.run, hook.user);
}

/* --- optimizers of a set of parameters -------------------------------------------------------- */
static clade_status make_states(clade_optimizer *opt)
{
    clade_optimizer_state states[CLADE_OPTIMIZER_STATES];
    int count = opt->kind->states(&opt->settings, states);
    clade_tensor *flat = clade_params_flat(opt->params);
    for (int i = 0; flat && i < count; i++) {
        CLADE_TRY(clade_tensor_create(&opt->states[i], flat->ctx, flat->dtype, flat->shape));
        CLADE_TRY(clade_tensor_fill(opt->states[i], states[i].start));
    }
    return CLADE_OK;
}

static clade_status make_choices(clade_optimizer *opt)
{
    opt->choices = clade_calloc(opt->count, sizeof *opt->choices);
    opt->ranges = clade_calloc(opt->count, sizeof *opt->ranges);
    if (!opt->choices || !opt->ranges)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < opt->count; i++) {
        const clade_tensor *param = clade_params_get(opt->params, i);
        const clade_optimizer_kind *kind = opt->kind;
        if (kind->choose)
            kind = kind->choose(&opt->settings, clade_params_name(opt->params, i), &param->shape);
        opt->choices[i] = (clade_optimizer_choice){.kind = kind, .lr = 1, .weight_decay = 1};
    }
    return clade_optimizer_divide(opt);
}

clade_status clade_optimizer_create(clade_optimizer **out, clade_params *params,
                                    const clade_optimizer_kind *kind, const void *settings)
{
    char what[32];
    snprintf(what, sizeof what, "%s_create", kind->name);
    if (!out || !params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s is NULL", what, out ? "params" : "out");
    clade_optimizer_settings completed;
    CLADE_TRY(take_settings(&completed, kind, settings, what));
    clade_optimizer *opt = clade_calloc(1, sizeof *opt);
    if (!opt)
        return CLADE_ERR_OUT_OF_MEMORY;
    opt->kind = kind;
    opt->params = params;
    opt->count = clade_params_count(params);
    opt->settings = completed;
    clade_status status = make_states(opt);
    if (status == CLADE_OK)
        status = make_choices(opt);
    if (status != CLADE_OK) {
        clade_optimizer_free(&opt);
        return status;
    }
    *out = opt;
    return CLADE_OK;
}

void clade_optimizer_free(clade_optimizer **opt)
{
    if (!opt || !*opt)
        return;
    clade_optimizer_undivide(*opt);
    for (int i = 0; i < CLADE_OPTIMIZER_STATES; i++)
        clade_tensor_free(&(*opt)->states[i]);
    clade_free((*opt)->choices);
    clade_free((*opt)->ranges);
    clade_free(*opt);
    *opt = NULL;
}

/* The first range counts the step. */
static void begin_range(void *user)
{
    clade_optimizer_range *range = user;
    clade_optimizer *opt = range->opt;
    opt->steps += range == opt->ranges;
    clade_optimizer_settings settings = clade_optimizer_range_settings(range);
    opt->choices[range->first].kind->numbers(range->numbers, &settings, opt->steps - 1);
}

static clade_status step_range(clade_optimizer_range *range)
{
    begin_range(range);
    clade_optimizer_settings settings = clade_optimizer_range_settings(range);
    return run(range->opt->choices[range->first].kind, range->weight, range->grad, range->states,
               &settings, range->numbers,
               (clade_optimizer_hook){begin_range, range, range->opt->skip});
}

clade_status clade_optimizer_step(clade_optimizer *opt)
{
    if (!opt)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "optimizer_step: opt is NULL");
    if (clade_params_count(opt->params) != opt->count)
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "optimizer_step: %zu parameters, %zu when the optimizer was created",
                          clade_params_count(opt->params), opt->count);
    int64_t steps = opt->steps;
    clade_status status = CLADE_OK;
    for (size_t i = 0; i < opt->range_count && status == CLADE_OK; i++)
        status = step_range(&opt->ranges[i]);
    opt->steps = steps + (status == CLADE_OK);
    return status;
}

clade_status clade_optimizer_zero_grad(clade_optimizer *opt)
{
    if (!opt)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "optimizer_zero_grad: opt is NULL");
    return clade_params_zero_grad(opt->params);
}

clade_status clade_optimizer_set_lr(clade_optimizer *opt, double lr)
{
    if (!opt)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "optimizer_set_lr: opt is NULL");
    clade_optimizer_settings settings = opt->settings;
    settings.lr = lr;
    CLADE_TRY(opt->kind->complete(&settings, "optimizer_set_lr"));
    opt->settings = settings;
    return CLADE_OK;
}

double clade_optimizer_lr(const clade_optimizer *opt)
{
    return opt ? opt->settings.lr : 0;
}

int64_t clade_optimizer_steps(const clade_optimizer *opt)
{
    return opt ? opt->steps : 0;
}

/* --- for weights of the user's own ------------------------------------------------------------ */
static clade_status check_operand(const clade_tensor *t, const clade_tensor *weight,
                                  const char *name, const char *what)
{
    if (t->ctx != weight->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: weight and %s have different contexts", what,
                          name);
    if ((weight->dtype != CLADE_F32 && weight->dtype != CLADE_F64) || t->dtype != weight->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: weight %s and %s %s; f32 or f64, alike", what,
                          clade_dtype_name(weight->dtype), name, clade_dtype_name(t->dtype));
    if (!clade_shape_equal(&t->shape, &weight->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the weight is %s, the %s %s", what,
                          clade_shape_str(&weight->shape).s, name, clade_shape_str(&t->shape).s);
    if (!clade_tensor_is_contiguous(t))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the %s %s is not contiguous", what, name,
                          clade_shape_str(&t->shape).s);
    return CLADE_OK;
}

clade_status clade_optimizer_update(const clade_optimizer_kind *kind, clade_tensor *weight,
                                    clade_tensor *grad, clade_tensor *const *tensors,
                                    const void *settings, int64_t steps)
{
    char what[32];
    snprintf(what, sizeof what, "%s_update", kind->name);
    if (!weight || !grad)
        return clade_error_null(what, weight ? "grad" : "weight");
    clade_optimizer_settings completed;
    CLADE_TRY(take_settings(&completed, kind, settings, what));
    if (steps < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %lld steps made", what, (long long)steps);
    CLADE_TRY(check_operand(weight, weight, "weight", what));
    CLADE_TRY(check_operand(grad, weight, "gradient", what));
    clade_optimizer_state states[CLADE_OPTIMIZER_STATES];
    int count = kind->states(&completed, states);
    for (int i = 0; i < count; i++) {
        if (!tensors[i])
            return clade_error_null(what, states[i].name);
        CLADE_TRY(check_operand(tensors[i], weight, states[i].name, what));
    }
    double numbers[CLADE_OPTIMIZER_NUMBERS];
    kind->numbers(numbers, &completed, steps);
    return run(kind, weight, grad, tensors, &completed, numbers, (clade_optimizer_hook){0});
}
