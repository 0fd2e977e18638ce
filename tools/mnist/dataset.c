#include "dataset.h"

#include "../common/cli.h"

clade_mnist *dataset_load(const char *folder)
{
    char *path;
    clade_mnist *mnist = NULL;
    if (clade_mnist_find(&path, folder) != CLADE_OK) {
        cli_fail_library();
        return NULL;
    }
    if (clade_mnist_load(&mnist, path) != CLADE_OK)
        cli_fail_library();
    clade_data_path_free(&path);
    return mnist;
}

/* The labels as i32, which is what indices are: widened on the device. */
static clade_status upload_labels(dataset_split *out, clade_context *ctx, const uint8_t *labels)
{
    clade_tensor *bytes = NULL;
    clade_status status =
        clade_tensor_from_host(&bytes, ctx, CLADE_U8, CLADE_SHAPE(out->count), labels);
    if (status == CLADE_OK)
        status = clade_tensor_create(&out->labels, ctx, CLADE_I32, CLADE_SHAPE(out->count));
    if (status == CLADE_OK)
        status = clade_tensor_copy(out->labels, bytes);
    clade_tensor_free(&bytes);
    return status;
}

clade_status dataset_upload(dataset_split *out, clade_context *ctx, const clade_mnist_split *split)
{
    *out = (dataset_split){.count = split->count, .rows = split->rows, .cols = split->cols};
    clade_status status =
        clade_tensor_from_host(&out->images, ctx, CLADE_U8,
                               CLADE_SHAPE(split->count, split->rows * split->cols), split->images);
    return status == CLADE_OK ? upload_labels(out, ctx, split->labels) : status;
}

void dataset_free(dataset_split *split)
{
    clade_tensor_free(&split->images);
    clade_tensor_free(&split->labels);
}

clade_tensor *dataset_normalised(clade_tensor *images)
{
    clade_tensor *x = clade_cast(images, CLADE_F32);
    return clade_add_scalar(clade_mul_scalar(x, 1 / (255 * 0.5)), -1);
}

/* Column `which` of drawn [n,k] times factor: [n,1]. */
static clade_tensor *column(clade_tensor *drawn, int which, double factor)
{
    return clade_mul_scalar(clade_slice(drawn, 1, which, which + 1, 1), factor);
}

/* Where pixels come from, as clade_affine_sample takes it: a turn by the angle whose half has the
 * tangent t, and a shift. */
static clade_tensor *random_maps(clade_context *ctx, int64_t n, double rows, double cols)
{
    const double half_tangent = 0.105; /* tan(6 degrees) */
    const double pixels = 2;
    clade_tensor *drawn = clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(n, 3), -1, 1);
    clade_tensor *t = column(drawn, 0, half_tangent);
    clade_tensor *square = clade_square(t);
    clade_tensor *divisor = clade_add_scalar(square, 1);
    clade_tensor *cosine = clade_div(clade_add_scalar(clade_neg(square), 1), divisor);
    clade_tensor *sine = clade_div(clade_mul_scalar(t, 2), divisor);
    clade_tensor *parts[6] = {
        cosine,
        clade_mul_scalar(sine, -rows / cols),
        column(drawn, 1, 2 * pixels / cols),
        clade_mul_scalar(sine, cols / rows),
        cosine,
        column(drawn, 2, 2 * pixels / rows),
    };
    return clade_reshape(clade_concat(parts, 6, 1), CLADE_SHAPE(n, 2, 3));
}

clade_tensor *dataset_augmented(const dataset_split *split, clade_tensor *images)
{
    if (!images)
        return NULL;
    int64_t n = clade_tensor_dim(images, 0);
    clade_tensor *maps =
        random_maps(clade_tensor_context(images), n, (double)split->rows, (double)split->cols);
    clade_tensor *moved =
        clade_affine_sample(clade_reshape(images, CLADE_SHAPE(n, split->rows, split->cols)), maps);
    return clade_reshape(moved, CLADE_SHAPE(n, split->rows * split->cols));
}
