#include "tensor/convolve.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

/* Elements of the parts that a weight's gradient is summed in, at most. */
#define MOST_PARTIAL (INT64_C(1) << 22)

/* The sizes of all three tensors; spatial dimensions multiplied. */
typedef struct sizes {
    int64_t images, groups;
    int64_t in, out; /* channels per group */
    int64_t taps, x, y;
} sizes;

static int64_t spatial(const clade_tensor *t)
{
    int64_t n = 1;
    for (int i = 2; i < t->shape.ndim; i++)
        n *= t->shape.dim[i];
    return n;
}

static sizes sizes_of(const clade_tensor *x, const clade_tensor *weight, const clade_tensor *y,
                      const clade_convolution *c)
{
    return (sizes){.images = x->shape.dim[0],
                   .groups = c->groups,
                   .in = weight->shape.dim[1],
                   .out = weight->shape.dim[0] / c->groups,
                   .taps = spatial(weight),
                   .x = spatial(x),
                   .y = spatial(y)};
}

/* What y's positions see of x, or with `transposed` what x's see of y. */
static clade_window window_of(clade_window_use use, const clade_tensor *x,
                              const clade_tensor *weight, const clade_tensor *y,
                              const clade_convolution *c, bool transposed)
{
    clade_window w = {.use = use, .groups = c->groups};
    const clade_window_dim none = {1, 1, 1, 1, 1, 0, 1};
    for (int d = 0; d < 3; d++) {
        const int i = d - (3 - c->dims);
        w.dim[d] = none;
        if (i < 0)
            continue;
        const clade_conv_dim *v = &c->dim[i];
        const int64_t in = x->shape.dim[2 + i], taps = weight->shape.dim[2 + i];
        const int64_t out = y->shape.dim[2 + i];
        w.dim[d] = transposed ? (clade_window_dim){.in = out,
                                                   .out = in,
                                                   .taps = taps,
                                                   .step = 1,
                                                   .reach = -v->dilation,
                                                   .shift = -v->padding,
                                                   .div = v->stride}
                              : (clade_window_dim){.in = in,
                                                   .out = out,
                                                   .taps = taps,
                                                   .step = v->stride,
                                                   .reach = v->dilation,
                                                   .shift = v->padding,
                                                   .div = 1};
    }
    return w;
}

static int64_t at_least_one(int64_t n)
{
    return n > 1 ? n : 1;
}

static void set_operands(clade_gemm *g, const clade_tensor *a, const clade_tensor *b,
                         const clade_tensor *c)
{
    g->dtype = c->dtype;
    g->alpha = 1;
    g->a = a->storage->buffer;
    g->b = b->storage->buffer;
    g->c = c->storage->buffer;
    g->a_offset = a->offset;
    g->b_offset = b->offset;
    g->c_offset = c->offset;
    g->lda = at_least_one(g->k);
    g->ldb = at_least_one(g->trans_b ? g->k : g->n);
    g->ldc = at_least_one(g->n);
    g->c_stride = g->m * g->n;
}

/* A contiguous copy or the tensor itself; NULL when an earlier one was. */
static clade_tensor *compact(clade_tensor *t, const clade_tensor *earlier)
{
    return earlier ? clade_tensor_compact(t) : NULL;
}

/* out = factors times the patches of image; g is complete but for operands. */
static clade_status multiply_patches(clade_tensor *out, clade_tensor *factors, clade_tensor *image,
                                     clade_gemm *g)
{
    set_operands(g, factors, image, out);
    clade_tensor_touch(out);
    return clade_gemm_run(clade_tensor_runtime(out), g);
}

clade_status clade_convolve(clade_tensor *y, clade_tensor *x, clade_tensor *weight,
                            const clade_convolution *c)
{
    const sizes n = sizes_of(x, weight, y, c);
    clade_tensor *image = compact(x, y), *factors = compact(weight, image);
    clade_status status = factors ? CLADE_OK : clade_last_error()->status;
    if (factors) {
        clade_gemm g = {.m = n.out,
                        .n = n.y,
                        .k = n.in * n.taps,
                        .batch = n.images * n.groups,
                        .a_stride = n.out * n.in * n.taps,
                        .b_stride = n.in * n.x,
                        .window = window_of(CLADE_WINDOW_B, x, weight, y, c, false)};
        g.window.channels = n.in;
        status = multiply_patches(y, factors, image, &g);
    }
    clade_tensor_unref(image);
    clade_tensor_unref(factors);
    return status;
}

/* dst [groups, b, a, step] = src [groups, a, b, step], which are seen so. */
static clade_status swap_middle(clade_tensor *dst, const clade_tensor *src, int64_t groups,
                                int64_t a, int64_t b, int64_t step)
{
    const clade_shape shape = CLADE_SHAPE(groups, b, a, step);
    const int64_t from[] = {a * b * step, step, b * step, 1};
    const int64_t to[] = {a * b * step, a * step, step, 1};
    clade_tensor *target = clade_tensor_new_view(dst, &shape, to, dst->offset);
    clade_tensor *source = clade_tensor_new_view(src, &shape, from, src->offset);
    clade_status status =
        target && source ? clade_tensor_assign(target, source) : clade_last_error()->status;
    clade_tensor_unref(target);
    clade_tensor_unref(source);
    return status;
}

