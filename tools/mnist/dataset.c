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
    *out = (dataset_split){.count = split->count};
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
