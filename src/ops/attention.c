/* Attention: descriptors over the engine of tensor/attention.h.
 *
 * Inputs: q, k, v, lse, then a mask and a dropout key where there are such. Forward fills lse,
 * which is an input because backward needs it and an op has one output. Attributes: real = scale
 * and dropout; integer = causal, whether there is a mask, whether there is a key. */
#include "tape/op.h"
#include "tensor/attention.h"
#include "tensor/transfer.h"

#include <clade/arrange.h>
#include <clade/attention.h>
#include <clade/autograd.h>
#include <clade/ops.h>
#include <clade/random.h>

#include "base/shape.h"

#include <math.h>

enum { Q, K, V, LSE, REST };

typedef struct sizes {
    clade_shape lead; /* of all three, broadcast */
    int64_t outer, inner, t, s, d, e;
} sizes;

static clade_shape lead_of(const clade_tensor *x)
{
    clade_shape lead = x->shape;
    lead.ndim -= 2;
    return lead;
}

static clade_status sizes_of(sizes *z, clade_tensor *const *in, const char *name)
{
    for (int i = Q; i <= V; i++)
        if (in[i]->shape.ndim < 2)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s needs two dimensions", name,
                              clade_shape_str(&in[i]->shape).s);
    clade_shape q = lead_of(in[Q]), k = lead_of(in[K]), v = lead_of(in[V]), both;
    z->t = in[Q]->shape.dim[q.ndim];
    z->d = in[Q]->shape.dim[q.ndim + 1];
    z->s = in[V]->shape.dim[v.ndim];
    z->e = in[V]->shape.dim[v.ndim + 1];
    if (in[K]->shape.dim[k.ndim] != z->s || in[K]->shape.dim[k.ndim + 1] != z->d || z->d < 1 ||
        z->e < 1 || !clade_shape_broadcast(&q, &k, &both) ||
        !clade_shape_broadcast(&both, &v, &z->lead))
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "%s: q %s, k %s and v %s do not fit [...,t,d], [...,s,d] and [...,s,e]",
                          name, clade_shape_str(&in[Q]->shape).s, clade_shape_str(&in[K]->shape).s,
                          clade_shape_str(&in[V]->shape).s);
    z->inner = z->lead.ndim ? z->lead.dim[z->lead.ndim - 1] : 1;
    z->outer = 1;
    for (int i = 0; i < z->lead.ndim - 1; i++)
        z->outer *= z->lead.dim[i];
    return CLADE_OK;
}

/* Whether the rows of one place in the sequence lie side by side, as [...,t,heads,d] that was
 * transposed to [...,heads,t,d]: what is computed for x then lies so too. */
static bool is_interleaved(const clade_tensor *x, const sizes *z)
{
    int heads = x->shape.ndim - 3;
    return heads >= 0 && heads + 1 == z->lead.ndim && x->stride[heads] < x->stride[heads + 1];
}

static clade_shape with_rows(const sizes *z, int64_t rows, int64_t columns)
{
    clade_shape shape = z->lead;
    shape.dim[shape.ndim++] = rows;
    shape.dim[shape.ndim++] = columns;
    return shape;
}

/* The same as it lies in memory for x. */
static clade_shape in_memory(const clade_tensor *x, const sizes *z, int64_t rows, int64_t columns)
{
    clade_shape shape = with_rows(z, rows, columns);
    if (is_interleaved(x, z)) {
        shape.dim[shape.ndim - 2] = z->inner;
        shape.dim[shape.ndim - 3] = rows;
    }
    return shape;
}

static clade_status check_mask(const clade_node *node, const sizes *z)
{
    const clade_tensor *mask = node->inputs[REST];
    const clade_shape scores = with_rows(z, z->t, z->s);
    if (mask->requires_grad)
        return CLADE_FAIL(CLADE_ERR_NO_GRADIENT,
                          "attention: the mask %s requires a gradient, which it does not get here",
                          clade_shape_str(&mask->shape).s);
    if (mask->dtype != node->inputs[Q]->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "attention: the mask is %s, not u8 or %s as q",
                          clade_dtype_name(mask->dtype), clade_dtype_name(node->inputs[Q]->dtype));
    if (!clade_shape_expands_to(&mask->shape, &scores))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "attention: the mask %s does not broadcast to %s",
                          clade_shape_str(&mask->shape).s, clade_shape_str(&scores).s);
    return CLADE_OK;
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const double *real = node->attrs.real;
    sizes z;
    CLADE_TRY(clade_require_float(node, Q));
    CLADE_TRY(clade_require_same_dtype(node, Q, LSE));
    CLADE_TRY(sizes_of(&z, node->inputs, "attention"));
    if (node->attrs.integer[1])
        CLADE_TRY(check_mask(node, &z));
    if (!isfinite(real[0]) || !(real[1] >= 0 && real[1] < 1))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "attention: scale %g and dropout %g: must be finite and in [0,1)",
                          real[0], real[1]);
    out->dtype = node->inputs[Q]->dtype;
    out->shape = in_memory(node->inputs[Q], &z, z.t, z.e);
    return clade_attention_check(node->ctx->runtime, out->dtype, z.d, z.e, "attention");
}

