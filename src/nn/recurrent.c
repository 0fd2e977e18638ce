#include <clade/recurrent.h>

#include <math.h>

#include <clade/ops.h>
#include <clade/random.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/shape.h"
#include "nn/params.h"
#include "tensor/tensor.h"

#define MAX_LAYERS 32

/* One direction of one layer; biases NULL where there are none. */
typedef struct direction {
    clade_tensor *w_ih, *w_hh, *b_ih, *b_hh;
} direction;

struct clade_recurrent {
    clade_recurrent_params settings;
    bool training;
    direction *directions; /* layer by layer */
};

static int gates_of(clade_recurrent_kind kind)
{
    return kind == CLADE_RECURRENT_LSTM ? 4 : kind == CLADE_RECURRENT_GRU ? 3 : 1;
}

static int directions_of(const clade_recurrent_params *settings)
{
    return settings->bidirectional ? 2 : 1;
}

/* --- parameters ------------------------------------------------------------------------------- */
static clade_status complete(clade_recurrent_params *out, const clade_recurrent_params *settings)
{
    *out = *settings;
    out->layers = out->layers == 0 ? 1 : out->layers;
    if ((int)out->kind < 0 || out->kind > CLADE_RECURRENT_GRU)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "recurrent_create: %d is no kind", (int)out->kind);
    if (out->input < 1 || out->hidden < 1 || out->hidden > INT32_MAX || out->input > INT32_MAX)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "recurrent_create: %lld inputs and %lld hidden values",
                          (long long)out->input, (long long)out->hidden);
    if (out->layers < 0 || out->layers > MAX_LAYERS)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "recurrent_create: %d layers, not 1 to %d",
                          out->layers, MAX_LAYERS);
    if (!(out->dropout >= 0 && out->dropout <= 1))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "recurrent_create: dropout %g: not in [0,1]",
                          out->dropout);
    return CLADE_OK;
}

/* The four of direction number d; what is asked for without bias are the first two. */
static clade_status describe(clade_param_request *requests, const clade_recurrent_params *s, int d,
                             const char *name)
{
    static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    int layer = d / directions_of(s);
    int64_t wide = gates_of(s->kind) * s->hidden;
    int64_t in = layer ? directions_of(s) * s->hidden : s->input;
    double bound = 1 / sqrt((double)s->hidden);
    for (int i = 0; i < (s->no_bias ? 2 : 4); i++) {
        char *full = clade_asprintf("%s%s%s_l%d%s", name, *name ? "." : "", kinds[i], layer,
                                    d % directions_of(s) ? "_reverse" : "");
        if (!full)
            return CLADE_ERR_OUT_OF_MEMORY;
        requests[i] = (clade_param_request){
            full, i > 1 ? CLADE_SHAPE(wide) : CLADE_SHAPE(wide, i ? s->hidden : in),
            clade_init_uniform(-bound, bound)};
    }
    return CLADE_OK;
}

static clade_status add_parameters(clade_recurrent *r, clade_params *params, const char *name)
{
    int count = r->settings.layers * directions_of(&r->settings);
    int each = r->settings.no_bias ? 2 : 4;
    clade_param_request *requests = clade_calloc((size_t)(count * each), sizeof *requests);
    if (!requests)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = CLADE_OK;
    for (int d = 0; d < count && status == CLADE_OK; d++)
        status = describe(requests + d * each, &r->settings, d, name);
    if (status == CLADE_OK)
        status = clade_params_add(params, requests, (size_t)(count * each), "recurrent_create");
    for (int i = 0; i < count * each; i++)
        clade_free((char *)requests[i].name);
    clade_free(requests);
    return status;
}

static void take_parameters(clade_recurrent *r, const clade_params *params)
{
    int count = r->settings.layers * directions_of(&r->settings);
    int each = r->settings.no_bias ? 2 : 4;
    size_t at = clade_params_count(params) - (size_t)(count * each);
    for (int d = 0; d < count; d++, at += (size_t)each) {
        bool bias = !r->settings.no_bias;
        r->directions[d] = (direction){
            .w_ih = clade_params_get(params, at),
            .w_hh = clade_params_get(params, at + 1),
            .b_ih = bias ? clade_params_get(params, at + 2) : NULL,
            .b_hh = bias ? clade_params_get(params, at + 3) : NULL,
        };
    }
}

clade_status clade_recurrent_create(clade_recurrent **out, clade_params *params, const char *name,
                                    const clade_recurrent_params *settings)
{
    if (!out || !params || !name || !settings)
        return clade_error_null("recurrent_create", !out      ? "out"
                                                    : !params ? "params"
                                                    : !name   ? "name"
                                                              : "settings");
    clade_recurrent_params completed;
    CLADE_TRY(complete(&completed, settings));
    clade_recurrent *r = clade_calloc(1, sizeof *r);
    if (!r)
        return CLADE_ERR_OUT_OF_MEMORY;
    r->settings = completed;
    r->training = true;
    r->directions =
        clade_calloc((size_t)(completed.layers * directions_of(&completed)), sizeof *r->directions);
    clade_status status = r->directions ? add_parameters(r, params, name) : CLADE_ERR_OUT_OF_MEMORY;
    if (status != CLADE_OK) {
        clade_recurrent_free(&r);
        return status;
    }
    take_parameters(r, params);
    *out = r;
    return CLADE_OK;
}

