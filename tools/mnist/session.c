#include "session.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "../common/cli.h"
#include "../common/devices.h"
#include "../common/format.h"

clade_context *session_device(const options *o)
{
    return device_open(o->device, o->quiet ? CLADE_LOG_WARN : CLADE_LOG_INFO, o->seed);
}

static int choose_layout(layout *out, const options *o, const clade_mnist *mnist)
{
    const int64_t rows = mnist->train.rows, cols = mnist->train.cols;
    if (!o->load || o->hidden_given)
        return layout_of_options(out, o, rows, cols, mnist->classes);
    int code = layout_of_file(out, o->load);
    if (code != EXIT_OK)
        return code;
    if (o->model != MODEL_ANY && out->cnn != (o->model == MODEL_CNN))
        return cli_fail("%s: weights of a %s", o->load, out->cnn ? "cnn" : "mlp");
    if (out->rows != rows || out->cols != cols || out->size[out->count] != mnist->classes)
        return cli_fail("%s: weights for pictures of %" PRId64 "x%" PRId64 " and %" PRId64
                        " classes, but %s has %" PRId64 "x%" PRId64 " and %d",
                        o->load, out->cols, out->rows, out->size[out->count], mnist->name, cols,
                        rows, mnist->classes);
    return EXIT_OK;
}

static void print_session(const session *s)
{
    char train[FORMAT_SIZE], test[FORMAT_SIZE], weights[FORMAT_SIZE], sizes[256];
    const clade_mnist *d = s->mnist;
    printf("data: %s, %s training and %s test images of %" PRId64 "x%" PRId64 ", from %s\n",
           d->name, format_count(train, d->train.count), format_count(test, d->test.count),
           d->train.rows, d->train.cols, d->folder);
    layout_print(&s->model.layout, sizes, sizeof sizes);
    printf("model: %s, %s weights\n", sizes,
           format_count(weights, clade_params_numel(s->model.params)));
}

static clade_status upload(session *s, const options *o, const layout *l)
{
    static const clade_dtype dtypes[] = {
        [DTYPE_F32] = CLADE_F32, [DTYPE_BF16] = CLADE_BF16, [DTYPE_F16] = CLADE_F16};
    clade_status status = CLADE_OK;
    if (o->command == COMMAND_TRAIN)
        status = dataset_upload(&s->train, s->ctx, &s->mnist->train);
    if (status == CLADE_OK)
        status = dataset_upload(&s->test, s->ctx, &s->mnist->test);
    if (status == CLADE_OK)
        status = model_create(&s->model, s->ctx, l);
    s->model.dtype = dtypes[o->dtype];
    if (status == CLADE_OK && o->load)
        status = clade_params_load(s->model.params, o->load);
    return status;
}

typedef struct opening {
    const options *o;
    clade_context *ctx;
} opening;

static void *open_device(void *user)
{
    opening *p = user;
    p->ctx = session_device(p->o);
    return NULL;
}

/* The drivers load in the time that reading the data takes. */
static int open_both(session *s, const options *o)
{
    opening device = {o, NULL};
    pthread_t thread;
    const bool threaded = pthread_create(&thread, NULL, open_device, &device) == 0;
    s->mnist = dataset_load(o->data);
    if (threaded)
        pthread_join(thread, NULL);
    else if (s->mnist)
        open_device(&device);
    s->ctx = device.ctx;
    return s->mnist && s->ctx ? EXIT_OK : EXIT_FAILED;
}

int session_open(session *s, const options *o)
{
    *s = (session){0};
    int code = open_both(s, o);
    layout l;
    if (code == EXIT_OK)
        code = choose_layout(&l, o, s->mnist);
    if (code != EXIT_OK)
        return code;
    if (upload(s, o, &l) != CLADE_OK)
        return cli_fail_library();
    torch_random_seed(&s->random, o->seed);
    if (!o->load)
        code = model_draw_weights(&s->model, &s->random);
    if (code == EXIT_OK && !o->quiet)
        print_session(s);
    return code;
}

void session_close(session *s)
{
    model_free(&s->model);
    dataset_free(&s->train);
    dataset_free(&s->test);
    clade_mnist_free(&s->mnist);
    clade_context_free(&s->ctx);
}
