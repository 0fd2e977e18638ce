#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void json_put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value ? value : json_null());
}

void json_put_int(json_t *object, const char *key, int64_t value)
{
    json_put(object, key, json_integer(value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
    json_put(object, key, json_boolean(value));
}

void json_put_real(json_t *object, const char *key, double value)
{
    json_put(object, key, isfinite(value) ? json_real(value) : json_null());
}

void json_put_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    if (!value) {
        char ascii[512];
        snprintf(ascii, sizeof ascii, "%s", text);
        for (char *c = ascii; *c; c++)
            if ((unsigned char)*c > 0x7e)
                *c = '?';
        value = json_string(ascii);
    }
    json_put(object, key, value);
}

int json_finish(json_t *root, const char *path)
{
    if (!root)
        return cli_fail("out of memory for JSON");
    FILE *file = path ? fopen(path, "w") : stdout;
    if (!file) {
        json_decref(root);
        return cli_fail("%s: %s", path, strerror(errno));
    }
    bool failed = json_dumpf(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0 ||
                  fputc('\n', file) == EOF || fflush(file) != 0;
    int fault = errno;
    if (path && fclose(file) != 0 && !failed) {
        failed = true;
        fault = errno;
    }
    json_decref(root);
    return failed ? cli_fail("%s: %s", path ? path : "standard output", strerror(fault)) : EXIT_OK;
}
