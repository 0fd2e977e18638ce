/* Norms of x [n,c,...] by channels: batch norm in training, and group norm, which is layer norm in
 * another shape.
 *
 * Batch norm's inputs: x, stats [3,c], then a weight and a bias where there are such. Forward fills
 * stats with mean, variance and 1/sqrt(variance + eps): it is an input because backward needs it
 * and an op has one output. Attributes: real[0] = eps; integer = how many groups, whether there is
 * a weight, whether there is a bias. */
#include "tape/op.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

#include <clade/autograd.h>
#include <clade/norm.h>
#include <clade/ops.h>

#include "base/shape.h"

#include <math.h>

enum { X, STATS, FACTORS };
enum { MEAN, VARIANCE, SCALE };

static clade_status check(const clade_node *node, int factors)
{
    const clade_tensor *x = node->inputs[X];
    CLADE_TRY(clade_require_float(node, X));
    if (x->shape.ndim < 2)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s has no channels: it must be [n,c,...]",
                          node->op->name, clade_shape_str(&x->shape).s);
    const clade_shape channels = CLADE_SHAPE(x->shape.dim[1]);
    for (int i = factors; i < node->count; i++) {
        const clade_tensor *t = node->inputs[i];
        if (t->dtype != x->dtype)
            return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: x is %s, a weight or bias %s", node->op->name,
                              clade_dtype_name(x->dtype), clade_dtype_name(t->dtype));
        if (!clade_shape_equal(&t->shape, &channels))
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: a weight or bias is %s, the channels of x %s",
                              node->op->name, clade_shape_str(&t->shape).s,
                              clade_shape_str(&x->shape).s);
    }
    if (!isfinite(node->attrs.real[0]) || node->attrs.real[0] < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: eps %g: must be finite and not negative",
                          node->op->name, node->attrs.real[0]);
    return CLADE_OK;
}

/* [c] as [c,1,...]: broadcasts over x. */
static clade_shape channel_shape(const clade_tensor *x)
{
    clade_shape shape = {.ndim = x->shape.ndim - 1, .dim = {x->shape.dim[1]}};
    for (int i = 1; i < shape.ndim; i++)
        shape.dim[i] = 1;
    return shape;
}

/* x * weight + bias, as far as there are such: inputs from `factors` on. */
static clade_tensor *with_factors(const clade_node *node, clade_tensor *x, int factors)
{
    const int64_t *has = node->attrs.integer;
    const clade_shape shape = channel_shape(node->inputs[X]);
    if (has[1])
        x = clade_mul(x, clade_reshape(node->inputs[factors], shape));
    if (has[2])
        x = clade_add(x, clade_reshape(node->inputs[factors + has[1]], shape));
    return x;
}

/* --- group norm ------------------------------------------------------------------------------- */
static clade_status infer_group(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[X];
    const int64_t groups = node->attrs.integer[0];
    CLADE_TRY(check(node, 1));
    if (groups < 1 || x->shape.dim[1] % groups)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "group_norm: %lld groups do not divide the channels of %s",
                          (long long)groups, clade_shape_str(&x->shape).s);
    out->dtype = x->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

static clade_tensor *compose_group(const clade_node *node)
{
    clade_tensor *x = node->inputs[X];
    const int64_t groups = node->attrs.integer[0] * x->shape.dim[0];
    if (!x->numel)
        return with_factors(node, x, 1);
    clade_tensor *rows = clade_reshape(x, CLADE_SHAPE(groups, x->numel / groups));
    clade_tensor *y = clade_layer_norm(rows, NULL, NULL, 1, node->attrs.real[0]);
    return with_factors(node, clade_reshape(y, x->shape), 1);
}

