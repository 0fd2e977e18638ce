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
    clade_params *buffers;          /* owned; NULL while there are none */
};

/* A parameter to come. */
typedef struct clade_param_request {
    const char *name;
    clade_shape shape;
    clade_init init;
} clade_param_request;

/* Adds all of them at the end, or none; their names differ. */
clade_status clade_params_add(clade_params *params, const clade_param_request *requests,
                              size_t count, const char *what);

/* Takes away the parameters from place `count` on and the buffers from place `buffers` on; their
 * memory goes with the flat buffer. */
void clade_params_truncate(clade_params *params, size_t count, size_t buffers);

#endif
