/* Going through the tape backwards.
 *
 * A gradient waits at the node that computed its tensor until all parts of it have arrived there:
 * nodes are visited from the last to the first. */
#include "tape/tape.h"
#include "tensor/elementwise.h"

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/shape.h"

/* A leaf whose gradient is added to its own when it is whole: hooks wait for that, and so does a
 * recorded sum. */
typedef struct late_leaf {
    clade_tensor *t, *grad; /* owned */
} late_leaf;

typedef struct state {
    clade_walk *walk;
    clade_tape *tape;
    clade_context *ctx;
    late_leaf *late;
    size_t late_count, late_capacity;
    clade_tensor **grads; /* of one node's inputs */
    bool *needs;
    size_t grads_capacity, needs_capacity;
} state;

/* --- arriving --------------------------------------------------------------------------------- */
/* The first gradient of a leaf gets memory of its own. */
static clade_status add_to_leaf(clade_tensor *t, clade_tensor *g)
{
    static const clade_expression sum = {"accumulate", "a + b", "ab"};
    if (t->grad)
        return clade_elementwise(&sum, t->dtype, t->grad, (clade_tensor *[]){t->grad, g}, 2, NULL,
                                 0);
    clade_tensor *copy = clade_tape_add(g, NULL);
    if (!copy)
        return clade_last_error()->status;
    t->grad = clade_tensor_ref(copy);
    return CLADE_OK;
}

static clade_tensor **late_slot(state *s, clade_tensor *t)
{
    for (size_t i = 0; i < s->late_count; i++)
        if (s->late[i].t == t)
            return &s->late[i].grad;
    if (!clade_grow((void **)&s->late, &s->late_capacity, s->late_count + 1, sizeof *s->late))
        return NULL;
    s->late[s->late_count] = (late_leaf){.t = clade_tensor_ref(t)};
    return &s->late[s->late_count++].grad;
}

/* The one place where gradients accumulate: adds `arrived` to what has come to t so far. */
static clade_status accumulate(state *s, clade_tensor *t, clade_tensor *arrived)
{
    clade_tensor *g = clade_tape_sum_to(arrived, &t->shape);
    if (!g)
        return clade_last_error()->status;
    bool late = t->hooks || (s->walk->create && !s->walk->asked);
    if (!t->node && !s->walk->asked && !late)
        return add_to_leaf(t, g);
    clade_tensor **slot = t->node ? &t->node->grad : late ? late_slot(s, t) : t->wanted;
    if (!slot)
        return CLADE_ERR_OUT_OF_MEMORY;
    /* A gradient on its way may be shared between several tensors: never add into it. */
    clade_tensor *sum = *slot ? clade_tape_add(g, *slot) : g;
    if (!sum)
        return clade_last_error()->status;
    clade_tensor_ref(sum);
    clade_tensor_unref(*slot);
    *slot = sum;
    return CLADE_OK;
}

static clade_status run_hooks(clade_tensor *t, clade_tensor **grad)
{
    if (!t->hooks)
        return CLADE_OK;
    clade_tensor *g = clade_hooks_run(t, *grad);
    if (!g)
        return clade_last_error()->status;
    clade_tensor_ref(g);
    clade_tensor_unref(*grad);
    *grad = g;
    return CLADE_OK;
}

/* --- one node --------------------------------------------------------------------------------- */
static bool needs_gradient(const state *s, const clade_tensor *t)
{
    return t->requires_grad && (!s->walk->asked || t->wanted || (t->node && t->node->leads));
}

static void mark_leading(const state *s, size_t from)
{
    for (size_t k = from; s->walk->asked && k < s->tape->count; k++) {
        clade_node *node = s->tape->nodes[k];
        node->leads = false;
        for (int i = 0; i < node->count && !node->leads; i++)
            node->leads = needs_gradient(s, node->inputs[i]);
    }
}

