/* The table of module kinds: what each adds to a set of parameters, and the op that it is. */
#include "nn/module.h"

#include <stdio.h>

#include <clade/arrange.h>
#include <clade/norm.h>
#include <clade/ops.h>
#include <clade/random.h>

#include "base/error.h"
#include "base/shape.h"

static clade_status need_outputs(const clade_module *m, int64_t value, const char *field)
{
    if (value >= 1)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s is %lld", m->kind->name, field, (long long)value);
}

static clade_status need_dims(const clade_module *m, int least, int most, const char *what)
{
    if (m->input.ndim >= least && m->input.ndim <= most)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: samples of %s, not %s", m->kind->name,
                      clade_shape_str(&m->input).s, what);
}

static int64_t last_dim(const clade_shape *shape)
{
    return shape->dim[shape->ndim - 1];
}

#define NAME_SIZE 256

static clade_status full_name(char *full, const char *name, const char *suffix)
{
    if (snprintf(full, NAME_SIZE, "%s.%s", name, suffix) < NAME_SIZE)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "module: the name %.40s... is too long", name);
}

/* One parameter, name + "." + suffix. */
static clade_status add(clade_tensor **out, clade_params *params, const char *name,
                        const char *suffix, clade_shape shape, clade_init init)
{
    char full[NAME_SIZE];
    CLADE_TRY(full_name(full, name, suffix));
    *out = clade_param(params, full, shape, init);
    return *out ? CLADE_OK : clade_last_error()->status;
}

/* --- linear and convolution ------------------------------------------------------------------- */
static clade_status create_linear(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_outputs(m, m->layer.outputs, "outputs"));
    CLADE_TRY(need_dims(m, 1, CLADE_MAX_DIMS - 1, "[...,features]"));
    return clade_linear_params(params, name, last_dim(&m->input), m->layer.outputs, &m->weight,
                               m->layer.no_bias ? NULL : &m->bias);
}

static clade_tensor *forward_linear(const clade_module *m, clade_tensor *x)
{
    return m->bias ? clade_linear(x, m->weight, m->bias) : clade_linear_no_bias(x, m->weight);
}

/* Each weight once per place: outputs over the first dimension of the weight. */
static int64_t macs_of_weight(const clade_module *m)
{
    return clade_shape_numel(&m->output) / clade_tensor_dim(m->weight, 0) *
           clade_tensor_numel(m->weight);
}

/* From the second dimension on 0 stands for the first's. */
static void complete_sizes(int64_t *sizes)
{
    for (int i = 1; i < 3; i++)
        sizes[i] = sizes[i] ? sizes[i] : sizes[0];
}

#define IMAGES "[channels,columns], [channels,rows,columns] or [channels,depth,rows,columns]"

static clade_status create_conv(clade_module *m, clade_params *params, const char *name)
{
    clade_layer *l = &m->layer;
    CLADE_TRY(need_dims(m, 2, 4, IMAGES));
    CLADE_TRY(need_outputs(m, l->outputs, "outputs"));
    complete_sizes(l->kernel);
    int64_t groups = l->conv.groups ? l->conv.groups : 1;
    clade_shape weight = {.ndim = m->input.ndim + 1, .dim = {l->outputs}};
    if (groups < 0 || m->input.dim[0] % groups != 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "conv: %lld channels in %lld groups",
                          (long long)m->input.dim[0], (long long)groups);
    weight.dim[1] = m->input.dim[0] / groups;
    for (int i = 1; i < m->input.ndim; i++)
        weight.dim[1 + i] = l->kernel[i - 1];
    return clade_conv_layer_params(params, name, weight, &m->weight, l->no_bias ? NULL : &m->bias);
}

