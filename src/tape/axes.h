/* The attributes of ops that reduce over any axes: shape.dim = the axes as given, integer[0] = over
 * all axes, integer[1] = keepdim. */
#ifndef CLADE_TAPE_AXES_H
#define CLADE_TAPE_AXES_H

#include "tape/op.h"

/* axes NULL: all of them. */
clade_attrs clade_axes_attrs(const int *axes, int count, bool keepdim);

/* For infer: that each axis is there, and once. The rest is for nodes that passed. */
clade_status clade_axes_check(const clade_node *node);
/* Bit i for each reduced axis i. */
unsigned clade_axes_mask(const clade_node *node);
/* The reduced axes in ascending order, at most CLADE_MAX_DIMS; returns how many. */
int clade_axes_list(const clade_node *node, int *axes);
/* How many elements make one result. */
int64_t clade_axes_set_size(const clade_node *node);
clade_shape clade_axes_reduced_shape(const clade_node *node, bool keepdim);

#endif
