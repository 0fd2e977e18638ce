#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void check_fail(check *c, const char *fmt, ...)
{
    if (c->failed)
        return;
    c->failed = true;
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->detail, sizeof c->detail, fmt, args);
    va_end(args);
}

void check_skip(check *c, const char *fmt, ...)
{
    c->skipped = true;
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->detail, sizeof c->detail, fmt, args);
    va_end(args);
}

bool check_ok(check *c, const char *what, clade_status status)
{
    if (status != CLADE_OK)
        check_fail(c, "%s: %s: %s", what, clade_status_name(status), clade_last_error()->message);
    return status == CLADE_OK;
}

void check_random(check *c, double *values, int64_t count, double low, double high)
{
    for (int64_t i = 0; i < count; i++) {
        c->random = c->random * 1664525u + 1013904223u;
        values[i] = (float)(low + (high - low) * (c->random >> 8) / 16777216.0);
    }
}

clade_tensor *check_input(check *c, clade_dtype dtype, clade_shape shape, const double *values)
{
    int64_t count = clade_shape_numel(&shape);
    clade_tensor *t = clade_full(c->ctx, dtype, shape, 0);
    void *host = malloc((size_t)count * sizeof(double) + 1);
    if (t && host) {
        for (int64_t i = 0; i < count; i++)
            clade_dtype_set(dtype, host, (size_t)i, values[i]);
        if (clade_tensor_write(t, host, (size_t)count * clade_dtype_size(dtype)) != CLADE_OK)
            t = NULL;
    }
    if (!t || !host)
        check_fail(c, "input: %s", host ? clade_last_error()->message : "out of memory");
    free(host);
    return host ? t : NULL;
}

static void compare(check *c, const char *what, const float *got, const double *want, int64_t count,
                    double tolerance)
{
    for (int64_t i = 0; i < count; i++) {
        double error = fabs((double)got[i] - want[i]) / (1 + fabs(want[i]));
        if (!(error <= tolerance))
            check_fail(c, "%s: element %" PRId64 " is %.9g, should be %.9g", what, i,
                       (double)got[i], want[i]);
        c->worst = fmax(c->worst, error);
    }
    c->comparisons++;
}

void check_values(check *c, const char *what, clade_tensor *got, const double *want, int64_t count,
                  double tolerance)
{
    got = clade_cast(got, CLADE_F32);
    if (!got) {
        check_fail(c, "%s: %s", what, clade_last_error()->message);
        return;
    }
    if (clade_tensor_numel(got) != count) {
        check_fail(c, "%s: %" PRId64 " elements, should be %" PRId64, what, clade_tensor_numel(got),
                   count);
        return;
    }
    float *host = malloc((size_t)count * sizeof *host + 1);
    if (!host)
        check_fail(c, "%s: out of memory", what);
    else if (check_ok(c, what, clade_tensor_read(got, host, (size_t)count * sizeof *host)))
        compare(c, what, host, want, count, tolerance);
    free(host);
}
