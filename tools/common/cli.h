/* What both tools share: error lines, exit codes, strict numbers. */
#ifndef CLADE_TOOLS_CLI_H
#define CLADE_TOOLS_CLI_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define CLI_PRINTF(fmt, first)
#endif

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 /* plus the signal */ };

/* Call it first. The name starts every line on stderr, such as "clade-mnist". */
void cli_init(const char *program);

/* Prints one line on stderr. */
void cli_note(const char *fmt, ...) CLI_PRINTF(1, 2);

/* Each prints one line on stderr and returns the exit code that goes with it. */
int cli_fail(const char *fmt, ...) CLI_PRINTF(1, 2);  /* EXIT_FAILED */
int cli_fail_library(void);                           /* clade_last_error(): EXIT_FAILED */
int cli_usage(const char *fmt, ...) CLI_PRINTF(1, 2); /* EXIT_USAGE, and points to --help */

/* The whole text must be one decimal number within [low, high]; anything else, white space and
 * hexadecimal included, is false. */
bool cli_parse_int(const char *text, int64_t low, int64_t high, int64_t *out);
bool cli_parse_uint64(const char *text, uint64_t *out);
bool cli_parse_real(const char *text, double low, double high, double *out);

/* Seconds on a clock that never goes back. */
double cli_seconds(void);

/* stdout is written out and was written whole: EXIT_OK, else a line and EXIT_FAILED. Call it last.
 */
int cli_close_stdout(void);

/* Colours are wanted on this stream: a terminal that has them, and NO_COLOR is unset or empty. */
bool cli_colour(int fd);
/* A terminal that can move its cursor. */
bool cli_terminal(int fd);

struct option;

/* Hands each option, and its value or NULL, to apply: 'h' for -h, and for the long ones first,
 * first + 1, ... in the table's order, which are the options' val. An optional value may stand in
 * the next word. apply returns -1, or an exit code that ends it. Returns that, or of a usage error
 * its code, or -1 with optind at what is no option. */
int cli_options(int argc, char **argv, const struct option *options, int first,
                int (*apply)(void *user, int option, const char *value), void *user);

#endif
