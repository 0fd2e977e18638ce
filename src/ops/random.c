/* Tensors of random numbers, and dropout.
 *
 * Attributes of what draws: integer[0] = the dtype, shape; real = what the distribution takes. */
#include "tape/op.h"
#include "tensor/elementwise.h"
#include "tensor/transfer.h"

#include <clade/arrange.h>
#include <clade/ops.h>
#include <clade/random.h>

#include "base/alloc.h"
#include "base/shape.h"
#include "runtime/record.h"

#include <math.h>

static clade_status infer(const clade_node *node, clade_meta *out)
{
    out->dtype = (clade_dtype)node->attrs.integer[0];
    out->shape = node->attrs.shape;
    return CLADE_OK;
}

static clade_status infer_float(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    if (clade_dtype_is_float(out->dtype))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: %s is not a float", node->op->name,
                      clade_dtype_name(out->dtype));
}

static clade_status infer_uniform(const clade_node *node, clade_meta *out)
{
    const double low = node->attrs.real[0], high = node->attrs.real[1];
    CLADE_TRY(infer_float(node, out));
    double range = out->dtype == CLADE_F64 ? high - low : (float)high - (float)low;
    if (low <= high && isfinite(range))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "uniform: no numbers in [%g,%g)", low, high);
}

static clade_status infer_normal(const clade_node *node, clade_meta *out)
{
    const double mean = node->attrs.real[0], std = node->attrs.real[1];
    CLADE_TRY(infer_float(node, out));
    if (isfinite(mean) && isfinite(std) && std >= 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "normal: mean %g, std %g", mean, std);
}

static clade_status check_probability(const clade_node *node, double p)
{
    if (p >= 0 && p <= 1)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the probability is %g, not in [0,1]", node->op->name,
                      p);
}

static clade_status infer_bernoulli(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    return check_probability(node, node->attrs.real[0]);
}

/* randint: integer[1] = low, integer[2] = high. */
static clade_status infer_randint(const clade_node *node, clade_meta *out)
{
    const int64_t low = node->attrs.integer[1], high = node->attrs.integer[2];
    CLADE_TRY(infer(node, out));
    if (low >= INT32_MIN && low < high && high <= (int64_t)INT32_MAX + 1)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "randint: no i32 in [%lld,%lld)", (long long)low,
                      (long long)high);
}

/* What a kernel is told of one call, as numbers that a replay reads afresh. */
typedef struct draw {
    clade_context *ctx;
    double call_lo, call_hi, seed_lo, seed_hi;
} draw;

static void draw_next(void *user)
{
    draw *d = user;
    d->call_lo = (uint32_t)d->ctx->draws;
    d->call_hi = (uint32_t)(d->ctx->draws >> 32);
    d->seed_lo = (uint32_t)d->ctx->seed;
    d->seed_hi = (uint32_t)(d->ctx->seed >> 32);
    d->ctx->draws++;
}

static clade_arg word_arg(const double *source, bool replayed)
{
    clade_arg arg = clade_arg_u32((uint32_t)*source);
    arg.source = replayed ? source : NULL;
    return arg;
}

/* The op's kernel takes a and b after what tells one number from another. */
static clade_status launch(const clade_node *node, clade_tensor *out, const draw *d, bool replayed,
                           clade_arg a, clade_arg b)
{
    static const char *const options[CLADE_DTYPE_COUNT] = {
        [CLADE_F32] = "-DPHILOX -DT=float",
        [CLADE_F64] = "-DPHILOX -DT=double -DPER=2",
        [CLADE_I32] = "-DPHILOX -DT=int -DINTEGERS",
        [CLADE_U8] = "-DPHILOX -DT=uchar -DINTEGERS"};
    clade_runtime *rt = node->ctx->runtime;
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, rt,
                               &(clade_kernel_key){.family = "random",
                                                   .options = options[out->dtype],
                                                   .name = node->op->name}));
    int64_t per_block = out->dtype == CLADE_F64 ? 2 : 4;
    clade_grid grid = clade_grid_elements(rt, (out->numel + per_block - 1) / per_block);
    return CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(out->storage->buffer),
                        clade_arg_i32(out->numel), word_arg(&d->call_lo, replayed),
                        word_arg(&d->call_hi, replayed), word_arg(&d->seed_lo, replayed),
                        word_arg(&d->seed_hi, replayed), a, b);
}

/* Fills out, which is contiguous, with the next numbers. */
static clade_status draw_numbers(const clade_node *node, clade_tensor *out, clade_arg a,
                                 clade_arg b)
{
    clade_runtime *rt = node->ctx->runtime;
    uint64_t draws = node->ctx->draws;
    draw now = {.ctx = node->ctx}, *d = &now;
    bool replayed = clade_runtime_is_recording(rt);
    if (replayed) {
        d = clade_calloc(1, sizeof *d);
        if (!d)
            return CLADE_ERR_OUT_OF_MEMORY;
        *d = now;
        clade_status status = clade_recording_add_hook(rt, draw_next, d, true);
        if (status != CLADE_OK) {
            clade_free(d);
            return status;
        }
    }
    draw_next(d);
    clade_status status = launch(node, out, d, replayed, a, b);
    if (status != CLADE_OK)
        node->ctx->draws = draws;
    return status;
}

