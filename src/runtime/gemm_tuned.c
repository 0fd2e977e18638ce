/* What `clade tune` measured: the faster provider by class of shape. The file is in the cache
 * folder:
 *     {"version": 1, "device": NAME, "classes": [{"m": 7, "n": 7, "k": 9, "provider": "clade",
 * ...}]} where m, n, k are binary logarithms, rounded down: 7 is 128 to 255. */
#include "runtime/cl_internal.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/gemm_provider.h"

enum { LARGEST_FILE = 1 << 22 };

static void set_path(clade_runtime *rt)
{
    char *path = rt->gemm.tuning_path;
    if (!rt->disk.dir[0])
        return;
    int used = snprintf(path, sizeof rt->gemm.tuning_path, "%s/tune-", rt->disk.dir);
    for (const char *c = rt->info.name; *c; c++)
        path[used++] = isalnum((unsigned char)*c) ? *c : '-';
    snprintf(path + used, sizeof rt->gemm.tuning_path - (size_t)used, ".json");
}

static bool log2_of(int *out, const json_t *entry, const char *key)
{
    const json_t *value = json_object_get(entry, key);
    *out = (int)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 &&
           json_integer_value(value) < CLADE_GEMM_CLASSES;
}

/* Returns what is wrong with the entry, or NULL. */
static const char *add_class(clade_gemm_state *gemm, const json_t *entry)
{
    int m, n, k;
    if (!log2_of(&m, entry, "m") || !log2_of(&n, entry, "n") || !log2_of(&k, entry, "k"))
        return "a class without m, n or k";
    const char *name = json_string_value(json_object_get(entry, "provider"));
    for (int i = 0; name && i < CLADE_GEMM_PROVIDERS; i++) {
        if (strcmp(name, clade_gemm_providers[i].name) != 0)
            continue;
        gemm->tuned[m][n][k] = (unsigned char)(i + 1);
        return NULL;
    }
    return "a class with an unknown provider";
}

static const char *read_classes(clade_runtime *rt, const json_t *root)
{
    const char *device = json_string_value(json_object_get(root, "device"));
    const json_t *classes = json_object_get(root, "classes");
    if (json_integer_value(json_object_get(root, "version")) != 1)
        return "not of version 1";
    if (!device || strcmp(device, rt->info.name) != 0)
        return "for another device";
    if (!json_is_array(classes))
        return "no list of classes";
    size_t i;
    const json_t *entry;
    json_array_foreach(classes, i, entry)
    {
        const char *fault = add_class(&rt->gemm, entry);
        if (fault)
            return fault;
    }
    return NULL;
}

void clade_gemm_tuned_load(clade_runtime *rt)
{
    set_path(rt);
    int fd;
    size_t size;
    const char *path = rt->gemm.tuning_path;
    if (!path[0] || access(path, F_OK) != 0)
        return;
    if (clade_file_open(&fd, &size, path) != CLADE_OK) {
        clade_runtime_log(rt, CLADE_LOG_WARN, "gemm: %s; not used", clade_last_error()->message);
        clade_error_clear();
        return;
    }
    json_error_t error = {.text = "too long"};
    json_t *root = size > LARGEST_FILE ? NULL : json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
    close(fd);
    const char *fault = root ? read_classes(rt, root) : error.text;
    if (fault) {
        clade_runtime_log(rt, CLADE_LOG_WARN, "gemm: %s: %s; not used", path, fault);
        memset(rt->gemm.tuned, 0, sizeof rt->gemm.tuned);
    }
    json_decref(root);
}

static int class_of(int64_t size)
{
    int log2 = 0;
    while (size > 1 && log2 < CLADE_GEMM_CLASSES - 1) {
        size /= 2;
        log2++;
    }
    return log2;
}

int clade_gemm_tuned(const clade_runtime *rt, const clade_gemm *g)
{
    if (g->dtype != CLADE_F32)
        return -1;
    return rt->gemm.tuned[class_of(g->m)][class_of(g->n)][class_of(g->k)] - 1;
}

const char *clade_runtime_tuning_path(const clade_runtime *rt)
{
    return rt->gemm.tuning_path[0] ? rt->gemm.tuning_path : NULL;
}
