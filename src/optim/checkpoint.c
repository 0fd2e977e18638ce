#include <clade/checkpoint.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <clade/io.h>

#include "base/alloc.h"
#include "base/shape.h"
#include "optim/ema.h"
#include "optim/loss_scaler.h"
#include "optim/optimizer.h"

#define MAX_FLATS (3 + CLADE_OPTIMIZER_STATES)

/* A flat buffer that goes into the file parameter by parameter. */
typedef struct flat_part {
    clade_tensor *tensor;
    float *host;
} flat_part;

/* Everything in the file, as arrays whose data the contents own. */
typedef struct contents {
    const clade_checkpoint *checkpoint;
    clade_context *ctx;
    flat_part flats[MAX_FLATS];
    size_t flat_count;
    double optimizer_steps, ema_updates;
    double random[4]; /* seed and draws, low and high words */
    double scaler[CLADE_LOSS_SCALER_STATES];
    clade_array *arrays;
    size_t count, capacity;
} contents;

static const char *kind_name(const clade_checkpoint *checkpoint)
{
    return checkpoint->optimizer ? checkpoint->optimizer->kind->name : "none";
}

static clade_status check_part(const clade_checkpoint *c, const char *name,
                               const clade_params *params, size_t count, const char *what)
{
    if (params != c->params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the %s has other parameters", what, name);
    if (count != clade_params_count(params))
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %zu parameters, %zu when the %s was created", what,
                          clade_params_count(params), count, name);
    return CLADE_OK;
}

static clade_status check(const clade_checkpoint *c, const char *path, const char *what)
{
    if (!c || !path)
        return clade_error_null(what, c ? "path" : "checkpoint");
    if (!c->params)
        return clade_error_null(what, "params");
    if (c->optimizer)
        CLADE_TRY(check_part(c, "optimizer", c->optimizer->params, c->optimizer->count, what));
    if (c->ema)
        CLADE_TRY(check_part(c, "average", c->ema->params, c->ema->count, what));
    if (c->ema && c->ema->swapped)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: the average is swapped in", what);
    for (size_t i = 0; i < c->number_count; i++)
        if (!c->numbers || !c->numbers[i].name || !c->numbers[i].values)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: numbers %zu: no name or no values", what, i);
    return CLADE_OK;
}

/* --- what the file holds ---------------------------------------------------------------------- */
static clade_status add_array(contents *c, const char *prefix, const char *name, clade_dtype dtype,
                              const clade_shape *shape, const void *data)
{
    if (!clade_grow((void **)&c->arrays, &c->capacity, c->count + 1, sizeof *c->arrays))
        return CLADE_ERR_OUT_OF_MEMORY;
    char *full = clade_asprintf("%s%s", prefix, name);
    if (!full)
        return CLADE_ERR_OUT_OF_MEMORY;
    c->arrays[c->count++] =
        (clade_array){.name = full, .dtype = dtype, .shape = *shape, .data = data};
    return CLADE_OK;
}

static clade_status add_numbers(contents *c, const char *prefix, const char *name,
                                const double *values, size_t count)
{
    clade_shape shape = CLADE_SHAPE((int64_t)count);
    return add_array(c, prefix, name, CLADE_F64, &shape, values);
}

static clade_status add_flat(contents *c, const char *prefix, const clade_params *params,
                             clade_tensor *tensor)
{
    flat_part *part = &c->flats[c->flat_count];
    part->tensor = tensor;
    part->host = clade_calloc((size_t)tensor->numel, sizeof *part->host);
    if (!part->host)
        return CLADE_ERR_OUT_OF_MEMORY;
    c->flat_count++;
    for (size_t i = 0; i < clade_params_count(params); i++) {
        const clade_tensor *param = clade_params_get(params, i);
        CLADE_TRY(add_array(c, prefix, clade_params_name(params, i), CLADE_F32, &param->shape,
                            part->host + param->offset));
    }
    return CLADE_OK;
}

