/* The sums that backward itself makes, as ops: where gradients meet, and over what was broadcast.
 */
#include "tape/tape.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

#include "base/shape.h"

/* --- accumulate: a + b, or a copy of a -------------------------------------------------------- */
static clade_status forward_accumulate(const clade_node *node)
{
    static const clade_expression sum = {"accumulate", "a + b", "ab"};
    clade_tensor *out = node->output;
    return node->count == 2 ? clade_elementwise(&sum, out->dtype, out, node->inputs, 2, NULL, 0)
                            : clade_tensor_assign(out, node->inputs[0]);
}

static void backward_same(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)needs;
    for (int i = 0; i < node->count; i++)
        grads[i] = grad;
}

static const clade_op op_accumulate = {.name = "accumulate",
                                       .min_inputs = 1,
                                       .max_inputs = 2,
                                       .infer = clade_infer_like_first,
                                       .forward = forward_accumulate,
                                       .backward = backward_same};

clade_tensor *clade_tape_add(clade_tensor *a, clade_tensor *b)
{
    return clade_apply(&op_accumulate, NULL, (clade_tensor *const[]){a, b}, b ? 2 : 1);
}

/* --- sum_to: attrs.shape = the shape that was broadcast; spread: back to attrs.shape ---------- */
static clade_status forward_sum_to(const clade_node *node)
{
    clade_tensor *g = node->inputs[0];
    const clade_shape *shape = &node->attrs.shape;
    int lead = g->shape.ndim - shape->ndim;
    unsigned mask = 0;
    for (int i = 0; i < g->shape.ndim; i++)
        if (i < lead || (shape->dim[i - lead] == 1 && g->shape.dim[i] != 1))
            mask |= 1u << i;
    return clade_reduce(node->output, g, mask, CLADE_REDUCE_SUM, 1);
}

static clade_status infer_spread(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    *out = (clade_meta){
        .dtype = x->dtype, .shape = node->attrs.shape, .is_view = true, .offset = x->offset};
    clade_tensor_expanded_strides(x, &out->shape, out->stride);
    return CLADE_OK;
}

/* Of spread: the tape sums. */
static const clade_op op_spread = {.name = "spread",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .infer = infer_spread,
                                   .backward = backward_same};

static void backward_sum_to(const clade_node *node, clade_tensor *grad, const bool *needs,
                            clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(&op_spread, &((clade_attrs){.shape = node->inputs[0]->shape}), grad);
}

static const clade_op op_sum_to = {.name = "sum_to",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .infer = clade_infer_given_shape,
                                   .forward = forward_sum_to,
                                   .backward = backward_sum_to};

clade_tensor *clade_tape_sum_to(clade_tensor *g, const clade_shape *shape)
{
    if (clade_shape_equal(&g->shape, shape))
        return g;
    return CLADE_APPLY(&op_sum_to, &((clade_attrs){.shape = *shape}), g);
}
