/* One check of the self-test: compares what the device computed with what the host did. */
#ifndef CLADE_SELFTEST_CHECK_H
#define CLADE_SELFTEST_CHECK_H

#include <clade/clade.h>

#include "../common/cli.h"

typedef struct check {
    clade_context *ctx;
    int comparisons;
    double worst; /* largest |got - want| / (1 + |want|) so far */
    bool failed, skipped;
    char detail[640]; /* of the first failure, or why it was skipped */
    uint32_t random;  /* state of check_random */
} check;

void check_fail(check *c, const char *fmt, ...) CLI_PRINTF(2, 3);
void check_skip(check *c, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Fails with the library's error unless the status is CLADE_OK; true if it is. */
bool check_ok(check *c, const char *what, clade_status status);

/* Fills values with numbers from [low, high) that floats hold exactly; always the same ones. */
void check_random(check *c, double *values, int64_t count, double low, double high);

/* A tensor of the open scope with these values; NULL after a failure. */
clade_tensor *check_input(check *c, clade_dtype dtype, clade_shape shape, const double *values);

/* got must hold these values, within `tolerance` in the measure of `worst`. A NULL got is a failure
 * with the library's error. */
void check_values(check *c, const char *what, clade_tensor *got, const double *want, int64_t count,
                  double tolerance);

#endif
