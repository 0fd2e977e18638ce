#include "model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/cli.h"

/* Channels before, between and behind the convolutions. */
static const int64_t channels[CONVOLUTIONS + 1] = {1, 32, 64};

/* A picture after the convolutions, each of which halves it. */
static int64_t features(int64_t rows, int64_t cols)
{
    return channels[CONVOLUTIONS] * (rows >> CONVOLUTIONS) * (cols >> CONVOLUTIONS);
}

int layout_of_options(layout *out, const options *o, int64_t rows, int64_t cols, int64_t classes)
{
    layout l = {
        .count = o->hidden_count + 1, .cnn = o->model == MODEL_CNN, .rows = rows, .cols = cols};
    l.size[0] = l.cnn ? features(rows, cols) : rows * cols;
    if (l.size[0] < 1)
        return cli_fail("--model cnn: pictures of %" PRId64 "x%" PRId64 " are too small for it",
                        cols, rows);
    for (int i = 0; i < o->hidden_count; i++)
        l.size[i + 1] = o->hidden[i];
    l.size[l.count] = classes;
    *out = l;
    return EXIT_OK;
}

layout layout_of_cnn(int64_t rows, int64_t cols, int64_t hidden, int64_t classes)
{
    return (layout){2, {features(rows, cols), hidden, classes}, true, rows, cols};
}

/* --- of a file -------------------------------------------------------------------------------- */
/* fc1.weight, fc2.weight, ...: each [out, in], each in the out of the one before. */
static int read_sizes(layout *l, const clade_safetensors *file, const char *path)
{
    for (; l->count <= MAX_HIDDEN; l->count++) {
        char name[32];
        snprintf(name, sizeof name, "fc%d.weight", l->count + 1);
        const clade_array *w = clade_safetensors_find(file, name);
        if (!w)
            break;
        if (w->shape.ndim != 2 || w->shape.dim[0] < 1 || w->shape.dim[1] < 1)
            return cli_fail("%s: %s is not a matrix", path, name);
        if (l->count > 0 && w->shape.dim[1] != l->size[l->count])
            return cli_fail("%s: %s takes %" PRId64 " inputs, but the layer before gives %" PRId64,
                            path, name, w->shape.dim[1], l->size[l->count]);
        l->size[l->count] = w->shape.dim[1];
        l->size[l->count + 1] = w->shape.dim[0];
    }
    if (l->count == 0)
        return cli_fail("%s: holds no fc1.weight: not written by clade-mnist --save", path);
    return EXIT_OK;
}

/* What model_save has written of the network, or nothing: then it is a mlp of a square picture. */
static int read_kind(layout *l, const clade_safetensors *file, const char *path)
{
    const char *kind = clade_safetensors_metadata(file, "model");
    const char *picture = clade_safetensors_metadata(file, "picture");
    long long rows = 0, cols = 0;
    char rest;
    if (picture && (sscanf(picture, "%lldx%lld%c", &cols, &rows, &rest) != 2 || rows < 1 ||
                    cols < 1 || rows > 65536 || cols > 65536))
        return cli_fail("%s: a picture of %.32s", path, picture);
    if (!picture)
        rows = cols = lround(sqrt((double)l->size[0]));
    l->cnn = kind && strcmp(kind, "cnn") == 0;
    l->rows = rows;
    l->cols = cols;
    if (kind && !l->cnn && strcmp(kind, "mlp") != 0)
        return cli_fail("%s: a model of kind %.32s, neither mlp nor cnn", path, kind);
    if (l->size[0] != (l->cnn ? features(rows, cols) : rows * cols))
        return cli_fail("%s: fc1 takes %" PRId64 " inputs, which is no picture of %lldx%lld", path,
                        l->size[0], cols, rows);
    return EXIT_OK;
}

int layout_of_file(layout *out, const char *path)
{
    clade_safetensors *file;
    if (clade_safetensors_read(&file, path) != CLADE_OK)
        return cli_fail_library();
    *out = (layout){0};
    int code = read_sizes(out, file, path);
    if (code == EXIT_OK)
        code = read_kind(out, file, path);
    clade_safetensors_free(&file);
    return code;
}

void layout_print(const layout *l, char *text, size_t size)
{
    size_t used = 0;
    if (l->cnn)
        used = (size_t)snprintf(text, size, "conv %" PRId64 "-%" PRId64 "-%" PRId64 ", ",
                                channels[0], channels[1], channels[2]);
    for (int i = 0; i <= l->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? "-" : "", l->size[i]);
}

