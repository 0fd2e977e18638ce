/* Recurrent layers over all time steps: a GEMM and one elementwise call per step.
 *
 * A step with G gates reads its part of gates [T,N,G*H] and `through` = h * weight^T, gate by gate
 * as windows of [N,H]. Backward computes the gates of all steps anew by one GEMM, and replaces them
 * by their gradients on the way back through time. */
#include "ops/recurrent.h"
#include "tensor/multiply.h"
#include "tensor/transfer.h"
#include "tensor/update.h"

#include <clade/ops.h>
#include <clade/recurrent.h>

#include "base/shape.h"

#define MAX_GATES 4

typedef struct scan scan;

typedef struct cell {
    int gates;
    /* A step forward: from h (and c) at `before` to `at`. */
    void (*forward)(const scan *s, clade_update *update, int64_t at);
    /* The gates of all steps, in place of weight * h. NULL: they are not needed. */
    void (*gate)(const scan *s, clade_update *update);
    /* A step back: gates become their gradients; `carry` takes what goes to the step before besides
     * what goes through the weights. */
    void (*back)(const scan *s, clade_update *update, int64_t at);
} cell;

/* integer[0] = reverse, integer[1] = relu. Tensors are contiguous and owned, NULL where there are
 * none. */
struct scan {
    const cell *cell;
    int64_t steps, rows, hidden;
    bool reverse, relu;
    clade_tensor *gates, *h0, *extra, *states; /* extra: c0, or the bias */
    clade_tensor *weight, *weight_back;        /* [H, G*H] and [G*H, H]; views */
    clade_tensor *through;                     /* [N, G*H] forward, [N,H] backward */
    /* Backward: `result` is one flat tensor of the gradients of gates [T,N,G*H] (of a GRU also
     * those of weight * h + bias, from `second` on) and of carry [N,H]. */
    clade_tensor *grad, *result;
    int64_t second, carry;
    int64_t index; /* of the step that is made; its place in time is at(s) */
};

/* --- windows ---------------------------------------------------------------------------------- */
static int64_t time_of(const scan *s, int64_t index)
{
    return s->reverse ? s->steps - 1 - index : index;
}

static int64_t block(const scan *s)
{
    return s->rows * s->hidden;
}

/* Gate `gate` of a tensor of gates, from `offset` on. */
static void add_gate(const scan *s, clade_update *update, char letter, clade_tensor *t,
                     int64_t offset, int gate, bool stored)
{
    clade_update_add_window(update, letter, t, offset + gate * s->hidden,
                            s->cell->gates * s->hidden, 1, stored);
}

static void add_gates(const scan *s, clade_update *update, const char *letters, clade_tensor *t,
                      int64_t offset, bool stored)
{
    for (int i = 0; letters[i]; i++)
        add_gate(s, update, letters[i], t, offset, i, stored);
}

static void add_block(const scan *s, clade_update *update, char letter, clade_tensor *t,
                      int64_t offset, bool stored)
{
    clade_update_add_window(update, letter, t, offset, s->hidden, 1, stored);
}

/* State number `which` (0: h, 1: c) after the step before. */
static void add_before(const scan *s, clade_update *update, char letter, int which)
{
    if (s->index == 0)
        add_block(s, update, letter, which ? s->extra : s->h0, 0, false);
    else
        add_block(s, update, letter, s->states,
                  (which * s->steps + time_of(s, s->index - 1)) * block(s), false);
}

static int64_t gates_at(const scan *s, int64_t at)
{
    return at * block(s) * s->cell->gates;
}

