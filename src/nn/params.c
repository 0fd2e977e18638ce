#include "nn/params.h"

#include <math.h>
#include <string.h>

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/shape.h"
#include "nn/init.h"
#include "tensor/tensor.h"
#include "tensor/transfer.h"

/* Elements: 64 bytes, so that no vector of a kernel straddles two parameters. */
#define ALIGNMENT 16

clade_status clade_params_create(clade_params **out, clade_context *ctx)
{
    if (!out || !ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "params_create: %s is NULL", out ? "ctx" : "out");
    clade_params *params = clade_calloc(1, sizeof *params);
    if (!params)
        return CLADE_ERR_OUT_OF_MEMORY;
    params->ctx = ctx;
    *out = params;
    return CLADE_OK;
}

static void entry_clear(clade_param_entry *entry)
{
    clade_tensor_free(&entry->tensor);
    clade_tensor_free(&entry->grad);
    clade_free(entry->name);
}

static void clear(clade_params *params)
{
    while (params->count)
        entry_clear(&params->entries[--params->count]);
    clade_free(params->entries);
    clade_tensor_free(&params->flat);
    clade_tensor_free(&params->flat_grad);
}

void clade_params_free(clade_params **params)
{
    if (!params || !*params)
        return;
    clear(*params);
    clade_params_free(&(*params)->buffers);
    clade_free(*params);
    *params = NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */
static bool printable(const char *name)
{
    for (; *name; name++)
        if (*name < 0x20 || *name > 0x7e)
            return false;
    return true;
}

static clade_status check_request(const clade_params *params, const clade_param_request *r,
                                  const char *what)
{
    if (!r->name || !*r->name)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the parameter has no name", what);
    if (!printable(r->name) || !strcmp(r->name, "__metadata__"))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "%s: \"%s\": a name is of printable ASCII characters, and not "
                          "__metadata__",
                          what, r->name);
    if (clade_params_find(params, r->name) || clade_params_find(params->buffers, r->name))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: \"%s\" is there already", what, r->name);
    if (clade_shape_numel(&r->shape) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s: bad shape %s", what, r->name,
                          clade_shape_str(&r->shape).s);
    return CLADE_OK;
}

