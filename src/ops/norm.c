/* Layer norm and RMS norm over the last dimensions, seen as rows.
 *
 * Attributes: real[0] = eps, integer[0] = how many dimensions make a row, integer[1] and [2] =
 * whether there is a weight and a bias. Gradients compute mean and deviation again rather than keep
 * them. */
#include "tape/op.h"
#include "tensor/arguments.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

#include <clade/norm.h>
#include <clade/ops.h>

#include <math.h>
#include <stdio.h>

#include "base/shape.h"

/* Rows below which another work-item for the weight's gradient does not pay. */
#define MIN_CHUNK 16

/* What the ops of a kind have in common. */
typedef struct norm {
    const char *option;
    bool centered;
    const clade_op *grad, *weight_grad;
} norm;

/* The dimensions that make a row. */
static clade_shape row_shape(const clade_node *node, const clade_shape *x)
{
    clade_shape row = {.ndim = (int)node->attrs.integer[0]};
    for (int i = 0; i < row.ndim; i++)
        row.dim[i] = x->dim[x->ndim - row.ndim + i];
    return row;
}

static clade_status check_factor(const clade_node *node, int input, const char *name)
{
    const clade_shape *x = &node->inputs[0]->shape, *shape = &node->inputs[input]->shape;
    clade_shape row = row_shape(node, x);
    if (clade_shape_equal(&row, shape))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the %s is %s, the last %d dimensions of x %s are %s",
                      node->op->name, name, clade_shape_str(shape).s, row.ndim,
                      clade_shape_str(x).s, clade_shape_str(&row).s);
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    const int64_t *has = node->attrs.integer;
    double eps = node->attrs.real[0];
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    if (has[0] < 1 || has[0] > x->shape.ndim)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: over the last %d dimensions of %s", node->op->name,
                          (int)has[0], clade_shape_str(&x->shape).s);
    if (!isfinite(eps) || eps < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: eps %g: must be finite and not negative",
                          node->op->name, eps);
    if (has[1])
        CLADE_TRY(check_factor(node, 1, "weight"));
    if (has[2])
        CLADE_TRY(check_factor(node, 1 + (int)has[1], "bias"));
    out->dtype = x->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

/* --- launching -------------------------------------------------------------------------------- */
/* x as rows of n elements; chunks of rows where the kernel works by those, else 0. */
typedef struct rows {
    int64_t rows, n, chunk_rows, chunks;
} rows;

static rows rows_of(const clade_node *node, const clade_tensor *x)
{
    clade_shape row = row_shape(node, &x->shape);
    int64_t n = clade_shape_numel(&row);
    return (rows){.rows = n ? x->numel / n : 0, .n = n};
}

/* Clears a. */
static clade_status launch(clade_arguments *a, const clade_node *node, const char *name,
                           const rows *r)
{
    const norm *kind = node->op->data;
    clade_runtime *rt = node->ctx->runtime;
    clade_dtype dtype = node->inputs[0]->dtype;
    char options[64];
    snprintf(options, sizeof options, "-DT=%s%s%s%s", clade_kernel_type(dtype), kind->option,
             node->attrs.integer[1] ? " -DWEIGHT" : "", node->attrs.integer[2] ? " -DBIAS" : "");
    const clade_kernel_key key = {.family = "norm", .options = options, .name = name};
    clade_kernel *kernel;
    clade_status status = a->status;
    if (status == CLADE_OK)
        status = clade_kernel_get(&kernel, rt, &key);
    if (status == CLADE_OK) {
        clade_arguments_add(a, clade_arg_real(dtype, node->attrs.real[0]));
        clade_arguments_add(a, clade_arg_i32(r->rows));
        clade_arguments_add(a, clade_arg_i32(r->n));
        if (r->chunks) {
            clade_arguments_add(a, clade_arg_i32(r->chunk_rows));
            clade_arguments_add(a, clade_arg_i32(r->chunks));
        }
        clade_grid grid = clade_grid_rows(rt, r->chunks ? r->chunks : r->rows);
        status = clade_launch(rt, kernel, &grid, a->arg, a->count);
    }
    clade_arguments_clear(a);
    return status;
}

