/* Ops of the user's: descriptors made at run time around kernels given as text. */
#include "tape/op.h"

#include <clade/custom.h>
#include <clade/ops.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INPUTS CLADE_CUSTOM_INPUTS
#define ATTRS  CLADE_CUSTOM_ATTRS

/* Of tensors and what follows them. */
#define ARGS(tensors) (3 * (tensors) + 1 + 2 * ATTRS)

struct clade_custom_op {
    clade_context *ctx;
    clade_op op, grad[INPUTS]; /* grad[i] computes the gradient of input i */
    clade_custom_params params;
    char *name, *grad_name, *source, *family;
    char *kernels[1 + INPUTS]; /* names: forward, then backward by input */
};

/* --- kernels ---------------------------------------------------------------------------------- */
static char *copy_source(const void *user)
{
    return clade_strdup(user);
}

static clade_status get_kernel(clade_kernel **out, const clade_custom_op *custom, int which,
                               clade_dtype real)
{
    const clade_kernel_key key = {
        .family = custom->family,
        .options = real == CLADE_F64 ? "-DT=double" : "-DT=float -cl-single-precision-constant",
        .name = custom->kernels[which],
        .any_shape = true,
        .generate = copy_source,
        .user = custom->source};
    return clade_kernel_get(out, custom->ctx->runtime, &key);
}

static clade_dtype real_of(clade_tensor *const *inputs, int count)
{
    for (int i = 0; i < count; i++)
        if (clade_dtype_is_float(inputs[i]->dtype))
            return inputs[i]->dtype;
    return CLADE_F32;
}

static int tensor_args(clade_arg *args, const clade_tensor *t)
{
    int64_t dims[CLADE_MAX_DIMS];
    for (int i = 0; i < t->shape.ndim; i++)
        dims[i] = t->shape.dim[t->shape.ndim - 1 - i];
    args[0] = clade_arg_buffer(t->storage->buffer);
    args[1] = clade_arg_i32(t->offset);
    args[2] = clade_arg_int8(dims, t->shape.ndim, 1);
    return 3;
}

static int64_t items_of(const clade_custom_op *custom, const clade_shape *shape)
{
    int64_t items = 1;
    for (int i = 0; i < shape->ndim - custom->params.item_dims; i++)
        items *= shape->dim[i];
    return items;
}

static clade_status launch(const clade_custom_op *custom, int which, const clade_node *node)
{
    clade_arg args[ARGS(INPUTS + 3)];
    clade_runtime *rt = custom->ctx->runtime;
    clade_dtype real = real_of(node->inputs, node->count);
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, custom, which, real));
    int64_t items = items_of(custom, &node->output->shape);
    int n = tensor_args(args, node->output);
    for (int i = 0; i < node->count; i++)
        n += tensor_args(args + n, node->inputs[i]);
    args[n++] = clade_arg_i32(items);
    for (int i = 0; i < custom->params.reals; i++)
        args[n++] = clade_arg_real(real, node->attrs.real[i]);
    for (int i = 0; i < custom->params.integers; i++)
        args[n++] = clade_arg_i32(node->attrs.integer[i]);
    clade_grid grid = clade_grid_elements(rt, items);
    return clade_launch(rt, kernel, &grid, args, n);
}

