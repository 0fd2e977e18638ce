#include <clade/optim.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ops/sgd_update.h"

struct clade_optimizer {
    clade_params *params;
    size_t count; /* parameters that the set had */
    clade_sgd_params settings;
    clade_tensor *velocity; /* NULL without momentum */
    int64_t steps;
    clade_sgd_numbers numbers; /* of the step that is made */
};

/* Without a velocity. */
static clade_optimizer *make(clade_params *params, const clade_sgd_params *settings)
{
    clade_optimizer *opt = clade_calloc(1, sizeof *opt);
    if (!opt)
        return NULL;
    opt->params = params;
    opt->count = clade_params_count(params);
    opt->settings = *settings;
    return opt;
}

clade_status clade_sgd_create(clade_optimizer **out, clade_params *params,
                              const clade_sgd_params *settings)
{
    if (!out || !params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "sgd_create: %s is NULL", out ? "params" : "out");
    CLADE_TRY(clade_sgd_check(settings, "sgd_create"));
    clade_optimizer *opt = make(params, settings);
    if (!opt)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_tensor *flat = clade_params_flat(params);
    if (flat && settings->momentum > 0) {
        clade_status status =
            clade_tensor_create(&opt->velocity, clade_tensor_context(flat),
                                clade_tensor_dtype(flat), clade_tensor_shape(flat));
        if (status != CLADE_OK) {
            clade_optimizer_free(&opt);
            return status;
        }
    }
    *out = opt;
    return CLADE_OK;
}

void clade_optimizer_free(clade_optimizer **opt)
{
    if (!opt || !*opt)
        return;
    clade_tensor_free(&(*opt)->velocity);
    clade_free(*opt);
    *opt = NULL;
}

static void begin_step(void *user)
{
    clade_optimizer *opt = user;
    opt->numbers = clade_sgd_numbers_of(&opt->settings, opt->steps == 0);
    opt->steps++;
}

clade_status clade_optimizer_step(clade_optimizer *opt)
{
    if (!opt)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "optimizer_step: opt is NULL");
    if (clade_params_count(opt->params) != opt->count)
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "optimizer_step: %zu parameters, %zu when the optimizer was created",
                          clade_params_count(opt->params), opt->count);
    begin_step(opt);
    clade_tensor *flat = clade_params_flat(opt->params);
    clade_status status = CLADE_OK;
    if (flat)
        status = clade_sgd_run(flat, clade_params_flat_grad(opt->params), opt->velocity,
                               &opt->settings, &opt->numbers, begin_step, opt);
    if (status != CLADE_OK)
        opt->steps--;
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
    clade_sgd_params settings = opt->settings;
    settings.lr = lr;
    CLADE_TRY(clade_sgd_check(&settings, "optimizer_set_lr"));
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