void clade_recurrent_free(clade_recurrent **recurrent)
{
    if (!recurrent || !*recurrent)
        return;
    clade_free((*recurrent)->directions);
    clade_free(*recurrent);
    *recurrent = NULL;
}

clade_status clade_recurrent_train(clade_recurrent *recurrent, bool training)
{
    if (!recurrent)
        return clade_error_null("recurrent_train", "recurrent");
    recurrent->training = training;
    return CLADE_OK;
}

/* --- one direction ---------------------------------------------------------------------------- */
static clade_tensor *linear(clade_tensor *x, clade_tensor *weight, clade_tensor *bias)
{
    return bias ? clade_linear(x, weight, bias) : clade_linear_no_bias(x, weight);
}

/* x [T,N,I]; the states of all steps, as the kind's scan returns them. */
static clade_tensor *scan(clade_recurrent_kind kind, const direction *d, clade_tensor *x,
                          clade_tensor *h0, clade_tensor *c0, bool reverse)
{
    if (!d->w_ih || !d->w_hh) {
        (void)clade_error_null("recurrent", "a weight");
        return NULL;
    }
    if (!x || !h0)
        return NULL;
    if (kind == CLADE_RECURRENT_GRU) {
        clade_tensor *bias = d->b_hh;
        if (!bias)
            bias = clade_full(x->ctx, x->dtype, CLADE_SHAPE(d->w_hh->shape.dim[0]), 0);
        return clade_gru_scan(linear(x, d->w_ih, d->b_ih), d->w_hh, h0, bias, reverse);
    }
    clade_tensor *gates = linear(x, d->w_ih, d->b_ih ? clade_add(d->b_ih, d->b_hh) : NULL);
    if (kind == CLADE_RECURRENT_LSTM)
        return clade_lstm_scan(gates, d->w_hh, h0, c0, reverse);
    return clade_rnn_scan(gates, d->w_hh, h0, kind == CLADE_RECURRENT_RNN_RELU, reverse);
}

/* Of scan's result: h (0) or c (1) of all steps, [T,N,H]. */
static clade_tensor *states_of(clade_recurrent_kind kind, clade_tensor *scanned, int which)
{
    if (!scanned || kind != CLADE_RECURRENT_LSTM)
        return scanned;
    clade_shape shape =
        CLADE_SHAPE(scanned->shape.dim[1], scanned->shape.dim[2], scanned->shape.dim[3]);
    return clade_reshape(clade_slice(scanned, 0, which, which + 1, 1), shape);
}

/* --- layers ----------------------------------------------------------------------------------- */
/* What goes through the layers. */
typedef struct pass {
    const clade_recurrent *r;
    clade_tensor *x;                                         /* [T,N,...] */
    clade_tensor *h0, *c0;                                   /* of all directions, or NULL */
    clade_tensor *h_n[2 * MAX_LAYERS], *c_n[2 * MAX_LAYERS]; /* each [1,N,H] */
} pass;

/* The state that direction d starts with, [N,H]. */
static clade_tensor *start(const pass *p, clade_tensor *given, int d)
{
    clade_shape shape = CLADE_SHAPE(p->x->shape.dim[1], p->r->settings.hidden);
    if (!given)
        return clade_full(p->x->ctx, p->x->dtype, shape, 0);
    return clade_reshape(clade_slice(given, 0, d, d + 1, 1), shape);
}

/* Runs direction d and keeps its last states; its output [T,N,H]. */
static clade_tensor *run_direction(pass *p, int d)
{
    const clade_recurrent_params *s = &p->r->settings;
    bool reverse = d % directions_of(s), lstm = s->kind == CLADE_RECURRENT_LSTM;
    if (!p->x)
        return NULL;
    clade_tensor *c0 = lstm ? start(p, p->c0, d) : NULL;
    clade_tensor *scanned =
        scan(s->kind, &p->r->directions[d], p->x, start(p, p->h0, d), c0, reverse);
    clade_tensor *h = states_of(s->kind, scanned, 0);
    int64_t last = reverse ? 0 : p->x->shape.dim[0] - 1;
    p->h_n[d] = clade_slice(h, 0, last, last + 1, 1);
    if (lstm)
        p->c_n[d] = clade_slice(states_of(s->kind, scanned, 1), 0, last, last + 1, 1);
    return h;
}

static clade_status check_states(const clade_tensor *given, const pass *p, const char *name)
{
    const clade_recurrent_params *s = &p->r->settings;
    clade_shape want = CLADE_SHAPE(s->layers * directions_of(s), p->x->shape.dim[1], s->hidden);
    if (!given || clade_shape_equal(&given->shape, &want))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "recurrent_forward: %s is %s, not %s", name,
                      clade_shape_str(&given->shape).s, clade_shape_str(&want).s);
}

