/* Kernels that walk along one axis of contiguous tensors: softmax, argmax. */
#ifndef CLADE_TENSOR_AXIS_H
#define CLADE_TENSOR_AXIS_H

#include "tensor/tensor.h"

/* A tensor seen along an axis: [outer, along, inner]. */
typedef struct clade_axis {
    int64_t outer, along, inner;
} clade_axis;

clade_axis clade_axis_of(const clade_shape *shape, int axis);

/* Launches a kernel over contiguous tensors: NAME_rows of cl/FAMILY.cl on a grid of rows where
 * inner is 1, else NAME_columns, each of whose work-items takes CW neighbouring columns (see
 * prelude.clh). T is dtype's type. The kernel's arguments are `args`, at most 12, then the ints
 * outer, along and, for columns, inner. */
clade_status clade_axis_launch(clade_runtime *rt, const clade_axis *axis, clade_dtype dtype,
                               const char *family, const char *name, const clade_arg *args,
                               int count);

#endif
