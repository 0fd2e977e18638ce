#include "devices.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "json.h"

const char *device_type_name(clade_device_type type)
{
    switch (type) {
    case CLADE_DEVICE_CPU:
        return "cpu";
    case CLADE_DEVICE_GPU:
        return "gpu";
    case CLADE_DEVICE_ACCELERATOR:
        return "accelerator";
    }
    return "?";
}

static void print_table(const clade_device_info *list, size_t count, size_t chosen)
{
    printf("  N  P:N  %-11s  %5s  %7s  %3s  name, on platform, driver\n", "type", "units", "memory",
           "f64");
    for (size_t i = 0; i < count; i++) {
        const clade_device_info *d = &list[i];
        printf("%c %d  %d:%d  %-11s  %5u  %5.1f G  %3s  %s, on %s, %s\n", i == chosen ? '*' : ' ',
               d->index, d->platform, d->number, device_type_name(d->type), d->compute_units,
               (double)d->memory_bytes / (1 << 30), d->has_f64 ? "yes" : "no", d->name,
               d->platform_name, d->driver);
    }
}

static json_t *device_json(const clade_device_info *d, bool chosen)
{
    json_t *o = json_object();
    json_put_int(o, "index", d->index);
    json_put_int(o, "platform_index", d->platform);
    json_put_int(o, "number", d->number);
    json_put_text(o, "type", device_type_name(d->type));
    json_put_bool(o, "chosen", chosen);
    json_put_bool(o, "host_unified", d->host_unified);
    json_put_bool(o, "has_f64", d->has_f64);
    json_put_int(o, "compute_units", (int64_t)d->compute_units);
    json_put_int(o, "memory_bytes", (int64_t)d->memory_bytes);
    json_put_int(o, "largest_allocation_bytes", (int64_t)d->largest_allocation_bytes);
    json_put_int(o, "local_memory_bytes", (int64_t)d->local_memory_bytes);
    json_put_int(o, "largest_work_group", (int64_t)d->largest_work_group);
    json_put_int(o, "native_float_width", (int64_t)d->native_float_width);
    json_put_text(o, "name", d->name);
    json_put_text(o, "vendor", d->vendor);
    json_put_text(o, "driver", d->driver);
    json_put_text(o, "platform", d->platform_name);
    json_put_text(o, "platform_version", d->platform_version);
    return o;
}

static int print_json(const clade_device_info *list, size_t count, size_t chosen)
{
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, device_json(&list[i], i == chosen));
    return json_finish(all, NULL);
}

int devices_print(const char *selector, bool json)
{
    clade_device_info *list;
    size_t count;
    if (clade_device_list(&list, &count) != CLADE_OK)
        return cli_fail_library();
    const char *wanted = selector ? selector : getenv("CLADE_DEVICE");
    size_t chosen = SIZE_MAX;
    bool found = clade_device_select(list, count, wanted, &chosen) == CLADE_OK;
    if (!found)
        chosen = SIZE_MAX;
    int code = EXIT_OK;
    if (json)
        code = print_json(list, count, chosen);
    else if (count > 0)
        print_table(list, count, chosen);
    if (code == EXIT_OK && !found)
        code = cli_fail_library();
    clade_device_list_free(&list);
    return code;
}

static void log_to_stderr(void *user, clade_log_level level, const char *message)
{
    (void)user;
    (void)level;
    cli_note("%s", message);
}

clade_context *device_open(const char *selector, clade_log_level level, uint64_t seed)
{
    clade_context *ctx;
    clade_context_params params = {
        .device = selector, .log = log_to_stderr, .log_level = level, .seed = seed};
    if (clade_context_create(&ctx, &params) == CLADE_OK)
        return ctx;
    cli_fail_library();
    return NULL;
}