static clade_tensor *forward_conv(const clade_module *m, clade_tensor *x)
{
    clade_tensor *(*const conv[])(clade_tensor *, clade_tensor *, clade_tensor *,
                                  const clade_conv_params *) = {clade_conv1d, clade_conv2d,
                                                                clade_conv3d};
    return conv[m->input.ndim - 2](x, m->weight, m->bias, &m->layer.conv);
}

/* --- pooling ---------------------------------------------------------------------------------- */
static clade_status create_pool(clade_module *m, clade_params *params, const char *name)
{
    (void)params, (void)name;
    complete_sizes(m->layer.pool.kernel);
    return need_dims(m, 2, 4, IMAGES);
}

typedef clade_tensor *pool_fn(clade_tensor *x, const clade_pool_params *params);

static clade_tensor *forward_max_pool(const clade_module *m, clade_tensor *x)
{
    pool_fn *const pool[] = {clade_max_pool1d, clade_max_pool2d, clade_max_pool3d};
    return pool[m->input.ndim - 2](x, &m->layer.pool);
}

static clade_tensor *forward_avg_pool(const clade_module *m, clade_tensor *x)
{
    pool_fn *const pool[] = {clade_avg_pool1d, clade_avg_pool2d, clade_avg_pool3d};
    return pool[m->input.ndim - 2](x, &m->layer.pool);
}

static clade_status create_adaptive(clade_module *m, clade_params *params, const char *name)
{
    (void)params, (void)name;
    complete_sizes(m->layer.kernel);
    return need_dims(m, 2, 4, IMAGES);
}

static clade_tensor *forward_adaptive(const clade_module *m, clade_tensor *x)
{
    const int64_t *size = m->layer.kernel;
    switch (m->input.ndim) {
    case 2:
        return clade_adaptive_avg_pool1d(x, size[0]);
    case 3:
        return clade_adaptive_avg_pool2d(x, size[0], size[1]);
    default:
        return clade_adaptive_avg_pool3d(x, size[0], size[1], size[2]);
    }
}

/* --- without parameters ----------------------------------------------------------------------- */
static clade_tensor *forward_flatten(const clade_module *m, clade_tensor *x)
{
    return clade_reshape(x, CLADE_SHAPE(clade_tensor_dim(x, 0), clade_shape_numel(&m->input)));
}

static clade_status create_activation(clade_module *m, clade_params *params, const char *name)
{
    (void)params, (void)name;
    return m->layer.activation ? CLADE_OK : clade_error_null("activation", "activation");
}

static clade_tensor *forward_activation(const clade_module *m, clade_tensor *x)
{
    return m->layer.activation(x);
}

static clade_tensor *forward_dropout(const clade_module *m, clade_tensor *x)
{
    return clade_dropout(x, m->layer.value == 0 ? 0.5 : m->layer.value, m->training);
}

/* --- embedding and norms ---------------------------------------------------------------------- */
static clade_status create_embedding(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_outputs(m, m->layer.entries, "entries"));
    CLADE_TRY(need_outputs(m, m->layer.outputs, "outputs"));
    return add(&m->weight, params, name, "weight", CLADE_SHAPE(m->layer.entries, m->layer.outputs),
               clade_init_normal(0, 1));
}

static clade_tensor *forward_embedding(const clade_module *m, clade_tensor *x)
{
    return clade_embedding(m->weight, x, -1);
}

static clade_status create_rms_norm(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_dims(m, 1, CLADE_MAX_DIMS - 1, "[...,features]"));
    m->layer.value = m->layer.value == 0 ? 1e-5 : m->layer.value;
    if (m->layer.no_bias)
        return CLADE_OK;
    return add(&m->weight, params, name, "weight", CLADE_SHAPE(last_dim(&m->input)),
               clade_init_constant(1));
}

static clade_status create_layer_norm(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(create_rms_norm(m, params, name));
    if (m->layer.no_bias)
        return CLADE_OK;
    return add(&m->bias, params, name, "bias", CLADE_SHAPE(last_dim(&m->input)),
               clade_init_zeros());
}