#define EXPRESSION(name, text, inputs)                                                             \
    static const clade_expression name = {"recurrent_" #name, text, inputs}

static void assign(clade_update *update, char letter, const clade_expression *expression)
{
    clade_update_assign(update, letter, expression, NULL, NULL);
}

/* --- RNN -------------------------------------------------------------------------------------- */
EXPRESSION(rnn_tanh, "tanh(a + p)", "ap");
EXPRESSION(rnn_relu, "a + p < 0 ? 0 : a + p", "ap");
EXPRESSION(rnn_tanh_grad, "(g + t) * (1 - h * h)", "gth");
EXPRESSION(rnn_relu_grad, "h > 0 ? g + t : 0", "gth");

static void rnn_forward(const scan *s, clade_update *update, int64_t at)
{
    add_block(s, update, 'a', s->gates, at * block(s), false);
    add_block(s, update, 'p', s->through, 0, false);
    add_block(s, update, 'h', s->states, at * block(s), true);
    assign(update, 'h', s->relu ? &rnn_relu : &rnn_tanh);
}

static void rnn_back(const scan *s, clade_update *update, int64_t at)
{
    add_block(s, update, 'g', s->grad, at * block(s), false);
    add_block(s, update, 't', s->through, 0, false);
    add_block(s, update, 'h', s->states, at * block(s), false);
    add_block(s, update, 'a', s->result, at * block(s), true);
    assign(update, 'a', s->relu ? &rnn_relu_grad : &rnn_tanh_grad);
}

static const cell rnn_cell = {.gates = 1, .forward = rnn_forward, .back = rnn_back};

/* --- LSTM: the gates are a, b, d, e = i, f, g, o -----------------------------------------------
 */
EXPRESSION(sigmoid_i, "1 / (1 + exp(-(a + p)))", "ap");
EXPRESSION(sigmoid_f, "1 / (1 + exp(-(b + q)))", "bq");
EXPRESSION(tanh_g, "tanh(d + r)", "dr");
EXPRESSION(sigmoid_o, "1 / (1 + exp(-(e + s)))", "es");
EXPRESSION(lstm_c, "q * c + p * r", "qcpr");
EXPRESSION(lstm_h, "s * tanh(n)", "sn");
EXPRESSION(lstm_dh, "g + t", "gt");
EXPRESSION(lstm_tanh, "tanh(n)", "n");
EXPRESSION(lstm_through_h, "h * s * (1 - n * n)", "hsn");
EXPRESSION(lstm_dc, "u + k + v", "ukv");
EXPRESSION(lstm_do, "h * n * s * (1 - s)", "hns");
EXPRESSION(lstm_di, "v * r * p * (1 - p)", "vrp");
EXPRESSION(lstm_dg, "v * p * (1 - r * r)", "vpr");
EXPRESSION(lstm_df, "v * c * q * (1 - q)", "vcq");
EXPRESSION(lstm_carry, "v * q", "vq");
EXPRESSION(lstm_i, "i", "i");
EXPRESSION(lstm_f, "f", "f");

static void lstm_gates(clade_update *update)
{
    assign(update, 'p', &sigmoid_i);
    assign(update, 'q', &sigmoid_f);
    assign(update, 'r', &tanh_g);
    assign(update, 's', &sigmoid_o);
}

static void lstm_forward(const scan *s, clade_update *update, int64_t at)
{
    add_gates(s, update, "abde", s->gates, gates_at(s, at), false);
    add_gates(s, update, "pqrs", s->through, 0, false);
    add_before(s, update, 'c', 1);
    add_block(s, update, 'n', s->states, (s->steps + at) * block(s), true);
    add_block(s, update, 'h', s->states, at * block(s), true);
    lstm_gates(update);
    assign(update, 'n', &lstm_c);
    assign(update, 'h', &lstm_h);
}

static void lstm_gate(const scan *s, clade_update *update)
{
    add_gates(s, update, "abde", s->gates, 0, false);
    add_gates(s, update, "pqrs", s->result, 0, true);
    lstm_gates(update);
}

/* v is dc; each gate's letter takes its gradient once nothing needs the gate any more. */
static void lstm_back(const scan *s, clade_update *update, int64_t at)
{
    add_block(s, update, 'g', s->grad, at * block(s), false);
    add_block(s, update, 'k', s->grad, (s->steps + at) * block(s), false);
    add_block(s, update, 't', s->through, 0, false);
    add_block(s, update, 'v', s->result, s->carry, true);
    add_block(s, update, 'n', s->states, (s->steps + at) * block(s), false);
    add_before(s, update, 'c', 1);
    add_gates(s, update, "pqrs", s->result, gates_at(s, at), true);
    assign(update, 'h', &lstm_dh);
    assign(update, 'n', &lstm_tanh);
    assign(update, 'u', &lstm_through_h);
    assign(update, 's', &lstm_do);
    assign(update, 'v', &lstm_dc);
    assign(update, 'i', &lstm_di);
    assign(update, 'r', &lstm_dg);
    assign(update, 'p', &lstm_i);
    assign(update, 'f', &lstm_df);
    assign(update, 'v', &lstm_carry);
    assign(update, 'q', &lstm_f);
}

static const cell lstm_cell = {
    .gates = 4, .forward = lstm_forward, .gate = lstm_gate, .back = lstm_back};

/* --- GRU: a, b, d = r, z, n of the inputs; p, q, m of h; t, u, v the bias -----------------------
 */
EXPRESSION(sigmoid_r, "1 / (1 + exp(-(a + p + t)))", "apt");
EXPRESSION(sigmoid_z, "1 / (1 + exp(-(b + q + u)))", "bqu");
EXPRESSION(gru_m, "m + v", "mv");
EXPRESSION(gru_n, "tanh(d + p * m)", "dpm");
EXPRESSION(gru_h, "n + q * (k - n)", "nqk");
EXPRESSION(gru_dh, "g + t + c", "gtc");
EXPRESSION(gru_carry, "h * q", "hq");
EXPRESSION(gru_dz, "h * (k - n) * q * (1 - q)", "hknq");
EXPRESSION(gru_one_less, "h * (1 - q)", "hq");
EXPRESSION(gru_dn, "w * (1 - n * n)", "wn");
EXPRESSION(gru_dr, "n * m * p * (1 - p)", "nmp");
EXPRESSION(gru_dm, "n * p", "np");
EXPRESSION(gru_copy_r, "a", "a");
EXPRESSION(gru_copy_z, "b", "b");

static void gru_gates(clade_update *update)
{
    assign(update, 'p', &sigmoid_r);
    assign(update, 'q', &sigmoid_z);
    assign(update, 'm', &gru_m);
    assign(update, 'n', &gru_n);
}

static void add_bias(const scan *s, clade_update *update)
{
    for (int i = 0; i < 3; i++)
        clade_update_add_window(update, "tuv"[i], s -> extra, i * s -> hidden, 0, 1, false);
}

static void gru_forward(const scan *s, clade_update *update, int64_t at)
{
    add_gates(s, update, "abd", s->gates, gates_at(s, at), false);
    add_gates(s, update, "pqm", s->through, 0, false);
    add_bias(s, update);
    add_before(s, update, 'k', 0);
    add_block(s, update, 'h', s->states, at * block(s), true);
    gru_gates(update);
    assign(update, 'h', &gru_h);
}

/* n goes where its gradient will be. */
static void gru_gate(const scan *s, clade_update *update)
{
    add_gates(s, update, "abd", s->gates, 0, false);
    add_gates(s, update, "pqm", s->result, s->second, true);
    add_gate(s, update, 'n', s->result, 0, 2, true);
    add_bias(s, update);
    gru_gates(update);
}

static void gru_back(const scan *s, clade_update *update, int64_t at)
{
    add_block(s, update, 'g', s->grad, at * block(s), false);
    add_block(s, update, 't', s->through, 0, false);
    add_block(s, update, 'c', s->result, s->carry, true);
    add_before(s, update, 'k', 0);
    add_gates(s, update, "pqm", s->result, s->second + gates_at(s, at), true);
    add_gates(s, update, "abn", s->result, gates_at(s, at), true);
    assign(update, 'h', &gru_dh);
    assign(update, 'c', &gru_carry);
    assign(update, 'b', &gru_dz);
    assign(update, 'w', &gru_one_less);
    assign(update, 'q', &gru_copy_z);
    assign(update, 'n', &gru_dn);
    assign(update, 'a', &gru_dr);
    assign(update, 'm', &gru_dm);
    assign(update, 'p', &gru_copy_r);
}

static const cell gru_cell = {
    .gates = 3, .forward = gru_forward, .gate = gru_gate, .back = gru_back};

/* --- scans ------------------------------------------------------------------------------------ */
/* Inputs: gates, weight, h0, and c0 or the bias. */
static void scan_clear(scan *s)
{
    clade_tensor *const owned[] = {s->gates,       s->h0,      s->extra, s->weight,
                                   s->weight_back, s->through, s->grad};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        clade_tensor_unref(owned[i]);
}

static clade_tensor *view(const clade_tensor *base, int64_t rows, int64_t columns,
                          int64_t row_stride, int64_t column_stride, int64_t offset)
{
    clade_shape shape = CLADE_SHAPE(rows, columns);
    const int64_t stride[2] = {row_stride, column_stride};
    return clade_tensor_new_view(base, &shape, stride, base->offset + offset);
}

/* Takes what forward and backward have in common; `through` with this many columns. */
static clade_status scan_init(scan *s, const clade_node *node, clade_tensor *const *inputs,
                              int count, int64_t columns)
{
    const clade_tensor *gates = inputs[0], *weight = inputs[1];
    *s = (scan){.cell = node->op->data,
                .steps = gates->shape.dim[0],
                .rows = gates->shape.dim[1],
                .hidden = weight->shape.dim[1],
                .reverse = node->attrs.integer[0],
                .relu = node->attrs.integer[1]};
    int64_t wide = weight->shape.dim[0];
    clade_shape through = CLADE_SHAPE(s->rows, columns);
    s->gates = clade_tensor_compact(inputs[0]);
    s->h0 = clade_tensor_compact(inputs[2]);
    s->extra = count > 3 ? clade_tensor_compact(inputs[3]) : NULL;
    s->weight = view(weight, s->hidden, wide, weight->stride[1], weight->stride[0], 0);
    s->weight_back = view(weight, wide, s->hidden, weight->stride[0], weight->stride[1], 0);
    s->through = clade_tensor_new(node->ctx, gates->dtype, &through, node->op->name);
    if (s->gates && s->h0 && (s->extra || count < 4) && s->weight && s->weight_back && s->through)
        return CLADE_OK;
    return clade_last_error()->status;
}

/* product [rows, n] at an offset of `out` = window [rows, k] at an offset of `a` * weight. */
static clade_status multiply(clade_tensor *out, int64_t out_offset, clade_tensor *a, int64_t offset,
                             int64_t rows, clade_tensor *weight)
{
    if (!rows)
        return CLADE_OK;
    int64_t k = weight->shape.dim[0], n = weight->shape.dim[1];
    clade_tensor *left = view(a, rows, k, k, 1, offset);
    clade_tensor *product = view(out, rows, n, n, 1, out_offset);
    clade_status status =
        left && product ? clade_multiply(product, left, weight) : CLADE_ERR_OUT_OF_MEMORY;
    clade_tensor_unref(left);
    clade_tensor_unref(product);
    return status;
}

static clade_status run_forward(scan *s)
{
    for (s->index = 0; s->index < s->steps; s->index++) {
        clade_tensor *before = s->index ? s->states : s->h0;
        int64_t offset = s->index ? time_of(s, s->index - 1) * block(s) : 0;
        CLADE_TRY(multiply(s->through, 0, before, offset, s->rows, s->weight));
        clade_update update;
        clade_update_init_windows(&update, s->gates, s->rows, s->hidden);
        s->cell->forward(s, &update, time_of(s, s->index));
        CLADE_TRY(clade_update_run(&update, NULL, NULL));
    }
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    scan s;
    clade_status status =
        scan_init(&s, node, node->inputs, node->count, node->inputs[1]->shape.dim[0]);
    s.states = node->output;
    if (status == CLADE_OK)
        status = run_forward(&s);
    scan_clear(&s);
    return status;
}

/* --- backward: the op's gradient op has inputs grad, states, and those of the op
 * ------------------ */
static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    const clade_tensor *gates = node->inputs[2], *h0 = node->inputs[4];
    const cell *c = node->op->data;
    out->dtype = gates->dtype;
    out->shape = CLADE_SHAPE(gates->numel * (c == &gru_cell ? 2 : 1) + h0->numel);
    return CLADE_OK;
}

