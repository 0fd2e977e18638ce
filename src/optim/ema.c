#include "optim/ema.h"

#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/update.h"

static const clade_expression average = {"ema_average", "p0 * e + p1 * w", "ew"};
static const clade_expression kept = {"ema_kept", "w", "w"};
static const clade_expression as_average = {"ema_in", "e", "e"};
static const clade_expression as_kept = {"ema_out", "t", "t"};

clade_status clade_ema_create(clade_ema **out, clade_params *params, double decay)
{
    if (!out || !params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "ema_create: %s is NULL", out ? "params" : "out");
    if (!(decay >= 0 && decay < 1))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "ema_create: decay %g: must be in [0, 1)", decay);
    clade_ema *ema = clade_calloc(1, sizeof *ema);
    if (!ema)
        return CLADE_ERR_OUT_OF_MEMORY;
    *ema = (clade_ema){.params = params, .count = clade_params_count(params), .decay = decay};
    clade_tensor *flat = clade_params_flat(params);
    clade_status status = CLADE_OK;
    if (flat)
        status = clade_tensor_create(&ema->average, flat->ctx, flat->dtype, flat->shape);
    if (flat && status == CLADE_OK)
        status = clade_tensor_copy(ema->average, flat);
    if (status != CLADE_OK) {
        clade_ema_free(&ema);
        return status;
    }
    *out = ema;
    return CLADE_OK;
}

void clade_ema_free(clade_ema **ema)
{
    if (!ema || !*ema)
        return;
    clade_tensor_free(&(*ema)->average);
    clade_free(*ema);
    *ema = NULL;
}

static clade_status check(const clade_ema *ema, const char *what)
{
    if (!ema)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: ema is NULL", what);
    if (clade_params_count(ema->params) != ema->count)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %zu parameters, %zu when the average was created",
                          what, clade_params_count(ema->params), ema->count);
    return CLADE_OK;
}

static void begin_update(void *user)
{
    clade_ema *ema = user;
    ema->keep = ema->updates ? ema->decay : 0;
    ema->take = 1 - ema->keep;
    ema->updates++;
}

clade_status clade_ema_update(clade_ema *ema)
{
    CLADE_TRY(check(ema, "ema_update"));
    if (ema->swapped)
        return CLADE_FAIL(CLADE_ERR_STATE, "ema_update: the average is swapped in");
    begin_update(ema);
    if (!ema->average)
        return CLADE_OK;
    clade_update update;
    clade_update_init(&update, ema->average);
    clade_update_add_tensor(&update, 'e', ema->average, true);
    clade_update_add_tensor(&update, 'w', clade_params_flat(ema->params), false);
    clade_update_assign(&update, 'e', &average, &ema->keep, &ema->take);
    clade_status status = clade_update_run(&update, begin_update, ema);
    ema->updates -= status != CLADE_OK;
    return status;
}

clade_status clade_ema_swap(clade_ema *ema)
{
    CLADE_TRY(check(ema, "ema_swap"));
    if (ema->average) {
        clade_update update;
        clade_update_init(&update, ema->average);
        clade_update_add_tensor(&update, 'e', ema->average, true);
        clade_update_add_tensor(&update, 'w', clade_params_flat(ema->params), true);
        clade_update_assign(&update, 't', &kept, NULL, NULL);
        clade_update_assign(&update, 'w', &as_average, NULL, NULL);
        clade_update_assign(&update, 'e', &as_kept, NULL, NULL);
        CLADE_TRY(clade_update_run(&update, NULL, NULL));
    }
    ema->swapped = !ema->swapped;
    return CLADE_OK;
}

bool clade_ema_swapped(const clade_ema *ema)
{
    return ema && ema->swapped;
}

int64_t clade_ema_updates(const clade_ema *ema)
{
    return ema ? ema->updates : 0;
}
