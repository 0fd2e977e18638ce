/* Shape arithmetic on plain arrays: no tensors, no device. */
#ifndef CLADE_BASE_SHAPE_H
#define CLADE_BASE_SHAPE_H

#include <clade/tensor.h>

/* Room for "[2147483647,...]" of CLADE_MAX_DIMS dimensions. */
#define CLADE_SHAPE_TEXT 184

typedef struct clade_shape_text {
    char s[CLADE_SHAPE_TEXT];
} clade_shape_text;

/* "[128,784]", for messages: CLADE_FAIL(..., "%s", clade_shape_str(&shape).s). */
clade_shape_text clade_shape_str(const clade_shape *shape);

/* Row-major strides in elements. */
void clade_shape_strides(const clade_shape *shape, int64_t *strides);

/* NumPy's rule; false when a and b do not broadcast. */
bool clade_shape_broadcast(const clade_shape *a, const clade_shape *b, clade_shape *out);

/* Whether `from` can be broadcast to exactly `to`. */
bool clade_shape_expands_to(const clade_shape *from, const clade_shape *to);

/* The strides by which elements of shape `from`, laid out by `stride`, are seen as `to`, which has
 * the same number of elements; false where only a copy can be. */
bool clade_shape_view_strides(const clade_shape *from, const int64_t *stride, const clade_shape *to,
                              int64_t *out);

/* An axis in 0..ndim-1 for one in -ndim..ndim-1; -1 when out of range. */
int clade_shape_axis(const clade_shape *shape, int axis);

#endif
