#include <clade/data.h>

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "data/mnist_files.h"

#define CLASSES 10

/* What the caller sees, and what it stands on. */
typedef struct loaded {
    clade_mnist mnist;
    clade_idx *files[CLADE_MNIST_FILES];
    char *paths[CLADE_MNIST_FILES];
    char *folder, *name;
} loaded;

/* Data sets are known by their content, since all use the same names of files. */
static const struct {
    const char *digest;
    const char *name;
} known[] = {
    {"3328ad09d39376ede088771802eca110", "MNIST"},
    {"b3316bd975129486a6047532db9c7e6e", "Fashion-MNIST"},
    {"b36fab575a0c5093ec1b5e8d7b66a3ff", "MNIST (6,000-image subset)"},
};

static void digest_of(const loaded *l, char hex[33])
{
    static const char digits[] = "0123456789abcdef";
    clade_bytes parts[CLADE_MNIST_FILES];
    for (int i = 0; i < CLADE_MNIST_FILES; i++)
        parts[i] = (clade_bytes){l->files[i]->data, l->files[i]->size};
    clade_hash128 hash = clade_hash_parts(parts, CLADE_MNIST_FILES, 0);
    for (int i = 0; i < 16; i++) {
        hex[2 * i] = digits[hash.bytes[i] >> 4];
        hex[2 * i + 1] = digits[hash.bytes[i] & 15];
    }
    hex[32] = '\0';
}

/* The last part of a path. */
static char *own_name(const char *folder)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin && folder[begin - 1] != '/')
        begin--;
    return clade_asprintf("%.*s", (int)(end - begin), folder + begin);
}

static char *name_of(const loaded *l)
{
    char hex[33];
    digest_of(l, hex);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(hex, known[i].digest))
            return clade_strdup(known[i].name);
    return own_name(l->folder);
}

static clade_status check_labels(const clade_idx *labels, const char *path)
{
    for (size_t i = 0; i < labels->size; i++)
        if (labels->data[i] >= CLASSES)
            return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: label %zu is %d, not below %d", path, i,
                              labels->data[i], CLASSES);
    return CLADE_OK;
}

static clade_status make_split(clade_mnist_split *split, const loaded *l, int first)
{
    const clade_idx *images = l->files[first], *labels = l->files[first + 1];
    const char *images_path = l->paths[first], *labels_path = l->paths[first + 1];
    if (images->ndim != 3)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: %d dimensions; images have 3", images_path,
                          images->ndim);
    if (labels->ndim != 1)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: %d dimensions; labels have 1", labels_path,
                          labels->ndim);
    if (!images->size)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: holds no image", images_path);
    if (images->dim[0] != labels->dim[0])
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: %" PRId64 " labels for %" PRId64 " images",
                          labels_path, labels->dim[0], images->dim[0]);
    CLADE_TRY(check_labels(labels, labels_path));
    *split = (clade_mnist_split){.count = images->dim[0],
                                 .rows = images->dim[1],
                                 .cols = images->dim[2],
                                 .images = images->data,
                                 .labels = labels->data};
    return CLADE_OK;
}

static clade_status load(loaded *l, const char *folder)
{
    l->folder = clade_strdup(folder);
    if (!l->folder)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int i = 0; i < CLADE_MNIST_FILES; i++)
        CLADE_TRY(clade_mnist_file(&l->paths[i], folder, i));
    for (int i = 0; i < CLADE_MNIST_FILES; i++)
        CLADE_TRY(clade_idx_load(&l->files[i], l->paths[i]));
    clade_mnist *m = &l->mnist;
    CLADE_TRY(make_split(&m->train, l, CLADE_MNIST_TRAIN_IMAGES));
    CLADE_TRY(make_split(&m->test, l, CLADE_MNIST_TEST_IMAGES));
    if (m->train.rows != m->test.rows || m->train.cols != m->test.cols)
        return CLADE_FAIL(CLADE_ERR_FORMAT,
                          "%s: images of %" PRId64 " x %" PRId64
                          "; those for training have %" PRId64 " x %" PRId64,
                          l->paths[CLADE_MNIST_TEST_IMAGES], m->test.rows, m->test.cols,
                          m->train.rows, m->train.cols);
    l->name = name_of(l);
    if (!l->name)
        return CLADE_ERR_OUT_OF_MEMORY;
    m->classes = CLASSES;
    m->folder = l->folder;
    m->name = l->name;
    return CLADE_OK;
}

clade_status clade_mnist_load(clade_mnist **out, const char *folder)
{
    if (!out || !folder)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "mnist_load: %s is NULL", out ? "folder" : "out");
    *out = NULL;
    loaded *l = clade_calloc(1, sizeof *l);
    if (!l)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_mnist *mnist = &l->mnist;
    clade_status status = load(l, folder);
    if (status != CLADE_OK)
        clade_mnist_free(&mnist);
    *out = mnist;
    return status;
}

void clade_mnist_free(clade_mnist **mnist)
{
    if (!mnist || !*mnist)
        return;
    loaded *l = (loaded *)*mnist;
    for (int i = 0; i < CLADE_MNIST_FILES; i++) {
        clade_idx_free(&l->files[i]);
        clade_free(l->paths[i]);
    }
    clade_free(l->folder);
    clade_free(l->name);
    clade_free(l);
    *mnist = NULL;
}