static clade_tensor *forward_layer_norm(const clade_module *m, clade_tensor *x)
{
    return clade_layer_norm(x, m->weight, m->bias, 1, m->layer.value);
}

static clade_tensor *forward_rms_norm(const clade_module *m, clade_tensor *x)
{
    return clade_rms_norm(x, m->weight, 1, m->layer.value);
}

/* weight and bias [channels], unless no_bias. */
static clade_status create_group_norm(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_dims(m, 1, CLADE_MAX_DIMS - 1, "[channels,...]"));
    m->layer.value = m->layer.value == 0 ? 1e-5 : m->layer.value;
    if (m->layer.no_bias)
        return CLADE_OK;
    clade_shape channels = CLADE_SHAPE(m->input.dim[0]);
    CLADE_TRY(add(&m->weight, params, name, "weight", channels, clade_init_constant(1)));
    return add(&m->bias, params, name, "bias", channels, clade_init_zeros());
}

static clade_tensor *forward_group_norm(const clade_module *m, clade_tensor *x)
{
    return clade_group_norm(x, m->layer.groups, m->weight, m->bias, m->layer.value);
}

static clade_status add_running(clade_tensor **out, clade_params *params, const char *name,
                                const char *suffix, int64_t channels, double start)
{
    char full[NAME_SIZE];
    CLADE_TRY(full_name(full, name, suffix));
    *out = clade_param_buffer(params, full, CLADE_SHAPE(channels), clade_init_constant(start));
    return *out ? CLADE_OK : clade_last_error()->status;
}

static clade_status create_batch_norm(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(create_group_norm(m, params, name));
    int64_t channels = m->input.dim[0];
    CLADE_TRY(add_running(&m->running_mean, params, name, "running_mean", channels, 0));
    return add_running(&m->running_var, params, name, "running_var", channels, 1);
}

static clade_tensor *forward_batch_norm(const clade_module *m, clade_tensor *x)
{
    const clade_batch_norm_options options = {.train = m->training, .eps = m->layer.value};
    return clade_batch_norm(x, m->running_mean, m->running_var, m->weight, m->bias, &options);
}

/* --- recurrent -------------------------------------------------------------------------------- */
static clade_status create_recurrent(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_dims(m, 2, 2, "[steps,features]"));
    m->layer.recurrent.input = last_dim(&m->input);
    m->layer.recurrent.batch_first = true;
    return clade_recurrent_create(&m->recurrent, params, name, &m->layer.recurrent);
}

static clade_tensor *forward_recurrent(const clade_module *m, clade_tensor *x)
{
    return clade_recurrent_forward(m->recurrent, x, NULL, NULL, NULL, NULL);
}

/* All of its matrices at each step; the rest are biases. */
static int64_t macs_of_recurrent(const clade_module *m)
{
    const clade_recurrent_params *r = &m->layer.recurrent;
    int64_t gates = r->kind == CLADE_RECURRENT_LSTM ? 4 : r->kind == CLADE_RECURRENT_GRU ? 3 : 1;
    int64_t cells = (r->layers ? r->layers : 1) * (r->bidirectional ? 2 : 1);
    int64_t biases = r->no_bias ? 0 : cells * 2 * gates * r->hidden;
    return m->input.dim[0] * (m->numel - biases);
}

/* --- attention -------------------------------------------------------------------------------- */
static clade_status create_attention(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_dims(m, 2, 2, "[places,features]"));
    return clade_multi_head_params(params, name, last_dim(&m->input), m->layer.heads,
                                   &m->block.attention);
}

static clade_tensor *forward_attention(const clade_module *m, clade_tensor *x)
{
    clade_multi_head_options options = m->layer.attention;
    options.dropout = m->training ? options.dropout : 0;
    return clade_multi_head_attention(&m->block.attention, x, x, x, NULL, &options);
}