static clade_status forward_floats(const clade_node *node)
{
    clade_tensor *out = node->output;
    return draw_numbers(node, out, clade_arg_real(out->dtype, node->attrs.real[0]),
                        clade_arg_real(out->dtype, node->attrs.real[1]));
}

static clade_status forward_randint(const clade_node *node)
{
    const int64_t low = node->attrs.integer[1], high = node->attrs.integer[2];
    return draw_numbers(node, node->output, clade_arg_u32((uint32_t)low),
                        clade_arg_u32((uint32_t)(high - low)));
}

static clade_status draw_bytes(const clade_node *node, clade_tensor *out)
{
    double limit = ceil(node->attrs.real[0] * 0x1p24);
    return draw_numbers(node, out, clade_arg_u32((uint32_t)limit), clade_arg_u32(1));
}

static clade_status forward_bernoulli(const clade_node *node)
{
    clade_tensor *out = node->output;
    if (out->dtype == CLADE_U8)
        return draw_bytes(node, out);
    clade_tensor *bytes = clade_tensor_new(node->ctx, CLADE_U8, &out->shape, node->op->name);
    clade_status status = bytes ? draw_bytes(node, bytes) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = clade_tensor_assign(out, bytes);
    clade_tensor_unref(bytes);
    return status;
}

static const clade_op op_uniform = {
    .name = "uniform", .infer = infer_uniform, .forward = forward_floats};
static const clade_op op_normal = {
    .name = "normal", .infer = infer_normal, .forward = forward_floats};
static const clade_op op_randint = {
    .name = "randint", .infer = infer_randint, .forward = forward_randint};
static const clade_op op_bernoulli = {.name = "bernoulli",
                                      .infer = infer_bernoulli,
                                      .forward = forward_bernoulli,
                                      .any_storage = true};

/* --- dropout: real[0] = p ----------------------------------------------------------------------
 * dropout_masked, of x and a mask of bytes, is linear in x and so its own gradient. */
static const clade_expression dropout_expression = {"dropout", "m ? a*p0 : 0", "am"};

static clade_status forward_masked(const clade_node *node)
{
    double p = node->attrs.real[0], scale = p < 1 ? 1 / (1 - p) : 0;
    return clade_elementwise(&dropout_expression, node->output->dtype, node->output, node->inputs,
                             2, &scale, 1);
}

static const clade_op op_dropout_masked;

static void backward_masked(const clade_node *node, clade_tensor *grad, const bool *needs,
                            clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(&op_dropout_masked, &node->attrs, grad, node->inputs[1]);
}

static const clade_op op_dropout_masked = {.name = "dropout_masked",
                                           .min_inputs = 2,
                                           .max_inputs = 2,
                                           .saves = CLADE_SAVES_INPUT(1),
                                           .infer = clade_infer_like_first,
                                           .forward = forward_masked,
                                           .any_storage = true,
                                           .backward = backward_masked,
                                           .gradient_of = "dropout"};

static clade_status infer_dropout(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(clade_require_float(node, 0));
    return check_probability(node, node->attrs.real[0]);
}

static clade_tensor *compose_dropout(const clade_node *node)
{
    clade_tensor *x = node->inputs[0];
    clade_tensor *mask = clade_bernoulli(node->ctx, CLADE_U8, x->shape, 1 - node->attrs.real[0]);
    return CLADE_APPLY(&op_dropout_masked, &node->attrs, x, mask);
}

static const clade_op op_dropout = {.name = "dropout",
                                    .min_inputs = 1,
                                    .max_inputs = 1,
                                    .infer = infer_dropout,
                                    .compose = compose_dropout,
                                    .any_storage = true};

/* --- permutation: integer[0] = n ---------------------------------------------------------------
 */
static clade_status infer_permutation(const clade_node *node, clade_meta *out)
{
    (void)out;
    if (node->attrs.integer[0] >= 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "permutation: of %lld numbers",
                      (long long)node->attrs.integer[0]);
}

static clade_tensor *compose_permutation(const clade_node *node)
{
    clade_tensor *keys = clade_randint(node->ctx, CLADE_SHAPE(node->attrs.integer[0]), INT32_MIN,
                                       (int64_t)INT32_MAX + 1);
    return clade_argsort(keys, 0, false);
}

static const clade_op op_permutation = {
    .name = "permutation", .infer = infer_permutation, .compose = compose_permutation};

/* --- multinomial: integer = samples, replacement ------------------------------------------------
 */
