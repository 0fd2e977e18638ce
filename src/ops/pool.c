/* Max and average pooling, also adaptive. Gradients are ops of their own: average pooling's is the
 * average spread again, max pooling's and what it takes from a tensor are each other's.
 *
 * Attributes: integer[0] = flags; window, whose taps are the output's sizes for adaptive ones;
 * shape = x's for avg_pool_grad. */
#include "tape/op.h"
#include "tensor/arguments.h"

#include <clade/conv.h>
#include <clade/ops.h>

#include "base/shape.h"

enum { ADAPTIVE = 1, CEIL = 2, EXCLUDE = 4 };

/* --- shapes ----------------------------------------------------------------------------------- */
/* The output's size; 0 where no window fits. */
static int64_t pooled(const clade_attr_window *w, int64_t in, int64_t flags)
{
    if (flags & ADAPTIVE)
        return w->taps;
    int64_t room = in + 2 * w->padding - w->dilation * (w->taps - 1) - 1;
    if (room < 0)
        return 0;
    int64_t out = (room + (flags & CEIL ? w->stride - 1 : 0)) / w->stride + 1;
    /* No window lies in the padding behind alone. */
    return flags & CEIL && (out - 1) * w->stride >= in + w->padding ? out - 1 : out;
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *x = &node->inputs[0]->shape;
    const int64_t flags = node->attrs.integer[0];
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    out->dtype = node->inputs[0]->dtype;
    out->shape = *x;
    for (int i = 2; i < x->ndim; i++) {
        const clade_attr_window w = node->attrs.window[i - 2];
        out->shape.dim[i] = pooled(&w, x->dim[i], flags);
        if (x->dim[i] < 1 || out->shape.dim[i] < 1)
            return CLADE_FAIL(
                CLADE_ERR_SHAPE,
                "%s: %s has no room for %lld taps with dilation %lld and padding %lld",
                node->op->name, clade_shape_str(x).s, (long long)w.taps, (long long)w.dilation,
                (long long)w.padding);
    }
    return CLADE_OK;
}

/* --- forward ---------------------------------------------------------------------------------- */
/* large: of x's shape; small: of y's. */
static void add_sizes(clade_arguments *a, const clade_node *node, const clade_shape *large,
                      const clade_shape *small)
{
    const int dims = large->ndim - 2;
    clade_arguments_add(a, clade_arg_i32(large->dim[0] * large->dim[1]));
    for (int d = 0; d < 3; d++) {
        const int i = d - (3 - dims);
        int64_t values[] = {1, 1, 1, 1, 0, 1, 0};
        if (i >= 0) {
            const clade_attr_window w = node->attrs.window[i];
            const int64_t of_dim[] = {large->dim[2 + i],
                                      small->dim[2 + i],
                                      w.taps,
                                      w.stride,
                                      w.padding,
                                      w.dilation,
                                      node->attrs.integer[0] & ADAPTIVE};
            for (int k = 0; k < 7; k++)
                values[k] = of_dim[k];
        }
        clade_arguments_add(a, clade_arg_int8(values, 7, 0));
    }
    if (!node->op->data)
        clade_arguments_add(a, clade_arg_i32(node->attrs.integer[0] & EXCLUDE ? 1 : 0));
}

/* Clears a. The kernel bears the op's name. */
static clade_status launch(clade_arguments *a, const clade_node *node, const clade_grid *grid)
{
    const char *options = node->output->dtype == CLADE_F64 ? "-DT=double" : "-DT=float";
    const clade_kernel_key key = {.family = "pool", .options = options, .name = node->op->name};
    clade_kernel *kernel;
    clade_status status = a->status;
    if (status == CLADE_OK)
        status = clade_kernel_get(&kernel, node->ctx->runtime, &key);
    if (status == CLADE_OK)
        status = clade_launch(node->ctx->runtime, kernel, grid, a->arg, a->count);
    clade_arguments_clear(a);
    return status;
}

/* Of max_pool, avg_pool and, with a second input, max_pool_take. */
static clade_status forward(const clade_node *node)
{
    const clade_shape *x = &node->inputs[0]->shape;
    clade_arguments a = {0};
    clade_arguments_add_tensor(&a, node->inputs[0]);
    clade_arguments_add_tensor(&a, node->output);
    if (node->count > 1)
        clade_arguments_add_tensor(&a, node->inputs[1]);
    add_sizes(&a, node, x, &node->output->shape);
    const clade_grid grid = clade_grid_rows(node->ctx->runtime, x->dim[0] * x->dim[1]);
    return launch(&a, node, &grid);
}

