/* Which device a selector means: pure functions on a list, no OpenCL call. */
#include "runtime/cl_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

const char *clade_device_kind(const clade_device_info *info)
{
    switch (info->type) {
    case CLADE_DEVICE_GPU:
        return info->host_unified ? "integrated GPU" : "discrete GPU";
    case CLADE_DEVICE_ACCELERATOR:
        return "accelerator";
    case CLADE_DEVICE_CPU:
        break;
    }
    return "CPU";
}

static int rank(const clade_device_info *info)
{
    switch (info->type) {
    case CLADE_DEVICE_GPU:
        return info->host_unified ? 2 : 3;
    case CLADE_DEVICE_ACCELERATOR:
        return 1;
    case CLADE_DEVICE_CPU:
        break;
    }
    return 0;
}

static bool better(const clade_device_info *a, const clade_device_info *b)
{
    if (rank(a) != rank(b))
        return rank(a) > rank(b);
    return a->compute_units > b->compute_units;
}

static bool equal_nocase(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return *a == *b;
}

static bool contains_nocase(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

/* "N" gives platform -1. Anything else, numbers beyond an int included, is not an index. */
static bool parse_index(const char *s, long *platform, long *number)
{
    char *end;
    if (!isdigit((unsigned char)*s))
        return false;
    *platform = -1;
    *number = strtol(s, &end, 10);
    if (*end == ':' && isdigit((unsigned char)end[1])) {
        *platform = *number;
        *number = strtol(end + 1, &end, 10);
    }
    return *end == '\0';
}

static bool matches(const clade_device_info *info, const char *selector)
{
    long platform, number;
    if (!selector || !*selector)
        return true;
    if (equal_nocase(selector, "gpu"))
        return info->type == CLADE_DEVICE_GPU;
    if (equal_nocase(selector, "cpu"))
        return info->type == CLADE_DEVICE_CPU;
    if (equal_nocase(selector, "accelerator"))
        return info->type == CLADE_DEVICE_ACCELERATOR;
    if (parse_index(selector, &platform, &number))
        return platform < 0 ? info->index == number
                            : info->platform == platform && info->number == number;
    return contains_nocase(info->name, selector) || contains_nocase(info->platform_name, selector);
}

static clade_status fail_no_match(const clade_device_info *list, size_t count, const char *selector)
{
    if (count == 0)
        return CLADE_FAIL(CLADE_ERR_NO_DEVICE, "no OpenCL device of version 1.2 or later found");
    char text[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const clade_device_info *d = &list[i];
        int n = snprintf(text + used, sizeof text - used, "%s%d (%d:%d) %s, %s, on %s",
                         i ? "; " : "", d->index, d->platform, d->number, d->name,
                         clade_device_kind(d), d->platform_name);
        if (n < 0 || (size_t)n >= sizeof text - used)
            break;
        used += (size_t)n;
    }
    return CLADE_FAIL(CLADE_ERR_NO_DEVICE, "no device matches \"%.64s\"; there are: %s", selector,
                      text);
}

clade_status clade_device_select(const clade_device_info *list, size_t count, const char *selector,
                                 size_t *index)
{
    if (!index || (!list && count))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "device_select: list or index is NULL");
    size_t best = NONE;
    for (size_t i = 0; i < count; i++)
        if (matches(&list[i], selector) && (best == NONE || better(&list[i], &list[best])))
            best = i;
    if (best == NONE)
        return fail_no_match(list, count, selector);
    *index = best;
    return CLADE_OK;
}
