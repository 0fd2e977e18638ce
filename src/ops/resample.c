/* Pictures in another size, and patches as columns; each op and its gradient are each other's.
 *
 * Attributes of upsample: integer[0] = mode, shape = the result's; of upsample_grad shape = x's.
 * Of unfold and fold: window; shape = fold's rows and columns. */
#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/conv.h>

#include "base/shape.h"

enum { NEAREST, BILINEAR, BILINEAR_CORNERS };

/* The op's kernel from its input to its output over `items` work-items. */
static clade_status launch(const clade_node *node, int64_t items, const clade_arg *more, int count)
{
    const char *options = node->output->dtype == CLADE_F64 ? "-DT=double" : "-DT=float";
    const clade_kernel_key key = {
        .family = "resample", .options = options, .name = node->op->data, .any_shape = true};
    clade_runtime *rt = node->ctx->runtime;
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, rt, &key));
    clade_tensor *x = clade_tensor_compact(node->inputs[0]);
    if (!x)
        return clade_last_error()->status;
    clade_arg args[12] = {CLADE_ARG_TENSOR(x), CLADE_ARG_TENSOR(node->output)};
    for (int i = 0; i < count; i++)
        args[4 + i] = more[i];
    clade_grid grid = {.dims = 1, .global = {(size_t)items, 1, 1}, .local = {16, 1, 1}};
    clade_status status = clade_launch(rt, kernel, &grid, args, 4 + count);
    clade_tensor_unref(x);
    return status;
}

static clade_status check_picture(const clade_node *node)
{
    const clade_shape *x = &node->inputs[0]->shape;
    CLADE_TRY(clade_require_float(node, 0));
    if (x->ndim != 4 || x->dim[2] < 1 || x->dim[3] < 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: x %s is not [n,channels,rows,columns]",
                          node->op->name, clade_shape_str(x).s);
    return CLADE_OK;
}

/* --- upsample --------------------------------------------------------------------------------- */
static clade_status infer_upsample(const clade_node *node, clade_meta *out)
{
    const clade_shape *to = &node->attrs.shape;
    CLADE_TRY(check_picture(node));
    if (to->dim[2] < 1 || to->dim[3] < 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s to %lld rows and %lld columns", node->op->name,
                          clade_shape_str(&node->inputs[0]->shape).s, (long long)to->dim[2],
                          (long long)to->dim[3]);
    out->dtype = node->inputs[0]->dtype;
    out->shape = *to;
    return CLADE_OK;
}

static clade_status resample(const clade_node *node, const clade_shape *small,
                             const clade_shape *large, int64_t items)
{
    const clade_arg args[] = {clade_arg_i32(small->dim[0] * small->dim[1]),
                              clade_arg_i32(small->dim[2]),
                              clade_arg_i32(small->dim[3]),
                              clade_arg_i32(large->dim[2]),
                              clade_arg_i32(large->dim[3]),
                              clade_arg_i32(node->attrs.integer[0])};
    return launch(node, items, args, (int)(sizeof args / sizeof *args));
}

static clade_status forward_upsample(const clade_node *node)
{
    const clade_shape *y = &node->output->shape;
    return resample(node, &node->inputs[0]->shape, y, y->dim[0] * y->dim[1] * y->dim[2]);
}

static clade_status forward_upsample_grad(const clade_node *node)
{
    const clade_shape *x = &node->output->shape;
    return resample(node, x, &node->inputs[0]->shape, x->dim[0] * x->dim[1]);
}

/* --- unfold, fold ----------------------------------------------------------------------------- */
/* Output places along dimension d (0 rows, 1 columns) of `size` elements; 0 where none fits. */
static int64_t places(const clade_node *node, int d, int64_t size)
{
    const clade_attr_window *w = &node->attrs.window[d];
    int64_t room = size + 2 * w->padding - w->dilation * (w->taps - 1) - 1;
    return room < 0 ? 0 : room / w->stride + 1;
}

static int64_t taps(const clade_node *node)
{
    return node->attrs.window[0].taps * node->attrs.window[1].taps;
}

static clade_status infer_unfold(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(check_picture(node));
    const clade_shape *x = &node->inputs[0]->shape;
    const int64_t rows = places(node, 0, x->dim[2]), columns = places(node, 1, x->dim[3]);
    if (!rows || !columns)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "unfold: no patch fits into %s", clade_shape_str(x).s);
    out->dtype = node->inputs[0]->dtype;
    out->shape = CLADE_SHAPE(x->dim[0], x->dim[1] * taps(node), rows * columns);
    return CLADE_OK;
}

static clade_status infer_fold(const clade_node *node, clade_meta *out)
{
    const clade_shape *x = &node->inputs[0]->shape, *to = &node->attrs.shape;
    CLADE_TRY(clade_require_float(node, 0));
    const int64_t rows = places(node, 0, to->dim[0]), columns = places(node, 1, to->dim[1]);
    if (x->ndim != 3 || x->dim[1] % taps(node) != 0 || rows < 1 || columns < 1 ||
        x->dim[2] != rows * columns)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "fold: %s are not the patches of pictures of %lld rows and %lld columns: "
                          "[n,channels*%lld,%lld]",
                          clade_shape_str(x).s, (long long)to->dim[0], (long long)to->dim[1],
                          (long long)taps(node), (long long)(rows * columns));
    out->dtype = node->inputs[0]->dtype;
    out->shape = CLADE_SHAPE(x->dim[0], x->dim[1] / taps(node), to->dim[0], to->dim[1]);
    return CLADE_OK;
}

