#include "nn/module.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/shape.h"
#include "nn/params.h"
#include "tensor/tensor.h"

static clade_tensor *forward_sequential(const clade_module *m, clade_tensor *x)
{
    for (size_t i = 0; i < m->count && x; i++)
        x = m->children[i]->kind->forward(m->children[i], x);
    return x;
}

static const clade_module_kind sequential = {.name = "sequential", .forward = forward_sequential};

/* --- making ----------------------------------------------------------------------------------- */
static clade_status make(clade_module **out, clade_params *params, const char *name,
                         const char *label, const clade_layer *layer, clade_dtype dtype,
                         clade_shape input);

/* A sample's shape with a batch of `n` in front. */
static clade_shape batch_of(const clade_shape *sample, int64_t n)
{
    clade_shape shape = {.ndim = sample->ndim + 1, .dim = {n}};
    memcpy(shape.dim + 1, sample->dim, (size_t)sample->ndim * sizeof *sample->dim);
    return shape;
}

/* Lets the layer run on no samples, which computes nothing but the result's shape and dtype. */
static clade_status find_output(clade_module *m, clade_context *ctx, clade_dtype *dtype)
{
    clade_shape shape = batch_of(&m->input, 0);
    clade_tensor *x = clade_tensor_new(ctx, m->dtype, &shape, m->kind->name);
    if (!x)
        return clade_last_error()->status;
    clade_status status = clade_scope_begin(ctx);
    m->training = false;
    clade_tensor *y = status == CLADE_OK ? m->kind->forward(m, x) : NULL;
    m->training = true;
    if (status == CLADE_OK && !y)
        status = clade_last_error()->status;
    if (y && (y->shape.ndim < 1 || y->shape.dim[0] != 0))
        status = CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no samples %s become %s", m->kind->name,
                            clade_shape_str(&shape).s, clade_shape_str(&y->shape).s);
    if (status == CLADE_OK) {
        m->output = (clade_shape){.ndim = y->shape.ndim - 1};
        memcpy(m->output.dim, y->shape.dim + 1, (size_t)m->output.ndim * sizeof *m->output.dim);
        *dtype = y->dtype;
    }
    clade_tensor_unref(x);
    clade_status ended = clade_scope_end(ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status make_child(clade_module *m, size_t i, clade_params *params, const char *name,
                               const clade_layer *layer, clade_dtype dtype)
{
    char *label = layer->name ? clade_strdup(layer->name) : clade_asprintf("%zu", i);
    char *full = label ? clade_asprintf("%s%s%s", name, *name ? "." : "", label) : NULL;
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    if (full)
        status = make(&m->children[i], params, full, label, layer, dtype, m->output);
    clade_free(label);
    clade_free(full);
    return status;
}

/* The layers one after the other; *dtype is what comes in, then what comes out. */
static clade_status make_children(clade_module *m, clade_params *params, const char *name,
                                  clade_dtype *dtype)
{
    const clade_layer *layers = m->layer.layers;
    size_t count = m->layer.count;
    if (count && !layers)
        return clade_error_null("sequential", "layers");
    m->children = clade_calloc(count, sizeof *m->children);
    if (!m->children)
        return CLADE_ERR_OUT_OF_MEMORY;
    m->output = m->input;
    for (size_t i = 0; i < count; i++) {
        CLADE_TRY(make_child(m, i, params, name, &layers[i], *dtype));
        m->count++;
        m->output = m->children[i]->output;
        m->macs += m->children[i]->macs;
        *dtype = m->children[i]->output_dtype;
    }
    return CLADE_OK;
}

/* The first cause, behind the layer's name. */
static clade_status locate(clade_status status, const char *name)
{
    char cause[256];
    snprintf(cause, sizeof cause, "%s", clade_last_error()->message);
    return CLADE_FAIL(status, "module_create: %s: %s", name, cause);
}

static clade_status make_single(clade_module *m, clade_params *params, const char *name,
                                clade_dtype *dtype)
{
    m->kind = clade_module_kind_of(m->layer.kind);
    if (!m->kind)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "module: %d is no kind of layer", (int)m->layer.kind);
    if (!*name && m->layer.kind != CLADE_LAYER_CUSTOM)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: no name", m->kind->name);
    if (m->kind->create)
        CLADE_TRY(m->kind->create(m, params, name));
    return find_output(m, params->ctx, dtype);
}

static clade_status fill(clade_module *m, clade_params *params, const char *name, const char *label)
{
    m->label = clade_strdup(label);
    if (!m->label)
        return CLADE_ERR_OUT_OF_MEMORY;
    size_t before = clade_params_count(params);
    m->output_dtype = m->dtype;
    clade_status status;
    if (m->layer.kind == CLADE_LAYER_SEQUENTIAL) {
        m->kind = &sequential;
        status = make_children(m, params, name, &m->output_dtype);
    } else {
        status = make_single(m, params, name, &m->output_dtype);
        status = status == CLADE_OK ? status : locate(status, name);
    }
    CLADE_TRY(status);
    for (size_t i = before; i < clade_params_count(params); i++)
        m->numel += clade_tensor_numel(clade_params_get(params, i));
    m->macs += m->kind->macs ? m->kind->macs(m) : 0;
    m->layer.layers = NULL;
    m->layer.name = NULL;
    return CLADE_OK;
}

