#include "tensor/axis.h"

#include <stdio.h>
#include <string.h>

#define MOST_ARGS 12

clade_axis clade_axis_of(const clade_shape *shape, int axis)
{
    clade_axis a = {1, shape->dim[axis], 1};
    for (int i = 0; i < axis; i++)
        a.outer *= shape->dim[i];
    for (int i = axis + 1; i < shape->ndim; i++)
        a.inner *= shape->dim[i];
    return a;
}

/* A CPU takes as many columns as its vector holds, if that divides them evenly; on a GPU neighbours
 * in the work-group read neighbours in memory. */
static int columns_per_item(const clade_runtime *rt, int64_t columns)
{
    clade_kernel_shape shape = clade_runtime_kernel_shape(rt);
    int width = shape.lanes > 1 ? 1 : shape.vector_width;
    while (columns % width)
        width /= 2;
    return width;
}

clade_status clade_axis_launch(clade_runtime *rt, const clade_axis *axis, clade_dtype dtype,
                               const char *family, const char *name, const clade_arg *args,
                               int count)
{
    bool by_rows = axis->inner == 1;
    int width = by_rows ? 1 : columns_per_item(rt, axis->inner);
    char options[48], kernel_name[64];
    snprintf(options, sizeof options, "-DT=%s -DCW=%d", clade_kernel_type(dtype), width);
    snprintf(kernel_name, sizeof kernel_name, "%s_%s", name, by_rows ? "rows" : "columns");
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(
        &kernel, rt,
        &(clade_kernel_key){.family = family, .options = options, .name = kernel_name}));
    clade_arg all[MOST_ARGS + 3];
    memcpy(all, args, (size_t)count * sizeof *args);
    all[count++] = clade_arg_i32(axis->outer);
    all[count++] = clade_arg_i32(axis->along);
    if (!by_rows)
        all[count++] = clade_arg_i32(axis->inner);
    clade_grid grid = by_rows ? clade_grid_rows(rt, axis->outer)
                              : clade_grid_box(rt, axis->inner / width, axis->outer, 1);
    return clade_launch(rt, kernel, &grid, all, count);
}
