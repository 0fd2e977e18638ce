#include "commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"
#include "checkpoint.h"
#include "report.h"
#include "signals.h"
#include "train.h"

static bool append_epoch(report *r, const epoch_report *e)
{
    epoch_report *grown = realloc(r->epochs, (size_t)(r->epoch_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    r->epochs = grown;
    r->epochs[r->epoch_count++] = *e;
    return true;
}

static clade_status test(evaluation *out, training *t, const session *s)
{
    clade_status status = training_swap_average(t);
    if (status == CLADE_OK)
        status = evaluate(out, &t->evaluator, &s->test);
    clade_status back = training_swap_average(t);
    return status == CLADE_OK ? back : status;
}

/* One epoch and its test; a caught signal leaves it out of the report. */
static int run_epoch(training *t, const session *s, report *r, int epoch, double *seconds)
{
    epoch_report e;
    double start = cli_seconds();
    clade_status status = training_epoch(t, epoch, &e.train_loss);
    e.seconds = cli_seconds() - start;
    *seconds += e.seconds;
    if (status == CLADE_OK && !signals_caught())
        status = test(&e.test, t, s);
    progress_clear(&t->progress);
    if (status != CLADE_OK)
        return cli_fail_library();
    if (signals_caught())
        return EXIT_OK;
    if (!append_epoch(r, &e))
        return cli_fail("out of memory");
    if (!t->o->quiet)
        printf("epoch %d: training loss %.4f, test loss %.4f, test accuracy %.2f %%, %.2f s\n",
               epoch, e.train_loss, e.test.loss, e.test.accuracy, e.seconds);
    return t->o->checkpoint ? checkpoint_save(t, epoch, t->o->checkpoint) : EXIT_OK;
}

static int run_epochs(training *t, const session *s, report *r)
{
    int64_t done = 0;
    int code = t->o->checkpoint ? checkpoint_load(t, &done, t->o->checkpoint) : EXIT_OK;
    int64_t images_before = t->images;
    double seconds = 0;
    for (int epoch = (int)done + 1; epoch <= t->o->epochs && code == EXIT_OK && !signals_caught();
         epoch++)
        code = run_epoch(t, s, r, epoch, &seconds);
    r->steps = t->steps;
    r->images_per_second = seconds > 0 ? (double)(t->images - images_before) / seconds : NAN;
    r->us_per_step_median = timing_median_us(&t->timing);
    return code;
}

static int save(training *t, const session *s, const char *path)
{
    clade_status status = training_swap_average(t);
    if (status == CLADE_OK)
        status = model_save(&s->model, path);
    if (status != CLADE_OK)
        return cli_fail_library();
    if (!t->o->quiet)
        printf("saved: %s\n", path);
    return EXIT_OK;
}

/* What remains of a run, whether it went to its end or was interrupted. */
static int finish(const report *r, training *t, const session *s)
{
    const options *o = t->o;
    int signal = signals_caught();
    if (signal && !o->quiet)
        printf("interrupted after %" PRId64 " steps\n", r->steps);
    report_print(r, o);
    int code = o->save ? save(t, s, o->save) : EXIT_OK;
    if (o->json && report_write_train(r, o->json) != EXIT_OK)
        code = EXIT_FAILED;
    return code == EXIT_OK && signal ? EXIT_SIGNAL + signal : code;
}

static int train_in(session *s, const options *o)
{
    training t;
    report r = {.session = s};
    int code = training_create(&t, o, s);
    if (code == EXIT_OK)
        code = run_epochs(&t, s, &r);
    if (code == EXIT_OK)
        code = finish(&r, &t, s);
    training_free(&t);
    free(r.epochs);
    return code;
}

int command_train(const options *o)
{
    if (report_check_path(o->save) != EXIT_OK || report_check_path(o->json) != EXIT_OK ||
        report_check_path(o->checkpoint) != EXIT_OK)
        return EXIT_FAILED;
    signals_catch();
    session s;
    int code = session_open(&s, o);
    if (code == EXIT_OK)
        code = train_in(&s, o);
    session_close(&s);
    return code;
}
