/* Taking elements by an index that lives on the device.
 *
 * Along its axis a tensor is seen as [outer, along, inner]. */
#include "runtime/elementwise.h"
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/elementwise.h"
#include "tensor/transfer.h"

#include <clade/arrange.h>
#include <clade/ops.h>

#include "base/shape.h"

#include <math.h>
#include <stdio.h>

/* Every op here: integer[0] = the axis, as given. */
static int axis_of(const clade_node *node, const clade_shape *shape)
{
    return clade_shape_axis(shape, (int)node->attrs.integer[0]);
}

static clade_status check(const clade_node *node, int *axis)
{
    const clade_tensor *x = node->inputs[0], *index = node->inputs[1];
    *axis = axis_of(node, &x->shape);
    if (*axis < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %lld in %s", node->op->name,
                          (long long)node->attrs.integer[0], clade_shape_str(&x->shape).s);
    if (index->dtype != CLADE_I32)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the index is %s, not i32", node->op->name,
                          clade_dtype_name(index->dtype));
    return CLADE_OK;
}

static clade_status infer_index_select(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0], *index = node->inputs[1];
    int axis;
    CLADE_TRY(check(node, &axis));
    if (index->shape.ndim != 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the index %s has not one dimension", node->op->name,
                          clade_shape_str(&index->shape).s);
    out->dtype = x->dtype;
    out->shape = x->shape;
    out->shape.dim[axis] = index->shape.dim[0];
    return CLADE_OK;
}

static clade_status infer_gather(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0], *index = node->inputs[1];
    int axis;
    CLADE_TRY(check(node, &axis));
    out->dtype = x->dtype;
    out->shape = x->shape;
    if (index->shape.ndim == x->shape.ndim)
        out->shape.dim[axis] = index->shape.dim[axis];
    if (!clade_shape_equal(&out->shape, &index->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s and index %s differ off axis %d", node->op->name,
                          clade_shape_str(&x->shape).s, clade_shape_str(&index->shape).s, axis);
    return CLADE_OK;
}

/* --- the windows that the kernels see --------------------------------------------------------- */
typedef struct window {
    clade_tensor *t; /* owned: the tensor or a copy of it */
    clade_axis size;
    int64_t step[3]; /* innermost first */
} window;

static clade_status window_of(window *w, clade_tensor *t, int axis)
{
    w->size = clade_axis_of(&t->shape, axis);
    clade_shape shape = CLADE_SHAPE(w->size.outer, w->size.along, w->size.inner);
    int64_t stride[CLADE_MAX_DIMS];
    bool fits = clade_shape_view_strides(&t->shape, t->stride, &shape, stride);
    w->t = fits ? clade_tensor_ref(t) : clade_tensor_compact(t);
    if (!w->t)
        return clade_last_error()->status;
    if (!fits)
        clade_shape_strides(&shape, stride);
    for (int i = 0; i < 3; i++)
        w->step[i] = stride[2 - i];
    return CLADE_OK;
}

/* index_select's index [picks], the same for all of outer and inner. */
static window shared_index(clade_tensor *index)
{
    return (window){.t = clade_tensor_ref(index), .step = {0, index->stride[0], 0}};
}

static clade_status get_kernel(clade_kernel **out, const clade_tensor *t, const char *name)
{
    char options[32];
    snprintf(options, sizeof options, "-DT=%s", clade_kernel_type(t->dtype));
    return clade_kernel_get(
        out, clade_tensor_runtime(t),
        &(clade_kernel_key){.family = "index", .options = options, .name = name});
}

#define ARG_WINDOW(w) CLADE_ARG_TENSOR((w)->t), clade_arg_int8((w)->step, 3, 0)

/* --- forward ---------------------------------------------------------------------------------- */
static clade_operand operand_of(const window *w)
{
    clade_operand operand = {.buffer = w->t->storage->buffer,
                             .dtype = w->t->dtype,
                             .offset = w->t->offset,
                             .stride = {w->step[2], w->step[1], w->step[0]}};
    return operand;
}