static clade_status forward(const clade_node *node)
{
    const int64_t *has = node->attrs.integer;
    clade_tensor *x = node->inputs[0];
    clade_arguments a = {0};
    clade_arguments_add_tensor(&a, x);
    clade_arguments_add_tensor(&a, has[1] ? node->inputs[1] : x);
    clade_arguments_add_tensor(&a, has[2] ? node->inputs[1 + has[1]] : x);
    clade_arguments_add_tensor(&a, node->output);
    rows r = rows_of(node, x);
    return launch(&a, node, "norm_rows", &r);
}

/* --- gradients: of g, x and, for x's own, the weight ------------------------------------------ */
static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[1]->dtype;
    out->shape = node->inputs[1]->shape;
    return CLADE_OK;
}

static clade_status forward_grad(const clade_node *node)
{
    clade_tensor *g = node->inputs[0], *x = node->inputs[1];
    clade_arguments a = {0};
    clade_arguments_add_tensor(&a, g);
    clade_arguments_add_tensor(&a, x);
    clade_arguments_add_tensor(&a, node->attrs.integer[1] ? node->inputs[2] : x);
    clade_arguments_add_tensor(&a, node->output);
    rows r = rows_of(node, x);
    return launch(&a, node, "norm_grad_rows", &r);
}

static clade_status infer_weight_grad(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[1]->dtype;
    out->shape = row_shape(node, &node->inputs[1]->shape);
    return CLADE_OK;
}

/* As many chunks as keep the device busy. */
static void cut_into_chunks(rows *r, const clade_runtime *rt)
{
    bool cpu = clade_runtime_kernel_shape(rt).lanes == 1;
    int64_t wanted = (int64_t)clade_runtime_device(rt)->compute_units * (cpu ? 4 : 16);
    int64_t chunks = r->rows / MIN_CHUNK < wanted ? r->rows / MIN_CHUNK : wanted;
    if (chunks < 1)
        chunks = 1;
    r->chunk_rows = (r->rows + chunks - 1) / chunks;
    r->chunks = (r->rows + r->chunk_rows - 1) / r->chunk_rows;
}

static clade_status sum_by_chunks(const clade_node *node, clade_tensor *out, const rows *r)
{
    clade_arguments a = {0};
    clade_arguments_add_tensor(&a, node->inputs[0]);
    clade_arguments_add_tensor(&a, node->inputs[1]);
    clade_arguments_add_tensor(&a, out);
    return launch(&a, node, "norm_weight_grad_rows", r);
}

static clade_status forward_weight_grad(const clade_node *node)
{
    rows r = rows_of(node, node->inputs[1]);
    if (!r.rows)
        return clade_tensor_fill(node->output, 0);
    cut_into_chunks(&r, node->ctx->runtime);
    if (r.chunks == 1)
        return sum_by_chunks(node, node->output, &r);
    const clade_shape shape = CLADE_SHAPE(r.chunks, r.n);
    clade_tensor *partial =
        clade_tensor_new(node->ctx, node->output->dtype, &shape, node->op->name);
    if (!partial)
        return clade_last_error()->status;
    clade_status status = sum_by_chunks(node, partial, &r);
    if (status == CLADE_OK)
        status = clade_reduce(node->output, partial, 1u << 0, CLADE_REDUCE_SUM, 1);
    clade_tensor_unref(partial);
    return status;
}

/* The tape sums the bias's over the rows. */
static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    const norm *kind = node->op->data;
    const int64_t *has = node->attrs.integer;
    clade_tensor *x = node->inputs[0];
    /* A gradient has no bias. */
    const clade_attrs attrs = {.real = {node->attrs.real[0]}, .integer = {has[0], has[1]}};
    const clade_attrs unweighted = {.real = {node->attrs.real[0]}, .integer = {has[0]}};
    if (needs[0])
        grads[0] = has[1] ? CLADE_APPLY(kind->grad, &attrs, grad, x, node->inputs[1])
                          : CLADE_APPLY(kind->grad, &attrs, grad, x);
    if (has[1] && needs[1])
        grads[1] = CLADE_APPLY(kind->weight_grad, &unweighted, grad, x);
    if (has[2] && needs[1 + has[1]])
        grads[1 + has[1]] = grad;
}

