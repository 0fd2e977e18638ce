#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *format_count(char text[FORMAT_SIZE], int64_t value)
{
    char digits[FORMAT_SIZE];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    int first = value < 0 ? 1 : 0;
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > first && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *format_time(char text[FORMAT_SIZE], double seconds)
{
    long long s = seconds < 1e9 ? (long long)(seconds + 0.5) : 999999999;
    if (s < 3600)
        snprintf(text, FORMAT_SIZE, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(text, FORMAT_SIZE, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return text;
}