static clade_status add_flats(contents *c)
{
    const clade_checkpoint *checkpoint = c->checkpoint;
    const clade_optimizer *opt = checkpoint->optimizer;
    if (!c->ctx)
        return CLADE_OK;
    CLADE_TRY(add_flat(c, "params/", checkpoint->params, clade_params_flat(checkpoint->params)));
    const clade_params *buffers = clade_params_buffers(checkpoint->params);
    if (buffers)
        CLADE_TRY(add_flat(c, "buffers/", buffers, clade_params_flat(buffers)));
    clade_optimizer_state states[CLADE_OPTIMIZER_STATES];
    int count = opt ? opt->kind->states(&opt->settings, states) : 0;
    for (int i = 0; i < count; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "optimizer/%s/", states[i].name);
        CLADE_TRY(add_flat(c, prefix, checkpoint->params, opt->states[i]));
    }
    return checkpoint->ema ? add_flat(c, "ema/", checkpoint->params, checkpoint->ema->average)
                           : CLADE_OK;
}

static clade_status add_all(contents *c)
{
    const clade_checkpoint *checkpoint = c->checkpoint;
    CLADE_TRY(add_flats(c));
    if (checkpoint->optimizer)
        CLADE_TRY(add_numbers(c, "state/", "optimizer_steps", &c->optimizer_steps, 1));
    if (checkpoint->ema)
        CLADE_TRY(add_numbers(c, "state/", "ema_updates", &c->ema_updates, 1));
    if (c->ctx)
        CLADE_TRY(add_numbers(c, "state/", "random", c->random, 4));
    if (checkpoint->scaler)
        CLADE_TRY(add_numbers(c, "scaler/", "state", c->scaler, CLADE_LOSS_SCALER_STATES));
    for (size_t i = 0; i < checkpoint->number_count; i++) {
        const clade_checkpoint_number *n = &checkpoint->numbers[i];
        CLADE_TRY(add_numbers(c, "numbers/", n->name, n->values, n->count));
    }
    return CLADE_OK;
}

static clade_status contents_create(contents *c, const clade_checkpoint *checkpoint)
{
    clade_tensor *flat = clade_params_flat(checkpoint->params);
    *c = (contents){.checkpoint = checkpoint, .ctx = flat ? flat->ctx : NULL};
    return add_all(c);
}

static void contents_clear(contents *c)
{
    for (size_t i = 0; i < c->count; i++)
        clade_free((char *)c->arrays[i].name);
    clade_free(c->arrays);
    for (size_t i = 0; i < c->flat_count; i++)
        clade_free(c->flats[i].host);
}

/* --- saving ----------------------------------------------------------------------------------- */
static clade_status fill(contents *c)
{
    const clade_checkpoint *checkpoint = c->checkpoint;
    c->optimizer_steps = (double)clade_optimizer_steps(checkpoint->optimizer);
    c->ema_updates = (double)clade_ema_updates(checkpoint->ema);
    for (int i = 0; c->ctx && i < 2; i++) {
        c->random[i] = (uint32_t)(c->ctx->seed >> (32 * i));
        c->random[2 + i] = (uint32_t)(c->ctx->draws >> (32 * i));
    }
    if (checkpoint->scaler)
        CLADE_TRY(clade_loss_scaler_get_state(checkpoint->scaler, c->scaler));
    for (size_t i = 0; i < c->flat_count; i++)
        CLADE_TRY(clade_tensor_read(c->flats[i].tensor, c->flats[i].host,
                                    (size_t)c->flats[i].tensor->numel * sizeof(float)));
    return CLADE_OK;
}

clade_status clade_checkpoint_save(const clade_checkpoint *checkpoint, const char *path)
{
    CLADE_TRY(check(checkpoint, path, "checkpoint_save"));
    contents c;
    clade_status status = contents_create(&c, checkpoint);
    if (status == CLADE_OK)
        status = fill(&c);
    const char *const metadata[] = {"clade_checkpoint", "1", "optimizer", kind_name(checkpoint)};
    if (status == CLADE_OK)
        status = clade_safetensors_write(path, c.arrays, c.count, metadata, 2);
    contents_clear(&c);
    return status;
}

