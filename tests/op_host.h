/* Values, shapes and memory layouts of op_cases.h on the host and on the device. */
#ifndef CLADE_TESTS_OP_HOST_H
#define CLADE_TESTS_OP_HOST_H

#include "op_cases.h"

typedef enum layout {
    CONTIGUOUS,
    TRANSPOSED, /* the last two dimensions are stored the other way round */
    PERMUTED,   /* all dimensions are stored in reverse */
    SLICED,     /* every second element along each dimension, from an offset */
    EXPANDED,   /* stride 0 along the first dimension */
    LAYOUT_COUNT
} layout;

extern const char *const layout_names[LAYOUT_COUNT];

/* Whether a tensor of this shape can be laid out so, and is then not contiguous. */
bool layout_applies(layout kind, const clade_shape *shape);

/* The shapes of a set, "[2,3] [3]"; returns their number, -1 for text that is none. */
int parse_shapes(const char *text, clade_shape *shapes);

/* The row's value of an input (number `which`), as it will be laid out: expanded inputs repeat. */
void draw_input(host_array *out, const op_case *row, int which, clade_dtype dtype,
                clade_shape shape, layout kind);

/* A tensor that holds the array, in memory of that layout; all memory around it is poison. The
 * caller's; NULL with the error set. */
clade_tensor *place(clade_context *ctx, const host_array *array, layout kind);

/* Reads any tensor. */
clade_status array_read(host_array *out, const clade_tensor *t);

/* Rounds to the dtype, as storing would; u8 and i32 wrap. */
double rounded(clade_dtype dtype, double value);

/* The row's reference: element by element, or as a whole. */
void evaluate_reference(const op_case *row, const host_array *in, int count, host_array *out);

#endif