/* --- out of other ops, for second derivatives ------------------------------------------------- */
static clade_tensor *mean_of_rows(const clade_node *node, clade_tensor *x)
{
    int axes[CLADE_MAX_DIMS], dims = (int)node->attrs.integer[0];
    for (int i = 0; i < dims; i++)
        axes[i] = -1 - i;
    return clade_mean(x, axes, dims, true);
}

static clade_tensor *recompute(const clade_node *node)
{
    const norm *kind = node->op->data;
    const int64_t *has = node->attrs.integer;
    clade_tensor *x = node->inputs[0];
    if (kind->centered)
        x = clade_sub(x, mean_of_rows(node, x));
    clade_tensor *variance = mean_of_rows(node, clade_square(x));
    x = clade_mul(x, clade_pow_scalar(clade_add_scalar(variance, node->attrs.real[0]), -0.5));
    if (has[1])
        x = clade_mul(x, node->inputs[1]);
    return has[2] ? clade_add(x, node->inputs[1 + has[1]]) : x;
}

#define NORM(name_, option_, centered_, most)                                                      \
    static const clade_op op_##name_##_grad, op_##name_##_weight_grad;                             \
    static const norm norm_##name_ = {option_, centered_, &op_##name_##_grad,                      \
                                      &op_##name_##_weight_grad};                                  \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = most,                                        \
                                        .saves = CLADE_SAVES_INPUT(0) | CLADE_SAVES_INPUT(1),      \
                                        .infer = infer,                                            \
                                        .forward = forward,                                        \
                                        .backward = backward,                                      \
                                        .recompute = recompute,                                    \
                                        .data = &norm_##name_};                                    \
    static const clade_op op_##name_##_grad = {.name = #name_ "_grad",                             \
                                               .min_inputs = 2,                                    \
                                               .max_inputs = 3,                                    \
                                               .infer = infer_grad,                                \
                                               .forward = forward_grad,                            \
                                               .data = &norm_##name_,                              \
                                               .gradient_of = #name_};                             \
    static const clade_op op_##name_##_weight_grad = {.name = #name_ "_weight_grad",               \
                                                      .min_inputs = 2,                             \
                                                      .max_inputs = 2,                             \
                                                      .infer = infer_weight_grad,                  \
                                                      .forward = forward_weight_grad,              \
                                                      .data = &norm_##name_,                       \
                                                      .gradient_of = #name_};
NORM(layer_norm, "", true, 3)
NORM(rms_norm, " -DRMS", false, 2)

static const clade_op *const ops[] = {
    &op_layer_norm, &op_layer_norm_grad, &op_layer_norm_weight_grad,
    &op_rms_norm,   &op_rms_norm_grad,   &op_rms_norm_weight_grad};
const clade_op_family clade_norm_ops = {ops, sizeof ops / sizeof ops[0]};

static clade_tensor *apply(const clade_op *op, clade_tensor *x, clade_tensor *weight,
                           clade_tensor *bias, int dims, double eps)
{
    const clade_attrs attrs = {.real = {eps}, .integer = {dims, weight != NULL, bias != NULL}};
    clade_tensor *inputs[3] = {x};
    int count = 1;
    if (weight)
        inputs[count++] = weight;
    if (bias)
        inputs[count++] = bias;
    return clade_apply(op, &attrs, inputs, count);
}

clade_tensor *clade_layer_norm(clade_tensor *x, clade_tensor *weight, clade_tensor *bias, int dims,
                               double eps)
{
    return apply(&op_layer_norm, x, weight, bias, dims, eps);
}

clade_tensor *clade_rms_norm(clade_tensor *x, clade_tensor *weight, int dims, double eps)
{
    return apply(&op_rms_norm, x, weight, NULL, dims, eps);
}
