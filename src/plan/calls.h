/* What the passes do to elementwise calls. */
#ifndef CLADE_PLAN_CALLS_H
#define CLADE_PLAN_CALLS_H

#include "runtime/elementwise.h"

/* Sees the call as one of another shape with as many elements, where its operands allow it. */
bool clade_call_recast(clade_elementwise_call *call, const clade_shape *shape);

/* Adds the stages of `next`, of the same shape, behind those of `joined`. *forwarded: whether they
 * take values from the stages that were there. False, with joined spoilt, when there is no room, or
 * when two windows on one buffer may overlap in another way than element by element. */
bool clade_call_append(clade_elementwise_call *joined, const clade_elementwise_call *next,
                       bool *forwarded);

/* Removes the operands from `first` on that no stage reads or writes. */
void clade_call_drop_unused(clade_elementwise_call *call, int first);

#endif
