/* The network: fully connected layers fc1, fc2, ... with ReLU between them; before them, in a cnn,
 * two convolutions conv1 and conv2 of 3x3, each with ReLU and 2x2 max pooling. */
#ifndef CLADE_MNIST_MODEL_H
#define CLADE_MNIST_MODEL_H

#include <clade/clade.h>

#include "options.h"
#include "torch_random.h"

#define CONVOLUTIONS 2
#define MAX_LAYERS   (CONVOLUTIONS + MAX_HIDDEN + 1)

typedef struct layout {
    int count;                    /* of fully connected layers */
    int64_t size[MAX_HIDDEN + 2]; /* what they take, hidden sizes, classes */
    bool cnn;
    int64_t rows, cols; /* of a picture; a mlp made by hand may leave them 0 */
} layout;

typedef struct model {
    layout layout;
    clade_params *params;
    clade_dtype dtype; /* of convolutions and products; the weights are f32 */
    int layers;        /* all of them, convolutions first */
    clade_tensor *weight[MAX_LAYERS], *bias[MAX_LAYERS]; /* borrowed from params */
} model;

/* Sizes as the options say. Returns the exit code, after a line on stderr. */
int layout_of_options(layout *out, const options *o, int64_t rows, int64_t cols, int64_t classes);
/* Sizes of the network in a weight file. Likewise. */
int layout_of_file(layout *out, const char *path);
/* A cnn of pictures of this size, with one hidden layer. */
layout layout_of_cnn(int64_t rows, int64_t cols, int64_t hidden, int64_t classes);
/* "784-128-10", or "conv 32-64, 3136-128-10" */
void layout_print(const layout *l, char *text, size_t size);

/* Weights drawn by the device. *out is released with model_free, also after a failure. */
clade_status model_create(model *out, clade_context *ctx, const layout *l);
void model_free(model *m);
/* Instead of those, the weights that PyTorch's layers, created in order, would draw. Returns the
 * exit code, after a line on stderr. */
int model_draw_weights(const model *m, torch_random *random);
/* Weights, and what the network is. Blocks. */
clade_status model_save(const model *m, const char *path);

/* [n, pixels] -> [n, classes], f32, in the open scope. */
clade_tensor *model_logits(const model *m, clade_tensor *x);

#endif