/* h * weight for all steps at once, and from it the gates. */
static clade_status run_gates(const scan *s)
{
    int64_t wide = s->cell->gates * block(s), rest = (s->steps - 1) * s->rows;
    int64_t first = time_of(s, 0), later = s->reverse ? 0 : 1, before = s->reverse ? 1 : 0;
    CLADE_TRY(multiply(s->result, s->second + first * wide, s->h0, 0, s->rows, s->weight));
    CLADE_TRY(multiply(s->result, s->second + later * wide, s->states, before * block(s), rest,
                       s->weight));
    clade_update update;
    clade_update_init_windows(&update, s->gates, s->steps * s->rows, s->hidden);
    s->cell->gate(s, &update);
    return clade_update_run(&update, NULL, NULL);
}

static clade_status run_back(scan *s)
{
    if (s->cell->gate)
        CLADE_TRY(run_gates(s));
    clade_tensor *carry = view(s->result, s->rows, s->hidden, s->hidden, 1, s->carry);
    if (!carry)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_tensor_fill(carry, 0);
    clade_tensor_unref(carry);
    CLADE_TRY(status);
    CLADE_TRY(clade_tensor_fill(s->through, 0));
    for (s->index = s->steps - 1; s->index >= 0; s->index--) {
        int64_t at = time_of(s, s->index);
        clade_update update;
        clade_update_init_windows(&update, s->gates, s->rows, s->hidden);
        s->cell->back(s, &update, at);
        CLADE_TRY(clade_update_run(&update, NULL, NULL));
        if (s->index > 0)
            CLADE_TRY(multiply(s->through, 0, s->result, s->second + gates_at(s, at), s->rows,
                               s->weight_back));
    }
    return CLADE_OK;
}