/* weight as [groups, in, out, taps]: owned. */
static clade_tensor *swapped_weight(clade_tensor *weight, const sizes *n)
{
    const clade_shape shape = CLADE_SHAPE(n->groups, n->in, n->out, n->taps);
    clade_tensor *from = clade_tensor_compact(weight);
    clade_tensor *to = from ? clade_tensor_new(weight->ctx, weight->dtype, &shape, "conv") : NULL;
    if (to && swap_middle(to, from, n->groups, n->out, n->in, n->taps) != CLADE_OK) {
        clade_tensor_unref(to);
        to = NULL;
    }
    clade_tensor_unref(from);
    return to;
}

clade_status clade_convolve_transposed(clade_tensor *x, clade_tensor *y, clade_tensor *weight,
                                       const clade_convolution *c)
{
    const sizes n = sizes_of(x, weight, y, c);
    clade_tensor *image = compact(y, x);
    clade_tensor *factors = image ? swapped_weight(weight, &n) : NULL;
    clade_status status = factors ? CLADE_OK : clade_last_error()->status;
    if (factors) {
        clade_gemm g = {.m = n.in,
                        .n = n.x,
                        .k = n.out * n.taps,
                        .batch = n.images * n.groups,
                        .a_stride = n.out * n.in * n.taps,
                        .b_stride = n.out * n.y,
                        .window = window_of(CLADE_WINDOW_B, x, weight, y, c, true)};
        g.window.channels = n.out;
        status = multiply_patches(x, factors, image, &g);
    }
    clade_tensor_unref(image);
    clade_tensor_unref(factors);
    return status;
}

/* Images per part, so that the device has enough to do. */
static int64_t images_summed(const clade_runtime *rt, const sizes *n)
{
    const int64_t rows = n->in * n->taps, numel = n->groups * rows * n->out;
    const int64_t units = clade_runtime_device(rt)->compute_units;
    int64_t parts = units / n->groups;
    if (clade_runtime_kernel_shape(rt).lanes > 1)
        parts = 8 * units / (n->groups * ((rows + 15) / 16) * ((n->out + 15) / 16));
    if (parts > MOST_PARTIAL / numel)
        parts = MOST_PARTIAL / numel;
    parts = parts < 1 ? 1 : parts > n->images ? n->images : parts;
    return (n->images + parts - 1) / parts;
}

/* sums [parts, groups, in * taps, out] */
static clade_status sum_patches(clade_tensor *sums, clade_tensor *x, clade_tensor *y,
                                const clade_window *window, const sizes *n)
{
    clade_gemm g = {.m = n->in * n->taps,
                    .n = n->out,
                    .k = n->y,
                    .trans_b = true,
                    .batch = n->images * n->groups,
                    .a_stride = n->in * n->x,
                    .b_stride = n->out * n->y,
                    .window = *window};
    set_operands(&g, x, y, sums);
    return clade_gemm_run(clade_tensor_runtime(sums), &g);
}

/* weight from sums, which is used up. */
static clade_status add_parts(clade_tensor *weight, clade_tensor *sums, const sizes *n)
{
    clade_tensor *total = sums;
    clade_status status = CLADE_OK;
    if (sums->shape.dim[0] > 1) {
        const clade_shape shape = CLADE_SHAPE(n->groups, n->in * n->taps, n->out);
        total = clade_tensor_new(sums->ctx, sums->dtype, &shape, "conv");
        status =
            total ? clade_reduce(total, sums, 1, CLADE_REDUCE_SUM, 1) : clade_last_error()->status;
    }
    if (status == CLADE_OK)
        status = swap_middle(weight, total, n->groups, n->in * n->taps, n->out, 1);
    if (total != sums)
        clade_tensor_unref(total);
    return status;
}

clade_status clade_convolve_weight(clade_tensor *weight, clade_tensor *x, clade_tensor *y,
                                   const clade_convolution *c)
{
    const sizes n = sizes_of(x, weight, y, c);
    if (!n.images || !n.y || !weight->numel)
        return clade_tensor_fill(weight, 0);
    clade_window window = window_of(CLADE_WINDOW_A, x, weight, y, c, false);
    window.channels = n.in;
    window.summed = images_summed(clade_tensor_runtime(x), &n);
    const clade_shape shape =
        CLADE_SHAPE((n.images + window.summed - 1) / window.summed, n.groups, n.in * n.taps, n.out);
    clade_tensor *image = compact(x, weight), *grad = compact(y, image);
    clade_tensor *sums = grad ? clade_tensor_new(weight->ctx, weight->dtype, &shape, "conv") : NULL;
    clade_status status =
        sums ? sum_patches(sums, image, grad, &window, &n) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = add_parts(weight, sums, &n);
    clade_tensor_unref(image);
    clade_tensor_unref(grad);
    clade_tensor_unref(sums);
    return status;
}
