#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <clade/clade.h>

static const char *program_name = "";

void cli_init(const char *program)
{
    program_name = program;
    /* PoCL compiles a kernel for any group size when it hands out a binary, and again for the group
     * size at hand unless told not to. The kernels are as fast either way; starting is not. */
    setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", 0);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

static void print_line(const char *fmt, va_list args, const char *end)
{
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, fmt, args);
    fputs(end, stderr);
}

void cli_note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_line(fmt, args, "\n");
    va_end(args);
}

int cli_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_line(fmt, args, "\n");
    va_end(args);
    return EXIT_FAILED;
}

int cli_fail_library(void)
{
    return cli_fail("%s", clade_last_error()->message);
}

int cli_usage(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_line(fmt, args, "; see --help\n");
    va_end(args);
    return EXIT_USAGE;
}

bool cli_parse_int(const char *text, int64_t low, int64_t high, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;
    if (!isdigit((unsigned char)*digits))
        return false;
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    if (errno || *end || value < low || value > high)
        return false;
    *out = value;
    return true;
}

bool cli_parse_uint64(const char *text, uint64_t *out)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    errno = 0;
    uintmax_t value = strtoumax(text, &end, 10);
    if (errno || *end || value > UINT64_MAX)
        return false;
    *out = value;
    return true;
}

bool cli_parse_real(const char *text, double low, double high, double *out)
{
    if (!*text || text[strspn(text, "0123456789.eE+-")])
        return false;
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !isfinite(value) || value < low || value > high)
        return false;
    *out = value;
    return true;
}

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int cli_close_stdout(void)
{
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0 || failed)
        return cli_fail("standard output: %s", errno ? strerror(errno) : "write failed");
    return EXIT_OK;
}

bool cli_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

bool cli_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    return cli_terminal(fd) && !(no_colour && *no_colour);
}

/* Behind getopt_long's ':' or '?'. */
static int option_error(int c, const struct option *options, int first, char **argv)
{
    if (c == ':')
        return cli_usage("--%s: needs a value", options[optopt - first].name);
    if (optopt >= first)
        return cli_usage("--%s: takes no value", options[optopt - first].name);
    if (optopt > 0)
        return cli_usage("-%c: no such option", optopt);
    return cli_usage("%s: no such option", argv[optind - 1]);
}

int cli_options(int argc, char **argv, const struct option *options, int first,
                int (*apply)(void *user, int option, const char *value), void *user)
{
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (c == ':' || c == '?')
            return option_error(c, options, first, argv);
        const char *value = optarg;
        bool optional = c >= first && options[c - first].has_arg == optional_argument;
        if (optional && !value && optind < argc && argv[optind][0] != '-')
            value = argv[optind++];
        int code = apply(user, c, value);
        if (code >= 0)
            return code;
    }
    return -1;
}