static clade_status begin(pass *p, const clade_recurrent *r, clade_tensor *x, clade_tensor *h0,
                          clade_tensor *c0)
{
    if (!r || !x)
        return clade_error_null("recurrent_forward", r ? "x" : "recurrent");
    const clade_recurrent_params *s = &r->settings;
    if (x->shape.ndim != 3 || x->shape.dim[2] != s->input ||
        x->shape.dim[s->batch_first ? 1 : 0] < 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "recurrent_forward: x is %s, not [%s,%lld] with a step",
                          clade_shape_str(&x->shape).s, s->batch_first ? "N,T" : "T,N",
                          (long long)s->input);
    if (c0 && s->kind != CLADE_RECURRENT_LSTM)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "recurrent_forward: c0 is for an LSTM");
    *p = (pass){.r = r, .x = s->batch_first ? clade_transpose(x, 0, 1) : x, .h0 = h0, .c0 = c0};
    if (!p->x)
        return clade_last_error()->status;
    CLADE_TRY(check_states(h0, p, "h0"));
    return check_states(c0, p, "c0");
}

clade_tensor *clade_recurrent_forward(const clade_recurrent *recurrent, clade_tensor *x,
                                      clade_tensor *h0, clade_tensor *c0, clade_tensor **h_n,
                                      clade_tensor **c_n)
{
    pass p;
    if (begin(&p, recurrent, x, h0, c0) != CLADE_OK)
        return NULL;
    const clade_recurrent_params *s = &recurrent->settings;
    int each = directions_of(s), count = s->layers * each;
    for (int d = 0; d < count && p.x; d += each) {
        if (d > 0 && s->dropout > 0)
            p.x = clade_dropout(p.x, s->dropout, recurrent->training);
        clade_tensor *outputs[2] = {run_direction(&p, d),
                                    each > 1 ? run_direction(&p, d + 1) : NULL};
        p.x = each > 1 ? clade_concat(outputs, 2, 2) : outputs[0];
    }
    if (!p.x)
        return NULL;
    if (h_n)
        *h_n = clade_concat(p.h_n, count, 0);
    if (c_n)
        *c_n = s->kind == CLADE_RECURRENT_LSTM ? clade_concat(p.c_n, count, 0) : NULL;
    return s->batch_first ? clade_transpose(p.x, 0, 1) : p.x;
}

/* --- cells ------------------------------------------------------------------------------------ */
/* t [N,n] as [1,N,n]. */
static clade_tensor *as_step(clade_tensor *t, const char *what)
{
    if (!t || t->shape.ndim == 2)
        return t ? clade_reshape(t, CLADE_SHAPE(1, t->shape.dim[0], t->shape.dim[1])) : NULL;
    (void)CLADE_FAIL(CLADE_ERR_SHAPE, "%s: x is %s, not [N,I]", what, clade_shape_str(&t->shape).s);
    return NULL;
}

static clade_tensor *step(clade_recurrent_kind kind, clade_tensor **c_out, clade_tensor *x,
                          clade_tensor *h, clade_tensor *c, const direction *d, const char *what)
{
    if (!h || (d->b_ih && !d->b_hh) || (!d->b_ih && d->b_hh)) {
        (void)clade_error_null(what, h ? "one bias" : "h");
        return NULL;
    }
    clade_tensor *scanned = scan(kind, d, as_step(x, what), h, c, false);
    if (c_out)
        *c_out = scanned ? clade_reshape(states_of(kind, scanned, 1), h->shape) : NULL;
    return scanned ? clade_reshape(states_of(kind, scanned, 0), h->shape) : NULL;
}

clade_tensor *clade_rnn_cell(clade_tensor *x, clade_tensor *h, clade_tensor *w_ih,
                             clade_tensor *w_hh, clade_tensor *b_ih, clade_tensor *b_hh, bool relu)
{
    const direction d = {w_ih, w_hh, b_ih, b_hh};
    return step(relu ? CLADE_RECURRENT_RNN_RELU : CLADE_RECURRENT_RNN, NULL, x, h, NULL, &d,
                "rnn_cell");
}

clade_tensor *clade_lstm_cell(clade_tensor **c_out, clade_tensor *x, clade_tensor *h,
                              clade_tensor *c, clade_tensor *w_ih, clade_tensor *w_hh,
                              clade_tensor *b_ih, clade_tensor *b_hh)
{
    const direction d = {w_ih, w_hh, b_ih, b_hh};
    if (!c_out || !c) {
        (void)clade_error_null("lstm_cell", c ? "c_out" : "c");
        return NULL;
    }
    return step(CLADE_RECURRENT_LSTM, c_out, x, h, c, &d, "lstm_cell");
}

clade_tensor *clade_gru_cell(clade_tensor *x, clade_tensor *h, clade_tensor *w_ih,
                             clade_tensor *w_hh, clade_tensor *b_ih, clade_tensor *b_hh)
{
    const direction d = {w_ih, w_hh, b_ih, b_hh};
    return step(CLADE_RECURRENT_GRU, NULL, x, h, NULL, &d, "gru_cell");
}