static int64_t padded(int64_t numel)
{
    return (numel + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A flat tensor of n elements that begins with a copy of `old`, which may be NULL, and goes on with
 * zeros. */
static clade_tensor *grown(clade_context *ctx, clade_tensor *old, int64_t n, const char *what)
{
    const clade_shape shape = CLADE_SHAPE(n);
    clade_tensor *flat = clade_tensor_new(ctx, CLADE_F32, &shape, what);
    if (!flat)
        return NULL;
    clade_status status = clade_tensor_fill(flat, 0);
    if (status == CLADE_OK && old) {
        clade_tensor *head = clade_tensor_new_view(flat, &old->shape, old->stride, 0);
        status = head ? clade_tensor_assign(head, old) : CLADE_ERR_OUT_OF_MEMORY;
        clade_tensor_unref(head);
    }
    if (status != CLADE_OK)
        clade_tensor_free(&flat);
    return flat;
}

static clade_status make_entry(clade_param_entry *entry, const clade_param_request *r,
                               clade_tensor *flat, clade_tensor *flat_grad, const char *what)
{
    int64_t stride[CLADE_MAX_DIMS];
    clade_shape_strides(&r->shape, stride);
    entry->name = clade_strdup(r->name);
    entry->tensor = clade_tensor_new_view(flat, &r->shape, stride, entry->offset);
    entry->grad = clade_tensor_new_view(flat_grad, &r->shape, stride, entry->offset);
    if (!entry->name || !entry->tensor || !entry->grad)
        return CLADE_ERR_OUT_OF_MEMORY;
    CLADE_TRY(clade_tensor_set_requires_grad(entry->tensor, true));
    CLADE_TRY(clade_tensor_set_grad(entry->tensor, entry->grad));
    return clade_init_apply(entry->tensor, &r->init, what, r->name);
}

/* Makes `more`, a set of the flat buffers in their new size and the new parameters alone. */
static clade_status prepare(clade_params *more, const clade_params *params,
                            const clade_param_request *requests, size_t count, const char *what)
{
    int64_t old = params->flat ? params->flat->numel : 0, n = old;
    for (size_t i = 0; i < count; i++)
        n += padded(clade_shape_numel(&requests[i].shape));
    more->flat = grown(params->ctx, params->flat, n, what);
    more->flat_grad = more->flat ? grown(params->ctx, params->flat_grad, n, what) : NULL;
    if (!more->flat_grad)
        return clade_last_error()->status;
    more->entries = clade_calloc(count, sizeof *more->entries);
    if (!more->entries)
        return CLADE_ERR_OUT_OF_MEMORY;
    int64_t offset = old;
    for (size_t i = 0; i < count; i++) {
        clade_param_entry *entry = &more->entries[more->count++];
        entry->offset = offset;
        CLADE_TRY(make_entry(entry, &requests[i], more->flat, more->flat_grad, what));
        offset += padded(clade_shape_numel(&requests[i].shape));
    }
    return CLADE_OK;
}

/* Cannot fail: there is room for the entries. */
static void take_over(clade_params *params, clade_params *more)
{
    for (size_t i = 0; i < params->count; i++) {
        clade_tensor_rebind(params->entries[i].tensor, more->flat);
        clade_tensor_rebind(params->entries[i].grad, more->flat_grad);
    }
    clade_tensor_free(&params->flat);
    clade_tensor_free(&params->flat_grad);
    params->flat = more->flat;
    params->flat_grad = more->flat_grad;
    memcpy(params->entries + params->count, more->entries, more->count * sizeof *more->entries);
    params->count += more->count;
    *more = (clade_params){.entries = more->entries};
}

clade_status clade_params_add(clade_params *params, const clade_param_request *requests,
                              size_t count, const char *what)
{
    if (!params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: params is NULL", what);
    if (params->ctx->tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: a tape is open", what);
    for (size_t i = 0; i < count; i++)
        CLADE_TRY(check_request(params, &requests[i], what));
    if (!clade_grow((void **)&params->entries, &params->capacity, params->count + count,
                    sizeof *params->entries))
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_params more = {.ctx = params->ctx};
    clade_status status = prepare(&more, params, requests, count, what);
    if (status == CLADE_OK)
        take_over(params, &more);
    clear(&more);
    return status;
}

static void shorten(clade_tensor **flat, int64_t n)
{
    if (n == 0) {
        clade_tensor_free(flat);
        return;
    }
    (*flat)->shape = CLADE_SHAPE(n);
    (*flat)->numel = n;
}

void clade_params_truncate(clade_params *params, size_t count, size_t buffers)
{
    if (params->buffers)
        clade_params_truncate(params->buffers, buffers, 0);
    if (count >= params->count)
        return;
    int64_t n = params->entries[count].offset;
    while (params->count > count)
        entry_clear(&params->entries[--params->count]);
    shorten(&params->flat, n);
    shorten(&params->flat_grad, n);
}

clade_tensor *clade_param(clade_params *params, const char *name, clade_shape shape,
                          clade_init init)
{
    const clade_param_request r = {name, shape, init};
    if (clade_params_add(params, &r, 1, "param") != CLADE_OK)
        return NULL;
    return params->entries[params->count - 1].tensor;
}

clade_tensor *clade_param_buffer(clade_params *params, const char *name, clade_shape shape,
                                 clade_init init)
{
    const clade_param_request r = {name, shape, init};
    if (!params) {
        (void)clade_error_null("param_buffer", "params");
        return NULL;
    }
    if (check_request(params, &r, "param_buffer") != CLADE_OK ||
        (!params->buffers && clade_params_create(&params->buffers, params->ctx) != CLADE_OK) ||
        clade_params_add(params->buffers, &r, 1, "param_buffer") != CLADE_OK)
        return NULL;
    clade_param_entry *entry = &params->buffers->entries[params->buffers->count - 1];
    entry->tensor->requires_grad = false;
    return entry->tensor;
}

clade_params *clade_params_buffers(const clade_params *params)
{
    return params && clade_params_count(params->buffers) ? params->buffers : NULL;
}

/* weight, and a bias [weight's first dimension] unless *bias is not wanted, as nn.Linear and
 * nn.Conv2d start: both within 1 / sqrt(all of weight's dimensions but the first). */
static clade_status add_layer(clade_params *params, const char *name, const clade_shape *shape,
                              clade_tensor **weight, clade_tensor **bias, const char *what)
{
    const int64_t fan_in = clade_shape_numel(shape) / shape->dim[0];
    const double bound = 1 / sqrt((double)fan_in);
    char *weight_name = clade_asprintf("%s.weight", name);
    char *bias_name = clade_asprintf("%s.bias", name);
    const clade_param_request requests[2] = {
        {weight_name, *shape, clade_init_kaiming_uniform(sqrt(5))},
        {bias_name, CLADE_SHAPE(shape->dim[0]), clade_init_uniform(-bound, bound)},
    };
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    if (weight_name && bias_name)
        status = clade_params_add(params, requests, bias ? 2 : 1, what);
    clade_free(weight_name);
    clade_free(bias_name);
    CLADE_TRY(status);
    const clade_param_entry *last = &params->entries[params->count - 1];
    *weight = bias ? last[-1].tensor : last->tensor;
    if (bias)
        *bias = last->tensor;
    return CLADE_OK;
}

static clade_status check_layer(const clade_params *params, const char *name,
                                clade_tensor *const *weight, const char *what)
{
    if (params && name && weight)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s is NULL", what,
                      !params ? "params"
                      : !name ? "name"
                              : "weight");
}

clade_status clade_linear_params(clade_params *params, const char *name, int64_t in, int64_t out,
                                 clade_tensor **weight, clade_tensor **bias)
{
    CLADE_TRY(check_layer(params, name, weight, "linear_params"));
    if (in < 1 || out < 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "linear_params: %s: %lld inputs and %lld outputs", name,
                          (long long)in, (long long)out);
    const clade_shape shape = CLADE_SHAPE(out, in);
    return add_layer(params, name, &shape, weight, bias, "linear_params");
}

clade_status clade_conv_layer_params(clade_params *params, const char *name, clade_shape shape,
                                     clade_tensor **weight, clade_tensor **bias)
{
    CLADE_TRY(check_layer(params, name, weight, "conv_params"));
    if (shape.ndim < 3 || shape.ndim > 5 || clade_shape_numel(&shape) < 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "conv_params: %s: weight %s is not [out, in/groups, taps...]", name,
                          clade_shape_str(&shape).s);
    return add_layer(params, name, &shape, weight, bias, "conv_params");
}

/* --- looking ---------------------------------------------------------------------------------- */
size_t clade_params_count(const clade_params *params)
{
    return params ? params->count : 0;
}

int64_t clade_params_numel(const clade_params *params)
{
    int64_t numel = 0;
    for (size_t i = 0; params && i < params->count; i++)
        numel += params->entries[i].tensor->numel;
    return numel;
}

clade_tensor *clade_params_get(const clade_params *params, size_t index)
{
    return params && index < params->count ? params->entries[index].tensor : NULL;
}

const char *clade_params_name(const clade_params *params, size_t index)
{
    return params && index < params->count ? params->entries[index].name : NULL;
}

clade_tensor *clade_params_find(const clade_params *params, const char *name)
{
    for (size_t i = 0; params && name && i < params->count; i++)
        if (!strcmp(params->entries[i].name, name))
            return params->entries[i].tensor;
    return NULL;
}

clade_tensor *clade_params_flat(const clade_params *params)
{
    return params ? params->flat : NULL;
}

clade_tensor *clade_params_flat_grad(const clade_params *params)
{
    return params ? params->flat_grad : NULL;
}

clade_status clade_params_zero_grad(clade_params *params)
{
    if (!params)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "params_zero_grad: params is NULL");
    return params->flat_grad ? clade_tensor_fill(params->flat_grad, 0) : CLADE_OK;
}
