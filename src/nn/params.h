/* The set's inside. */
#ifndef CLADE_NN_PARAMS_H
#define CLADE_NN_PARAMS_H

#include <clade/nn.h>

typedef struct clade_param_entry {
    char *name;
    clade_tensor *tensor; /* a view of the flat buffer */
    clade_tensor *grad;   /* likewise of the flat gradient; the tensor's gradient */
    int64_t offset;       /* of both, in elements */
} clade_param_entry;

struct clade_params {
    clade_context *ctx;
    clade_param_entry *entries;
    size_t count, capacity;
    clade_tensor *flat, *flat_grad; /* NULL while the set is empty */
};

#endif
