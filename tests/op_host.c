#include "op_host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/shape.h"
#include "tensor/tensor.h"

const char *const layout_names[LAYOUT_COUNT] = {"contiguous", "transposed", "permuted", "sliced",
                                                "expanded"};

void array_init(host_array *out, clade_shape shape)
{
    out->shape = shape;
    out->numel = clade_shape_numel(&shape);
    out->value = calloc((size_t)out->numel + 1, sizeof(double));
    if (!out->value)
        abort();
}

void array_free(host_array *array)
{
    free(array->value);
    array->value = NULL;
}

void unravel(const clade_shape *shape, int64_t at, int64_t *index)
{
    for (int i = shape->ndim - 1; i >= 0; i--) {
        index[i] = at % shape->dim[i];
        at /= shape->dim[i];
    }
}

int64_t ravel(const clade_shape *shape, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; i < shape->ndim; i++)
        at = at * shape->dim[i] + index[i];
    return at;
}

int parse_shapes(const char *text, clade_shape *shapes)
{
    int count = 0;
    while (*text == '[') {
        clade_shape *shape = &shapes[count++];
        *shape = (clade_shape){0};
        text++;
        while (*text >= '0' && *text <= '9' && shape->ndim < CLADE_MAX_DIMS) {
            char *end;
            shape->dim[shape->ndim++] = strtol(text, &end, 10);
            text = end + (*end == ',');
        }
        if (*text++ != ']')
            return -1;
        while (*text == ' ')
            text++;
        if (count == OP_INPUTS)
            break;
    }
    return *text ? -1 : count;
}

double rounded(clade_dtype dtype, double value)
{
    switch (dtype) {
    case CLADE_F32:
        return (double)(float)value;
    case CLADE_I32:
        return (double)(int32_t)(uint32_t)(int64_t)value;
    case CLADE_U8:
        return (double)(uint8_t)(int64_t)value;
    case CLADE_F16:
        return (double)clade_f16_to_f32(clade_f16_from_f32((float)value));
    case CLADE_BF16:
        return (double)clade_bf16_to_f32(clade_bf16_from_f32((float)value));
    default:
        return value;
    }
}

/* --- values ---------------------------------------------------------------------------------- */

/* The multiples of the golden ratio, modulo 1, never come close to each other; inputs start apart.
 */
static double draw(const op_input *input, int which, int64_t k, clade_dtype dtype)
{
    double place = fmod(0.137 + 0.2113 * which + 0.61803398874989485 * (double)k, 1.0);
    double low = dtype == CLADE_U8 && input->low < 0 ? 0 : input->low;
    double x = low + (input->high - low) * place;
    if (!clade_dtype_is_float(dtype))
        return floor(x);
    if (input->step > 0)
        x = input->step * floor(x / input->step);
    for (int i = 0; i < 2 && input->margin > 0; i++) {
        double away = x - input->avoid[i];
        if (fabs(away) < input->margin)
            x += away < 0 ? -input->margin : input->margin;
    }
    return x;
}

static clade_dtype dtype_of(const op_input *input, clade_dtype dtype)
{
    return input->kind == ALWAYS_I32 ? CLADE_I32 : input->kind == ALWAYS_U8 ? CLADE_U8 : dtype;
}

void draw_input(host_array *out, const op_case *row, int which, clade_dtype dtype,
                clade_shape shape, layout kind)
{
    const op_input *input = &row->inputs[which];
    array_init(out, shape);
    out->dtype = dtype_of(input, dtype);
    int64_t distinct = out->numel;
    if (kind == EXPANDED && shape.ndim && shape.dim[0])
        distinct /= shape.dim[0];
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = rounded(out->dtype, draw(input, which, i % distinct, out->dtype));
}

/* --- layouts -----------------------------------------------------------------------------------
 */

bool layout_applies(layout kind, const clade_shape *shape)
{
    int n = shape->ndim;
    if (clade_shape_numel(shape) == 0)
        return kind == CONTIGUOUS;
    switch (kind) {
    case TRANSPOSED:
        return n >= 2 && shape->dim[n - 1] > 1 && shape->dim[n - 2] > 1;
    case PERMUTED:
        return n >= 3;
    case EXPANDED:
        return n >= 1 && shape->dim[0] > 1;
    default:
        return true;
    }
}