static clade_status make(clade_module **out, clade_params *params, const char *name,
                         const char *label, const clade_layer *layer, clade_dtype dtype,
                         clade_shape input)
{
    clade_module *m = clade_calloc(1, sizeof *m);
    if (!m)
        return CLADE_ERR_OUT_OF_MEMORY;
    *m = (clade_module){.layer = *layer, .dtype = dtype, .input = input, .training = true};
    clade_status status = fill(m, params, name, label);
    if (status != CLADE_OK) {
        clade_module_free(&m);
        return status;
    }
    *out = m;
    return CLADE_OK;
}

clade_status clade_module_create(clade_module **out, clade_params *params, const char *name,
                                 const clade_layer *layer, clade_dtype dtype, clade_shape input)
{
    if (!out || !params || !name || !layer)
        return clade_error_null("module_create", !out      ? "out"
                                                 : !params ? "params"
                                                 : !name   ? "name"
                                                           : "layer");
    if (clade_shape_numel(&input) < 0 || input.ndim >= CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "module_create: samples of %s",
                          clade_shape_str(&input).s);
    size_t before = clade_params_count(params);
    size_t buffers = clade_params_count(clade_params_buffers(params));
    const char *label = layer->name ? layer->name : *name ? name : "module";
    clade_status status = make(out, params, name, label, layer, dtype, input);
    if (status != CLADE_OK)
        clade_params_truncate(params, before, buffers);
    return status;
}

void clade_module_free(clade_module **module)
{
    if (!module || !*module)
        return;
    clade_module *m = *module;
    for (size_t i = 0; i < m->count; i++)
        clade_module_free(&m->children[i]);
    clade_free(m->children);
    clade_recurrent_free(&m->recurrent);
    clade_free(m->label);
    clade_free(m);
    *module = NULL;
}

/* --- using ------------------------------------------------------------------------------------ */
clade_tensor *clade_module_forward(const clade_module *module, clade_tensor *x)
{
    if (!module || !x) {
        (void)clade_error_null("module_forward", module ? "x" : "module");
        return NULL;
    }
    clade_shape want = batch_of(&module->input, x->shape.ndim ? x->shape.dim[0] : 0);
    if (clade_shape_equal(&x->shape, &want) && x->dtype == module->dtype)
        return module->kind->forward(module, x);
    bool shape = !clade_shape_equal(&x->shape, &want);
    (void)CLADE_FAIL(shape ? CLADE_ERR_SHAPE : CLADE_ERR_DTYPE,
                     "module_forward: x is %s %s, not %s [n] and %s", clade_dtype_name(x->dtype),
                     clade_shape_str(&x->shape).s, clade_dtype_name(module->dtype),
                     clade_shape_str(&module->input).s);
    return NULL;
}

clade_status clade_module_train(clade_module *module, bool training)
{
    if (!module)
        return clade_error_null("module_train", "module");
    module->training = training;
    if (module->recurrent)
        CLADE_TRY(clade_recurrent_train(module->recurrent, training));
    for (size_t i = 0; i < module->count; i++)
        CLADE_TRY(clade_module_train(module->children[i], training));
    return CLADE_OK;
}

bool clade_module_training(const clade_module *module)
{
    return module && module->training;
}

clade_shape clade_module_output(const clade_module *module)
{
    return module ? module->output : (clade_shape){.ndim = CLADE_MAX_DIMS + 1};
}

int64_t clade_module_numel(const clade_module *module)
{
    return module ? module->numel : 0;
}

int64_t clade_module_macs(const clade_module *module)
{
    return module ? module->macs : 0;
}

/* --- the summary ------------------------------------------------------------------------------ */
typedef struct text {
    char *start;
    size_t length, capacity;
} text;

#define COLUMN "%-28s %-22s %12s %15s\n"
#define LINE   256

static clade_status put_line(text *t, const char *label, const char *output, const char *params,
                             const char *macs)
{
    if (!clade_grow((void **)&t->start, &t->capacity, t->length + LINE, 1))
        return CLADE_ERR_OUT_OF_MEMORY;
    int length = snprintf(t->start + t->length, LINE, COLUMN, label, output, params, macs);
    t->length += (size_t)(length < LINE ? length : LINE - 1);
    return CLADE_OK;
}

static clade_status put_module(text *t, const clade_module *m, int depth)
{
    char label[64], params[24], macs[24];
    snprintf(label, sizeof label, "%*s%.40s %s", 2 * depth, "", m->label, m->kind->name);
    snprintf(params, sizeof params, "%" PRId64, m->numel);
    snprintf(macs, sizeof macs, "%" PRId64, m->macs);
    CLADE_TRY(put_line(t, label, clade_shape_str(&m->output).s, params, macs));
    for (size_t i = 0; i < m->count; i++)
        CLADE_TRY(put_module(t, m->children[i], depth + 1));
    return CLADE_OK;
}

clade_status clade_module_summary(const clade_module *module, char **out)
{
    if (!module || !out)
        return clade_error_null("module_summary", module ? "out" : "module");
    text t = {0};
    clade_status status = put_line(&t, "layer", "output", "parameters", "MACs");
    if (status == CLADE_OK)
        status = put_module(&t, module, 0);
    if (status != CLADE_OK) {
        clade_free(t.start);
        return status;
    }
    *out = t.start;
    return CLADE_OK;
}