static clade_status forward_grad(const clade_node *node)
{
    scan s;
    clade_status status =
        scan_init(&s, node, node->inputs + 2, node->count - 2, node->inputs[3]->shape.dim[1]);
    s.states = node->inputs[1];
    s.result = node->output;
    s.grad = clade_tensor_compact(node->inputs[0]);
    s.second = s.cell == &gru_cell ? node->inputs[2]->numel : 0;
    s.carry = s.second + node->inputs[2]->numel;
    if (status == CLADE_OK)
        status = s.grad ? run_back(&s) : clade_last_error()->status;
    scan_clear(&s);
    return status;
}

static clade_tensor *part(clade_tensor *flat, int64_t from, const clade_shape *shape)
{
    return clade_reshape(clade_slice(flat, 0, from, from + clade_shape_numel(shape), 1), *shape);
}

/* h before each step, [T,N,H]. */
static clade_tensor *states_before(const clade_node *node)
{
    const clade_shape *gates = &node->inputs[0]->shape;
    clade_tensor *h0 = node->inputs[2], *h = node->output;
    int64_t steps = gates->dim[0], rows = gates->dim[1], hidden = h0->shape.dim[1];
    if (h->shape.ndim == 4)
        h = clade_reshape(clade_slice(h, 0, 0, 1, 1), CLADE_SHAPE(steps, rows, hidden));
    clade_tensor *first = clade_reshape(h0, CLADE_SHAPE(1, rows, hidden));
    bool reverse = node->attrs.integer[0];
    clade_tensor *rest = clade_slice(h, 0, reverse ? 1 : 0, steps - (reverse ? 0 : 1), 1);
    return clade_concat((clade_tensor *[]){reverse ? rest : first, reverse ? first : rest}, 2, 0);
}