static clade_status spread(clade_arguments *a, const clade_node *node, const clade_shape *y)
{
    const clade_shape *x = &node->output->shape;
    add_sizes(a, node, x, y);
    clade_grid grid = {
        .dims = 1, .global = {(size_t)(x->dim[0] * x->dim[1]), 1, 1}, .local = {16, 1, 1}};
    return launch(a, node, &grid);
}

static clade_status forward_max_grad(const clade_node *node)
{
    clade_arguments a = {0};
    clade_arguments_add_tensor(&a, node->inputs[0]);
    clade_arguments_add_tensor(&a, node->output);
    clade_arguments_add_tensor(&a, node->inputs[1]);
    return spread(&a, node, &node->inputs[1]->shape);
}

static clade_status forward_avg_grad(const clade_node *node)
{
    clade_arguments a = {0};
    clade_arguments_add_tensor(&a, node->output);
    clade_arguments_add_tensor(&a, node->inputs[0]);
    return spread(&a, node, &node->inputs[0]->shape);
}

/* --- backward --------------------------------------------------------------------------------- */
static const clade_op op_max_pool, op_max_pool_grad, op_max_pool_take, op_avg_pool,
    op_avg_pool_grad;

static void backward_max(const clade_node *node, clade_tensor *grad, const bool *needs,
                         clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(&op_max_pool_grad, &node->attrs, node->inputs[0], grad);
}

/* Where x is largest does not change with x: no gradient goes there. */
static clade_tensor *nothing(const clade_node *node, clade_tensor *like)
{
    return clade_full(node->ctx, like->dtype, like->shape, 0);
}

static void backward_max_grad(const clade_node *node, clade_tensor *grad, const bool *needs,
                              clade_tensor **grads)
{
    if (needs[0])
        grads[0] = nothing(node, node->inputs[0]);
    if (needs[1])
        grads[1] = CLADE_APPLY(&op_max_pool_take, &node->attrs, node->inputs[0], grad);
}

static void backward_max_take(const clade_node *node, clade_tensor *grad, const bool *needs,
                              clade_tensor **grads)
{
    if (needs[0])
        grads[0] = nothing(node, node->inputs[0]);
    if (needs[1])
        grads[1] = CLADE_APPLY(&op_max_pool_grad, &node->attrs, node->inputs[0], grad);
}

static void backward_avg(const clade_node *node, clade_tensor *grad, const bool *needs,
                         clade_tensor **grads)
{
    (void)needs;
    clade_attrs attrs = node->attrs;
    attrs.shape = node->inputs[0]->shape;
    grads[0] = CLADE_APPLY(&op_avg_pool_grad, &attrs, grad);
}

static void backward_avg_grad(const clade_node *node, clade_tensor *grad, const bool *needs,
                              clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(&op_avg_pool, &node->attrs, grad);
}

/* data: not NULL for max pooling */
static const bool is_max = true;

#define POOL_OP(name_, inputs, saves_, infer_, forward_, backward_, ...)                           \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = inputs,                                      \
                                        .max_inputs = inputs,                                      \
                                        .saves = saves_,                                           \
                                        .infer = infer_,                                           \
                                        .forward = forward_,                                       \
                                        .backward = backward_,                                     \
                                        __VA_ARGS__}
POOL_OP(max_pool, 1, CLADE_SAVES_INPUT(0), infer, forward, backward_max, .data = &is_max);
POOL_OP(max_pool_grad, 2, CLADE_SAVES_INPUT(0), clade_infer_like_first, forward_max_grad,
        backward_max_grad, .data = &is_max, .gradient_of = "max_pool");
POOL_OP(max_pool_take, 2, CLADE_SAVES_INPUT(0), infer, forward, backward_max_take, .data = &is_max,
        .gradient_of = "max_pool");
POOL_OP(avg_pool, 1, 0, infer, forward, backward_avg, .data = NULL);
POOL_OP(avg_pool_grad, 1, 0, clade_infer_given_shape, forward_avg_grad, backward_avg_grad,
        .data = NULL, .gradient_of = "avg_pool");

static const clade_op *const ops[] = {&op_max_pool, &op_max_pool_grad, &op_max_pool_take,
                                      &op_avg_pool, &op_avg_pool_grad};
const clade_op_family clade_pool_ops = {ops, sizeof ops / sizeof ops[0]};

