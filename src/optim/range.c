/* Parameters are updated in ranges: neighbours in the flat buffer that are treated alike. */
#include "optim/optimizer.h"

#include <string.h>

#include "base/shape.h"

static bool joins(const clade_optimizer *opt, size_t param)
{
    const clade_optimizer_choice *a = &opt->choices[param - 1], *b = &opt->choices[param];
    return a->kind == b->kind && !a->kind->update && a->lr == b->lr &&
           a->weight_decay == b->weight_decay;
}

/* A window on `flat` from the range's first parameter on. */
static clade_status window(clade_tensor **out, const clade_tensor *flat, const clade_shape *shape,
                           int64_t offset)
{
    int64_t stride[CLADE_MAX_DIMS];
    clade_shape_strides(shape, stride);
    *out = clade_tensor_new_view(flat, shape, stride, offset);
    return *out ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

/* The range of the parameters from `first` up to, not including, `end`. */
static clade_status add_range(clade_optimizer *opt, size_t first, size_t end)
{
    clade_tensor *flat = clade_params_flat(opt->params);
    const clade_tensor *param = clade_params_get(opt->params, first);
    int64_t begin = param->offset;
    int64_t stop = end < opt->count ? clade_params_get(opt->params, end)->offset : flat->numel;
    clade_shape shape = opt->choices[first].kind->update ? param->shape : CLADE_SHAPE(stop - begin);
    clade_optimizer_range *range = &opt->ranges[opt->range_count++];
    *range = (clade_optimizer_range){.opt = opt, .first = first};
    CLADE_TRY(window(&range->weight, flat, &shape, begin));
    CLADE_TRY(window(&range->grad, clade_params_flat_grad(opt->params), &shape, begin));
    for (int i = 0; i < CLADE_OPTIMIZER_STATES && opt->states[i]; i++)
        CLADE_TRY(window(&range->states[i], opt->states[i], &shape, begin));
    return CLADE_OK;
}

clade_status clade_optimizer_divide(clade_optimizer *opt)
{
    clade_optimizer_undivide(opt);
    clade_status status = CLADE_OK;
    for (size_t first = 0, end; first < opt->count && status == CLADE_OK; first = end) {
        for (end = first + 1; end < opt->count && joins(opt, end);)
            end++;
        status = add_range(opt, first, end);
    }
    if (status != CLADE_OK)
        clade_optimizer_undivide(opt);
    return status;
}

void clade_optimizer_undivide(clade_optimizer *opt)
{
    while (opt->range_count) {
        clade_optimizer_range *range = &opt->ranges[--opt->range_count];
        clade_tensor_free(&range->weight);
        clade_tensor_free(&range->grad);
        for (int i = 0; i < CLADE_OPTIMIZER_STATES; i++)
            clade_tensor_free(&range->states[i]);
    }
}

clade_optimizer_settings clade_optimizer_range_settings(const clade_optimizer_range *range)
{
    const clade_optimizer *opt = range->opt;
    const clade_optimizer_choice *choice = &opt->choices[range->first];
    clade_optimizer_settings settings = opt->settings;
    if (opt->kind->adapt)
        opt->kind->adapt(&settings, choice->kind, &range->weight->shape);
    double decay;
    char *place = (char *)&settings + choice->kind->weight_decay;
    memcpy(&decay, place, sizeof decay);
    decay *= choice->weight_decay;
    memcpy(place, &decay, sizeof decay);
    settings.lr *= choice->lr;
    return settings;
}

/* --- groups ----------------------------------------------------------------------------------- */
static clade_status check_factors(const clade_optimizer *opt, double lr, double weight_decay,
                                  const char *what)
{
    if (opt->steps)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %lld updates were made already", what,
                          (long long)opt->steps);
    const clade_named_value values[] = {
        {.name = "lr", .value = lr}, {.name = "weight_decay", .value = weight_decay}, {0}};
    return clade_optimizer_check_values(what, values);
}

clade_status clade_optimizer_set_factors(clade_optimizer *opt, const char *prefix, double lr,
                                         double weight_decay)
{
    if (!opt || !prefix)
        return clade_error_null("optimizer_set_factors", opt ? "prefix" : "opt");
    CLADE_TRY(check_factors(opt, lr, weight_decay, "optimizer_set_factors"));
    size_t found = 0;
    for (size_t i = 0; i < opt->count; i++) {
        if (strncmp(clade_params_name(opt->params, i), prefix, strlen(prefix)) != 0)
            continue;
        opt->choices[i].lr = lr;
        opt->choices[i].weight_decay = weight_decay;
        found++;
    }
    if (!found)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "optimizer_set_factors: no parameter's name starts with \"%s\"", prefix);
    return clade_optimizer_divide(opt);
}

clade_status clade_optimizer_set_param_factors(clade_optimizer *opt, const clade_tensor *param,
                                               double lr, double weight_decay)
{
    if (!opt || !param)
        return clade_error_null("optimizer_set_param_factors", opt ? "param" : "opt");
    CLADE_TRY(check_factors(opt, lr, weight_decay, "optimizer_set_param_factors"));
    for (size_t i = 0; i < opt->count; i++) {
        if (clade_params_get(opt->params, i) != param)
            continue;
        opt->choices[i].lr = lr;
        opt->choices[i].weight_decay = weight_decay;
        return clade_optimizer_divide(opt);
    }
    return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                      "optimizer_set_param_factors: the tensor %s is none of the parameters",
                      clade_shape_str(&param->shape).s);
}
