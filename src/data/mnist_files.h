/* Where an MNIST-format folder keeps its four files. */
#ifndef CLADE_DATA_MNIST_FILES_H
#define CLADE_DATA_MNIST_FILES_H

#include "base/error.h"

enum {
    CLADE_MNIST_TRAIN_IMAGES,
    CLADE_MNIST_TRAIN_LABELS,
    CLADE_MNIST_TEST_IMAGES,
    CLADE_MNIST_TEST_LABELS,
    CLADE_MNIST_FILES
};

/* The path of one file, plain before gzip'd, in memory of base/alloc. CLADE_ERR_IO, naming the
 * folder and the file, where there is neither. */
clade_status clade_mnist_file(char **out, const char *folder, int file);

#endif