/* --- batch norm ------------------------------------------------------------------------------- */
static clade_status infer_batch(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[X];
    CLADE_TRY(check(node, FACTORS));
    if (x->shape.dim[1] && x->numel / x->shape.dim[1] == 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "batch_norm: %s has one element per channel: no statistics to train with",
                          clade_shape_str(&x->shape).s);
    out->dtype = x->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

/* out [c] = scale * reduction of x over all but the channels: first over what lies side by side. */
static clade_status reduce_channels(clade_tensor *out, clade_tensor *x, clade_reduce_kind kind,
                                    double scale)
{
    const unsigned inner = ((1u << x->shape.ndim) - 1u) & ~3u;
    if (!inner)
        return clade_reduce(out, x, 1u << 0, kind, scale);
    const clade_shape shape = CLADE_SHAPE(x->shape.dim[0], x->shape.dim[1]);
    clade_tensor *partial = clade_tensor_new(x->ctx, x->dtype, &shape, "batch_norm");
    if (!partial)
        return clade_last_error()->status;
    clade_status status = clade_reduce(partial, x, inner, kind, 1);
    if (status == CLADE_OK)
        status = clade_reduce(out, partial, 1u << 0, CLADE_REDUCE_SUM, scale);
    clade_tensor_unref(partial);
    return status;
}

/* Row i of stats, as [c] or as what broadcasts over x. */
static clade_tensor *row_of(const clade_tensor *stats, int i, const clade_shape *shape)
{
    int64_t stride[CLADE_MAX_DIMS];
    clade_shape_strides(shape, stride);
    return clade_tensor_new_view(stats, shape, stride, stats->offset + i * stats->shape.dim[1]);
}

static clade_status fill_stats(clade_tensor *const rows[3], clade_tensor *const wide[3],
                               clade_tensor *x, clade_tensor *away, double eps)
{
    static const clade_expression difference = {"difference", "a-b", "ab"};
    static const clade_expression scale_of = {"batch_scale", "1/sqrt(a+p0)", "a"};
    const double part = (double)x->shape.dim[1] / (double)x->numel;
    CLADE_TRY(reduce_channels(rows[MEAN], x, CLADE_REDUCE_SUM, part));
    CLADE_TRY(clade_elementwise(&difference, x->dtype, away, (clade_tensor *const[]){x, wide[MEAN]},
                                2, NULL, 0));
    CLADE_TRY(reduce_channels(rows[VARIANCE], away, CLADE_REDUCE_SUM_OF_SQUARES, part));
    return clade_elementwise(&scale_of, x->dtype, rows[SCALE], &rows[VARIANCE], 1, &eps, 1);
}

static clade_status apply_stats(const clade_node *node, clade_tensor *away, clade_tensor *scale)
{
    static const clade_expression forms[2][2] = {
        {{"batch_plain", "a*b", "ab"}, {"batch_bias", "a*b+c", "abc"}},
        {{"batch_weight", "a*b*c", "abc"}, {"batch_both", "a*b*c+d", "abcd"}}};
    const clade_shape shape = channel_shape(away);
    clade_tensor *in[4] = {away, scale};
    int count = 2;
    clade_status status = CLADE_OK;
    for (int i = FACTORS; i < node->count && status == CLADE_OK; i++) {
        const clade_tensor *t = node->inputs[i];
        int64_t stride[CLADE_MAX_DIMS] = {t->stride[0]};
        in[count] = clade_tensor_new_view(t, &shape, stride, t->offset);
        status = in[count] ? CLADE_OK : clade_last_error()->status;
        count += status == CLADE_OK;
    }
    if (status == CLADE_OK)
        status = clade_elementwise(&forms[node->attrs.integer[1]][node->attrs.integer[2]],
                                   away->dtype, node->output, in, count, NULL, 0);
    while (count > 2)
        clade_tensor_unref(in[--count]);
    return status;
}

static clade_status forward_batch(const clade_node *node)
{
    clade_tensor *x = node->inputs[X], *stats = node->inputs[STATS], *rows[3], *wide[3];
    const clade_shape channels = CLADE_SHAPE(x->shape.dim[1]), shape = channel_shape(x);
    clade_tensor *away = clade_tensor_new(x->ctx, x->dtype, &x->shape, "batch_norm");
    bool made = away != NULL;
    for (int i = 0; i < 3; i++) {
        rows[i] = row_of(stats, i, &channels);
        wide[i] = row_of(stats, i, &shape);
        made = made && rows[i] && wide[i];
    }
    clade_status status =
        made ? fill_stats(rows, wide, x, away, node->attrs.real[0]) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = apply_stats(node, away, wide[SCALE]);
    for (int i = 0; i < 3; i++) {
        clade_tensor_unref(rows[i]);
        clade_tensor_unref(wide[i]);
    }
    clade_tensor_unref(away);
    return status;
}

/* The same of a computed tensor, as reduce_channels. */
static clade_tensor *sum_channels(clade_tensor *t)
{
    int axes[CLADE_MAX_DIMS], count = 0;
    const int first = 0;
    for (int i = 2; t && i < t->shape.ndim; i++)
        axes[count++] = i;
    return clade_sum(count ? clade_sum(t, axes, count, false) : t, &first, 1, false);
}

/* With z = (x - mean) * r: dbias = sum of g, dweight = sum of g * z,
 * dx = r * weight * (g - (dbias + z * dweight) / n). In f32 where x has less. */
static void backward_batch(const clade_node *node, clade_tensor *grad, const bool *needs,
                           clade_tensor **grads)
{
    const int64_t *has = node->attrs.integer;
    clade_tensor *x = node->inputs[X], *stats = node->inputs[STATS];
    const clade_shape shape = channel_shape(x);
    const double part = (double)x->shape.dim[1] / (double)x->numel;
    clade_tensor *g = clade_cast(grad, stats->dtype), *wide = clade_cast(x, stats->dtype);
    clade_tensor *mean = clade_reshape(clade_slice(stats, 0, MEAN, MEAN + 1, 1), shape);
    clade_tensor *factor = clade_reshape(clade_slice(stats, 0, SCALE, SCALE + 1, 1), shape);
    clade_tensor *z = clade_mul(clade_sub(wide, mean), factor);
    clade_tensor *bias = sum_channels(g), *weight = sum_channels(clade_mul(g, z));
    if (has[1])
        factor = clade_mul(factor,
                           clade_reshape(clade_cast(node->inputs[FACTORS], stats->dtype), shape));
    if (needs[X]) {
        clade_tensor *mixed =
            clade_add(clade_reshape(bias, shape), clade_mul(z, clade_reshape(weight, shape)));
        clade_tensor *dx = clade_mul(clade_sub(g, clade_mul_scalar(mixed, part)), factor);
        grads[X] = clade_cast(dx, x->dtype);
    }
    if (has[1] && needs[FACTORS])
        grads[FACTORS] = clade_cast(weight, x->dtype);
    if (has[2] && needs[FACTORS + has[1]])
        grads[FACTORS + has[1]] = clade_cast(bias, x->dtype);
}

static clade_tensor *mean_over_rest(clade_tensor *x)
{
    int axes[CLADE_MAX_DIMS] = {0}, count = 1;
    for (int i = 2; x && i < x->shape.ndim; i++)
        axes[count++] = i;
    return clade_mean(x, axes, count, true);
}

static clade_tensor *recompute_batch(const clade_node *node)
{
    clade_tensor *x = node->inputs[X];
    clade_tensor *away = clade_sub(x, mean_over_rest(x));
    clade_tensor *variance = mean_over_rest(clade_square(away));
    clade_tensor *root = clade_sqrt(clade_add_scalar(variance, node->attrs.real[0]));
    return with_factors(node, clade_div(away, root), FACTORS);
}

static const clade_op op_group_norm = {.name = "group_norm",
                                       .min_inputs = 1,
                                       .max_inputs = 3,
                                       .infer = infer_group,
                                       .compose = compose_group};
static const clade_op op_batch_norm = {.name = "batch_norm",
                                       .min_inputs = FACTORS,
                                       .max_inputs = FACTORS + 2,
                                       .saves = CLADE_SAVES_INPUTS,
                                       .infer = infer_batch,
                                       .forward = forward_batch,
                                       .backward = backward_batch,
                                       .recompute = recompute_batch};

static const clade_op *const ops[] = {&op_group_norm, &op_batch_norm};
const clade_op_family clade_channel_norm_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_group_norm(clade_tensor *x, int64_t groups, clade_tensor *weight,
                               clade_tensor *bias, double eps)
{
    const clade_attrs attrs = {.real = {eps}, .integer = {groups, weight != NULL, bias != NULL}};
    clade_tensor *in[3] = {x};
    int count = 1;
    if (weight)
        in[count++] = weight;
    if (bias)
        in[count++] = bias;
    return clade_apply(&op_group_norm, &attrs, in, count);
}

clade_tensor *clade_instance_norm(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,
                                  double eps)
{
    return clade_group_norm(x, x && x->shape.ndim > 1 ? x->shape.dim[1] : 1, weight, bias, eps);
}

/* running = (1 - momentum) * running + momentum * factor * row i of stats */
static clade_status follow(clade_tensor *running, clade_tensor *stats, int i, double momentum,
                           double factor)
{
    if (!running)
        return CLADE_OK;
    clade_tensor *row = clade_reshape(clade_slice(stats, 0, i, i + 1, 1), running->shape);
    clade_tensor *next = clade_add(clade_mul_scalar(running, 1 - momentum),
                                   clade_mul_scalar(row, momentum * factor));
    return next ? clade_tensor_copy(running, next) : clade_last_error()->status;
}

static clade_status follow_both(clade_tensor *mean, clade_tensor *var, clade_tensor *stats,
                                double n, double momentum)
{
    CLADE_TRY(clade_no_grad_begin(stats->ctx));
    clade_status status = follow(mean, stats, MEAN, momentum, 1);
    if (status == CLADE_OK)
        status = follow(var, stats, VARIANCE, momentum, n / (n - 1));
    clade_status ended = clade_no_grad_end(stats->ctx);
    return status == CLADE_OK ? ended : status;
}

/* Running statistics, [c], of the dtype that stats have. */
static clade_status check_running(const clade_tensor *x, const clade_tensor *running, bool needed)
{
    const clade_dtype wide = x->dtype == CLADE_F64 ? CLADE_F64 : CLADE_F32;
    if (x->shape.ndim < 2)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "batch_norm: %s has no channels: it must be [n,c,...]",
                          clade_shape_str(&x->shape).s);
    if (!running)
        return needed ? CLADE_FAIL(CLADE_ERR_ARGUMENT,
                                   "batch_norm: there are no running statistics to evaluate with")
                      : CLADE_OK;
    const clade_shape channels = CLADE_SHAPE(x->shape.dim[1]);
    if (running->dtype != wide)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "batch_norm: running statistics are %s, not %s",
                          clade_dtype_name(running->dtype), clade_dtype_name(wide));
    if (!clade_shape_equal(&running->shape, &channels))
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "batch_norm: running statistics are %s, the channels of x %s",
                          clade_shape_str(&running->shape).s, clade_shape_str(&x->shape).s);
    return CLADE_OK;
}

