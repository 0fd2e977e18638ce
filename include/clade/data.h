/* Training data from files: IDX arrays and MNIST-format folders, on the host.
 *
 * Readers treat every file as hostile: each fault is CLADE_ERR_FORMAT or CLADE_ERR_IO with one line
 * that starts with the file's name.
 *
 * Thread-safety: objects are immutable after loading; share them freely.
 */
#ifndef CLADE_DATA_H
#define CLADE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clade/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An IDX array of unsigned bytes, the format of the MNIST database (type 0x08, 1 to 4
 * dimensions). */
typedef struct clade_idx {
    int ndim;
    int64_t dim[4];
    size_t size;   /* bytes: the product of the dimensions */
    uint8_t *data; /* row-major */
} clade_idx;

/* Reads a plain or gzip'd file (told apart by its first bytes, not by its name). *out is freed with
 * clade_idx_free. Checked: magic, type, dimensions, and that exactly the bytes that the header
 * declares follow; a gzip that expands beyond them is refused without expanding it further.
 * Errors: CLADE_ERR_IO, CLADE_ERR_FORMAT, CLADE_ERR_UNSUPPORTED (gzip in a build without zlib). */
CLADE_API CLADE_NODISCARD clade_status clade_idx_load(clade_idx **out, const char *path);
CLADE_API void clade_idx_free(clade_idx **idx);

/* One half of an MNIST-format data set. */
typedef struct clade_mnist_split {
    int64_t count;         /* images and labels */
    int64_t rows, cols;    /* pixels of an image */
    const uint8_t *images; /* [count, rows, cols], 0 to 255 */
    const uint8_t *labels; /* [count], each below `classes` */
} clade_mnist_split;

typedef struct clade_mnist {
    clade_mnist_split train, test;
    int classes;        /* 10 */
    const char *folder; /* where it was read */
    const char *name;   /* "MNIST", "Fashion-MNIST", "MNIST (6,000-image subset)" or the
                           folder's own name */
} clade_mnist;

/* Loads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
 * t10k-labels-idx1-ubyte from `folder`, each plain or with .gz. Checked besides what clade_idx_load
 * checks: 3 and 1 dimensions, equal counts, at least one image, labels below 10, images of equal
 * size in both halves. *out is freed with clade_mnist_free. */
CLADE_API CLADE_NODISCARD clade_status clade_mnist_load(clade_mnist **out, const char *folder);
CLADE_API void clade_mnist_free(clade_mnist **mnist);

/* The folder to load from, the first that holds all four files of: `folder` if not NULL (then no
 * other is tried); $CLADE_DATA_DIR if set (likewise); $XDG_DATA_HOME/clade/mnist
 * (~/.local/share/clade/mnist); the folder of Debian's dataset-fashion-mnist. *out is freed with
 * clade_data_path_free. Errors: CLADE_ERR_IO with the places that were tried. */
CLADE_API CLADE_NODISCARD clade_status clade_mnist_find(char **out, const char *folder);
CLADE_API void clade_data_path_free(char **path);

#ifdef __cplusplus
}
#endif
#endif