static clade_status create_transformer(clade_module *m, clade_params *params, const char *name)
{
    CLADE_TRY(need_dims(m, 2, 2, "[places,features]"));
    return clade_transformer_block_params(params, name, last_dim(&m->input), m->layer.heads,
                                          m->layer.outputs, &m->block);
}

static clade_tensor *forward_transformer(const clade_module *m, clade_tensor *x)
{
    clade_transformer_options options = m->layer.transformer;
    options.dropout = m->training ? options.dropout : 0;
    return clade_transformer(&m->block, x, NULL, &options);
}

/* Four projections of each place, scores and sums over all places; of a block two layers more. */
static int64_t macs_of_attention(const clade_module *m)
{
    int64_t places = m->input.dim[0], width = m->input.dim[1];
    int64_t hidden = m->layer.kind == CLADE_LAYER_TRANSFORMER ? m->layer.outputs : 0;
    return places * (4 * width * width + 2 * width * hidden) + 2 * places * places * width;
}

/* --- the caller's ----------------------------------------------------------------------------- */
static clade_status create_custom(clade_module *m, clade_params *params, const char *name)
{
    const clade_layer *l = &m->layer;
    if (!l->custom || !l->custom->forward)
        return clade_error_null("custom", l->custom ? "forward" : "custom");
    return l->custom->create ? l->custom->create(l->user, params, name, m->dtype, m->input)
                             : CLADE_OK;
}

static clade_tensor *forward_custom(const clade_module *m, clade_tensor *x)
{
    return m->layer.custom->forward(m->layer.user, x, m->training);
}

/* By clade_layer_kind. */
static const clade_module_kind kinds[] = {
    [CLADE_LAYER_LINEAR] = {"linear", create_linear, forward_linear, macs_of_weight},
    [CLADE_LAYER_CONV] = {"conv", create_conv, forward_conv, macs_of_weight},
    [CLADE_LAYER_MAX_POOL] = {"max_pool", create_pool, forward_max_pool, NULL},
    [CLADE_LAYER_AVG_POOL] = {"avg_pool", create_pool, forward_avg_pool, NULL},
    [CLADE_LAYER_ADAPTIVE_AVG] = {"adaptive_avg", create_adaptive, forward_adaptive, NULL},
    [CLADE_LAYER_FLATTEN] = {"flatten", NULL, forward_flatten, NULL},
    [CLADE_LAYER_ACTIVATION] = {"activation", create_activation, forward_activation, NULL},
    [CLADE_LAYER_DROPOUT] = {"dropout", NULL, forward_dropout, NULL},
    [CLADE_LAYER_EMBEDDING] = {"embedding", create_embedding, forward_embedding, NULL},
    [CLADE_LAYER_LAYER_NORM] = {"layer_norm", create_layer_norm, forward_layer_norm, NULL},
    [CLADE_LAYER_RMS_NORM] = {"rms_norm", create_rms_norm, forward_rms_norm, NULL},
    [CLADE_LAYER_RECURRENT] = {"recurrent", create_recurrent, forward_recurrent, macs_of_recurrent},
    [CLADE_LAYER_ATTENTION] = {"attention", create_attention, forward_attention, macs_of_attention},
    [CLADE_LAYER_TRANSFORMER] = {"transformer", create_transformer, forward_transformer,
                                 macs_of_attention},
    [CLADE_LAYER_BATCH_NORM] = {"batch_norm", create_batch_norm, forward_batch_norm, NULL},
    [CLADE_LAYER_GROUP_NORM] = {"group_norm", create_group_norm, forward_group_norm, NULL},
    [CLADE_LAYER_CUSTOM] = {"custom", create_custom, forward_custom, NULL},
};

const clade_module_kind *clade_module_kind_of(clade_layer_kind kind)
{
    size_t i = (size_t)kind;
    return i < sizeof kinds / sizeof *kinds && kinds[i].forward ? &kinds[i] : NULL;
}
