/* The scans of recurrent.c step by step out of other ops, for second derivatives. */
#include "ops/recurrent.h"

#include <clade/ops.h>

#include "base/alloc.h"

/* concat's most inputs */
#define MOST_JOINED 64

/* What a step goes by, and what it leaves; all [N,H] but gates and through [N,G*H]. */
typedef struct step {
    clade_tensor *gates, *through; /* of the inputs, and of h */
    clade_tensor *h, *c;
    bool relu;
} step;

static clade_tensor *gate(clade_tensor *gates, int which, int count)
{
    int64_t hidden = gates ? gates->shape.dim[1] / count : 0;
    return clade_slice(gates, 1, which * hidden, (which + 1) * hidden, 1);
}

static void rnn_step(step *s)
{
    clade_tensor *sum = clade_add(s->gates, s->through);
    s->h = s->relu ? clade_relu(sum) : clade_tanh(sum);
}

static void lstm_step(step *s)
{
    clade_tensor *sum = clade_add(s->gates, s->through);
    clade_tensor *in = clade_sigmoid(gate(sum, 0, 4)), *forget = clade_sigmoid(gate(sum, 1, 4));
    clade_tensor *made = clade_tanh(gate(sum, 2, 4)), *out = clade_sigmoid(gate(sum, 3, 4));
    s->c = clade_add(clade_mul(forget, s->c), clade_mul(in, made));
    s->h = clade_mul(out, clade_tanh(s->c));
}

/* (1 - z) n + z h = n + z (h - n) */
static void gru_step(step *s)
{
    clade_tensor *reset = clade_sigmoid(clade_add(gate(s->gates, 0, 3), gate(s->through, 0, 3)));
    clade_tensor *z = clade_sigmoid(clade_add(gate(s->gates, 1, 3), gate(s->through, 1, 3)));
    clade_tensor *n =
        clade_tanh(clade_add(gate(s->gates, 2, 3), clade_mul(reset, gate(s->through, 2, 3))));
    s->h = clade_add(n, clade_mul(z, clade_sub(s->h, n)));
}

/* Joins along axis 0; uses up the list. */
static clade_tensor *join(clade_tensor **list, int64_t count)
{
    while (count > 1) {
        int64_t joined = 0;
        for (int64_t at = 0; at < count; at += MOST_JOINED) {
            int64_t rest = count - at;
            list[joined++] =
                clade_concat(list + at, (int)(rest < MOST_JOINED ? rest : MOST_JOINED), 0);
        }
        count = joined;
    }
    return list[0];
}

static clade_tensor *run(const clade_node *node, void (*go)(step *s), clade_tensor **h_list,
                         clade_tensor **c_list)
{
    clade_tensor *gates = node->inputs[0], *weight = clade_transpose(node->inputs[1], 0, 1);
    clade_tensor *extra = node->count > 3 ? node->inputs[3] : NULL;
    int64_t steps = gates->shape.dim[0], rows = gates->shape.dim[1], wide = gates->shape.dim[2];
    const clade_shape one = CLADE_SHAPE(1, rows, node->inputs[1]->shape.dim[1]);
    step s = {.h = node->inputs[2], .c = extra, .relu = node->attrs.integer[1]};
    for (int64_t i = 0; i < steps; i++) {
        int64_t at = node->attrs.integer[0] ? steps - 1 - i : i;
        s.gates = clade_reshape(clade_slice(gates, 0, at, at + 1, 1), CLADE_SHAPE(rows, wide));
        s.through = clade_matmul(s.h, weight);
        if (go == gru_step)
            s.through = clade_add(s.through, extra);
        go(&s);
        h_list[at] = clade_reshape(s.h, one);
        if (c_list)
            c_list[at] = clade_reshape(s.c, one);
    }
    clade_tensor *h = join(h_list, steps);
    if (!c_list)
        return h;
    const clade_shape pair = CLADE_SHAPE(2, steps, one.dim[1], one.dim[2]);
    return clade_reshape(clade_concat((clade_tensor *[]){h, join(c_list, steps)}, 2, 0), pair);
}

static clade_tensor *recompute(const clade_node *node, void (*go)(step *s))
{
    size_t steps = (size_t)node->inputs[0]->shape.dim[0];
    clade_tensor **lists = clade_calloc(2 * steps, sizeof *lists);
    if (!lists)
        return NULL;
    clade_tensor *out = run(node, go, lists, go == lstm_step ? lists + steps : NULL);
    clade_free(lists);
    return out;
}

clade_tensor *clade_rnn_steps(const clade_node *node)
{
    return recompute(node, rnn_step);
}

clade_tensor *clade_lstm_steps(const clade_node *node)
{
    return recompute(node, lstm_step);
}

clade_tensor *clade_gru_steps(const clade_node *node)
{
    return recompute(node, gru_step);
}