/* The gradients of the op's inputs from those that its gradient op found. */
static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads, const clade_op *grad_op)
{
    clade_tensor *inputs[6] = {grad, node->output};
    for (int i = 0; i < node->count; i++)
        inputs[2 + i] = node->inputs[i];
    clade_tensor *gates = node->inputs[0], *weight = node->inputs[1], *h0 = node->inputs[2];
    int64_t steps = gates->shape.dim[0], rows = gates->shape.dim[1], wide = weight->shape.dim[0];
    bool gru = node->op->data == &gru_cell;
    int64_t second = gru ? gates->numel : 0, carry = second + gates->numel;
    clade_tensor *all = clade_apply(grad_op, &node->attrs, inputs, 2 + node->count);
    clade_shape flat = CLADE_SHAPE(steps * rows, wide);
    clade_tensor *through = part(all, second, &flat);
    grads[0] = part(all, 0, &gates->shape);
    if (needs[1])
        grads[1] = clade_matmul(
            clade_transpose(through, 0, 1),
            clade_reshape(states_before(node), CLADE_SHAPE(steps * rows, h0->shape.dim[1])));
    if (needs[2]) {
        int64_t at = node->attrs.integer[0] ? (steps - 1) * rows : 0;
        grads[2] = clade_matmul(clade_slice(through, 0, at, at + rows, 1), weight);
        if (gru)
            grads[2] = clade_add(grads[2], part(all, carry, &h0->shape));
    }
    if (node->count > 3 && needs[3] && gru)
        grads[3] = clade_sum(through, (const int[]){0}, 1, false);
    else if (node->count > 3 && needs[3])
        grads[3] = part(all, carry, &h0->shape);
}

