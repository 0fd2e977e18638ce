/* What a run found: the last lines on stdout, and the JSON object. */
#ifndef CLADE_MNIST_REPORT_H
#define CLADE_MNIST_REPORT_H

#include "evaluate.h"
#include "options.h"
#include "session.h"

typedef struct epoch_report {
    double train_loss, seconds; /* of training, without the test */
    evaluation test;
} epoch_report;

typedef struct report {
    const session *session;
    epoch_report *epochs; /* those that were finished */
    int64_t epoch_count;
    int64_t steps;
    double us_per_step_median, images_per_second;
} report;

void report_print(const report *r, const options *o);
/* Return the exit code, after a line on stderr. */
int report_write_train(const report *r, const char *path);
int report_write_eval(const session *s, const evaluation *e, const char *path);

/* Whether a file could be written there at all, before hours of training: EXIT_OK, or EXIT_FAILED
 * after a line on stderr. NULL is EXIT_OK. */
int report_check_path(const char *path);

#endif
