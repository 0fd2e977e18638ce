/* What convolution, pooling and resampling refuse, and how a convolution's parameters start. */
#include <math.h>

#include "tensor_testing.h"

static clade_tensor *zeros(clade_shape shape)
{
    clade_tensor *t = clade_full(ctx, CLADE_F32, shape, 0);
    ck_assert_ptr_nonnull(t);
    return t;
}

START_TEST(shapes_that_do_not_fit)
{
    clade_tensor *x = zeros(CLADE_SHAPE(2, 4, 5, 5)), *w = zeros(CLADE_SHAPE(6, 4, 3, 3));
    const clade_conv_params in_threes = {.groups = 3}, backwards = {.stride = {-1}};
    const clade_conv_params wide = {.dilation = {3, 1}}, more = {.output_padding = {1}};
    const clade_pool_params sixes = {.kernel = {6, 6}}, none = {0};
    const clade_pool_params padded = {.kernel = {2, 2}, .padding = {2}};
    null_with(clade_conv2d(x, zeros(CLADE_SHAPE(6, 3, 3, 3)), NULL, NULL), CLADE_ERR_SHAPE,
              "x [2,4,5,5] does not fit weight [6,3,3,3]");
    null_with(clade_conv2d(x, w, NULL, &in_threes), CLADE_ERR_SHAPE, "3 groups");
    null_with(clade_conv2d(x, w, zeros(CLADE_SHAPE(5)), NULL), CLADE_ERR_SHAPE, "bias [5]");
    null_with(clade_conv2d(x, w, NULL, &backwards), CLADE_ERR_ARGUMENT, "stride -1");
    null_with(clade_conv2d(x, w, NULL, &wide), CLADE_ERR_SHAPE, "smaller than weight");
    null_with(clade_conv2d(x, w, NULL, &more), CLADE_ERR_ARGUMENT, "output padding 1");
    null_with(clade_conv1d(x, w, NULL, NULL), CLADE_ERR_SHAPE, "has not 3 dimensions");
    null_with(clade_conv_transpose2d(x, w, NULL, NULL), CLADE_ERR_SHAPE, "does not fit weight");
    null_with(clade_conv2d(NULL, w, NULL, NULL), CLADE_ERR_ARGUMENT, "conv");
    null_with(clade_max_pool2d(x, &sixes), CLADE_ERR_SHAPE, "no room for 6 taps");
    null_with(clade_max_pool2d(x, &none), CLADE_ERR_ARGUMENT, "kernel 0");
    null_with(clade_avg_pool2d(x, &padded), CLADE_ERR_ARGUMENT, "padding 2");
    null_with(clade_avg_pool2d(x, NULL), CLADE_ERR_ARGUMENT, "params is NULL");
    null_with(clade_adaptive_avg_pool2d(x, 0, 1), CLADE_ERR_ARGUMENT, "a size of 0");
    null_with(clade_upsample_nearest2d(x, 0, 3), CLADE_ERR_SHAPE, "to 0 rows");
    null_with(clade_unfold(x, 6, 1, NULL), CLADE_ERR_SHAPE, "no patch fits");
    null_with(clade_fold(x, 5, 5, 3, 3, NULL), CLADE_ERR_SHAPE, "are not the patches");
}
END_TEST

START_TEST(layers)
{
    clade_params *params;
    clade_tensor *weight, *bias;
    float values[6 * 3 * 4];
    ok(clade_params_create(&params, ctx));
    fails(clade_conv_layer_params(params, "c", CLADE_SHAPE(6, 3), &weight, &bias), CLADE_ERR_SHAPE,
          "[6,3]");
    ok(clade_conv_layer_params(params, "c", CLADE_SHAPE(6, 3, 2, 2), &weight, &bias));
    ck_assert_ptr_eq(clade_params_find(params, "c.weight"), weight);
    ck_assert_int_eq(clade_tensor_numel(bias), 6);
    ok(clade_tensor_read(weight, values, sizeof values));
    float most = 0;
    for (int i = 0; i < 72; i++)
        most = fmaxf(most, fabsf(values[i]));
    ck_assert_msg(most <= 1 / sqrtf(12) && most > 0.8f / sqrtf(12), "%g", (double)most);
    clade_params_free(&params);
}
END_TEST

int main(void)
{
    return RUN("conv", shapes_that_do_not_fit, layers);
}
