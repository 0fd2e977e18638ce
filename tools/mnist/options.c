#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../common/cli.h"
#include "help.h"

enum {
    TRAIN = 1 << COMMAND_TRAIN,
    EVAL = 1 << COMMAND_EVAL,
    PREDICT = 1 << COMMAND_PREDICT,
    ALL = TRAIN | EVAL | PREDICT
};

typedef enum kind { FLAG, TEXT, INTEGER, REAL, SEED, HIDDEN, CHOICE } kind;

enum { HELP = 1, VERSION };

/* Every option: where it goes, and what it accepts. */
typedef struct rule {
    const char *name;
    kind kind;
    unsigned commands;
    void *target;
    double low, high;           /* of numbers */
    const char *const *choices; /* words, ended by NULL: the target becomes their number */
} rule;

static const char *const command_names[] = {"train", "eval", "predict"};
static const char *const model_names[] = {"mlp", "cnn", NULL};               /* model_kind */
static const char *const optimizer_names[] = {"sgd", "adam", "adamw", NULL}; /* optimizer_kind */
static const char *const dtype_names[] = {"f32", "bf16", "f16", NULL};       /* dtype_kind */
static const char *const schedule_names[] = {"none",      "step",    "cosine",
                                             "one-cycle", "plateau", NULL}; /* schedule_kind */

/* clang-format off */
#define RULES(o)                                                                                   \
    {                                                                                              \
        {"data", TEXT, TRAIN | EVAL, .target = &(o)->data},                                        \
        {"device", TEXT, ALL, .target = &(o)->device},                                             \
        {"epochs", INTEGER, TRAIN, .target = &(o)->epochs, .low = 1, .high = 1e6},                 \
        {"batch", INTEGER, TRAIN, .target = &(o)->batch, .low = 1, .high = 1e9},                   \
        {"lr", REAL, TRAIN, .target = &(o)->lr, .low = 0, .high = 1e6},                            \
        {"model", CHOICE, TRAIN, .target = &(o)->model, .choices = model_names},                   \
        {"optimizer", CHOICE, TRAIN, .target = &(o)->optimizer, .choices = optimizer_names},       \
        {"dtype", CHOICE, TRAIN | EVAL, .target = &(o)->dtype, .choices = dtype_names},            \
        {"momentum", REAL, TRAIN, .target = &(o)->momentum, .low = 0, .high = 1e6},                \
        {"weight-decay", REAL, TRAIN, .target = &(o)->weight_decay, .low = 0, .high = 1e6},        \
        {"schedule", CHOICE, TRAIN, .target = &(o)->schedule, .choices = schedule_names},          \
        {"ema", REAL, TRAIN, .target = &(o)->ema, .low = 0, .high = 0.999999},                     \
        {"label-smoothing", REAL, TRAIN, .target = &(o)->label_smoothing, .low = 0, .high = 1},    \
        {"augment", FLAG, TRAIN, .target = &(o)->augment},                                         \
        {"hidden", HIDDEN, TRAIN, .target = NULL, .low = 1, .high = 65536},                        \
        {"seed", SEED, TRAIN, .target = &(o)->seed},                                               \
        {"log-every", INTEGER, TRAIN, .target = &(o)->log_every, .low = 0, .high = 1e9},           \
        {"save", TEXT, TRAIN, .target = &(o)->save},                                               \
        {"checkpoint", TEXT, TRAIN, .target = &(o)->checkpoint},                                   \
        {"load", TEXT, ALL, .target = &(o)->load},                                                 \
        {"json", TEXT, TRAIN | EVAL, .target = &(o)->json},                                        \
        {"index", INTEGER, PREDICT, .target = &(o)->index, .low = 0, .high = 1e9},                 \
        {"eager", FLAG, TRAIN | EVAL, .target = &(o)->eager},                                      \
        {"quiet", FLAG, ALL, .target = &(o)->quiet},                                               \
        {"list-devices", FLAG, ALL, .target = &(o)->list_devices},                                 \
        {"help", FLAG, ALL, .target = NULL, .low = HELP},                                          \
        {"version", FLAG, ALL, .target = NULL, .low = VERSION},                                    \
    }
/* clang-format on */

/* Below 0: not given. */
static void set_defaults(options *o)
{
    *o = (options){
        .epochs = 5,
        .batch = 128,
        .log_every = 100,
        .model = MODEL_ANY,
        .optimizer = OPTIMIZER_ANY,
        .lr = -1,
        .momentum = -1,
        .hidden_count = 1,
        .hidden = {128},
    };
}

static bool parse_hidden(options *o, const rule *r, const char *text)
{
    int count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        char number[16];
        if (length >= sizeof number || count == MAX_HIDDEN)
            return false;
        memcpy(number, at, length);
        number[length] = '\0';
        if (!cli_parse_int(number, (int64_t)r->low, (int64_t)r->high, &o->hidden[count++]))
            return false;
        at += length;
        if (!*at)
            break;
    }
    o->hidden_count = count;
    o->hidden_given = true;
    return true;
}

