/* The one list of ops: a family is an array in its file and a line here. */
#include "tape/op.h"

extern const clade_op_family clade_argmax_ops;
extern const clade_op_family clade_arrange_ops;
extern const clade_op_family clade_attention_ops;
extern const clade_op_family clade_cast_ops;
extern const clade_op_family clade_channel_norm_ops;
extern const clade_op_family clade_concat_ops;
extern const clade_op_family clade_conv_ops;
extern const clade_op_family clade_create_ops;
extern const clade_op_family clade_cross_entropy_ops;
extern const clade_op_family clade_distance_loss_ops;
extern const clade_op_family clade_formula_ops;
extern const clade_op_family clade_image_ops;
extern const clade_op_family clade_index_ops;
extern const clade_op_family clade_linear_ops;
extern const clade_op_family clade_loss_ops;
extern const clade_op_family clade_matmul_ops;
extern const clade_op_family clade_moment_ops;
extern const clade_op_family clade_norm_ops;
extern const clade_op_family clade_pad_ops;
extern const clade_op_family clade_pointwise_ops;
extern const clade_op_family clade_pool_ops;
extern const clade_op_family clade_random_ops;
extern const clade_op_family clade_recurrent_ops;
extern const clade_op_family clade_reduction_ops;
extern const clade_op_family clade_rotary_ops;
extern const clade_op_family clade_scan_ops;
extern const clade_op_family clade_resample_ops;
extern const clade_op_family clade_softmax_ops;
extern const clade_op_family clade_sort_ops;
extern const clade_op_family clade_view_ops;

/* clang-format off */
const clade_op_family *const clade_op_families[] = {
    &clade_argmax_ops,
    &clade_arrange_ops,
    &clade_attention_ops,
    &clade_cast_ops,
    &clade_channel_norm_ops,
    &clade_concat_ops,
    &clade_conv_ops,
    &clade_create_ops,
    &clade_cross_entropy_ops,
    &clade_distance_loss_ops,
    &clade_formula_ops,
    &clade_image_ops,
    &clade_index_ops,
    &clade_linear_ops,
    &clade_loss_ops,
    &clade_matmul_ops,
    &clade_moment_ops,
    &clade_norm_ops,
    &clade_pad_ops,
    &clade_pointwise_ops,
    &clade_pool_ops,
    &clade_random_ops,
    &clade_recurrent_ops,
    &clade_reduction_ops,
    &clade_rotary_ops,
    &clade_scan_ops,
    &clade_resample_ops,
    &clade_softmax_ops,
    &clade_sort_ops,
    &clade_view_ops,
};
/* clang-format on */
const size_t clade_op_family_count = sizeof clade_op_families / sizeof clade_op_families[0];
