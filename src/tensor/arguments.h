/* The arguments of a kernel over compact tensors, put together one by one. */
#ifndef CLADE_TENSOR_ARGUMENTS_H
#define CLADE_TENSOR_ARGUMENTS_H

#include "tensor/tensor.h"

#define CLADE_ARGUMENTS_TENSORS 4

/* Begins as zeros. What fails first stays in status, so that one look at the end is enough. */
typedef struct clade_arguments {
    clade_arg arg[16];
    int count;
    clade_tensor *tensor[CLADE_ARGUMENTS_TENSORS]; /* owned */
    int tensors;
    clade_status status;
} clade_arguments;

/* t's buffer and offset, or those of a contiguous copy. */
void clade_arguments_add_tensor(clade_arguments *a, clade_tensor *t);
void clade_arguments_add(clade_arguments *a, clade_arg arg);
/* Gives the tensors back. */
void clade_arguments_clear(clade_arguments *a);

#endif
