/* What `clade tune` was asked to do. */
#ifndef CLADE_TUNE_OPTIONS_H
#define CLADE_TUNE_OPTIONS_H

#include <stdbool.h>

typedef struct tune_options {
    const char *device;
    const char *export, *import; /* at most one of them */
    bool force, quick;
} tune_options;

/* argv[0] is "tune". Returns -1 to go on, or the exit code. */
int tune_options_parse(tune_options *o, int argc, char **argv);

#endif