/* --- the op ----------------------------------------------------------------------------------- */
static clade_status refuse(const clade_node *node, clade_status status)
{
    char shapes[INPUTS * CLADE_SHAPE_TEXT + 1] = "";
    for (int i = 0, at = 0; i < node->count; i++)
        at += snprintf(shapes + at, sizeof shapes - (size_t)at, " %s",
                       clade_shape_str(&node->inputs[i]->shape).s);
    return CLADE_FAIL(status, "%s: refused by its infer function (%s):%s", node->op->name,
                      clade_status_name(status), shapes);
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_custom_op *custom = node->op->data;
    clade_custom_attrs attrs;
    clade_dtype dtypes[INPUTS];
    clade_shape shapes[INPUTS];
    for (int i = 0; i < ATTRS; i++) {
        attrs.real[i] = node->attrs.real[i];
        attrs.integer[i] = (int)node->attrs.integer[i];
    }
    for (int i = 0; i < node->count; i++) {
        dtypes[i] = node->inputs[i]->dtype;
        shapes[i] = node->inputs[i]->shape;
    }
    out->dtype = dtypes[0];
    out->shape = shapes[0];
    if (!custom->params.infer)
        return CLADE_OK;
    clade_status status = custom->params.infer(custom->params.user, &attrs, dtypes, shapes,
                                               node->count, &out->dtype, &out->shape);
    if (status != CLADE_OK)
        return refuse(node, status);
    if (!clade_dtype_size(out->dtype))
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: its infer function gives dtype %d", node->op->name,
                          (int)out->dtype);
    if (clade_shape_numel(&out->shape) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: its infer function gives an impossible shape",
                          node->op->name);
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    return launch(node->op->data, 0, node);
}

/* Inputs of a gradient: what arrived, the op's inputs, its result. */
static int input_of(const clade_node *node)
{
    const clade_custom_op *custom = node->op->data;
    return (int)(node->op - custom->grad);
}

static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[1 + input_of(node)];
    out->dtype = x->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

static clade_status forward_grad(const clade_node *node)
{
    return launch(node->op->data, 1 + input_of(node), node);
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    const clade_custom_op *custom = node->op->data;
    clade_tensor *inputs[INPUTS + 2] = {clade_contiguous(grad)};
    int count = 1;
    for (int i = 0; i < node->count; i++)
        inputs[count++] = node->inputs[i];
    inputs[count++] = node->output;
    for (int i = 0; i < node->count; i++) {
        if (!needs[i])
            continue;
        if (custom->kernels[1 + i])
            grads[i] = clade_apply(&custom->grad[i], &node->attrs, inputs, count);
        else
            (void)CLADE_FAIL(CLADE_ERR_NO_GRADIENT, "%s: no gradient flows to input %d",
                             node->op->name, i);
    }
}

clade_tensor *clade_custom(clade_custom_op *op, clade_tensor *const *inputs, int count,
                           const clade_custom_attrs *attrs)
{
    if (!op || !inputs) {
        (void)clade_error_null(op ? op->name : "custom", op ? "inputs" : "op");
        return NULL;
    }
    if (count != op->params.inputs) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %d inputs given, %d taken", op->name, count,
                         op->params.inputs);
        return NULL;
    }
    clade_tensor *whole[INPUTS];
    for (int i = 0; i < count; i++)
        whole[i] = clade_contiguous(inputs[i]);
    clade_attrs own = {0};
    for (int i = 0; attrs && i < ATTRS; i++) {
        own.real[i] = attrs->real[i];
        own.integer[i] = attrs->integer[i];
    }
    if (whole[0] && whole[0]->ctx != op->ctx) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the op and input 0 have different contexts",
                         op->name);
        return NULL;
    }
    return clade_apply(&op->op, &own, whole, count);
}

/* --- making one ------------------------------------------------------------------------------- */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length && length < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               length;
}

static clade_status check_params(const clade_custom_params *p)
{
    if (!p || !p->name || !p->source || !p->forward)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "custom_create: %s is NULL",
                          !p           ? "params"
                          : !p->name   ? "name"
                          : !p->source ? "source"
                                       : "forward");
    if (!is_name(p->name))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "custom_create: \"%s\" is no name of letters, digits and _", p->name);
    if (p->inputs < 1 || p->inputs > INPUTS || p->reals < 0 || p->reals > ATTRS ||
        p->integers < 0 || p->integers > ATTRS || p->item_dims < 0 || p->item_dims > CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "custom_create: %s: %d inputs, %d reals, %d integers, %d item_dims; 1 to "
                          "%d, 0 to %d, 0 to %d, 0 to %d are possible",
                          p->name, p->inputs, p->reals, p->integers, p->item_dims, INPUTS, ATTRS,
                          ATTRS, CLADE_MAX_DIMS);
    return CLADE_OK;
}

