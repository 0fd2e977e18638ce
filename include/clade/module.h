/* Modules: networks put together of layers, with PyTorch's initial values and parameter names.
 *
 *     static const clade_layer layers[] = {
 *         {.kind = CLADE_LAYER_CONV, .outputs = 32, .kernel = {3}, .conv = {.padding = {1, 1}}},
 *         {.kind = CLADE_LAYER_ACTIVATION, .activation = clade_relu, .name = "relu"},
 *         {.kind = CLADE_LAYER_MAX_POOL, .pool = {.kernel = {2}}},
 *         {.kind = CLADE_LAYER_FLATTEN},
 *         {.kind = CLADE_LAYER_LINEAR, .outputs = 10},
 *     };
 *     const clade_layer net = {.kind = CLADE_LAYER_SEQUENTIAL, .layers = layers, .count = 5};
 *     st = clade_module_create(&module, params, "", &net, CLADE_F32, CLADE_SHAPE(1, 28, 28));
 *     ...
 *     logits = clade_module_forward(module, images);
 *
 * A layer is described by plain data; the sizes of its inputs are found from the shape that comes
 * in. Everything a module does it does with the functions of the other headers.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_MODULE_H
#define CLADE_MODULE_H

#include <clade/conv.h>
#include <clade/recurrent.h>
#include <clade/transformer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In brackets PyTorch's class, and what a layer of that kind reads of clade_layer. */
typedef enum clade_layer_kind {
    CLADE_LAYER_SEQUENTIAL = 0,   /* [Sequential] layers, count */
    CLADE_LAYER_LINEAR = 1,       /* [Linear] outputs, no_bias */
    CLADE_LAYER_CONV = 2,         /* [Conv1d, 2d, 3d] outputs, kernel, conv, no_bias */
    CLADE_LAYER_MAX_POOL = 3,     /* [MaxPool1d, 2d, 3d] pool */
    CLADE_LAYER_AVG_POOL = 4,     /* [AvgPool1d, 2d, 3d] pool */
    CLADE_LAYER_ADAPTIVE_AVG = 5, /* [AdaptiveAvgPool1d, 2d, 3d] kernel: the sizes wanted */
    CLADE_LAYER_FLATTEN = 6,      /* [Flatten] [n,...] to [n,*] */
    CLADE_LAYER_ACTIVATION = 7,   /* activation */
    CLADE_LAYER_DROPOUT = 8,      /* [Dropout] value: the probability (default 0.5) */
    CLADE_LAYER_EMBEDDING = 9,    /* [Embedding] entries, outputs; [n,...] i32 to [n,...,outputs] */
    CLADE_LAYER_LAYER_NORM = 10,  /* [LayerNorm] over the last dimension; value: eps (default 1e-5),
                                     no_bias: neither weight nor bias */
    CLADE_LAYER_RMS_NORM = 11,    /* [RMSNorm] likewise */
    CLADE_LAYER_RECURRENT = 12,   /* [RNN, LSTM, GRU] recurrent; [n,T,I] to the states [n,T,D*H] */
    CLADE_LAYER_ATTENTION = 13,   /* [MultiheadAttention] of x [n,T,width] to itself: heads,
                                     attention;   its dropout is for training alone */
    CLADE_LAYER_TRANSFORMER = 14, /* [TransformerEncoderLayer] heads, outputs: the hidden width,
                                     transformer; likewise */
    CLADE_LAYER_BATCH_NORM = 15,  /* [BatchNorm1d, 2d, 3d] of [n,channels,...]; value: eps (default
                                     1e-5), no_bias: neither weight nor bias. The running statistics
                                     are buffers (nn.h) */
    CLADE_LAYER_GROUP_NORM = 16,  /* [GroupNorm] groups; likewise, without statistics */
    CLADE_LAYER_CUSTOM = 17       /* custom, user */
} clade_layer_kind;

/* A layer of the caller's. */
typedef struct clade_layer_class {
    /* Adds parameters, named name + "." + ... (name alone may be ""), for samples of a shape; NULL:
     * there are none. */
    clade_status (*create)(void *user, clade_params *params, const char *name, clade_dtype dtype,
                           clade_shape input);
    /* x [n, input...] to the result, as an op's. Also called with n = 0, to find the result's
     * shape; training says what clade_module_train said last. */
    clade_tensor *(*forward)(void *user, clade_tensor *x, bool training);
} clade_layer_class;

/* Zero means default. */
typedef struct clade_layer {
    clade_layer_kind kind;
    const char *name;  /* in the summary, and in a sequential's parameters instead of its place
                          there (default NULL) */
    int64_t outputs;   /* features, channels */
    int64_t kernel[3]; /* of a convolution's taps or an adaptive pooling's results; from the second
                          on 0 is the first's */
    clade_conv_params conv;
    clade_pool_params pool;                       /* its kernel's as above */
    clade_recurrent_params recurrent;             /* input and batch_first are set */
    clade_tensor *(*activation)(clade_tensor *x); /* such as clade_relu */
    int64_t entries, heads, groups;
    clade_multi_head_options attention;
    clade_transformer_options transformer;
    double value;
    bool no_bias;
    const struct clade_layer *layers; /* copied, as all of this */
    size_t count;
    const clade_layer_class *custom; /* lives as long as the module */
    void *user;
} clade_layer;

typedef struct clade_module clade_module;

/* Makes a layer, and all that are in it, for samples of this dtype and shape, without the dimension
 * n of the batch; parameters are added to params, named as PyTorch does: name + ".weight", and in a
 * sequential name + ".0.weight". name "" is for a sequential and leaves out the dot. On failure the
 * set is as it was. params must outlive the module, which is freed with clade_module_free.
 * Errors, besides those of the ops: CLADE_ERR_ARGUMENT, CLADE_ERR_SHAPE; the message names the
 * layer. */
CLADE_API CLADE_NODISCARD clade_status clade_module_create(clade_module **out, clade_params *params,
                                                           const char *name,
                                                           const clade_layer *layer,
                                                           clade_dtype dtype, clade_shape input);
CLADE_API void clade_module_free(clade_module **module);

/* x [n, input...] to [n, output...], as an op's. Errors: CLADE_ERR_SHAPE, CLADE_ERR_DTYPE. */
CLADE_API clade_tensor *clade_module_forward(const clade_module *module, clade_tensor *x);

/* Whether dropout drops, of all kinds, statistics are those of the batch, and custom layers train,
 * in it and all that are in it. At first: yes. A recorded step keeps to what was set when it was
 * recorded. */
CLADE_API clade_status clade_module_train(clade_module *module, bool training);
CLADE_API bool clade_module_training(const clade_module *module);

/* The shape of a result, without n. */
CLADE_API clade_shape clade_module_output(const clade_module *module);
/* Elements of the parameters. */
CLADE_API int64_t clade_module_numel(const clade_module *module);
/* Multiplications for one sample, of all but pooling, norms and what is elementwise. */
CLADE_API int64_t clade_module_macs(const clade_module *module);

/* A table, one line per layer: its place or name and kind, output shape, parameters and MACs, and
 * the sums. *out is owned by the caller and released with clade_string_free. */
CLADE_API clade_status clade_module_summary(const clade_module *module, char **out);

#ifdef __cplusplus
}
#endif
#endif