/* --- ops -------------------------------------------------------------------------------------- */
static clade_status check_shape(const clade_node *node, int input, const char *name,
                                clade_shape want)
{
    if (clade_shape_equal(&node->inputs[input]->shape, &want))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s is %s, but gates %s ask for %s", node->op->name,
                      name, clade_shape_str(&node->inputs[input]->shape).s,
                      clade_shape_str(&node->inputs[0]->shape).s, clade_shape_str(&want).s);
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *gates = &node->inputs[0]->shape;
    const cell *c = node->op->data;
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    if (gates->ndim != 3 || gates->dim[2] % c->gates != 0 || gates->dim[0] < 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: gates %s: not [steps, rows, %d * hidden]",
                          node->op->name, clade_shape_str(gates).s, c->gates);
    int64_t rows = gates->dim[1], hidden = gates->dim[2] / c->gates;
    CLADE_TRY(check_shape(node, 1, "weight", CLADE_SHAPE(gates->dim[2], hidden)));
    CLADE_TRY(check_shape(node, 2, "h0", CLADE_SHAPE(rows, hidden)));
    if (c == &lstm_cell)
        CLADE_TRY(check_shape(node, 3, "c0", CLADE_SHAPE(rows, hidden)));
    if (c == &gru_cell)
        CLADE_TRY(check_shape(node, 3, "bias", CLADE_SHAPE(gates->dim[2])));
    out->dtype = node->inputs[0]->dtype;
    out->shape = CLADE_SHAPE(gates->dim[0], rows, hidden);
    if (c == &lstm_cell)
        out->shape = CLADE_SHAPE(2, gates->dim[0], rows, hidden);
    return CLADE_OK;
}

#define SCAN_OP(name_, inputs)                                                                     \
    static const clade_op op_##name_##_scan_grad = {.name = #name_ "_scan_grad",                   \
                                                    .min_inputs = 2 + (inputs),                    \
                                                    .max_inputs = 2 + (inputs),                    \
                                                    .infer = infer_grad,                           \
                                                    .forward = forward_grad,                       \
                                                    .data = &name_##_cell,                         \
                                                    .gradient_of = #name_ "_scan"};                \
    static void backward_##name_(const clade_node *node, clade_tensor *grad, const bool *needs,    \
                                 clade_tensor **grads)                                             \
    {                                                                                              \
        backward(node, grad, needs, grads, &op_##name_##_scan_grad);                               \
    }                                                                                              \
    static const clade_op op_##name_##_scan = {.name = #name_ "_scan",                             \
                                               .min_inputs = inputs,                               \
                                               .max_inputs = inputs,                               \
                                               .saves = CLADE_SAVES_INPUTS | CLADE_SAVES_OUTPUT,   \
                                               .infer = infer,                                     \
                                               .forward = forward,                                 \
                                               .backward = backward_##name_,                       \
                                               .recompute = clade_##name_##_steps,                 \
                                               .data = &name_##_cell}

SCAN_OP(rnn, 3);
SCAN_OP(lstm, 4);
SCAN_OP(gru, 4);

static const clade_op *const ops[] = {&op_rnn_scan,       &op_rnn_scan_grad, &op_lstm_scan,
                                      &op_lstm_scan_grad, &op_gru_scan,      &op_gru_scan_grad};
const clade_op_family clade_recurrent_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_rnn_scan(clade_tensor *gates, clade_tensor *weight, clade_tensor *h0, bool relu,
                             bool reverse)
{
    return CLADE_APPLY(&op_rnn_scan, &((clade_attrs){.integer = {reverse, relu}}), gates, weight,
                       h0);
}

clade_tensor *clade_lstm_scan(clade_tensor *gates, clade_tensor *weight, clade_tensor *h0,
                              clade_tensor *c0, bool reverse)
{
    return CLADE_APPLY(&op_lstm_scan, &((clade_attrs){.integer = {reverse}}), gates, weight, h0,
                       c0);
}

clade_tensor *clade_gru_scan(clade_tensor *gates, clade_tensor *weight, clade_tensor *h0,
                             clade_tensor *bias, bool reverse)
{
    return CLADE_APPLY(&op_gru_scan, &((clade_attrs){.integer = {reverse}}), gates, weight, h0,
                       bias);
}
