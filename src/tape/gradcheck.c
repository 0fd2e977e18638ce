/* Gradients against central differences. It runs the function through the public API alone, and
 * does its sums on the host in double, so that no op has a part in its own verdict. */
#include "tensor/tensor.h"

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/shape.h"

#include <math.h>
#include <string.h>

/* Of one input, on the host. */
typedef struct input_state {
    double *value; /* as the caller left it; restored at the end */
    double *trial; /* what is written for one evaluation */
    double *direction;
    double *analytic;   /* what clade_backward found */
    clade_tensor *grad; /* the caller's gradient, set aside meanwhile; owned */
} input_state;

typedef struct check {
    clade_gradcheck_fn fn;
    void *user;
    clade_context *ctx;
    clade_tensor *const *inputs;
    int count;
    clade_gradcheck_params params;
    uint64_t random;
    input_state *states;
    clade_shape out_shape;
    double *weights;        /* the c of s(x) = sum(c * fn(x)) */
    double *ahead, *behind; /* fn at x + h d and x - h d */
    clade_gradcheck_result result;
} check;

/* SplitMix64. */
static uint64_t next_random(check *c)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Between -1.5 and 1.5, and at least 0.5 from 0, so that no element goes unseen. */
static double random_weight(check *c)
{
    double u = (double)(next_random(c) >> 11) * 0x1p-53;
    return u < 0.5 ? -0.5 - 2 * u : 2 * u - 0.5;
}

static double *doubles(int64_t count)
{
    return clade_calloc((size_t)count, sizeof(double));
}

static size_t bytes_of(const clade_tensor *t)
{
    return (size_t)t->numel * sizeof(double);
}

static clade_status require_inputs(const check *c)
{
    if (!c->fn || !c->inputs || c->count < 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "gradcheck: %s",
                          !c->fn ? "fn is NULL" : "there are no inputs");
    for (int i = 0; i < c->count; i++) {
        const clade_tensor *t = c->inputs[i];
        if (!t)
            return clade_error_null("gradcheck", "an input");
        if (t->dtype != CLADE_F64)
            return CLADE_FAIL(clade_runtime_device(t->ctx->runtime)->has_f64
                                  ? CLADE_ERR_DTYPE
                                  : CLADE_ERR_UNSUPPORTED,
                              "gradcheck: input %d is %s; only f64 is exact enough to compare", i,
                              clade_dtype_name(t->dtype));
        if (!t->requires_grad || t->node)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                              "gradcheck: input %d %s is not a leaf that requires a gradient", i,
                              clade_shape_str(&t->shape).s);
        for (int j = 0; j < i; j++)
            if (t == c->inputs[j] || t->ctx != c->inputs[j]->ctx)
                return CLADE_FAIL(CLADE_ERR_ARGUMENT, "gradcheck: inputs %d and %d %s", j, i,
                                  t == c->inputs[j] ? "are one tensor" : "have different contexts");
    }
    if (c->inputs[0]->ctx->tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "gradcheck: a tape is open");
    return CLADE_OK;
}

static clade_status save_inputs(check *c)
{
    c->states = clade_calloc((size_t)c->count, sizeof *c->states);
    if (!c->states)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int i = 0; i < c->count; i++) {
        clade_tensor *t = c->inputs[i];
        input_state *s = &c->states[i];
        double **arrays[] = {&s->trial, &s->direction, &s->analytic};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
            if (!(*arrays[k] = doubles(t->numel)))
                return CLADE_ERR_OUT_OF_MEMORY;
        double *value = doubles(t->numel);
        if (!value)
            return CLADE_ERR_OUT_OF_MEMORY;
        clade_status status = clade_tensor_read(t, value, bytes_of(t));
        if (status == CLADE_OK)
            status = clade_tensor_write(t, value, bytes_of(t));
        if (status != CLADE_OK) {
            clade_free(value);
            return status;
        }
        s->value = value;
        s->grad = t->grad;
        t->grad = NULL;
    }
    return CLADE_OK;
}

/* The first failure is the one that counts: a failing restore reports only if all else went well.
 */