static clade_tensor *evaluate(clade_tensor *x, clade_tensor *mean, clade_tensor *var,
                              clade_tensor *weight, clade_tensor *bias, double eps)
{
    const clade_shape shape = channel_shape(x);
    clade_tensor *root = clade_sqrt(clade_add_scalar(clade_detach(var), eps));
    clade_tensor *y =
        clade_sub(clade_cast(x, mean->dtype), clade_reshape(clade_detach(mean), shape));
    y = clade_div(y, clade_reshape(root, shape));
    if (weight)
        y = clade_mul(y, clade_reshape(clade_cast(weight, mean->dtype), shape));
    if (bias)
        y = clade_add(y, clade_reshape(clade_cast(bias, mean->dtype), shape));
    return clade_cast(y, x->dtype);
}

clade_tensor *clade_batch_norm(clade_tensor *x, clade_tensor *running_mean,
                               clade_tensor *running_var, clade_tensor *weight, clade_tensor *bias,
                               const clade_batch_norm_options *options)
{
    const clade_batch_norm_options o = options ? *options : (clade_batch_norm_options){0};
    const double eps = o.eps != 0 ? o.eps : 1e-5, momentum = o.momentum != 0 ? o.momentum : 0.1;
    if (!x) {
        (void)clade_error_null("batch_norm", "x");
        return NULL;
    }
    if (check_running(x, running_mean, !o.train) != CLADE_OK ||
        check_running(x, running_var, !o.train) != CLADE_OK)
        return NULL;
    if (!o.train)
        return evaluate(x, running_mean, running_var, weight, bias, eps);
    const clade_shape shape = CLADE_SHAPE(3, x->shape.dim[1]);
    const clade_dtype wide = x->dtype == CLADE_F64 ? CLADE_F64 : CLADE_F32;
    const clade_attrs attrs = {.real = {eps}, .integer = {0, weight != NULL, bias != NULL}};
    clade_tensor *stats =
        clade_scope_adopt(x->ctx, clade_tensor_new(x->ctx, wide, &shape, "batch_norm"));
    clade_tensor *in[FACTORS + 2] = {x, stats};
    int count = FACTORS;
    if (weight)
        in[count++] = weight;
    if (bias)
        in[count++] = bias;
    clade_tensor *y = clade_apply(&op_batch_norm, &attrs, in, count);
    const double n = y && x->numel ? (double)x->numel / (double)x->shape.dim[1] : 0;
    if (n > 0 && follow_both(running_mean, running_var, stats, n, momentum) != CLADE_OK)
        return NULL;
    return y;
}