/* --- windows: each tensor as [outer,inner,rows,columns] ----------------------------------------
 */
/* Owned, of t or of a copy of it. neighbours: whether columns must be. */
static clade_tensor *window(clade_tensor *t, const sizes *z, int64_t rows, int64_t columns,
                            bool neighbours)
{
    const clade_shape whole = with_rows(z, rows, columns);
    const clade_shape seen = CLADE_SHAPE(z->outer, z->inner, rows, columns);
    int64_t expanded[CLADE_MAX_DIMS], stride[CLADE_MAX_DIMS];
    clade_tensor_expanded_strides(t, &whole, expanded);
    if (clade_shape_view_strides(&whole, expanded, &seen, stride) &&
        (!neighbours || columns == 1 || stride[3] == 1))
        return clade_tensor_new_view(t, &seen, stride, t->offset);
    clade_tensor *copy = clade_tensor_new(t->ctx, t->dtype, &whole, "attention");
    clade_tensor *view = NULL;
    clade_shape_strides(&seen, stride);
    if (copy && clade_tensor_assign(copy, t) == CLADE_OK)
        view = clade_tensor_new_view(copy, &seen, stride, 0);
    clade_tensor_unref(copy);
    return view;
}

/* Of memory that lies as in_memory has it for x, from an offset in t on. */
static clade_tensor *own_window(clade_tensor *t, int64_t offset, const clade_tensor *x,
                                const sizes *z, int64_t rows, int64_t columns)
{
    const clade_shape seen = CLADE_SHAPE(z->outer, z->inner, rows, columns);
    int64_t stride[4];
    clade_shape_strides(&seen, stride);
    if (is_interleaved(x, z)) {
        stride[1] = columns;
        stride[2] = z->inner * columns;
    }
    return clade_tensor_new_view(t, &seen, stride, t->offset + offset);
}

/* A gradient of the op's output in the order of q's dimensions. */
static clade_tensor *arrived(clade_tensor *g, const clade_tensor *q, const sizes *z)
{
    clade_shape shape = with_rows(z, z->t, z->e);
    int64_t stride[CLADE_MAX_DIMS];
    for (int i = 0; i < shape.ndim; i++)
        stride[i] = g->stride[i];
    if (is_interleaved(q, z)) {
        stride[shape.ndim - 2] = g->stride[shape.ndim - 3];
        stride[shape.ndim - 3] = g->stride[shape.ndim - 2];
    }
    clade_tensor *swapped = clade_tensor_new_view(g, &shape, stride, g->offset);
    clade_tensor *view = swapped ? window(swapped, z, z->t, z->e, true) : NULL;
    clade_tensor_unref(swapped);
    return view;
}

static void close_call(clade_attention_call *c)
{
    clade_tensor_unref(c->q);
    clade_tensor_unref(c->k);
    clade_tensor_unref(c->v);
    clade_tensor_unref(c->mask);
    clade_tensor_unref(c->out);
}

/* in: q, k, v, lse ...; closed with close_call, also after a failure. */
static clade_status open_call(clade_attention_call *c, const clade_attrs *attrs,
                              clade_tensor *const *in, clade_tensor *out, const sizes *z)
{
    *c = (clade_attention_call){.lse = in[LSE],
                                .causal = attrs->integer[0] != 0,
                                .scale = attrs->real[0],
                                .dropout = attrs->real[1]};
    c->q = window(in[Q], z, z->t, z->d, true);
    c->k = window(in[K], z, z->s, z->d, true);
    c->v = window(in[V], z, z->s, z->e, true);
    c->out = own_window(out, 0, in[Q], z, z->t, z->e);
    if (attrs->integer[1])
        c->mask = window(in[REST], z, z->t, z->s, false);
    if (attrs->integer[2])
        c->key = in[REST + attrs->integer[1]];
    if (!c->q || !c->k || !c->v || !c->out || (attrs->integer[1] && !c->mask))
        return clade_last_error()->status;
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    sizes z;
    clade_attention_call call;
    CLADE_TRY(sizes_of(&z, node->inputs, "attention"));
    if (!z.s)
        return clade_tensor_fill(node->output, 0);
    clade_status status = open_call(&call, &node->attrs, node->inputs, node->output, &z);
    if (status == CLADE_OK)
        status = clade_attention_run(&call);
    close_call(&call);
    return status;
}

