#include "tune_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/cli.h"

json_t *tune_file_new(const clade_device_info *device)
{
    json_t *file = json_object();
    json_put_int(file, "version", 1);
    json_put_text(file, "device", device->name);
    json_put_text(file, "driver", device->driver);
    json_put(file, "classes", json_array());
    if (file && json_array_size(json_object_get(file, "classes")) == 0)
        return file;
    cli_fail("out of memory for JSON");
    json_decref(file);
    return NULL;
}

/* Returns what is wrong, or NULL. */
static const char *check(const json_t *file, const clade_device_info *device)
{
    const char *name = json_string_value(json_object_get(file, "device"));
    const json_t *classes = json_object_get(file, "classes"), *entry;
    if (json_integer_value(json_object_get(file, "version")) != 1)
        return "not a file of clade tune";
    if (!name || strcmp(name, device->name) != 0)
        return "for another device";
    if (!json_is_array(classes))
        return "no list of classes";
    size_t i;
    json_array_foreach(classes, i, entry)
    {
        const char *provider = json_string_value(json_object_get(entry, "provider"));
        static const char *const keys[] = {"m", "n", "k"};
        for (int k = 0; k < 3; k++) {
            const json_t *value = json_object_get(entry, keys[k]);
            if (!json_is_integer(value) || json_integer_value(value) < 0 ||
                json_integer_value(value) > 15)
                return "a class without m, n or k from 0 to 15";
        }
        if (!provider || (strcmp(provider, "clade") != 0 && strcmp(provider, "clblast") != 0))
            return "a class whose provider is neither clade nor clblast";
    }
    return NULL;
}

json_t *tune_file_read(const char *path, const clade_device_info *device)
{
    json_error_t error;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    const char *fault = file ? check(file, device) : error.text;
    if (!fault)
        return file;
    cli_fail("%s: %s", path, fault);
    json_decref(file);
    return NULL;
}

static bool is_class(const json_t *entry, tune_class c)
{
    return json_integer_value(json_object_get(entry, "m")) == c.m &&
           json_integer_value(json_object_get(entry, "n")) == c.n &&
           json_integer_value(json_object_get(entry, "k")) == c.k;
}

json_t *tune_file_find(const json_t *file, tune_class c)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(file, "classes"), i, entry)
    {
        if (is_class(entry, c))
            return entry;
    }
    return NULL;
}

void tune_file_put(json_t *file, tune_class c, double clade, double clblast)
{
    json_t *entry = tune_file_find(file, c);
    if (!entry) {
        entry = json_object();
        json_array_append_new(json_object_get(file, "classes"), entry);
    }
    json_put_int(entry, "m", c.m);
    json_put_int(entry, "n", c.n);
    json_put_int(entry, "k", c.k);
    json_put_text(entry, "provider", clblast < clade ? "clblast" : "clade");
    json_put_real(entry, "clade_us", 1e6 * clade);
    json_put_real(entry, "clblast_us", 1e6 * clblast);
}

int tune_file_write(const json_t *file, const char *path)
{
    char temporary[4096];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length >= (int)sizeof temporary)
        return cli_fail("%s: the path is too long", path);
    json_t *copy = json_copy((json_t *)file); /* json_finish frees what it writes */
    if (json_finish(copy, temporary) != EXIT_OK)
        return EXIT_FAILED;
    if (rename(temporary, path) == 0)
        return EXIT_OK;
    int fault = errno;
    remove(temporary);
    return cli_fail("%s: %s", path, strerror(fault));
}