/* --- the model -------------------------------------------------------------------------------- */
static clade_status add_convolutions(model *m)
{
    clade_status status = CLADE_OK;
    for (int i = 0; i < CONVOLUTIONS && status == CLADE_OK; i++, m->layers++) {
        char name[16];
        snprintf(name, sizeof name, "conv%d", i + 1);
        status = clade_conv_layer_params(m->params, name,
                                         CLADE_SHAPE(channels[i + 1], channels[i], 3, 3),
                                         &m->weight[m->layers], &m->bias[m->layers]);
    }
    return status;
}

clade_status model_create(model *out, clade_context *ctx, const layout *l)
{
    *out = (model){.layout = *l};
    clade_status status = clade_params_create(&out->params, ctx);
    if (status == CLADE_OK && l->cnn)
        status = add_convolutions(out);
    for (int i = 0; i < l->count && status == CLADE_OK; i++, out->layers++) {
        char name[16];
        snprintf(name, sizeof name, "fc%d", i + 1);
        status = clade_linear_params(out->params, name, l->size[i], l->size[i + 1],
                                     &out->weight[out->layers], &out->bias[out->layers]);
    }
    return status;
}

void model_free(model *m)
{
    clade_params_free(&m->params);
}

clade_status model_save(const model *m, const char *path)
{
    char picture[48];
    snprintf(picture, sizeof picture, "%" PRId64 "x%" PRId64, m->layout.cols, m->layout.rows);
    const char *const metadata[] = {"model", m->layout.cnn ? "cnn" : "mlp", "picture", picture};
    return clade_params_save_with(m->params, path, metadata, 2);
}

static clade_status write_uniform(clade_tensor *t, float *host, int64_t count, double bound,
                                  torch_random *random)
{
    torch_random_uniform(random, host, count, -bound, bound);
    return clade_tensor_write(t, host, (size_t)count * sizeof *host);
}

/* reset_parameters of nn.Linear and nn.Conv2d: kaiming_uniform_(weight, a=sqrt(5)), then bias
 * within 1/sqrt(fan_in). The two bounds are the same number but for the rounding, which is
 * PyTorch's. */
static clade_status draw_layer(const model *m, int layer, float *host, torch_random *random)
{
    const int64_t numel = clade_tensor_numel(m->weight[layer]);
    const int64_t out = clade_tensor_numel(m->bias[layer]);
    double a = sqrt(5.0), gain = sqrt(2.0 / (1 + a * a)), root = sqrt((double)(numel / out));
    clade_status status =
        write_uniform(m->weight[layer], host, numel, sqrt(3.0) * (gain / root), random);
    return status == CLADE_OK ? write_uniform(m->bias[layer], host, out, 1 / root, random) : status;
}

int model_draw_weights(const model *m, torch_random *random)
{
    int64_t largest = 0;
    for (int i = 0; i < m->layers; i++) {
        const int64_t numel = clade_tensor_numel(m->weight[i]);
        largest = numel > largest ? numel : largest;
    }
    float *host = malloc((size_t)largest * sizeof *host);
    if (!host)
        return cli_fail("out of memory for the initial weights");
    clade_status status = CLADE_OK;
    for (int i = 0; i < m->layers && status == CLADE_OK; i++)
        status = draw_layer(m, i, host, random);
    free(host);
    return status == CLADE_OK ? EXIT_OK : cli_fail_library();
}

/* Each convolution, 2x2 max pooling and ReLU; ReLU does the same in front of pooling, on four times
 * as many elements. */
static clade_tensor *convolved(const model *m, clade_tensor *x)
{
    const clade_conv_params same = {.padding = {1, 1}};
    const clade_pool_params halves = {.kernel = {2, 2}};
    x = clade_reshape(x, CLADE_SHAPE(-1, channels[0], m->layout.rows, m->layout.cols));
    for (int i = 0; i < CONVOLUTIONS; i++)
        x = clade_relu(clade_max_pool2d(clade_conv2d(x, m->weight[i], m->bias[i], &same), &halves));
    return clade_reshape(x, CLADE_SHAPE(-1, m->layout.size[0]));
}

static clade_tensor *logits(const model *m, clade_tensor *x)
{
    const int first = m->layout.cnn ? CONVOLUTIONS : 0, last = m->layers - 1;
    if (m->layout.cnn)
        x = convolved(m, x);
    for (int i = first; i < last; i++)
        x = clade_relu(clade_linear(x, m->weight[i], m->bias[i]));
    return clade_linear(x, m->weight[last], m->bias[last]);
}

clade_tensor *model_logits(const model *m, clade_tensor *x)
{
    clade_context *ctx = x ? clade_tensor_context(x) : NULL;
    if (!x || clade_autocast_begin(ctx, m->dtype) != CLADE_OK)
        return NULL;
    clade_tensor *out = clade_cast(logits(m, x), CLADE_F32);
    return clade_autocast_end(ctx) == CLADE_OK ? out : NULL;
}