/* --- gradients: of g, out, then attention's inputs; dq, dk and dv one after the other ----------
 */
enum { G, OUT, INPUTS };

/* Where they start in the result, and where it ends. */
static void layout(const sizes *z, int64_t start[4])
{
    const int64_t batch = z->outer * z->inner;
    start[Q] = 0;
    start[K] = batch * z->t * z->d;
    start[V] = start[K] + batch * z->s * z->d;
    start[LSE] = start[V] + batch * z->s * z->e;
}

static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    sizes z;
    int64_t start[4];
    CLADE_TRY(sizes_of(&z, node->inputs + INPUTS, "attention_grad"));
    layout(&z, start);
    out->dtype = node->inputs[G]->dtype;
    out->shape = CLADE_SHAPE(start[LSE]);
    return CLADE_OK;
}

static clade_status forward_grad(const clade_node *node)
{
    clade_tensor *const *in = node->inputs + INPUTS, *flat = node->output;
    sizes z;
    int64_t start[4];
    clade_attention_call call;
    CLADE_TRY(sizes_of(&z, in, "attention_grad"));
    layout(&z, start);
    if (!z.s || !z.t)
        return clade_tensor_fill(flat, 0);
    clade_tensor *g = arrived(node->inputs[G], in[Q], &z);
    clade_tensor *dq = own_window(flat, start[Q], in[Q], &z, z.t, z.d);
    clade_tensor *dk = own_window(flat, start[K], in[K], &z, z.s, z.d);
    clade_tensor *dv = own_window(flat, start[V], in[V], &z, z.s, z.e);
    clade_status status = open_call(&call, &node->attrs, in, node->inputs[OUT], &z);
    if (status == CLADE_OK)
        status = g && dq && dk && dv ? clade_attention_grad_run(&call, g, dq, dk, dv)
                                     : clade_last_error()->status;
    close_call(&call);
    clade_tensor_unref(g);
    clade_tensor_unref(dq);
    clade_tensor_unref(dk);
    clade_tensor_unref(dv);
    return status;
}

static const clade_op op_attention_grad = {.name = "attention_grad",
                                           .min_inputs = INPUTS + REST,
                                           .max_inputs = INPUTS + REST + 2,
                                           .infer = infer_grad,
                                           .forward = forward_grad,
                                           .gradient_of = "attention"};

/* Elements as in_memory has them for `like`, in the order of its dimensions. */
static clade_tensor *in_order(clade_tensor *x, const clade_tensor *like, const sizes *z,
                              int64_t rows, int64_t columns)
{
    x = clade_reshape(x, in_memory(like, z, rows, columns));
    return is_interleaved(like, z) ? clade_transpose(x, -2, -3) : x;
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    sizes z;
    int64_t start[4];
    clade_tensor *in[INPUTS + REST + 2] = {grad, node->output};
    if (sizes_of(&z, node->inputs, "attention") != CLADE_OK)
        return;
    layout(&z, start);
    for (int i = 0; i < node->count; i++)
        in[INPUTS + i] = node->inputs[i];
    clade_tensor *flat = clade_apply(&op_attention_grad, &node->attrs, in, INPUTS + node->count);
    for (int i = Q; i <= V; i++)
        if (needs[i])
            grads[i] = in_order(clade_slice(flat, 0, start[i], start[i + 1], 1), node->inputs[i],
                                &z, i == Q ? z.t : z.s, i == V ? z.e : z.d);
}

/* --- out of other ops, with the scores in memory, for second derivatives -----------------------
 */
static clade_tensor *scores_of(const clade_node *node, const sizes *z)
{
    const clade_attrs *attrs = &node->attrs;
    clade_tensor *q = node->inputs[Q], *k = node->inputs[K];
    clade_tensor *scores =
        clade_mul_scalar(clade_matmul(q, clade_transpose(k, -1, -2)), attrs->real[0]);
    if (attrs->integer[1])
        scores = clade_add(scores, node->inputs[REST]);
    if (!attrs->integer[0])
        return scores;
    clade_tensor *hidden = clade_full(node->ctx, q->dtype, CLADE_SHAPE(z->t, z->s), -INFINITY);
    return clade_add(scores, clade_triu(hidden, 1));
}

