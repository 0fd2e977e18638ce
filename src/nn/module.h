/* What kinds of modules differ in. */
#ifndef CLADE_NN_MODULE_H
#define CLADE_NN_MODULE_H

#include <clade/module.h>

struct clade_module {
    const struct clade_module_kind *kind;
    clade_layer layer; /* pointers into the caller's description are NULL once it is made */
    char *label;       /* what the summary calls it; owned */
    clade_dtype dtype, output_dtype;
    clade_shape input, output; /* of a sample */
    bool training;
    int64_t numel, macs;                      /* children included */
    clade_tensor *weight, *bias;              /* borrowed from the set; NULL where there is none */
    clade_tensor *running_mean, *running_var; /* likewise */
    clade_transformer_block block;            /* of an attention the part of that name */
    clade_recurrent *recurrent;               /* owned */
    clade_module **children;                  /* owned */
    size_t count;
};

typedef struct clade_module_kind {
    const char *name;
    /* Adds the parameters to the set, by name; also checks what the layer says. NULL: none. */
    clade_status (*create)(clade_module *m, clade_params *params, const char *name);
    /* x fits the module's input. */
    clade_tensor *(*forward)(const clade_module *m, clade_tensor *x);
    /* Of one sample, once output is known. NULL: none. */
    int64_t (*macs)(const clade_module *m);
} clade_module_kind;

/* NULL where there is no such kind. CLADE_LAYER_SEQUENTIAL is module.c's own. */
const clade_module_kind *clade_module_kind_of(clade_layer_kind kind);

#endif
