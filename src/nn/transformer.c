#include <clade/transformer.h>

#include <math.h>

#include <clade/attention.h>
#include <clade/norm.h>
#include <clade/ops.h>
#include <clade/random.h>

#include "base/alloc.h"
#include "base/error.h"
#include "nn/params.h"

/* --- parameters ------------------------------------------------------------------------------- */
/* Parameters to come, and where each will be told of. */
#define MOST_REQUESTS 12

typedef struct wanted {
    const char *prefix;
    clade_param_request requests[MOST_REQUESTS];
    clade_tensor **out[MOST_REQUESTS];
    size_t count;
    bool failed;
} wanted;

static void want(wanted *w, const char *name, clade_shape shape, clade_init init,
                 clade_tensor **out)
{
    char *full = clade_asprintf("%s%s%s", w->prefix, *w->prefix ? "." : "", name);
    w->failed = w->failed || !full;
    w->requests[w->count] = (clade_param_request){full, shape, init};
    w->out[w->count++] = out;
}

/* A linear layer as PyTorch starts one. */
static void want_linear(wanted *w, const char *weight, const char *bias, int64_t in, int64_t out,
                        clade_tensor **weight_out, clade_tensor **bias_out)
{
    double bound = 1 / sqrt((double)in);
    want(w, weight, CLADE_SHAPE(out, in), clade_init_uniform(-bound, bound), weight_out);
    want(w, bias, CLADE_SHAPE(out), clade_init_uniform(-bound, bound), bias_out);
}

static void want_heads(wanted *w, const char *const names[4], int64_t width, clade_multi_head *m)
{
    double bound = sqrt(6 / (4 * (double)width)), out_bound = 1 / sqrt((double)width);
    want(w, names[0], CLADE_SHAPE(3 * width, width), clade_init_uniform(-bound, bound),
         &m->in_weight);
    want(w, names[1], CLADE_SHAPE(3 * width), clade_init_zeros(), &m->in_bias);
    want(w, names[2], CLADE_SHAPE(width, width), clade_init_uniform(-out_bound, out_bound),
         &m->out_weight);
    want(w, names[3], CLADE_SHAPE(width), clade_init_zeros(), &m->out_bias);
}

static clade_status add(clade_params *params, wanted *w, const char *what)
{
    size_t before = clade_params_count(params);
    clade_status status =
        w->failed ? CLADE_ERR_OUT_OF_MEMORY : clade_params_add(params, w->requests, w->count, what);
    for (size_t i = 0; i < w->count; i++) {
        if (status == CLADE_OK)
            *w->out[i] = clade_params_get(params, before + i);
        clade_free((char *)w->requests[i].name);
    }
    return status;
}

#define MOST_WIDTH ((int64_t)1 << 28)

static clade_status check(const clade_params *params, const char *name, int64_t width,
                          int64_t heads, const void *out, const char *what)
{
    if (!params || !name || !out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s is NULL", what,
                          !params ? "params"
                          : !name ? "name"
                                  : "out");
    if (width < 1 || width > MOST_WIDTH || heads < 1 || width % heads)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s: %lld heads do not divide a width of %lld", what,
                          name, (long long)heads, (long long)width);
    return CLADE_OK;
}

clade_status clade_multi_head_params(clade_params *params, const char *name, int64_t width,
                                     int64_t heads, clade_multi_head *out)
{
    static const char *const names[4] = {"in_proj_weight", "in_proj_bias", "out_proj.weight",
                                         "out_proj.bias"};
    CLADE_TRY(check(params, name, width, heads, out, "multi_head_params"));
    clade_multi_head made = {.heads = heads};
    wanted w = {.prefix = name};
    want_heads(&w, names, width, &made);
    CLADE_TRY(add(params, &w, "multi_head_params"));
    *out = made;
    return CLADE_OK;
}

clade_status clade_transformer_block_params(clade_params *params, const char *name, int64_t width,
                                            int64_t heads, int64_t hidden,
                                            clade_transformer_block *out)
{
    static const char *const names[4] = {"self_attn.in_proj_weight", "self_attn.in_proj_bias",
                                         "self_attn.out_proj.weight", "self_attn.out_proj.bias"};
    CLADE_TRY(check(params, name, width, heads, out, "transformer_block_params"));
    if (hidden < 1 || hidden > MOST_WIDTH)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "transformer_block_params: %s: a hidden width of %lld",
                          name, (long long)hidden);
    clade_transformer_block b = {.attention.heads = heads};
    const clade_init one = clade_init_constant(1), zero = clade_init_zeros();
    wanted w = {.prefix = name};
    want_heads(&w, names, width, &b.attention);
    want_linear(&w, "linear1.weight", "linear1.bias", width, hidden, &b.weight1, &b.bias1);
    want_linear(&w, "linear2.weight", "linear2.bias", hidden, width, &b.weight2, &b.bias2);
    want(&w, "norm1.weight", CLADE_SHAPE(width), one, &b.norm1_weight);
    want(&w, "norm1.bias", CLADE_SHAPE(width), zero, &b.norm1_bias);
    want(&w, "norm2.weight", CLADE_SHAPE(width), one, &b.norm2_weight);
    want(&w, "norm2.bias", CLADE_SHAPE(width), zero, &b.norm2_bias);
    CLADE_TRY(add(params, &w, "transformer_block_params"));
    *out = b;
    return CLADE_OK;
}

