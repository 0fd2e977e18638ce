#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_SIZE 512

static _Thread_local char last_message[MESSAGE_SIZE];
static _Thread_local clade_error last_error = {CLADE_OK, 0, ""};

clade_status clade_error_set(clade_status status, int cl_code, const char *fmt, ...)
{
    /* An argument may point into the message that is about to be replaced. */
    char text[MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t i = 0;
    for (; text[i]; i++)
        last_message[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    last_message[i] = '\0';
    last_error = (clade_error){status, cl_code, last_message};
    return status;
}

clade_status clade_error_null(const char *what, const char *which)
{
    if (last_error.status != CLADE_OK)
        return last_error.status;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %s is NULL", what, which);
}

const clade_error *clade_last_error(void)
{
    return &last_error;
}

void clade_error_clear(void)
{
    last_error = (clade_error){CLADE_OK, 0, ""};
}

const char *clade_status_name(clade_status status)
{
    switch (status) {
#define NAME(s)                                                                                    \
    case s:                                                                                        \
        return #s
        NAME(CLADE_OK);
        NAME(CLADE_ERR_ARGUMENT);
        NAME(CLADE_ERR_SHAPE);
        NAME(CLADE_ERR_DTYPE);
        NAME(CLADE_ERR_STATE);
        NAME(CLADE_ERR_OUT_OF_MEMORY);
        NAME(CLADE_ERR_NO_DEVICE);
        NAME(CLADE_ERR_OPENCL);
        NAME(CLADE_ERR_BUILD);
        NAME(CLADE_ERR_UNSUPPORTED);
        NAME(CLADE_ERR_NO_GRADIENT);
        NAME(CLADE_ERR_MODIFIED);
        NAME(CLADE_ERR_GRADIENT);
        NAME(CLADE_ERR_IO);
        NAME(CLADE_ERR_FORMAT);
        NAME(CLADE_ERR_BLAS);
        NAME(CLADE_ERR_INTERNAL);
#undef NAME
    }
    return "CLADE_ERR_?";
}

const char *clade_version(void)
{
    return CLADE_VERSION;
}