/* The family tells sources of one name apart. */
static clade_status copy_texts(clade_custom_op *custom)
{
    const clade_custom_params *p = &custom->params;
    custom->name = clade_strdup(p->name);
    custom->grad_name = clade_asprintf("%s_grad", p->name);
    custom->source = clade_strdup(p->source);
    custom->family = clade_asprintf("%s_%016" PRIx64, p->name, clade_hash_str(p->source, 0));
    bool enough = custom->name && custom->grad_name && custom->source && custom->family;
    for (int i = 0; i <= p->inputs && enough; i++) {
        const char *kernel = i ? p->backward[i - 1] : p->forward;
        custom->kernels[i] = kernel ? clade_strdup(kernel) : NULL;
        enough = !kernel || custom->kernels[i];
    }
    return enough ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

static void describe(clade_custom_op *custom)
{
    int inputs = custom->params.inputs;
    custom->op = (clade_op){.name = custom->name,
                            .min_inputs = inputs,
                            .max_inputs = inputs,
                            .saves = CLADE_SAVES_INPUTS | CLADE_SAVES_OUTPUT,
                            .infer = infer,
                            .forward = forward,
                            .backward = NULL,
                            .data = custom};
    for (int i = 0; i < inputs; i++) {
        if (custom->kernels[1 + i])
            custom->op.backward = backward;
        custom->grad[i] = (clade_op){.name = custom->grad_name,
                                     .min_inputs = inputs + 2,
                                     .max_inputs = inputs + 2,
                                     .infer = infer_grad,
                                     .forward = forward_grad,
                                     .data = custom,
                                     .gradient_of = custom->name};
    }
}

/* An unknown kernel, a mistake of ours elsewhere, is one of the source here. */
static clade_status compile(const clade_custom_op *custom, int which)
{
    const char *name = custom->kernels[which];
    clade_kernel *kernel;
    if (!is_name(name))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "custom_create: %s: \"%s\" is no kernel's name",
                          custom->name, name);
    clade_status status = get_kernel(&kernel, custom, which, CLADE_F32);
    if (status == CLADE_ERR_INTERNAL)
        return CLADE_FAIL(CLADE_ERR_BUILD, "%s: the source has no kernel \"%s\"", custom->name,
                          name);
    return status;
}

static clade_status make(clade_custom_op *custom)
{
    CLADE_TRY(copy_texts(custom));
    describe(custom);
    for (int i = 0; i <= custom->params.inputs; i++)
        if (custom->kernels[i])
            CLADE_TRY(compile(custom, i));
    return CLADE_OK;
}

clade_status clade_custom_create(clade_custom_op **out, clade_context *ctx,
                                 const clade_custom_params *params)
{
    if (!out || !ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "custom_create: %s is NULL", out ? "ctx" : "out");
    *out = NULL;
    CLADE_TRY(check_params(params));
    clade_custom_op *custom = clade_calloc(1, sizeof *custom);
    if (!custom)
        return CLADE_ERR_OUT_OF_MEMORY;
    custom->ctx = ctx;
    custom->params = *params;
    clade_status status = make(custom);
    if (status == CLADE_OK)
        *out = custom;
    else
        clade_custom_free(&custom);
    return status;
}

void clade_custom_free(clade_custom_op **op)
{
    if (!op || !*op)
        return;
    clade_custom_op *custom = *op;
    clade_free(custom->name);
    clade_free(custom->grad_name);
    clade_free(custom->source);
    clade_free(custom->family);
    for (int i = 0; i <= INPUTS; i++)
        clade_free(custom->kernels[i]);
    clade_free(custom);
    *op = NULL;
}
