/* A data set on the device: images stay u8 there; a batch is taken and normalised there. */
#ifndef CLADE_MNIST_DATASET_H
#define CLADE_MNIST_DATASET_H

#include <clade/clade.h>

typedef struct dataset_split {
    int64_t count, rows, cols;
    clade_tensor *images; /* [count, pixels] u8 */
    clade_tensor *labels; /* [count] i32 */
} dataset_split;

/* Finds and reads the files. Returns NULL after a line on stderr. */
clade_mnist *dataset_load(const char *folder);

/* Copies one half to the device; *out is released with dataset_free, also after a failure. */
clade_status dataset_upload(dataset_split *out, clade_context *ctx, const clade_mnist_split *split);
void dataset_free(dataset_split *split);

/* (x / 255 - 0.5) / 0.5 as f32, of images whose pixels go from 0 to 255; in the open scope. */
clade_tensor *dataset_normalised(clade_tensor *images);

/* Each of images [n, pixels] turned and moved at random: by up to 12 degrees to either side and two
 * pixels along each axis; f32, 0 to 255; in the open scope. */
clade_tensor *dataset_augmented(const dataset_split *split, clade_tensor *images);

#endif