static clade_status infer_multinomial(const clade_node *node, clade_meta *out)
{
    (void)out;
    const clade_shape *shape = &node->inputs[0]->shape;
    int64_t samples = node->attrs.integer[0];
    CLADE_TRY(clade_require_float(node, 0));
    if (shape->ndim != 1 && shape->ndim != 2)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "multinomial: the weights %s are not [k] or [n,k]",
                          clade_shape_str(shape).s);
    int64_t k = shape->dim[shape->ndim - 1];
    if (samples < 0 || (!node->attrs.integer[1] && samples > k) || (k == 0 && samples > 0))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "multinomial: %lld samples %s replacement of %s",
                          (long long)samples, node->attrs.integer[1] ? "with" : "without",
                          clade_shape_str(shape).s);
    return CLADE_OK;
}

/* Where a part of the total, never all of it, falls among the running sums. */
static clade_tensor *draw_again_and_again(clade_tensor *weights, int64_t samples)
{
    int last = weights->shape.ndim - 1;
    int64_t k = weights->shape.dim[last];
    clade_shape shape = weights->shape;
    shape.dim[last] = samples;
    clade_tensor *sums = clade_cumsum(weights, last);
    clade_tensor *part = clade_uniform(weights->ctx, weights->dtype, shape, 0, 1 - 0x1p-22);
    clade_tensor *total = clade_slice(sums, last, k - 1, k, 1);
    return clade_clamp(clade_searchsorted(sums, clade_mul(part, total)), 0, (double)k - 1);
}

/* Exponential numbers of rate weight: the order in which they come is that of draws. */
static clade_tensor *draw_each_once(clade_tensor *weights, int64_t samples)
{
    int last = weights->shape.ndim - 1;
    clade_tensor *u = clade_uniform(weights->ctx, weights->dtype, weights->shape, 0, 1);
    clade_tensor *times =
        clade_div(clade_neg(clade_log(clade_add_scalar(clade_neg(u), 1))), weights);
    return clade_slice(clade_argsort(times, last, false), last, 0, samples, 1);
}

static clade_tensor *compose_multinomial(const clade_node *node)
{
    clade_tensor *weights = node->inputs[0];
    if (weights->dtype != CLADE_F64)
        weights = clade_cast(weights, CLADE_F32);
    if (!weights)
        return NULL;
    return node->attrs.integer[1] ? draw_again_and_again(weights, node->attrs.integer[0])
                                  : draw_each_once(weights, node->attrs.integer[0]);
}

static const clade_op op_multinomial = {.name = "multinomial",
                                        .min_inputs = 1,
                                        .max_inputs = 1,
                                        .infer = infer_multinomial,
                                        .compose = compose_multinomial};

static const clade_op *const ops[] = {&op_uniform,     &op_normal,     &op_randint,
                                      &op_bernoulli,   &op_dropout,    &op_dropout_masked,
                                      &op_permutation, &op_multinomial};
const clade_op_family clade_random_ops = {ops, sizeof ops / sizeof ops[0]};

static clade_tensor *draw_floats(clade_context *ctx, const clade_op *op, clade_dtype dtype,
                                 const clade_shape *shape, double first, double second)
{
    return clade_apply_create(
        ctx, op, &(clade_attrs){.real = {first, second}, .integer = {dtype}, .shape = *shape});
}

clade_tensor *clade_uniform(clade_context *ctx, clade_dtype dtype, clade_shape shape, double low,
                            double high)
{
    return draw_floats(ctx, &op_uniform, dtype, &shape, low, high);
}

clade_tensor *clade_normal(clade_context *ctx, clade_dtype dtype, clade_shape shape, double mean,
                           double std)
{
    return draw_floats(ctx, &op_normal, dtype, &shape, mean, std);
}

clade_tensor *clade_randint(clade_context *ctx, clade_shape shape, int64_t low, int64_t high)
{
    return clade_apply_create(ctx, &op_randint,
                              &(clade_attrs){.integer = {CLADE_I32, low, high}, .shape = shape});
}

clade_tensor *clade_bernoulli(clade_context *ctx, clade_dtype dtype, clade_shape shape, double p)
{
    return draw_floats(ctx, &op_bernoulli, dtype, &shape, p, 0);
}

clade_tensor *clade_dropout(clade_tensor *x, double p, bool train)
{
    if (x && !train)
        return clade_scope_require(x->ctx, "dropout") == CLADE_OK
                   ? clade_scope_adopt(x->ctx, clade_tensor_ref(x))
                   : NULL;
    return CLADE_APPLY(&op_dropout, &((clade_attrs){.real = {p}}), x);
}

clade_tensor *clade_permutation(clade_context *ctx, int64_t n)
{
    return clade_apply_create(ctx, &op_permutation, &(clade_attrs){.integer = {n}});
}

clade_tensor *clade_multinomial(clade_tensor *weights, int64_t samples, bool replacement)
{
    return CLADE_APPLY(&op_multinomial, &((clade_attrs){.integer = {samples, replacement}}),
                       weights);
}
