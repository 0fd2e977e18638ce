#include "model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"

layout layout_of_options(const options *o, int64_t pixels, int64_t classes)
{
    layout l = {.count = o->hidden_count + 1};
    l.size[0] = pixels;
    for (int i = 0; i < o->hidden_count; i++)
        l.size[i + 1] = o->hidden[i];
    l.size[l.count] = classes;
    return l;
}

/* fc1.weight, fc2.weight, ...: each [out, in], each in the out of the one before. */
static int layout_of_arrays(layout *out, const clade_safetensors *file, const char *path)
{
    layout l = {0};
    for (; l.count < MAX_LAYERS; l.count++) {
        char name[32];
        snprintf(name, sizeof name, "fc%d.weight", l.count + 1);
        const clade_array *w = clade_safetensors_find(file, name);
        if (!w)
            break;
        if (w->shape.ndim != 2 || w->shape.dim[0] < 1 || w->shape.dim[1] < 1)
            return cli_fail("%s: %s is not a matrix", path, name);
        if (l.count > 0 && w->shape.dim[1] != l.size[l.count])
            return cli_fail("%s: %s takes %" PRId64 " inputs, but the layer before gives %" PRId64,
                            path, name, w->shape.dim[1], l.size[l.count]);
        l.size[l.count] = w->shape.dim[1];
        l.size[l.count + 1] = w->shape.dim[0];
    }
    if (l.count == 0)
        return cli_fail("%s: holds no fc1.weight: not written by clade-mnist --save", path);
    *out = l;
    return EXIT_OK;
}

int layout_of_file(layout *out, const char *path)
{
    clade_safetensors *file;
    if (clade_safetensors_read(&file, path) != CLADE_OK)
        return cli_fail_library();
    int code = layout_of_arrays(out, file, path);
    clade_safetensors_free(&file);
    return code;
}

void layout_print(const layout *l, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i <= l->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? "-" : "", l->size[i]);
}

clade_status model_create(model *out, clade_context *ctx, const layout *l)
{
    *out = (model){.layout = *l};
    clade_status status = clade_params_create(&out->params, ctx);
    for (int i = 0; i < l->count && status == CLADE_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "fc%d", i + 1);
        status = clade_linear_params(out->params, name, l->size[i], l->size[i + 1], &out->weight[i],
                                     &out->bias[i]);
    }
    return status;
}

void model_free(model *m)
{
    clade_params_free(&m->params);
}

static clade_status write_uniform(clade_tensor *t, float *host, int64_t count, double bound,
                                  torch_random *random)
{
    torch_random_uniform(random, host, count, -bound, bound);
    return clade_tensor_write(t, host, (size_t)count * sizeof *host);
}

/* nn.Linear.reset_parameters: kaiming_uniform_(weight, a=sqrt(5)), then bias within 1/sqrt(in). The
 * two bounds are the same number but for the rounding, which is PyTorch's. */
static clade_status draw_layer(const model *m, int layer, float *host, torch_random *random)
{
    int64_t in = m->layout.size[layer], out = m->layout.size[layer + 1];
    double a = sqrt(5.0), gain = sqrt(2.0 / (1 + a * a)), root = sqrt((double)in);
    clade_status status =
        write_uniform(m->weight[layer], host, in * out, sqrt(3.0) * (gain / root), random);
    return status == CLADE_OK ? write_uniform(m->bias[layer], host, out, 1 / root, random) : status;
}

int model_draw_weights(const model *m, torch_random *random)
{
    const layout *l = &m->layout;
    int64_t largest = 0;
    for (int i = 0; i < l->count; i++)
        largest = l->size[i] * l->size[i + 1] > largest ? l->size[i] * l->size[i + 1] : largest;
    float *host = malloc((size_t)largest * sizeof *host);
    if (!host)
        return cli_fail("out of memory for the initial weights");
    clade_status status = CLADE_OK;
    for (int i = 0; i < l->count && status == CLADE_OK; i++)
        status = draw_layer(m, i, host, random);
    free(host);
    return status == CLADE_OK ? EXIT_OK : cli_fail_library();
}

clade_tensor *model_logits(const model *m, clade_tensor *x)
{
    int last = m->layout.count - 1;
    for (int i = 0; i < last; i++)
        x = clade_relu(clade_linear(x, m->weight[i], m->bias[i]));
    return clade_linear(x, m->weight[last], m->bias[last]);
}