/* --- loading ---------------------------------------------------------------------------------- */
static clade_status check_file(const contents *c, const clade_safetensors *file, const char *path)
{
    const char *format = clade_safetensors_metadata(file, "clade_checkpoint");
    const char *kind = clade_safetensors_metadata(file, "optimizer");
    const char *wanted = kind_name(c->checkpoint);
    if (!format || strcmp(format, "1") != 0 || !kind)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: is no checkpoint of this version", path);
    if (strcmp(kind, wanted) != 0)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: the optimizer was %s, here %s", path, kind,
                          wanted);
    for (size_t i = 0; i < c->count; i++) {
        const clade_array *want = &c->arrays[i], *have = clade_safetensors_find(file, want->name);
        if (!have)
            return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: holds no \"%s\"", path, want->name);
        if (have->dtype != want->dtype || !clade_shape_equal(&have->shape, &want->shape))
            return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: \"%s\" is %s%s, here %s%s", path, want->name,
                              clade_dtype_name(have->dtype), clade_shape_str(&have->shape).s,
                              clade_dtype_name(want->dtype), clade_shape_str(&want->shape).s);
    }
    if (clade_safetensors_count(file) != c->count)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: holds %zu arrays, here are %zu", path,
                          clade_safetensors_count(file), c->count);
    return CLADE_OK;
}

/* The arrays of a dtype: weights and states are f32, numbers f64. */
static void take_arrays(contents *c, const clade_safetensors *file, clade_dtype dtype)
{
    for (size_t i = 0; i < c->count; i++) {
        const clade_array *want = &c->arrays[i], *have = clade_safetensors_find(file, want->name);
        if (want->dtype == dtype)
            memcpy((void *)want->data, have->data,
                   (size_t)clade_shape_numel(&want->shape) * clade_dtype_size(dtype));
    }
}

static clade_status take(contents *c, const clade_safetensors *file)
{
    take_arrays(c, file, CLADE_F32);
    for (size_t i = 0; i < c->flat_count; i++)
        CLADE_TRY(clade_tensor_write(c->flats[i].tensor, c->flats[i].host,
                                     (size_t)c->flats[i].tensor->numel * sizeof(float)));
    take_arrays(c, file, CLADE_F64);
    if (c->checkpoint->scaler)
        CLADE_TRY(clade_loss_scaler_set_state(c->checkpoint->scaler, c->scaler));
    if (c->checkpoint->optimizer)
        c->checkpoint->optimizer->steps = (int64_t)c->optimizer_steps;
    if (c->checkpoint->ema)
        c->checkpoint->ema->updates = (int64_t)c->ema_updates;
    if (c->ctx) {
        c->ctx->seed = (uint64_t)c->random[0] | (uint64_t)c->random[1] << 32;
        c->ctx->draws = (uint64_t)c->random[2] | (uint64_t)c->random[3] << 32;
    }
    return CLADE_OK;
}

/* Counts must be whole and within what doubles and 64 bits hold exactly, a scaler's numbers not
 * negative. */
static clade_status check_counts(const contents *c, const clade_safetensors *file, const char *path)
{
    for (size_t i = 0; i < c->count; i++) {
        const void *place = c->arrays[i].data;
        bool scaler = place == c->scaler;
        if (!scaler && strncmp(c->arrays[i].name, "state/", 6) != 0)
            continue;
        const clade_array *have = clade_safetensors_find(file, c->arrays[i].name);
        double limit = scaler ? INFINITY : place == c->random ? 0x1p32 : 0x1p53;
        for (int64_t k = 0; k < have->shape.dim[0]; k++) {
            double value = ((const double *)have->data)[k];
            if (!(value >= 0 && value < limit && (scaler || value == floor(value))))
                return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: \"%s\" is %g", path, have->name, value);
        }
    }
    return CLADE_OK;
}

clade_status clade_checkpoint_load(const clade_checkpoint *checkpoint, const char *path)
{
    CLADE_TRY(check(checkpoint, path, "checkpoint_load"));
    clade_safetensors *file;
    CLADE_TRY(clade_safetensors_read(&file, path));
    contents c;
    clade_status status = contents_create(&c, checkpoint);
    if (status == CLADE_OK)
        status = check_file(&c, file, path);
    if (status == CLADE_OK)
        status = check_counts(&c, file, path);
    if (status == CLADE_OK)
        status = take(&c, file);
    contents_clear(&c);
    clade_safetensors_free(&file);
    return status;
}
