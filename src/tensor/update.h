/* An update of tensors in place, such as an optimizer makes: assignments between letters that run
 * as one elementwise call, so that a recorded step can fuse it with its neighbours.
 *
 * A letter stands for a tensor's element until it is assigned to, and from there on for the value
 * assigned. A letter without a tensor holds what later assignments need. */
#ifndef CLADE_TENSOR_UPDATE_H
#define CLADE_TENSOR_UPDATE_H

#include "runtime/elementwise.h"
#include "tensor/tensor.h"

typedef struct clade_update {
    clade_runtime *rt;
    clade_elementwise_call call;
    clade_tensor *tensor[CLADE_ELEMENTWISE_OPERANDS]; /* of an operand that is stored; else NULL */
    int operand['z' + 1];                             /* 1 + the letter's operand */
    int value['z' + 1];                               /* of a letter, as a stage names its inputs */
} clade_update;

/* `like`: one of the tensors. All are contiguous and of one shape, f32 or f64. */
void clade_update_init(clade_update *update, const clade_tensor *like);
/* The same over windows of [rows, columns], which clade_update_add_window names. */
void clade_update_init_windows(clade_update *update, const clade_tensor *like, int64_t rows,
                               int64_t columns);
/* Letters are lower case. stored: the letter's last value is written to the tensor. */
void clade_update_add_tensor(clade_update *update, char letter, clade_tensor *t, bool stored);
/* Element (i, j) is t's element offset + i * row_stride + j * column_stride, t being contiguous. */
void clade_update_add_window(clade_update *update, char letter, clade_tensor *t, int64_t offset,
                             int64_t row_stride, int64_t column_stride, bool stored);
/* letter = expression of the letters that it names as its inputs. p0 and p1 may be NULL where it
 * has no such parameter; else they live as long as replays may read them. */
void clade_update_assign(clade_update *update, char letter, const clade_expression *expression,
                         const double *p0, const double *p1);
/* After all assignments: where `skip`, a tensor of one element, is not 0, nothing changes. */
void clade_update_unless(clade_update *update, const clade_tensor *skip);
/* Runs it. A step that is being recorded calls next(user) before each replay and reads the
 * parameters anew; next NULL: replays repeat the numbers of today. */
clade_status clade_update_run(clade_update *update, void (*next)(void *user), void *user);

#endif
