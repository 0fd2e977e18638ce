/* The file that `clade tune` writes and the library reads (src/runtime/gemm_tuned.c says what is in
 * it). */
#ifndef CLADE_TUNE_FILE_H
#define CLADE_TUNE_FILE_H

#include <clade/clade.h>

#include "../common/json.h"

/* Binary logarithms of m, n, k, rounded down. */
typedef struct tune_class {
    int m, n, k;
} tune_class;

/* Each returns NULL after a line on stderr. */
json_t *tune_file_new(const clade_device_info *device);
json_t *tune_file_read(const char *path, const clade_device_info *device);

/* The class's entry, borrowed; NULL if there is none. */
json_t *tune_file_find(const json_t *file, tune_class c);
/* Adds the entry or replaces it; seconds of each provider, the faster one is chosen. */
void tune_file_put(json_t *file, tune_class c, double clade, double clblast);

/* Replaces the file at path in one step. Returns the exit code. */
int tune_file_write(const json_t *file, const char *path);

#endif