/* out[o,p,i] = x[o, index[o,p,i], i] */
static clade_status take(clade_tensor *out, const window *x, const window *index, int axis)
{
    static const clade_expression taken = {"take", "a", "a"};
    clade_axis size = clade_axis_of(&out->shape, axis);
    clade_elementwise_call call = {
        .shape = CLADE_SHAPE(size.outer, size.along, size.inner), .operands = 3, .stages = 1};
    call.operand[0] = (clade_operand){.buffer = out->storage->buffer,
                                      .dtype = out->dtype,
                                      .offset = out->offset,
                                      .stride = {size.along * size.inner, size.inner, 1}};
    call.operand[1] = operand_of(index);
    call.operand[2] = operand_of(x);
    call.operand[2].index = 1 + 1;
    call.operand[2].index_stride = call.operand[2].stride[1];
    call.operand[2].index_count = x->size.along;
    call.operand[2].stride[1] = 0;
    call.stage[0] = (clade_stage){
        .expression = taken, .compute = out->dtype, .dtype = out->dtype, .count = 1, .input = {2}};
    clade_tensor_touch(out);
    return clade_elementwise_run(clade_tensor_runtime(out), &call);
}

static clade_status take_from(const clade_node *node, const window *index)
{
    clade_tensor *out = node->output;
    int axis = axis_of(node, &out->shape);
    if (!node->inputs[0]->numel) /* no place that an index could name */
        return clade_tensor_fill(out, clade_dtype_is_float(out->dtype) ? NAN : 0);
    window x = {0};
    CLADE_TRY(window_of(&x, node->inputs[0], axis));
    clade_status status = take(out, &x, index, axis);
    clade_tensor_unref(x.t);
    return status;
}

static clade_status forward_index_select(const clade_node *node)
{
    window index = shared_index(node->inputs[1]);
    clade_status status = take_from(node, &index);
    clade_tensor_unref(index.t);
    return status;
}

static clade_status forward_gather(const clade_node *node)
{
    window index = {0};
    CLADE_TRY(window_of(&index, node->inputs[1], axis_of(node, &node->output->shape)));
    clade_status status = take_from(node, &index);
    clade_tensor_unref(index.t);
    return status;
}

/* --- gradient: inputs g and the index, shape = x's -------------------------------------------- */
/* Into how many parts the places along the axis are divided, so that the device has enough
 * work-items. */
static int64_t parts_for(const clade_runtime *rt, int64_t items, int64_t along)
{
    bool cpu = clade_runtime_kernel_shape(rt).lanes == 1;
    int64_t parts = clade_runtime_device(rt)->compute_units * (cpu ? 4 : 256) / items;
    return parts < 1 ? 1 : parts > along ? along : parts;
}

static clade_status put_back(clade_tensor *out, const clade_tensor *g, const window *index,
                             int axis)
{
    clade_runtime *rt = clade_tensor_runtime(out);
    clade_kernel_shape shape = clade_runtime_kernel_shape(rt);
    clade_axis size = clade_axis_of(&out->shape, axis);
    bool rows = shape.lanes == 1 && index->step[0] == 0 && size.inner >= shape.vector_width;
    int64_t items = rows ? (size.inner + shape.vector_width - 1) / shape.vector_width : size.inner;
    int64_t parts = parts_for(rt, items * size.outer, size.along);
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, out, rows ? "put_back_rows" : "put_back"));
    clade_grid grid = clade_grid_box(rt, items, parts, size.outer);
    clade_tensor_touch(out);
    return CLADE_LAUNCH(rt, kernel, &grid, CLADE_ARG_TENSOR(g), ARG_WINDOW(index),
                        clade_arg_buffer(out->storage->buffer), clade_arg_i32(size.inner),
                        clade_arg_i32(g->shape.dim[axis]), clade_arg_i32(size.outer),
                        clade_arg_i32(size.along), clade_arg_i32(parts));
}

static clade_status put_back_to(const clade_node *node, const window *index)
{
    clade_tensor *out = node->output;
    CLADE_TRY(clade_tensor_fill(out, 0));
    if (!node->inputs[0]->numel)
        return CLADE_OK;
    clade_tensor *g = clade_tensor_compact(node->inputs[0]);
    if (!g)
        return clade_last_error()->status;
    clade_status status = put_back(out, g, index, axis_of(node, &out->shape));
    clade_tensor_unref(g);
    return status;
}

static clade_status forward_index_select_grad(const clade_node *node)
{
    window index = shared_index(node->inputs[1]);
    clade_status status = put_back_to(node, &index);
    clade_tensor_unref(index.t);
    return status;
}

