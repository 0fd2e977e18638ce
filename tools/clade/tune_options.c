#include "tune_options.h"

#include <getopt.h>
#include <stdio.h>

#include "../common/cli.h"

static const char help[] =
    "NAME\n"
    "    clade tune - measure who multiplies matrices faster on a device\n"
    "\n"
    "SYNOPSIS\n"
    "    clade tune [--device D] [--force]\n"
    "    clade tune [--device D] --export FILE | --import FILE\n"
    "\n"
    "DESCRIPTION\n"
    "    Times Clade's own matrix product and CLBlast's for sizes from small to large and keeps "
    "the\n"
    "    faster one of each class of sizes in the cache folder, where every later run finds it.\n"
    "    What was measured before is kept, so an interrupted run goes on where it ended.\n"
    "\n"
    "OPTIONS\n"
    "    --device D      as in clade --help\n"
    "    --force         measure again what is known\n"
    "    --export FILE   write what is known of the device to FILE\n"
    "    --import FILE   use what was measured on another machine with the same device\n"
    "    --quick         few small sizes: a trial, not a measurement\n";

enum { DEVICE = 256 /* no character */, EXPORT, IMPORT, FORCE, QUICK, HELP };

static int apply(void *user, int option, const char *value)
{
    tune_options *o = user;
    switch (option) {
    case DEVICE:
        o->device = value;
        return -1;
    case EXPORT:
        o->export = value;
        return -1;
    case IMPORT:
        o->import = value;
        return -1;
    case FORCE:
        o->force = true;
        return -1;
    case QUICK:
        o->quick = true;
        return -1;
    default:
        fputs(help, stdout);
        return EXIT_OK;
    }
}

int tune_options_parse(tune_options *o, int argc, char **argv)
{
    static const struct option options[] = {{"device", required_argument, NULL, DEVICE},
                                            {"export", required_argument, NULL, EXPORT},
                                            {"import", required_argument, NULL, IMPORT},
                                            {"force", no_argument, NULL, FORCE},
                                            {"quick", no_argument, NULL, QUICK},
                                            {"help", no_argument, NULL, HELP},
                                            {0}};
    *o = (tune_options){0};
    int code = cli_options(argc, argv, options, DEVICE, apply, o);
    if (code >= 0)
        return code;
    if (optind < argc)
        return cli_usage("'%s': one argument too many", argv[optind]);
    if (o->export && o->import)
        return cli_usage("--export and --import: one at a time");
    return -1;
}
