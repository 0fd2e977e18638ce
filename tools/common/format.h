/* Numbers as people read them. */
#ifndef CLADE_TOOLS_FORMAT_H
#define CLADE_TOOLS_FORMAT_H

#include <stdint.h>

#define FORMAT_SIZE 32

/* 60000 -> "60,000". */
const char *format_count(char text[FORMAT_SIZE], int64_t value);
/* 75 -> "1:15", 3675 -> "1:01:15". */
const char *format_time(char text[FORMAT_SIZE], double seconds);

#endif