static clade_status forward_gather_grad(const clade_node *node)
{
    window index = {0};
    CLADE_TRY(window_of(&index, node->inputs[1], axis_of(node, &node->output->shape)));
    clade_status status = put_back_to(node, &index);
    clade_tensor_unref(index.t);
    return status;
}

/* A gradient's own gradient is taken from the places that it was put to. */
static void backward_grad(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(node->op->data, &node->attrs, grad, node->inputs[1]);
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    clade_attrs attrs = node->attrs;
    attrs.shape = node->inputs[0]->shape;
    grads[0] = CLADE_APPLY(node->op->data, &attrs, grad, node->inputs[1]);
}

/* data: the op of the gradient, and from there back */
#define INDEX_OP(name_)                                                                            \
    static const clade_op op_##name_;                                                              \
    static const clade_op op_##name_##_grad = {.name = #name_ "_grad",                             \
                                               .min_inputs = 2,                                    \
                                               .max_inputs = 2,                                    \
                                               .saves = CLADE_SAVES_INPUT(1),                      \
                                               .infer = clade_infer_given_shape,                   \
                                               .forward = forward_##name_##_grad,                  \
                                               .backward = backward_grad,                          \
                                               .data = &op_##name_,                                \
                                               .gradient_of = #name_};                             \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 2,                                           \
                                        .max_inputs = 2,                                           \
                                        .saves = CLADE_SAVES_INPUT(1),                             \
                                        .infer = infer_##name_,                                    \
                                        .forward = forward_##name_,                                \
                                        .backward = backward,                                      \
                                        .data = &op_##name_##_grad}

INDEX_OP(index_select);
INDEX_OP(gather);

/* --- embedding: index_select of rows; integer[1] = whether row integer[2] gets no gradient ------
 */
static void backward_embedding(const clade_node *node, clade_tensor *grad, const bool *needs,
                               clade_tensor **grads)
{
    clade_tensor *index = node->inputs[1];
    if (node->attrs.integer[1]) {
        clade_shape column = CLADE_SHAPE(index->numel, 1), scalar = clade_shape_scalar();
        clade_tensor *padding =
            clade_full(node->ctx, CLADE_I32, scalar, (double)node->attrs.integer[2]);
        grad = clade_where(clade_reshape(clade_eq(index, padding), column),
                           clade_full(node->ctx, grad->dtype, scalar, 0), grad);
    }
    clade_node selects = *node;
    selects.op = &op_index_select;
    backward(&selects, grad, needs, grads);
}

static clade_status infer_embedding(const clade_node *node, clade_meta *out)
{
    const clade_tensor *weight = node->inputs[0];
    CLADE_TRY(clade_require_float(node, 0));
    if (weight->shape.ndim != 2)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "embedding: the weight %s has not two dimensions",
                          clade_shape_str(&weight->shape).s);
    return infer_index_select(node, out);
}

static const clade_op op_embedding = {.name = "embedding",
                                      .min_inputs = 2,
                                      .max_inputs = 2,
                                      .saves = CLADE_SAVES_INPUT(1),
                                      .infer = infer_embedding,
                                      .forward = forward_index_select,
                                      .backward = backward_embedding};

/* --- one_hot: integer[0] = classes, integer[1] = the dtype -------------------------------------
 */
static clade_status infer_one_hot(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    int64_t classes = node->attrs.integer[0];
    CLADE_TRY(clade_require_dtype(node, 0, CLADE_I32));
    if (classes < 0 || shape->ndim == CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "one_hot: %lld classes of %s", (long long)classes,
                          clade_shape_str(shape).s);
    out->dtype = (clade_dtype)node->attrs.integer[1];
    out->shape = *shape;
    out->shape.dim[out->shape.ndim++] = classes;
    return CLADE_OK;
}

static clade_status forward_one_hot(const clade_node *node)
{
    static const clade_expression equal = {"one_hot", "a == b", "ab"};
    clade_tensor *index = node->inputs[0], *out = node->output;
    CLADE_TRY(clade_scope_push(node->ctx));
    clade_shape column = index->shape;
    column.dim[column.ndim++] = 1;
    clade_tensor *inputs[2] = {
        clade_reshape(index, column),
        clade_arange(node->ctx, CLADE_I32, 0, (double)node->attrs.integer[0], 1)};
    clade_status status = inputs[0] && inputs[1]
                              ? clade_elementwise(&equal, CLADE_I32, out, inputs, 2, NULL, 0)
                              : clade_last_error()->status;
    clade_scope_pop(node->ctx);
    return status;
}

