#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/cli.h"
#include "../common/format.h"
#include "../common/json.h"

static int64_t peak_rss_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
#ifdef __APPLE__
    return (int64_t)usage.ru_maxrss;
#else
    return (int64_t)usage.ru_maxrss * 1024;
#endif
}

static double last_accuracy(const report *r)
{
    return r->epoch_count > 0 ? r->epochs[r->epoch_count - 1].test.accuracy : NAN;
}

void report_print(const report *r, const options *o)
{
    bool tested = r->epoch_count > 0;
    if (o->quiet) {
        if (tested)
            printf("test accuracy: %.2f %%\n", last_accuracy(r));
        return;
    }
    char images[FORMAT_SIZE], steps[FORMAT_SIZE], memory[FORMAT_SIZE];
    const clade_device_info *d = clade_context_device(r->session->ctx);
    printf("device: %s, on %s\n", d->name, d->platform_name);
    if (r->steps > 0)
        printf("training: %s steps, %s images/s, %.0f us per step (median), %s MB peak memory\n",
               format_count(steps, r->steps), format_count(images, (int64_t)r->images_per_second),
               r->us_per_step_median, format_count(memory, peak_rss_bytes() / 1000000));
    if (tested)
        printf("test accuracy: %.2f %% on %s\n", last_accuracy(r), r->session->mnist->name);
}

static json_t *root_of(const session *s)
{
    json_t *root = json_object();
    const clade_device_info *d = clade_context_device(s->ctx);
    json_put_text(root, "device", d->name);
    json_put_text(root, "platform", d->platform_name);
    json_put_text(root, "dataset", s->mnist->name);
    return root;
}

static json_t *epochs_json(const report *r)
{
    json_t *epochs = json_array();
    for (int64_t i = 0; i < r->epoch_count; i++) {
        const epoch_report *e = &r->epochs[i];
        json_t *o = json_object();
        json_put_real(o, "train_loss", e->train_loss);
        json_put_real(o, "test_loss", e->test.loss);
        json_put_real(o, "test_accuracy", e->test.accuracy);
        json_put_real(o, "seconds", e->seconds);
        json_array_append_new(epochs, o);
    }
    return epochs;
}

int report_write_train(const report *r, const char *path)
{
    json_t *root = root_of(r->session);
    json_put_int(root, "train_images", r->session->mnist->train.count);
    json_put_int(root, "test_images", r->session->mnist->test.count);
    json_put(root, "epochs", epochs_json(r));
    json_put_real(root, "test_accuracy", last_accuracy(r));
    json_put_real(root, "us_per_step_median", r->us_per_step_median);
    json_put_real(root, "images_per_second", r->images_per_second);
    json_put_int(root, "steps", r->steps);
    json_put_int(root, "peak_rss_bytes", peak_rss_bytes());
    json_put_text(root, "clade_version", clade_version());
    return json_finish(root, path);
}

int report_write_eval(const session *s, const evaluation *e, const char *path)
{
    json_t *root = root_of(s);
    json_put_int(root, "test_images", s->mnist->test.count);
    json_put_real(root, "test_loss", e->loss);
    json_put_real(root, "test_accuracy", e->accuracy);
    json_put_int(root, "peak_rss_bytes", peak_rss_bytes());
    json_put_text(root, "clade_version", clade_version());
    return json_finish(root, path);
}

int report_check_path(const char *path)
{
    if (!path)
        return EXIT_OK;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!folder)
        return cli_fail("out of memory");
    struct stat info;
    bool exists = stat(path, &info) == 0;
    int fault = 0;
    if (exists && S_ISDIR(info.st_mode))
        fault = EISDIR;
    else if (stat(folder, &info) != 0)
        fault = errno;
    else if (!S_ISDIR(info.st_mode))
        fault = ENOTDIR;
    else if (access(exists ? path : folder, W_OK) != 0)
        fault = errno;
    free(folder);
    return fault ? cli_fail("%s: cannot be written: %s", path, strerror(fault)) : EXIT_OK;
}