/* A row that sees a key has a sum of at least 1; any other has none, whatever it is divided by. */
static clade_tensor *recompute(const clade_node *node)
{
    const int last = -1;
    const clade_tensor *q = node->inputs[Q];
    sizes z;
    if (node->attrs.integer[2]) {
        (void)CLADE_FAIL(CLADE_ERR_NO_GRADIENT, "attention: no second derivative with dropout");
        return NULL;
    }
    if (sizes_of(&z, node->inputs, "attention") != CLADE_OK)
        return NULL;
    if (!z.s)
        return clade_full(node->ctx, q->dtype, node->output->shape, 0);
    clade_tensor *scores = scores_of(node, &z);
    const double finite = q->dtype == CLADE_F16 ? -6e4 : -1e30;
    clade_tensor *lowest = clade_full(node->ctx, q->dtype, clade_shape_scalar(), finite);
    clade_tensor *half = clade_full(node->ctx, q->dtype, clade_shape_scalar(), 0.5);
    clade_tensor *most = clade_maximum(clade_max(clade_detach(scores), &last, 1, true), lowest);
    clade_tensor *weights = clade_exp(clade_sub(scores, most));
    clade_tensor *sum = clade_maximum(clade_sum(weights, &last, 1, true), half);
    clade_tensor *out = clade_matmul(clade_div(weights, sum), node->inputs[V]);
    return is_interleaved(q, &z) ? clade_transpose(out, -2, -3) : out;
}

static const clade_op op_attention = {.name = "attention",
                                      .min_inputs = REST,
                                      .max_inputs = REST + 2,
                                      .saves = CLADE_SAVES_INPUTS | CLADE_SAVES_OUTPUT,
                                      .infer = infer,
                                      .forward = forward,
                                      .backward = backward,
                                      .recompute = recompute};

static const clade_op *const ops[] = {&op_attention, &op_attention_grad};
const clade_op_family clade_attention_ops = {ops, sizeof ops / sizeof ops[0]};

/* 0 where a boolean mask lets see, else -INFINITY. */
static clade_tensor *additive(clade_tensor *mask, clade_dtype dtype)
{
    if (mask->dtype != CLADE_U8)
        return mask;
    return clade_where(mask, clade_full(mask->ctx, dtype, clade_shape_scalar(), 0),
                       clade_full(mask->ctx, dtype, clade_shape_scalar(), -INFINITY));
}

/* Whatever is wrong with q, k or v, infer says. */
static clade_tensor *attend(clade_tensor *q, clade_tensor *k, clade_tensor *v, clade_tensor *mask,
                            const clade_attention_params *params)
{
    q = clade_autocast_input(q);
    k = clade_autocast_input(k);
    v = clade_autocast_input(v);
    if (!q || !k || !v)
        return NULL;
    clade_tensor *in[REST + 2] = {q, k, v};
    const clade_attention_params p = params ? *params : (clade_attention_params){0};
    sizes z;
    if (sizes_of(&z, in, "attention") != CLADE_OK)
        return NULL;
    clade_shape rows = z.lead;
    rows.dim[rows.ndim++] = z.t;
    const clade_dtype wide = q->dtype == CLADE_F64 ? CLADE_F64 : CLADE_F32;
    in[LSE] = clade_scope_adopt(q->ctx, clade_tensor_new(q->ctx, wide, &rows, "attention"));
    int count = REST;
    mask = mask ? clade_autocast_input(mask) : NULL;
    if (mask)
        in[count++] = additive(mask, q->dtype);
    if (p.dropout != 0)
        in[count++] = clade_uniform(q->ctx, CLADE_F32, CLADE_SHAPE(4), 0, 1);
    const clade_attrs attrs = {.real = {p.scale != 0 ? p.scale : 1 / sqrt((double)z.d), p.dropout},
                               .integer = {p.causal, mask != NULL, p.dropout != 0}};
    clade_tensor *out = clade_apply(&op_attention, &attrs, in, count);
    return is_interleaved(q, &z) ? clade_transpose(out, -2, -3) : out;
}

clade_tensor *clade_attention(clade_tensor *q, clade_tensor *k, clade_tensor *v,
                              const clade_attention_params *params)
{
    if (q && k && v)
        return attend(q, k, v, NULL, params);
    (void)clade_error_null("attention", "an input");
    return NULL;
}

clade_tensor *clade_attention_masked(clade_tensor *q, clade_tensor *k, clade_tensor *v,
                                     clade_tensor *mask, const clade_attention_params *params)
{
    if (q && k && v && mask)
        return attend(q, k, v, mask, params);
    (void)clade_error_null("attention", "an input");
    return NULL;
}
