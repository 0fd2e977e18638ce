/* The one list of ops: a family is an array in its file and a line here. */
#include "tape/op.h"

extern const clade_op_family clade_pointwise_ops;
extern const clade_op_family clade_view_ops;

const clade_op_family *const clade_op_families[] = {
    &clade_pointwise_ops,
    &clade_view_ops,
};
const size_t clade_op_family_count = sizeof clade_op_families / sizeof clade_op_families[0];