static const clade_op op_one_hot = {.name = "one_hot",
                                    .min_inputs = 1,
                                    .max_inputs = 1,
                                    .infer = infer_one_hot,
                                    .forward = forward_one_hot};

/* --- index_add, scatter_add of x, index and source: integer[0] = the axis -----------------------
 */
static clade_status infer_add(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0], *index = node->inputs[1], *source = node->inputs[2];
    clade_node taken = *node; /* what is added looks like what would be taken */
    taken.count = 2;
    if (x->dtype != source->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: x is %s, the source %s", node->op->name,
                          clade_dtype_name(x->dtype), clade_dtype_name(source->dtype));
    const clade_op *grad = node->op->data;
    CLADE_TRY(grad == &op_index_select_grad ? infer_index_select(&taken, out)
                                            : infer_gather(&taken, out));
    if (clade_shape_equal(&out->shape, &source->shape))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: x %s, index %s and source %s do not fit",
                      node->op->name, clade_shape_str(&x->shape).s,
                      clade_shape_str(&index->shape).s, clade_shape_str(&source->shape).s);
}

static clade_tensor *compose_add(const clade_node *node)
{
    clade_attrs attrs = {.integer = {node->attrs.integer[0]}, .shape = node->inputs[0]->shape};
    return clade_add(node->inputs[0],
                     CLADE_APPLY(node->op->data, &attrs, node->inputs[2], node->inputs[1]));
}

static const clade_op op_index_add = {.name = "index_add",
                                      .min_inputs = 3,
                                      .max_inputs = 3,
                                      .infer = infer_add,
                                      .compose = compose_add,
                                      .data = &op_index_select_grad};
static const clade_op op_scatter_add = {.name = "scatter_add",
                                        .min_inputs = 3,
                                        .max_inputs = 3,
                                        .infer = infer_add,
                                        .compose = compose_add,
                                        .data = &op_gather_grad};

static const clade_op *const ops[] = {&op_index_select, &op_index_select_grad, &op_gather,
                                      &op_gather_grad,  &op_embedding,         &op_one_hot,
                                      &op_index_add,    &op_scatter_add};
const clade_op_family clade_index_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_index_select(clade_tensor *x, int axis, clade_tensor *index)
{
    return CLADE_APPLY(&op_index_select, &((clade_attrs){.integer = {axis}}), x, index);
}

clade_tensor *clade_gather(clade_tensor *x, int axis, clade_tensor *index)
{
    return CLADE_APPLY(&op_gather, &((clade_attrs){.integer = {axis}}), x, index);
}

clade_tensor *clade_embedding(clade_tensor *weight, clade_tensor *index, int64_t padding)
{
    clade_attrs attrs = {.integer = {0, padding >= 0, padding}};
    clade_tensor *rows =
        CLADE_APPLY(&op_embedding, &attrs, weight, clade_reshape(index, CLADE_SHAPE(-1)));
    if (!rows)
        return NULL;
    clade_shape shape = index->shape;
    if (shape.ndim == CLADE_MAX_DIMS) {
        (void)CLADE_FAIL(CLADE_ERR_SHAPE, "embedding: %s has no room for one dimension more",
                         clade_shape_str(&shape).s);
        return NULL;
    }
    shape.dim[shape.ndim++] = weight->shape.dim[1];
    return clade_reshape(rows, shape);
}

clade_tensor *clade_one_hot(clade_tensor *index, int64_t classes, clade_dtype dtype)
{
    return CLADE_APPLY(&op_one_hot, &((clade_attrs){.integer = {classes, dtype}}), index);
}

clade_tensor *clade_index_add(clade_tensor *x, int axis, clade_tensor *index, clade_tensor *source)
{
    return CLADE_APPLY(&op_index_add, &((clade_attrs){.integer = {axis}}), x, index, source);
}

clade_tensor *clade_scatter_add(clade_tensor *x, int axis, clade_tensor *index,
                                clade_tensor *source)
{
    return CLADE_APPLY(&op_scatter_add, &((clade_attrs){.integer = {axis}}), x, index, source);
}
