/* The network: fully connected layers fc1, fc2, ... with ReLU between them. */
#ifndef CLADE_MNIST_MODEL_H
#define CLADE_MNIST_MODEL_H

#include <clade/clade.h>

#include "options.h"
#include "torch_random.h"

#define MAX_LAYERS (MAX_HIDDEN + 1)

typedef struct layout {
    int count;                    /* of layers */
    int64_t size[MAX_LAYERS + 1]; /* pixels, hidden sizes, classes */
} layout;

typedef struct model {
    layout layout;
    clade_params *params;
    clade_tensor *weight[MAX_LAYERS], *bias[MAX_LAYERS]; /* borrowed from params */
} model;

/* Sizes as the options say. */
layout layout_of_options(const options *o, int64_t pixels, int64_t classes);
/* Sizes of the network in a weight file. Returns the exit code, after a line on stderr. */
int layout_of_file(layout *out, const char *path);
/* "784-128-10" */
void layout_print(const layout *l, char *text, size_t size);

/* Weights drawn by the device. *out is released with model_free, also after a failure. */
clade_status model_create(model *out, clade_context *ctx, const layout *l);
void model_free(model *m);
/* Instead of those, the weights that PyTorch's nn.Linear layers, created in order, would draw.
 * Returns the exit code, after a line on stderr. */
int model_draw_weights(const model *m, torch_random *random);

/* [n, pixels] -> [n, classes], in the open scope. */
clade_tensor *model_logits(const model *m, clade_tensor *x);

#endif
