/* clade: looks at devices, checks them and measures Clade on them. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../common/devices.h"
#include "bench_command.h"
#include "selftest.h"
#include "tune_command.h"

static const char help[] =
    "NAME\n"
    "    clade - look at OpenCL devices, check them and measure Clade on them\n"
    "\n"
    "SYNOPSIS\n"
    "    clade devices [--json] [--device D]\n"
    "    clade selftest [--device D]\n"
    "    clade bench [OPTIONS]\n"
    "    clade tune [OPTIONS]\n"
    "\n"
    "COMMANDS\n"
    "    devices   Lists every device of every platform; the asterisk marks the one that would be\n"
    "              used. With --json the list is a JSON array with all that is known of them.\n"
    "    selftest  Computes with every family of operations on the device and compares with the\n"
    "              host: forward, gradients (where the device has fp64), matrix products, the\n"
    "              optimizer, and a small training run. One line each and a verdict.\n"
    "    bench     Measures training, inference, matrix products and kernels, beside other\n"
    "              libraries in the same run; it has options of its own: clade bench --help.\n"
    "    tune      Measures who multiplies matrices faster on the device, Clade or CLBlast, and\n"
    "              keeps that for later runs: clade tune --help.\n"
    "\n"
    "OPTIONS\n"
    "    --device D   gpu, cpu, accelerator, N, P:N, or part of a device's or platform's name\n"
    "                 [$CLADE_DEVICE, else the best device]\n"
    "    --json       devices: as JSON\n"
    "    -h, --help, --version\n"
    "\n"
    "EXIT STATUS\n"
    "    0 success, 1 failure (no device, a check failed), 2 wrong usage.\n";

typedef struct arguments {
    const char *device;
    bool json;
} arguments;

enum { DEVICE = 256 /* no character */, JSON, HELP, VERSION };

static int apply(void *user, int option, const char *value)
{
    arguments *a = user;
    switch (option) {
    case DEVICE:
        a->device = value;
        return -1;
    case JSON:
        a->json = true;
        return -1;
    case VERSION:
        printf("clade %s\n", clade_version());
        return EXIT_OK;
    default:
        fputs(help, stdout);
        return EXIT_OK;
    }
}

/* Returns -1 to go on, or the exit code. */
static int parse(arguments *a, int argc, char **argv)
{
    static const struct option options[] = {{"device", required_argument, NULL, DEVICE},
                                            {"json", no_argument, NULL, JSON},
                                            {"help", no_argument, NULL, HELP},
                                            {"version", no_argument, NULL, VERSION},
                                            {0}};
    return cli_options(argc, argv, options, DEVICE, apply, a);
}

static int run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "bench") == 0)
        return bench_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "tune") == 0)
        return tune_command(argc - 1, argv + 1);
    arguments a = {0};
    int code = parse(&a, argc, argv);
    if (code >= 0)
        return code;
    int words = argc - optind;
    const char *command = words > 0 ? argv[optind] : "";
    if (words > 1)
        return cli_usage("'%s': one argument too many", argv[optind + 1]);
    if (strcmp(command, "devices") == 0)
        return devices_print(a.device, a.json);
    if (strcmp(command, "selftest") != 0)
        return words ? cli_usage("'%s' is not a command: devices, selftest, bench or tune", command)
                     : cli_usage("a command is missing: devices, selftest, bench or tune");
    if (a.json)
        return cli_usage("--json: not an option of selftest");
    return selftest(a.device);
}

int main(int argc, char **argv)
{
    cli_init("clade");
    int code = run(argc, argv);
    int closed = cli_close_stdout();
    return code == EXIT_OK ? closed : code;
}
