/* Measures Clade's own matrix product and CLBlast's by class of shape. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/cli.h"
#include "../common/devices.h"
#include "bench_product.h"
#include "tune_command.h"
#include "tune_file.h"
#include "tune_options.h"

enum { CLADE, CLBLAST, PROVIDERS };

static const char *const provider_names[PROVIDERS] = {"clade", "clblast"};

typedef struct tuner {
    const tune_options *o;
    clade_context *ctx[PROVIDERS]; /* one that only knows this provider */
    const char *path;
    json_t *file;
} tuner;

/* --- what to measure -------------------------------------------------------------------------- */
/* CLBlast compiles for many seconds on a CPU device, where it seldom wins: few classes there. */
static const int few[] = {4, 7, 10};
static const int many[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const int quick[] = {4, 5};

enum { MOST_CLASSES = 1000 };

/* Products of more than 2^33 multiplications would take minutes; they go as their neighbours. */
static int list_classes(tune_class *out, const tune_options *o, const clade_device_info *device)
{
    bool cpu = device->type == CLADE_DEVICE_CPU;
    const int *sizes = o->quick ? quick : cpu ? few : many;
    int of = o->quick ? 2 : cpu ? 3 : 10, count = 0;
    for (int i = 0; i < of; i++)
        for (int j = 0; j < of; j++)
            for (int l = 0; l < of; l++)
                if (sizes[i] + sizes[j] + sizes[l] <= 33)
                    out[count++] = (tune_class){sizes[i], sizes[j], sizes[l]};
    return count;
}

/* --- measuring -------------------------------------------------------------------------------- */
/* Seconds per product over some milliseconds; NaN with the library's error. */
static double time_product(product *p, double least)
{
    for (int count = 1;; count *= 2) {
        double start = cli_seconds();
        for (int i = 0; i < count; i++)
            if (product_run(p) != CLADE_OK)
                return NAN;
        if (clade_context_finish(p->ctx) != CLADE_OK)
            return NAN;
        double seconds = cli_seconds() - start;
        if (seconds >= least)
            return seconds / count / p->repeats;
    }
}

static double smallest(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : fmin(a, b);
}

/* Best of a few turns per provider; false after a line on stderr. */
static bool measure(const tuner *t, tune_class c, double seconds[PROVIDERS])
{
    const product_shape shape = {1, 1 << c.m, 1 << c.n, 1 << c.k, false, false};
    product products[PROVIDERS] = {{0}};
    clade_status status = CLADE_OK;
    for (int i = 0; i < PROVIDERS && status == CLADE_OK; i++) {
        status = product_open(&products[i], t->ctx[i], &shape);
        seconds[i] = INFINITY;
    }
    const int turns = t->o->quick ? 1 : 3;
    for (int turn = 0; turn <= turns && status == CLADE_OK; turn++)
        for (int i = 0; i < PROVIDERS && status == CLADE_OK; i++) {
            double took = time_product(&products[i], t->o->quick ? 1e-3 : 1e-2);
            if (turn > 0) /* the first turn compiles and records */
                seconds[i] = smallest(seconds[i], took);
            if (isnan(took))
                status = clade_last_error()->status;
        }
    if (status != CLADE_OK)
        cli_fail_library();
    for (int i = 0; i < PROVIDERS; i++)
        product_close(&products[i]);
    return status == CLADE_OK;
}

static void show_progress(int done, int of, tune_class c, const double *seconds)
{
    if (cli_terminal(STDERR_FILENO))
        fprintf(stderr, "\r\033[Kclade: %d of %d: %dx%dx%d%s", done, of, 1 << c.m, 1 << c.n,
                1 << c.k, done == of ? "\n" : "");
    else if (seconds)
        cli_note("%d of %d: %dx%dx%d: clade %.1f us, clblast %.1f us", done, of, 1 << c.m, 1 << c.n,
                 1 << c.k, 1e6 * seconds[CLADE], 1e6 * seconds[CLBLAST]);
}

static int tune(tuner *t)
{
    static tune_class classes[MOST_CLASSES];
    const int count = list_classes(classes, t->o, clade_context_device(t->ctx[CLADE]));
    int measured = 0;
    for (int i = 0; i < count; i++) {
        double seconds[PROVIDERS];
        bool known = !t->o->force && tune_file_find(t->file, classes[i]);
        if (!known && !measure(t, classes[i], seconds))
            return EXIT_FAILED;
        show_progress(i + 1, count, classes[i], known ? NULL : seconds);
        if (known)
            continue;
        measured++;
        tune_file_put(t->file, classes[i], seconds[CLADE], seconds[CLBLAST]);
        if (tune_file_write(t->file, t->path) != EXIT_OK) /* at once: an end resumes here */
            return EXIT_FAILED;
    }
    printf("%s: %d classes, %d measured now, %d known before\n", t->path, count, measured,
           count - measured);
    return EXIT_OK;
}

/* --- the command ------------------------------------------------------------------------------ */
static int open_contexts(tuner *t)
{
    for (int i = 0; i < PROVIDERS; i++) {
        if (setenv("CLADE_GEMM", provider_names[i], 1) != 0)
            return cli_fail("out of memory for an environment variable");
        t->ctx[i] = device_open(t->o->device, i == 0 ? CLADE_LOG_INFO : CLADE_LOG_WARN, 0);
        if (!t->ctx[i])
            return EXIT_FAILED;
    }
    t->path = clade_context_tuning_path(t->ctx[CLADE]);
    return t->path ? EXIT_OK : cli_fail("there is no cache folder to keep the results in");
}

static int run(tuner *t)
{
    const clade_device_info *device = clade_context_device(t->ctx[CLADE]);
    const char *source = t->o->import ? t->o->import : t->path;
    bool exists = access(source, F_OK) == 0;
    if (t->o->export && !exists)
        return cli_fail("%s: nothing was tuned yet", t->path);
    t->file = exists || t->o->import ? tune_file_read(source, device) : tune_file_new(device);
    if (!t->file)
        return EXIT_FAILED;
    if (t->o->export)
        return tune_file_write(t->file, t->o->export);
    if (t->o->import)
        return tune_file_write(t->file, t->path);
    return tune(t);
}

int tune_command(int argc, char **argv)
{
    tune_options o;
    int code = tune_options_parse(&o, argc, argv);
    if (code >= 0)
        return code;
    tuner t = {.o = &o};
    code = open_contexts(&t);
    if (code == EXIT_OK)
        code = run(&t);
    json_decref(t.file);
    for (int i = 0; i < PROVIDERS; i++)
        clade_context_free(&t.ctx[i]);
    return code;
}
