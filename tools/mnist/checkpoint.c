#include "checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "../common/cli.h"

#define RANDOM_NUMBERS   (TORCH_RANDOM_WORDS + 1)
#define SCHEDULE_NUMBERS 5

/* Options that a run may not change on its way, as numbers. */
typedef struct fixed_option {
    const char *name;
    double value;
} fixed_option;

#define FIXED_OPTIONS 14

/* What the file holds beside the library's part. */
typedef struct numbers {
    double epoch, steps[2];
    double random[RANDOM_NUMBERS], schedule[SCHEDULE_NUMBERS], options[FIXED_OPTIONS];
} numbers;

#define NUMBER_LISTS 5

static void fixed_options(const training *t, fixed_option *out)
{
    const options *o = t->o;
    /* These stretch over the run. */
    bool planned = o->schedule == SCHEDULE_COSINE || o->schedule == SCHEDULE_ONE_CYCLE;
    const fixed_option list[FIXED_OPTIONS] = {
        {"seed", (double)o->seed},
        {"batch", (double)o->batch},
        {"data", (double)t->data->count},
        {"model", t->model->layout.cnn},
        {"dtype", o->dtype},
        {"optimizer", o->optimizer},
        {"lr", o->lr},
        {"momentum", o->momentum},
        {"weight-decay", o->weight_decay},
        {"schedule", o->schedule},
        {"ema", o->ema},
        {"label-smoothing", o->label_smoothing},
        {"augment", o->augment},
        {"epochs", planned ? (double)o->epochs : 0},
    };
    for (int i = 0; i < FIXED_OPTIONS; i++)
        out[i] = list[i];
}

static clade_checkpoint describe(training *t, numbers *n, clade_checkpoint_number *lists)
{
    const clade_checkpoint_number all[NUMBER_LISTS] = {
        {"epoch", &n->epoch, 1},
        {"steps", n->steps, 2},
        {"random", n->random, RANDOM_NUMBERS},
        {"schedule", n->schedule, SCHEDULE_NUMBERS},
        {"options", n->options, FIXED_OPTIONS},
    };
    for (int i = 0; i < NUMBER_LISTS; i++)
        lists[i] = all[i];
    return (clade_checkpoint){.params = t->model->params,
                              .optimizer = t->optimizer,
                              .ema = t->ema,
                              .scaler = t->scaler,
                              .numbers = lists,
                              .number_count = NUMBER_LISTS};
}

int checkpoint_save(training *t, int64_t epoch, const char *path)
{
    numbers n = {.epoch = (double)epoch, .steps = {(double)t->steps, (double)t->images}};
    for (int i = 0; i < TORCH_RANDOM_WORDS; i++)
        n.random[i] = t->random->state[i];
    n.random[TORCH_RANDOM_WORDS] = t->random->used;
    const clade_plateau *p = &t->schedule.plateau;
    const double schedule[SCHEDULE_NUMBERS] = {t->schedule.lr, p->best, (double)p->seen,
                                               (double)p->bad, (double)p->cooling};
    for (int i = 0; i < SCHEDULE_NUMBERS; i++)
        n.schedule[i] = schedule[i];
    fixed_option fixed[FIXED_OPTIONS];
    fixed_options(t, fixed);
    for (int i = 0; i < FIXED_OPTIONS; i++)
        n.options[i] = fixed[i].value;
    clade_checkpoint_number lists[NUMBER_LISTS];
    clade_checkpoint all = describe(t, &n, lists);
    return clade_checkpoint_save(&all, path) == CLADE_OK ? EXIT_OK : cli_fail_library();
}

static int take(training *t, const numbers *n, const char *path)
{
    fixed_option fixed[FIXED_OPTIONS];
    fixed_options(t, fixed);
    for (int i = 0; i < FIXED_OPTIONS; i++)
        if (fixed[i].value != n->options[i])
            return cli_fail("%s: the run there has another --%s", path, fixed[i].name);
    if (!(n->random[TORCH_RANDOM_WORDS] >= 0 &&
          n->random[TORCH_RANDOM_WORDS] <= TORCH_RANDOM_WORDS))
        return cli_fail("%s: its random numbers are damaged", path);
    for (int i = 0; i < TORCH_RANDOM_WORDS; i++)
        t->random->state[i] = (uint32_t)(int64_t)n->random[i];
    t->random->used = (int)n->random[TORCH_RANDOM_WORDS];
    t->steps = (int64_t)n->steps[0];
    t->images = (int64_t)n->steps[1];
    t->schedule.lr = n->schedule[0];
    t->schedule.plateau = (clade_plateau){.best = n->schedule[1],
                                          .seen = (int64_t)n->schedule[2],
                                          .bad = (int64_t)n->schedule[3],
                                          .cooling = (int64_t)n->schedule[4]};
    return EXIT_OK;
}

int checkpoint_load(training *t, int64_t *epoch, const char *path)
{
    *epoch = 0;
    if (access(path, F_OK) != 0)
        return EXIT_OK;
    numbers n;
    clade_checkpoint_number lists[NUMBER_LISTS];
    clade_checkpoint all = describe(t, &n, lists);
    if (clade_checkpoint_load(&all, path) != CLADE_OK)
        return cli_fail_library();
    int code = take(t, &n, path);
    *epoch = (int64_t)n.epoch;
    if (code == EXIT_OK && !t->o->quiet)
        printf("going on after epoch %" PRId64 ", from %s\n", *epoch, path);
    return code;
}