static clade_status move_patches(const clade_node *node, const clade_shape *picture, int64_t items)
{
    clade_arg args[3] = {clade_arg_i32(picture->dim[0] * picture->dim[1])};
    for (int d = 0; d < 2; d++) {
        const clade_attr_window *w = &node->attrs.window[d];
        const int64_t size = picture->dim[2 + d];
        const int64_t values[] = {size,       w->taps,     w->stride,
                                  w->padding, w->dilation, places(node, d, size)};
        args[1 + d] = clade_arg_int8(values, 6, 0);
    }
    return launch(node, items, args, 3);
}

static clade_status forward_unfold(const clade_node *node)
{
    const clade_shape *x = &node->inputs[0]->shape;
    return move_patches(node, x, x->dim[0] * x->dim[1] * taps(node));
}

static clade_status forward_fold(const clade_node *node)
{
    const clade_shape *y = &node->output->shape;
    return move_patches(node, y, y->dim[0] * y->dim[1]);
}

/* --- gradients -------------------------------------------------------------------------------- */
static const clade_op op_upsample, op_upsample_grad, op_unfold, op_fold;

static void backward_upsample(const clade_node *node, clade_tensor *grad, const bool *needs,
                              clade_tensor **grads)
{
    (void)needs;
    clade_attrs attrs = node->attrs;
    attrs.shape = node->inputs[0]->shape;
    grads[0] =
        CLADE_APPLY(node->op == &op_upsample ? &op_upsample_grad : &op_upsample, &attrs, grad);
}

static void backward_unfold(const clade_node *node, clade_tensor *grad, const bool *needs,
                            clade_tensor **grads)
{
    (void)needs;
    const clade_shape *x = &node->inputs[0]->shape;
    clade_attrs attrs = node->attrs;
    attrs.shape = CLADE_SHAPE(x->dim[2], x->dim[3]);
    grads[0] = CLADE_APPLY(&op_fold, &attrs, grad);
}

static void backward_fold(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(&op_unfold, &node->attrs, grad);
}

/* data: the kernel's name; OpenCL C has an upsample of its own */
#define RESAMPLE_OP(name_, kernel_, infer_, backward_, gradient_of_)                               \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = 1,                                           \
                                        .infer = infer_,                                           \
                                        .forward = forward_##name_,                                \
                                        .backward = backward_,                                     \
                                        .data = kernel_,                                           \
                                        .gradient_of = gradient_of_}
RESAMPLE_OP(upsample, "resize", infer_upsample, backward_upsample, NULL);
RESAMPLE_OP(upsample_grad, "resize_grad", clade_infer_given_shape, backward_upsample, "upsample");
RESAMPLE_OP(unfold, "unfold", infer_unfold, backward_unfold, NULL);
RESAMPLE_OP(fold, "fold", infer_fold, backward_fold, NULL);

static const clade_op *const ops[] = {&op_upsample, &op_upsample_grad, &op_unfold, &op_fold};
const clade_op_family clade_resample_ops = {ops, sizeof ops / sizeof ops[0]};

/* --- the public functions --------------------------------------------------------------------- */
static clade_tensor *upsample(clade_tensor *x, int64_t rows, int64_t columns, int mode)
{
    clade_attrs attrs = {.integer = {mode}, .shape = {.ndim = 4}};
    if (x && x->shape.ndim == 4)
        attrs.shape = CLADE_SHAPE(x->shape.dim[0], x->shape.dim[1], rows, columns);
    return CLADE_APPLY(&op_upsample, &attrs, x);
}

clade_tensor *clade_upsample_nearest2d(clade_tensor *x, int64_t rows, int64_t columns)
{
    return upsample(x, rows, columns, NEAREST);
}

clade_tensor *clade_upsample_bilinear2d(clade_tensor *x, int64_t rows, int64_t columns,
                                        bool align_corners)
{
    return upsample(x, rows, columns, align_corners ? BILINEAR_CORNERS : BILINEAR);
}

static bool set_patches(clade_attrs *attrs, const int64_t *kernel, const clade_conv_params *params,
                        const char *what)
{
    static const clade_conv_params defaults;
    const clade_conv_params *p = params ? params : &defaults;
    for (int d = 0; d < 2; d++) {
        clade_attr_window *w = &attrs->window[d];
        *w = (clade_attr_window){kernel[d], p->stride[d] ? p->stride[d] : 1, p->padding[d],
                                 p->dilation[d] ? p->dilation[d] : 1};
        if (w->taps >= 1 && w->taps <= CLADE_WINDOW_MOST && w->stride >= 1 &&
            w->stride <= CLADE_WINDOW_MOST && w->padding >= 0 && w->padding <= CLADE_WINDOW_MOST &&
            w->dilation >= 1 && w->dilation <= CLADE_WINDOW_MOST)
            continue;
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT,
                         "%s: kernel %lld, stride %lld, padding %lld, dilation %lld", what,
                         (long long)w->taps, (long long)w->stride, (long long)w->padding,
                         (long long)w->dilation);
        return false;
    }
    return true;
}

clade_tensor *clade_unfold(clade_tensor *x, int64_t kernel_rows, int64_t kernel_columns,
                           const clade_conv_params *params)
{
    clade_attrs attrs = {0};
    const int64_t kernel[] = {kernel_rows, kernel_columns};
    return set_patches(&attrs, kernel, params, "unfold") ? CLADE_APPLY(&op_unfold, &attrs, x)
                                                         : NULL;
}

clade_tensor *clade_fold(clade_tensor *x, int64_t rows, int64_t columns, int64_t kernel_rows,
                         int64_t kernel_columns, const clade_conv_params *params)
{
    clade_attrs attrs = {.shape = CLADE_SHAPE(rows, columns)};
    const int64_t kernel[] = {kernel_rows, kernel_columns};
    return set_patches(&attrs, kernel, params, "fold") ? CLADE_APPLY(&op_fold, &attrs, x) : NULL;
}
