#include <clade/data.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "data/mnist_files.h"

/* Where Debian's package dataset-fashion-mnist puts its files. */
#define DEBIAN_FASHION "/usr/share/datasets/fashion-mnist"

clade_status clade_mnist_file(char **out, const char *folder, int file)
{
    static const char *const names[CLADE_MNIST_FILES] = {
        [CLADE_MNIST_TRAIN_IMAGES] = "train-images-idx3-ubyte",
        [CLADE_MNIST_TRAIN_LABELS] = "train-labels-idx1-ubyte",
        [CLADE_MNIST_TEST_IMAGES] = "t10k-images-idx3-ubyte",
        [CLADE_MNIST_TEST_LABELS] = "t10k-labels-idx1-ubyte",
    };
    static const char *const suffixes[] = {"", ".gz"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *path = clade_asprintf("%s/%s%s", folder, names[file], suffixes[i]);
        if (!path)
            return CLADE_ERR_OUT_OF_MEMORY;
        if (access(path, F_OK) == 0) {
            *out = path;
            return CLADE_OK;
        }
        clade_free(path);
    }
    if (access(folder, F_OK) != 0)
        return CLADE_FAIL(CLADE_ERR_IO, "%s: %s", folder, strerror(errno));
    return CLADE_FAIL(CLADE_ERR_IO, "%s: holds no %s, plain or with .gz", folder, names[file]);
}

static clade_status holds_all(const char *folder)
{
    for (int i = 0; i < CLADE_MNIST_FILES; i++) {
        char *path;
        CLADE_TRY(clade_mnist_file(&path, folder, i));
        clade_free(path);
    }
    return CLADE_OK;
}

/* The only place there is to look. */
static clade_status find_exactly(char **out, const char *folder)
{
    CLADE_TRY(holds_all(folder));
    *out = clade_strdup(folder);
    return *out ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

/* *out is NULL where the environment names no home. */
static clade_status user_folder(char **out)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    *out = NULL;
    if (xdg && *xdg == '/') /* the XDG rules ignore a relative path */
        *out = clade_asprintf("%s/clade/mnist", xdg);
    else if (home && *home)
        *out = clade_asprintf("%s/.local/share/clade/mnist", home);
    else
        return CLADE_OK;
    return *out ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

clade_status clade_mnist_find(char **out, const char *folder)
{
    if (!out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "mnist_find: out is NULL");
    *out = NULL;
    const char *set = getenv("CLADE_DATA_DIR");
    if (folder || (set && *set))
        return find_exactly(out, folder ? folder : set);

    char *user;
    CLADE_TRY(user_folder(&user));
    clade_status status = user ? find_exactly(out, user) : CLADE_ERR_IO;
    if (status == CLADE_ERR_IO)
        status = find_exactly(out, DEBIAN_FASHION);
    if (status == CLADE_ERR_IO)
        status =
            CLADE_FAIL(CLADE_ERR_IO,
                       "no MNIST files: CLADE_DATA_DIR is not set, and neither %s nor %s holds "
                       "the four files",
                       user ? user : "~/.local/share/clade/mnist", DEBIAN_FASHION);
    clade_free(user);
    return status;
}

void clade_data_path_free(char **path)
{
    if (!path)
        return;
    clade_free(*path);
    *path = NULL;
}