static clade_status through_ops(state *s, clade_node *node)
{
    size_t count = (size_t)node->count;
    if (!node->op->backward)
        return CLADE_FAIL(CLADE_ERR_NO_GRADIENT, "%s: %s has no %s", s->walk->name,
                          node->op->gradient_of ? node->op->gradient_of : node->op->name,
                          node->op->gradient_of ? "second derivative" : "gradient");
    if (!clade_grow((void **)&s->grads, &s->grads_capacity, count, sizeof *s->grads) ||
        !clade_grow((void **)&s->needs, &s->needs_capacity, count, sizeof *s->needs))
        return CLADE_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        s->grads[i] = NULL;
        s->needs[i] = needs_gradient(s, node->inputs[i]);
    }
    node->op->backward(node, node->grad, s->needs, s->grads);
    for (size_t i = 0; i < count; i++) {
        if (!s->needs[i])
            continue;
        if (!s->grads[i])
            return clade_last_error()->status;
        CLADE_TRY(accumulate(s, node->inputs[i], s->grads[i]));
    }
    return CLADE_OK;
}

static clade_status go_back(state *s, size_t from, size_t to);

static clade_status through_again(state *s, clade_node *node, clade_tensor *again, size_t from)
{
    if (!again)
        return clade_last_error()->status;
    if (again->dtype != node->output->dtype ||
        !clade_shape_equal(&again->shape, &node->output->shape))
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %s computed anew is %s %s, and was %s %s",
                          s->walk->name, node->op->name, clade_dtype_name(again->dtype),
                          clade_shape_str(&again->shape).s, clade_dtype_name(node->output->dtype),
                          clade_shape_str(&node->output->shape).s);
    size_t to = s->tape->count;
    mark_leading(s, from);
    if (!needs_gradient(s, again))
        return CLADE_OK;
    CLADE_TRY(accumulate(s, again, node->grad));
    return go_back(s, from, to);
}

/* Records the node's result anew behind all else, and goes back through that. */
static clade_status go_through_again(state *s, clade_node *node)
{
    size_t from = s->tape->count;
    int depth = s->ctx->no_grad_depth;
    s->ctx->no_grad_depth = 0;
    clade_tensor *again = node->op->recompute(node);
    s->ctx->no_grad_depth = depth;
    clade_status status = through_again(s, node, again, from);
    if (!s->walk->create)
        clade_tape_truncate(s->tape, from);
    return status;
}

static clade_status visit(state *s, clade_node *node)
{
    bool through = !s->walk->asked || node->leads;
    if (through && node->done)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %s was gone through before; retain_graph keeps it",
                          s->walk->name, node->op->name);
    CLADE_TRY(run_hooks(node->output, &node->grad));
    if (s->walk->asked && node->output->wanted)
        *node->output->wanted = clade_tensor_ref(node->grad);
    if (!through)
        return CLADE_OK;
    CLADE_TRY(clade_node_check_saved(node));
    if (node->op->recompute && (s->walk->create || !node->op->backward))
        CLADE_TRY(go_through_again(s, node));
    else
        CLADE_TRY(through_ops(s, node));
    node->done = !s->walk->retain;
    return CLADE_OK;
}

/* The walk may append nodes, which moves the array. */
static clade_status go_back(state *s, size_t from, size_t to)
{
    while (to > from) {
        clade_node *node = s->tape->nodes[--to];
        if (!node->grad)
            continue;
        CLADE_TRY(clade_scope_push(s->ctx));
        clade_status status = visit(s, node);
        clade_scope_pop(s->ctx);
        CLADE_TRY(status);
        clade_tensor_unref(node->grad);
        node->grad = NULL;
    }
    return CLADE_OK;
}

/* --- a whole walk ----------------------------------------------------------------------------- */
clade_status clade_walk_check(const clade_walk *walk, const clade_tensor *output,
                              const clade_tensor *grad)
{
    if (!output)
        return clade_error_null(walk->name, "the tensor");
    if (output->ctx->tape && output->ctx->tape->walking)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: another backward is under way", walk->name);
    if (!output->node && !(walk->asked && output->wanted))
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "%s: %s was not recorded: no tape was open, or nothing it was computed "
                          "from requires a gradient",
                          walk->name, clade_shape_str(&output->shape).s);
    if (output->node && output->node->done)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %s was gone through before; retain_graph keeps it",
                          walk->name, output->node->op->name);
    if (grad)
        return clade_gradient_check(output, grad, walk->name);
    if (output->numel != 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the loss is %s, not one element", walk->name,
                          clade_shape_str(&output->shape).s);
    return CLADE_OK;
}