static clade_status restore_inputs(check *c, clade_status status)
{
    for (int i = 0; c->states && i < c->count; i++) {
        input_state *s = &c->states[i];
        if (s->value) {
            clade_tensor_unref(c->inputs[i]->grad);
            c->inputs[i]->grad = s->grad;
            if (status == CLADE_OK)
                status = clade_tensor_write(c->inputs[i], s->value, bytes_of(c->inputs[i]));
            else
                (void)clade_tensor_write(c->inputs[i], s->value, bytes_of(c->inputs[i]));
        }
        clade_free(s->value);
        clade_free(s->trial);
        clade_free(s->direction);
        clade_free(s->analytic);
    }
    clade_free(c->states);
    clade_free(c->weights);
    clade_free(c->ahead);
    clade_free(c->behind);
    return status;
}

/* fn's result, checked; NULL with the error set. */
static clade_tensor *call(check *c)
{
    clade_tensor *out = c->fn(c->user, c->inputs, c->count);
    if (!out)
        (void)clade_error_null("gradcheck", "the function's result");
    if (out && out->dtype != CLADE_F64) {
        (void)CLADE_FAIL(CLADE_ERR_DTYPE, "gradcheck: the function's result is %s, not f64",
                         clade_dtype_name(out->dtype));
        return NULL;
    }
    if (out && c->weights && !clade_shape_equal(&out->shape, &c->out_shape)) {
        (void)CLADE_FAIL(CLADE_ERR_SHAPE, "gradcheck: the function's result is %s, and was %s",
                         clade_shape_str(&out->shape).s, clade_shape_str(&c->out_shape).s);
        return NULL;
    }
    return out;
}

static clade_status choose_weights(check *c, const clade_tensor *out)
{
    c->out_shape = out->shape;
    c->ahead = doubles(out->numel);
    c->behind = doubles(out->numel);
    c->weights = doubles(out->numel);
    if (!c->ahead || !c->behind || !c->weights)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < out->numel; i++)
        c->weights[i] = random_weight(c);
    return CLADE_OK;
}

static clade_status run_backward(check *c)
{
    clade_tensor *out = call(c);
    if (!out)
        return clade_last_error()->status;
    CLADE_TRY(choose_weights(c, out));
    if (!out->node) { /* an input itself, or a constant, or so the tape believes */
        for (int i = 0; i < c->count; i++)
            if (out == c->inputs[i])
                memcpy(c->states[i].analytic, c->weights, bytes_of(out));
        return CLADE_OK;
    }
    clade_tensor *weights;
    CLADE_TRY(clade_tensor_from_host(&weights, c->ctx, CLADE_F64, out->shape, c->weights));
    clade_status status = clade_backward_from(out, weights);
    clade_tensor_free(&weights);
    return status;
}

/* Fills analytic; an input that nothing arrived at has a gradient of zeros. */
static clade_status find_analytic(check *c)
{
    CLADE_TRY(clade_tape_begin(c->ctx));
    size_t depth = c->ctx->scope_count;
    clade_status status = run_backward(c);
    while (c->ctx->scope_count > depth)
        clade_scope_pop(c->ctx);
    (void)clade_tape_end(c->ctx);
    for (int i = 0; i < c->count && status == CLADE_OK; i++) {
        const clade_tensor *t = c->inputs[i];
        if (t->grad)
            status = clade_tensor_read(t->grad, c->states[i].analytic, bytes_of(t));
    }
    return status;
}

/* values = fn(x + h * direction). */
static clade_status evaluate(check *c, double h, double *values)
{
    for (int i = 0; i < c->count; i++) {
        input_state *s = &c->states[i];
        for (int64_t k = 0; k < c->inputs[i]->numel; k++)
            s->trial[k] = s->value[k] + h * s->direction[k];
        CLADE_TRY(clade_tensor_write(c->inputs[i], s->trial, bytes_of(c->inputs[i])));
    }
    CLADE_TRY(clade_scope_begin(c->ctx));
    size_t depth = c->ctx->scope_count;
    clade_tensor *out = call(c);
    clade_status status =
        out ? clade_tensor_read(out, values, bytes_of(out)) : clade_last_error()->status;
    while (c->ctx->scope_count >= depth)
        clade_scope_pop(c->ctx);
    return status;
}