/* --- computing -------------------------------------------------------------------------------- */
static clade_tensor *linear(clade_tensor *x, clade_tensor *weight, clade_tensor *bias)
{
    return bias ? clade_linear(x, weight, bias) : clade_linear_no_bias(x, weight);
}

/* Part i of the input projection, [n,t,heads,d], turned where there is a rotary embedding. */
static clade_tensor *project(const clade_multi_head *m, clade_tensor *x, int i, double rotary_base)
{
    int64_t width = clade_tensor_dim(m->out_weight, 0);
    clade_tensor *weight = clade_slice(m->in_weight, 0, i * width, (i + 1) * width, 1);
    clade_tensor *bias =
        m->in_bias ? clade_slice(m->in_bias, 0, i * width, (i + 1) * width, 1) : NULL;
    clade_tensor *y = m->in_bias && !bias ? NULL : linear(x, weight, bias);
    if (!y)
        return NULL;
    y = clade_reshape(
        y, CLADE_SHAPE(clade_tensor_dim(y, 0), clade_tensor_dim(y, 1), m->heads, width / m->heads));
    return rotary_base != 0 ? clade_rotary(y, 1, &(clade_rotary_params){.base = rotary_base}) : y;
}

static clade_status check_inputs(const clade_multi_head *m, clade_tensor *const *in)
{
    if (!m || !m->in_weight || !m->out_weight || m->heads < 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "multi_head_attention: there are no parameters");
    for (int i = 0; i < 3; i++) {
        if (!in[i])
            return clade_error_null("multi_head_attention", "an input");
        if (clade_tensor_ndim(in[i]) != 3)
            return CLADE_FAIL(CLADE_ERR_SHAPE,
                              "multi_head_attention: an input of %d dimensions, not [n,t,width]",
                              clade_tensor_ndim(in[i]));
    }
    return CLADE_OK;
}

clade_tensor *clade_multi_head_attention(const clade_multi_head *m, clade_tensor *query,
                                         clade_tensor *key, clade_tensor *value, clade_tensor *mask,
                                         const clade_multi_head_options *options)
{
    clade_tensor *in[3] = {query, key, value};
    const clade_multi_head_options o = options ? *options : (clade_multi_head_options){0};
    const clade_attention_params params = {.causal = o.causal, .dropout = o.dropout};
    if (check_inputs(m, in) != CLADE_OK)
        return NULL;
    for (int i = 0; i < 3; i++)
        in[i] = clade_transpose(project(m, in[i], i, i < 2 ? o.rotary_base : 0), 1, 2);
    clade_tensor *y = mask ? clade_attention_masked(in[0], in[1], in[2], mask, &params)
                           : clade_attention(in[0], in[1], in[2], &params);
    y = clade_transpose(y, 1, 2);
    if (!y)
        return NULL;
    y = clade_reshape(y, CLADE_SHAPE(clade_tensor_dim(y, 0), clade_tensor_dim(y, 1),
                                     clade_tensor_dim(m->out_weight, 1)));
    return linear(y, m->out_weight, m->out_bias);
}

static clade_tensor *dropped(clade_tensor *x, const clade_transformer_options *o)
{
    return o->dropout != 0 ? clade_dropout(x, o->dropout, true) : x;
}

static clade_tensor *attend(const clade_transformer_block *b, clade_tensor *x, clade_tensor *mask,
                            const clade_transformer_options *o)
{
    const clade_multi_head_options options = {
        .causal = o->causal, .dropout = o->dropout, .rotary_base = o->rotary_base};
    return dropped(clade_multi_head_attention(&b->attention, x, x, x, mask, &options), o);
}

static clade_tensor *feed_forward(const clade_transformer_block *b, clade_tensor *x,
                                  const clade_transformer_options *o)
{
    clade_tensor *h = linear(x, b->weight1, b->bias1);
    h = dropped(o->gelu ? clade_gelu(h) : clade_relu(h), o);
    return dropped(linear(h, b->weight2, b->bias2), o);
}

clade_tensor *clade_transformer(const clade_transformer_block *block, clade_tensor *x,
                                clade_tensor *mask, const clade_transformer_options *options)
{
    const clade_transformer_block *b = block;
    const clade_transformer_options o = options ? *options : (clade_transformer_options){0};
    const double eps = o.eps != 0 ? o.eps : 1e-5;
    if (!b || !b->weight1 || !b->weight2) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "transformer: there are no parameters");
        return NULL;
    }
    if (o.norm_first) {
        clade_tensor *y = clade_layer_norm(x, b->norm1_weight, b->norm1_bias, 1, eps);
        x = clade_add(x, attend(b, y, mask, &o));
        y = clade_layer_norm(x, b->norm2_weight, b->norm2_bias, 1, eps);
        return clade_add(x, feed_forward(b, y, &o));
    }
    x = clade_add(x, attend(b, x, mask, &o));
    x = clade_layer_norm(x, b->norm1_weight, b->norm1_bias, 1, eps);
    x = clade_add(x, feed_forward(b, x, &o));
    return clade_layer_norm(x, b->norm2_weight, b->norm2_bias, 1, eps);
}