static clade_status start(state *s, clade_tensor *output, clade_tensor *grad)
{
    if (grad)
        return accumulate(s, output, grad);
    clade_tensor *one = clade_scope_adopt(
        s->ctx, clade_tensor_new(s->ctx, output->dtype, &output->shape, s->walk->name));
    if (!one)
        return clade_last_error()->status;
    CLADE_TRY(clade_tensor_fill(one, 1));
    return accumulate(s, output, one);
}

/* Runs the hooks of leaves, whose gradients are whole now. */
static clade_status finish_late(state *s)
{
    for (size_t i = 0; i < s->late_count; i++) {
        late_leaf *late = &s->late[i];
        CLADE_TRY(run_hooks(late->t, &late->grad));
        if (s->walk->asked)
            *late->t->wanted = clade_tensor_ref(late->grad);
        else
            CLADE_TRY(add_to_leaf(late->t, late->grad));
    }
    return CLADE_OK;
}

static clade_status run(state *s, clade_tensor *const *outputs, clade_tensor *const *grads,
                        int count)
{
    size_t to = s->tape->count;
    mark_leading(s, 0);
    for (int i = 0; i < count; i++)
        CLADE_TRY(start(s, outputs[i], grads ? grads[i] : NULL));
    CLADE_TRY(go_back(s, 0, to));
    return finish_late(s);
}

static void clean_up(state *s)
{
    for (size_t i = 0; i < s->tape->count; i++) {
        clade_tensor_unref(s->tape->nodes[i]->grad);
        s->tape->nodes[i]->grad = NULL;
    }
    for (size_t i = 0; i < s->late_count; i++) {
        clade_tensor_unref(s->late[i].grad);
        clade_tensor_unref(s->late[i].t);
    }
    clade_free(s->late);
    clade_free(s->grads);
    clade_free(s->needs);
}

clade_status clade_walk_run(clade_walk *walk, clade_tensor *const *outputs,
                            clade_tensor *const *grads, int count)
{
    state s = {.walk = walk, .tape = walk->tape, .ctx = walk->tape->ctx};
    CLADE_TRY(clade_scope_push(s.ctx));
    size_t scopes = s.ctx->scope_count;
    int depth = s.ctx->no_grad_depth;
    clade_dtype autocast = s.ctx->autocast;
    s.ctx->no_grad_depth = walk->create ? 0 : depth + 1;
    s.ctx->autocast = CLADE_F32; /* gradients have the dtypes that the tape has */
    s.tape->walking = true;
    clade_status status = run(&s, outputs, grads, count);
    s.tape->walking = false;
    s.ctx->no_grad_depth = depth;
    s.ctx->autocast = autocast;
    clean_up(&s);
    while (s.ctx->scope_count >= scopes) /* a hook may have left one open */
        clade_scope_pop(s.ctx);
    return status;
}

static clade_status backward(clade_tensor *output, clade_tensor *grad,
                             const clade_backward_params *params, const char *name)
{
    static const clade_backward_params defaults = {0};
    if (!params)
        params = &defaults;
    clade_walk walk = {.name = name,
                       .create = params->create_graph,
                       .retain = params->retain_graph || params->create_graph};
    CLADE_TRY(clade_walk_check(&walk, output, grad));
    walk.tape = output->ctx->tape;
    return clade_walk_run(&walk, &output, &grad, 1);
}

clade_status clade_backward(clade_tensor *loss)
{
    return backward(loss, NULL, NULL, "backward");
}

clade_status clade_backward_from(clade_tensor *output, clade_tensor *grad)
{
    if (output && !grad)
        return clade_error_null("backward_from", "grad");
    return backward(output, grad, NULL, "backward_from");
}

clade_status clade_backward_with(clade_tensor *output, clade_tensor *grad,
                                 const clade_backward_params *params)
{
    return backward(output, grad, params, "backward_with");
}