/* Both sides along the directions; *error is relative to what is allowed. */
static clade_status compare(check *c, double *analytic, double *numeric, double *error)
{
    const double h = c->params.step;
    CLADE_TRY(evaluate(c, h, c->ahead));
    CLADE_TRY(evaluate(c, -h, c->behind));
    *analytic = *numeric = 0;
    int64_t out_numel = clade_shape_numel(&c->out_shape);
    for (int64_t i = 0; i < out_numel; i++)
        *numeric += c->weights[i] * (c->ahead[i] - c->behind[i]);
    *numeric /= 2 * h;
    for (int i = 0; i < c->count; i++)
        for (int64_t k = 0; k < c->inputs[i]->numel; k++)
            if (c->states[i].direction[k] != 0)
                *analytic += c->states[i].analytic[k] * c->states[i].direction[k];
    *error = fabs(*analytic - *numeric) / (c->params.atol + c->params.rtol * fabs(*numeric));
    c->result.checks++;
    if (!(*error <= c->result.worst_error))
        c->result.worst_error = *error;
    return CLADE_OK;
}

static clade_status check_element(check *c, int input, int64_t element)
{
    double analytic, numeric, error;
    c->states[input].direction[element] = 1;
    clade_status status = compare(c, &analytic, &numeric, &error);
    c->states[input].direction[element] = 0;
    if (status != CLADE_OK || error <= 1)
        return status;
    return CLADE_FAIL(CLADE_ERR_GRADIENT,
                      "gradcheck: input %d, element %lld of %s: backward says %.10g, the central "
                      "difference %.10g (%.3g times what is allowed)",
                      input, (long long)element, clade_shape_str(&c->inputs[input]->shape).s,
                      analytic, numeric, error);
}

/* `limit` elements of each input, chosen at random where there are more. */
static clade_status check_elements(check *c, int64_t limit)
{
    for (int i = 0; i < c->count; i++) {
        int64_t numel = c->inputs[i]->numel;
        memset(c->states[i].direction, 0, bytes_of(c->inputs[i]));
        for (int64_t k = 0; k < numel && k < limit; k++) {
            int64_t element = numel <= limit ? k : (int64_t)(next_random(c) % (uint64_t)numel);
            CLADE_TRY(check_element(c, i, element));
        }
    }
    return CLADE_OK;
}

static clade_status check_direction(check *c, int number)
{
    double analytic, numeric, error;
    for (int i = 0; i < c->count; i++)
        for (int64_t k = 0; k < c->inputs[i]->numel; k++)
            c->states[i].direction[k] = random_weight(c);
    CLADE_TRY(compare(c, &analytic, &numeric, &error));
    for (int i = 0; i < c->count; i++)
        memset(c->states[i].direction, 0, bytes_of(c->inputs[i]));
    if (error <= 1)
        return CLADE_OK;
    CLADE_TRY(check_elements(c, INT64_MAX)); /* names the element, as a rule */
    return CLADE_FAIL(CLADE_ERR_GRADIENT,
                      "gradcheck: along direction %d over all inputs: backward says %.10g, the "
                      "central difference %.10g (%.3g times what is allowed), while every single "
                      "element agrees",
                      number, analytic, numeric, error);
}

static clade_status run_checks(check *c)
{
    CLADE_TRY(save_inputs(c));
    CLADE_TRY(find_analytic(c));
    CLADE_TRY(check_elements(c, c->params.elements));
    for (int i = 0; i < c->params.directions; i++)
        CLADE_TRY(check_direction(c, i));
    return CLADE_OK;
}

clade_status clade_gradcheck(clade_gradcheck_fn fn, void *user, clade_tensor *const *inputs,
                             int count, const clade_gradcheck_params *params,
                             clade_gradcheck_result *result)
{
    check c = {.fn = fn, .user = user, .inputs = inputs, .count = count};
    if (params)
        c.params = *params;
    clade_gradcheck_params *p = &c.params;
    p->step = p->step != 0 ? p->step : 1e-5;
    p->rtol = p->rtol != 0 ? p->rtol : 1e-5;
    p->atol = p->atol != 0 ? p->atol : 1e-7;
    p->directions = p->directions != 0 ? p->directions : 4;
    p->elements = p->elements != 0 ? p->elements : 8;
    c.random = p->seed;
    if (!(p->step > 0) || !(p->rtol > 0) || !(p->atol > 0) || p->directions < 0 || p->elements < 0)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "gradcheck: negative parameters: step %g, rtol %g, "
                          "atol %g, %d directions, %d elements",
                          p->step, p->rtol, p->atol, p->directions, p->elements);
    CLADE_TRY(require_inputs(&c));
    c.ctx = inputs[0]->ctx;
    clade_status status = restore_inputs(&c, run_checks(&c));
    if (result)
        *result = c.result;
    return status;
}
