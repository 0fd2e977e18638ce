/* Tensors made of a constant or of random numbers. */
#include "tape/op.h"

#include <clade/ops.h>

#include "base/alloc.h"
#include "runtime/record.h"

#include <math.h>

/* integer[0] = the dtype, shape, real = the value, or what the distribution takes */
static clade_status infer_full(const clade_node *node, clade_meta *out)
{
    out->dtype = (clade_dtype)node->attrs.integer[0];
    out->shape = node->attrs.shape;
    return CLADE_OK;
}

static clade_status forward_full(const clade_node *node)
{
    return clade_tensor_fill(node->output, node->attrs.real[0]);
}

static clade_status infer_random(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer_full(node, out));
    if (clade_dtype_is_float(out->dtype))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: %s is not a float", node->op->name,
                      clade_dtype_name(out->dtype));
}

static clade_status infer_uniform(const clade_node *node, clade_meta *out)
{
    const double low = node->attrs.real[0], high = node->attrs.real[1];
    CLADE_TRY(infer_random(node, out));
    double range = out->dtype == CLADE_F64 ? high - low : (float)high - (float)low;
    if (low <= high && isfinite(range))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "uniform: no numbers in [%g,%g)", low, high);
}

static clade_status infer_normal(const clade_node *node, clade_meta *out)
{
    const double mean = node->attrs.real[0], std = node->attrs.real[1];
    CLADE_TRY(infer_random(node, out));
    if (isfinite(mean) && isfinite(std) && std >= 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "normal: mean %g, std %g", mean, std);
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

static clade_status launch(const clade_node *node, clade_kernel *kernel, const draw *d,
                           bool replayed)
{
    clade_runtime *rt = node->ctx->runtime;
    const clade_tensor *out = node->output;
    int64_t per_block = out->dtype == CLADE_F64 ? 2 : 4;
    clade_grid grid = clade_grid_elements(rt, (out->numel + per_block - 1) / per_block);
    return CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(out->storage->buffer),
                        clade_arg_i32(out->numel), word_arg(&d->call_lo, replayed),
                        word_arg(&d->call_hi, replayed), word_arg(&d->seed_lo, replayed),
                        word_arg(&d->seed_hi, replayed),
                        clade_arg_real(out->dtype, node->attrs.real[0]),
                        clade_arg_real(out->dtype, node->attrs.real[1]));
}

static clade_status forward_random(const clade_node *node)
{
    clade_runtime *rt = node->ctx->runtime;
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, rt,
                               &(clade_kernel_key){.family = "random",
                                                   .options = node->output->dtype == CLADE_F64
                                                                  ? "-DPHILOX -DT=double -DPER=2"
                                                                  : "-DPHILOX -DT=float",
                                                   .name = node->op->name}));
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
    clade_status status = launch(node, kernel, d, replayed);
    if (status != CLADE_OK)
        node->ctx->draws = draws;
    return status;
}

static const clade_op op_full = {
    .name = "full", .infer = infer_full, .forward = forward_full, .any_storage = true};
static const clade_op op_uniform = {
    .name = "uniform", .infer = infer_uniform, .forward = forward_random};
static const clade_op op_normal = {
    .name = "normal", .infer = infer_normal, .forward = forward_random};

static const clade_op *const ops[] = {&op_full, &op_uniform, &op_normal};
const clade_op_family clade_random_ops = {ops, sizeof ops / sizeof ops[0]};

static clade_tensor *create(clade_context *ctx, const clade_op *op, clade_dtype dtype,
                            const clade_shape *shape, double first, double second)
{
    return clade_apply_create(
        ctx, op, &(clade_attrs){.real = {first, second}, .integer = {dtype}, .shape = *shape});
}

clade_tensor *clade_full(clade_context *ctx, clade_dtype dtype, clade_shape shape, double value)
{
    return create(ctx, &op_full, dtype, &shape, value, 0);
}

clade_tensor *clade_uniform(clade_context *ctx, clade_dtype dtype, clade_shape shape, double low,
                            double high)
{
    return create(ctx, &op_uniform, dtype, &shape, low, high);
}

clade_tensor *clade_normal(clade_context *ctx, clade_dtype dtype, clade_shape shape, double mean,
                           double std)
{
    return create(ctx, &op_normal, dtype, &shape, mean, std);
}