/* --- the public functions --------------------------------------------------------------------- */
static bool has_dims(const clade_op *op, const clade_tensor *x, int dims)
{
    if (!x || x->shape.ndim == 2 + dims)
        return true;
    (void)CLADE_FAIL(CLADE_ERR_SHAPE, "%s%dd: x %s has not %d dimensions", op->name, dims,
                     clade_shape_str(&x->shape).s, 2 + dims);
    return false;
}

/* One dimension's settings, defaults in place. */
static bool complete(const clade_op *op, int dims, const clade_pool_params *p, int d,
                     clade_attr_window *w)
{
    *w = (clade_attr_window){p->kernel[d], p->stride[d] ? p->stride[d] : p->kernel[d],
                             p->padding[d], p->dilation[d] ? p->dilation[d] : 1};
    if (w->taps >= 1 && w->taps <= CLADE_WINDOW_MOST && w->stride >= 1 &&
        w->stride <= CLADE_WINDOW_MOST && w->padding >= 0 && w->padding <= w->taps / 2 &&
        w->dilation >= 1 && w->dilation <= CLADE_WINDOW_MOST && (op->data || w->dilation == 1))
        return true;
    (void)CLADE_FAIL(CLADE_ERR_ARGUMENT,
                     "%s%dd: kernel %lld, stride %lld, padding %lld, dilation %lld: the kernel is "
                     "at least 1, the padding at most half of it%s",
                     op->name, dims, (long long)w->taps, (long long)w->stride,
                     (long long)w->padding, (long long)w->dilation,
                     op->data ? "" : ", the dilation 1");
    return false;
}

static clade_tensor *pool(const clade_op *op, int dims, clade_tensor *x,
                          const clade_pool_params *params)
{
    if (!params) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s%dd: params is NULL", op->name, dims);
        return NULL;
    }
    clade_attrs attrs = {
        .integer = {(params->ceil_mode ? CEIL : 0) | (params->exclude_padding ? EXCLUDE : 0)}};
    for (int d = 0; d < dims; d++)
        if (!complete(op, dims, params, d, &attrs.window[d]))
            return NULL;
    return has_dims(op, x, dims) ? CLADE_APPLY(op, &attrs, x) : NULL;
}

static clade_tensor *adaptive(const clade_op *op, int dims, clade_tensor *x, const int64_t *sizes)
{
    clade_attrs attrs = {.integer = {ADAPTIVE}};
    for (int d = 0; d < dims; d++) {
        attrs.window[d] = (clade_attr_window){.taps = sizes[d], .stride = 1, .dilation = 1};
        if (sizes[d] >= 1 && sizes[d] <= CLADE_WINDOW_MOST)
            continue;
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s%dd: a size of %lld", op->name, dims,
                         (long long)sizes[d]);
        return NULL;
    }
    return has_dims(op, x, dims) ? CLADE_APPLY(op, &attrs, x) : NULL;
}

#define FUNCTIONS(name)                                                                            \
    clade_tensor *clade_##name##1d(clade_tensor * x, const clade_pool_params *params)              \
    {                                                                                              \
        return pool(&op_##name, 1, x, params);                                                     \
    }                                                                                              \
    clade_tensor *clade_##name##2d(clade_tensor * x, const clade_pool_params *params)              \
    {                                                                                              \
        return pool(&op_##name, 2, x, params);                                                     \
    }                                                                                              \
    clade_tensor *clade_##name##3d(clade_tensor * x, const clade_pool_params *params)              \
    {                                                                                              \
        return pool(&op_##name, 3, x, params);                                                     \
    }                                                                                              \
    clade_tensor *clade_adaptive_##name##1d(clade_tensor * x, int64_t columns)                     \
    {                                                                                              \
        return adaptive(&op_##name, 1, x, &columns);                                               \
    }                                                                                              \
    clade_tensor *clade_adaptive_##name##2d(clade_tensor * x, int64_t rows, int64_t columns)       \
    {                                                                                              \
        return adaptive(&op_##name, 2, x, (const int64_t[]){rows, columns});                       \
    }                                                                                              \
    clade_tensor *clade_adaptive_##name##3d(clade_tensor * x, int64_t depth, int64_t rows,         \
                                            int64_t columns)                                       \
    {                                                                                              \
        return adaptive(&op_##name, 3, x, (const int64_t[]){depth, rows, columns});                \
    }
FUNCTIONS(max_pool)
FUNCTIONS(avg_pool)
