/* Arrays of a golden file (tests/goldens). */
#ifndef CLADE_TESTS_GOLDEN_FILE_H
#define CLADE_TESTS_GOLDEN_FILE_H

#include <clade/io.h>

#include "testing.h"

static inline clade_safetensors *open_goldens(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/goldens/%s.safetensors", tests_dir(), name);
    clade_safetensors *file = NULL;
    ok(clade_safetensors_read(&file, path));
    return file;
}

/* Data of `name`, which must be there in this dtype with `numel` elements. */
static inline const void *golden(const clade_safetensors *file, const char *name, clade_dtype dtype,
                                 int64_t numel)
{
    const clade_array *a = clade_safetensors_find(file, name);
    ck_assert_msg(a != NULL, "no golden %s", name);
    ck_assert_msg(a->dtype == dtype, "golden %s is %s", name, clade_dtype_name(a->dtype));
    ck_assert_msg(clade_shape_numel(&a->shape) == numel, "golden %s has another size", name);
    return a->data;
}

#endif