typedef struct placement {
    int64_t stride[CLADE_MAX_DIMS], offset, storage;
} placement;

/* Strides for dimensions that are stored in the given order, outermost first. */
static placement in_order(const clade_shape *shape, const int *order, int64_t step, int64_t pad)
{
    placement p = {.storage = 1};
    for (int i = shape->ndim - 1; i >= 0; i--) {
        int64_t first = pad && p.storage > 1 ? 1 : pad, dim = shape->dim[order[i]];
        p.stride[order[i]] = p.storage * step;
        p.offset += first * p.storage;
        p.storage *= (dim ? dim : 1) * step + pad;
    }
    p.storage += pad;
    p.offset += shape->ndim ? 0 : pad;
    return p;
}

static placement placement_of(const clade_shape *shape, layout kind)
{
    int order[CLADE_MAX_DIMS], n = shape->ndim;
    for (int i = 0; i < n; i++)
        order[i] = kind == PERMUTED ? n - 1 - i : i;
    if (kind == TRANSPOSED) {
        order[n - 1] = n - 2;
        order[n - 2] = n - 1;
    }
    if (kind == SLICED)
        return in_order(shape, order, 2, 3);
    placement p = in_order(shape, order, 1, 0);
    if (kind == EXPANDED)
        p.stride[0] = 0;
    return p;
}

clade_tensor *place(clade_context *ctx, const host_array *array, layout kind)
{
    placement p = placement_of(&array->shape, kind);
    void *memory = calloc((size_t)p.storage + 1, clade_dtype_size(array->dtype));
    if (!memory)
        abort();
    for (int64_t i = 0; i < p.storage; i++)
        clade_dtype_set(array->dtype, memory, (size_t)i,
                        clade_dtype_is_float(array->dtype) ? NAN : 99);
    for (int64_t i = 0; i < array->numel; i++) {
        int64_t index[CLADE_MAX_DIMS], at = p.offset;
        unravel(&array->shape, i, index);
        for (int d = 0; d < array->shape.ndim; d++)
            at += index[d] * p.stride[d];
        clade_dtype_set(array->dtype, memory, (size_t)at, array->value[i]);
    }
    clade_tensor *base, *view = NULL;
    if (clade_tensor_from_host(&base, ctx, array->dtype, CLADE_SHAPE(p.storage), memory) ==
        CLADE_OK)
        view = clade_tensor_new_view(base, &array->shape, p.stride, p.offset);
    clade_tensor_free(&base);
    free(memory);
    return view;
}

clade_status array_read(host_array *out, const clade_tensor *t)
{
    array_init(out, clade_tensor_shape(t));
    out->dtype = clade_tensor_dtype(t);
    size_t size = clade_dtype_size(out->dtype);
    void *memory = calloc((size_t)out->numel + 1, size);
    if (!memory)
        abort();
    clade_status status = clade_tensor_read(t, memory, (size_t)out->numel * size);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = clade_dtype_get(out->dtype, memory, (size_t)i);
    free(memory);
    return status;
}

/* --- references --------------------------------------------------------------------------------
 */

static double broadcast_value(const host_array *in, const clade_shape *shape, const int64_t *index)
{
    int64_t at = 0;
    int lead = shape->ndim - in->shape.ndim;
    for (int i = 0; i < in->shape.ndim; i++)
        at = at * in->shape.dim[i] + (in->shape.dim[i] == 1 ? 0 : index[lead + i]);
    return in->value[at];
}

void evaluate_reference(const op_case *row, const host_array *in, int count, host_array *out)
{
    if (!row->element) {
        row->reference(row, in, out);
        return;
    }
    clade_shape shape = clade_shape_scalar();
    for (int i = 0; i < count; i++)
        if (!clade_shape_broadcast(&shape, &in[i].shape, &shape))
            abort();
    array_init(out, shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        double x[OP_INPUTS] = {0};
        unravel(&shape, i, index);
        for (int k = 0; k < count; k++)
            x[k] = broadcast_value(&in[k], &shape, index);
        out->value[i] = row->element(row, x);
    }
}