/* Sets an enumeration to the place of `text` among the rule's words. */
static int parse_choice(const rule *r, const char *text)
{
    char list[128];
    size_t used = 0;
    for (int i = 0; r->choices[i]; i++) {
        if (strcmp(text, r->choices[i]) == 0) {
            *(unsigned *)r->target = (unsigned)i;
            return -1;
        }
        const char *before = i == 0 ? "" : r->choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", before, r->choices[i]);
    }
    return cli_usage("--%s: '%s' is not %s", r->name, text, list);
}

/* Returns -1, or the exit code. */
static int take(options *o, const rule *r, const char *text)
{
    switch (r->kind) {
    case FLAG:
        *(bool *)r->target = true;
        return -1;
    case TEXT:
        if (!*text)
            return cli_usage("--%s: may not be empty", r->name);
        *(const char **)r->target = text;
        return -1;
    case INTEGER:
        if (cli_parse_int(text, (int64_t)r->low, (int64_t)r->high, r->target))
            return -1;
        return cli_usage("--%s: '%s' is not a whole number from %.0f to %.0f", r->name, text,
                         r->low, r->high);
    case REAL:
        if (cli_parse_real(text, r->low, r->high, r->target))
            return -1;
        return cli_usage("--%s: '%s' is not a number from %g to %g", r->name, text, r->low,
                         r->high);
    case SEED:
        if (cli_parse_uint64(text, r->target))
            return -1;
        return cli_usage("--%s: '%s' is not a whole number from 0 to 2^64-1", r->name, text);
    case HIDDEN:
        if (parse_hidden(o, r, text))
            return -1;
        return cli_usage(
            "--%s: '%s' is not a list of 1 to %d sizes from 1 to %.0f, such as 256,128", r->name,
            text, MAX_HIDDEN, r->high);
    case CHOICE:
        return parse_choice(r, text);
    }
    return -1;
}

/* train, eval or predict, what must follow it, and options that have no meaning there. */
static int check_command(options *o, const rule *rules, const bool *given, size_t count, int words,
                         char **word)
{
    o->command = COMMAND_TRAIN;
    if (words > 0) {
        int c = 0;
        while (c < 3 && strcmp(word[0], command_names[c]) != 0)
            c++;
        if (c == 3)
            return cli_usage("'%s' is not a command: train, eval or predict", word[0]);
        o->command = (command)c;
    }
    for (size_t i = 0; i < count; i++)
        if (given[i] && !(rules[i].commands & (1u << o->command)))
            return cli_usage("--%s: not an option of %s", rules[i].name, command_names[o->command]);
    if (o->list_devices)
        return -1;
    bool predict = o->command == COMMAND_PREDICT;
    if (words > (predict ? 2 : 1))
        return cli_usage("'%s': one argument too many", word[predict ? 2 : 1]);
    if (o->command != COMMAND_TRAIN && !o->load)
        return cli_usage("%s needs weights: --load FILE, as written by train --save FILE",
                         command_names[o->command]);
    if (predict && words < 2)
        return cli_usage("predict needs a picture: FILE.png or an IDX file");
    o->picture = predict ? word[1] : NULL;
    return -1;
}

/* What the optimizer decides. */
static int complete_optimizer(options *o)
{
    if (o->optimizer == OPTIMIZER_ANY)
        o->optimizer = o->model == MODEL_CNN ? OPTIMIZER_ADAM : OPTIMIZER_SGD;
    bool sgd = o->optimizer == OPTIMIZER_SGD;
    if (!sgd && o->momentum >= 0)
        return cli_usage("--momentum: %s has none", optimizer_names[o->optimizer]);
    if (o->momentum < 0)
        o->momentum = 0.9;
    if (o->lr < 0)
        o->lr = sgd ? 0.01 : 0.001;
    return -1;
}

enum { MAX_RULES = 32, FIRST = 256 /* no character */ };

typedef struct parser {
    options *o;
    const rule *rules;
    bool given[MAX_RULES];
} parser;

static int apply(void *user, int option, const char *value)
{
    parser *p = user;
    const int i = option - FIRST;
    const rule *r = option == 'h' ? NULL : &p->rules[i];
    if (!r || (!r->target && r->kind == FLAG)) {
        (r && r->low == VERSION ? version_print : help_print)();
        return EXIT_OK;
    }
    p->given[i] = true;
    return take(p->o, r, value);
}

int options_parse(options *o, int argc, char **argv)
{
    set_defaults(o);
    const rule rules[] = RULES(o);
    enum { COUNT = sizeof rules / sizeof rules[0] };
    _Static_assert((int)COUNT <= (int)MAX_RULES, "each has its place in given");
    struct option names[COUNT + 1] = {{0}};
    for (int i = 0; i < COUNT; i++)
        names[i] = (struct option){rules[i].name, rules[i].kind != FLAG, NULL, FIRST + i};
    parser p = {.o = o, .rules = rules};
    int code = cli_options(argc, argv, names, FIRST, apply, &p);
    if (code < 0)
        code = check_command(o, rules, p.given, COUNT, argc - optind, argv + optind);
    return code >= 0 ? code : complete_optimizer(o);
}
