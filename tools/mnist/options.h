/* The command line of clade-mnist. */
#ifndef CLADE_MNIST_OPTIONS_H
#define CLADE_MNIST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum command { COMMAND_TRAIN, COMMAND_EVAL, COMMAND_PREDICT } command;

typedef enum schedule_kind {
    SCHEDULE_NONE,
    SCHEDULE_STEP,
    SCHEDULE_COSINE,
    SCHEDULE_ONE_CYCLE,
    SCHEDULE_PLATEAU
} schedule_kind;

typedef enum model_kind { MODEL_MLP, MODEL_CNN, MODEL_ANY } model_kind;

typedef enum optimizer_kind {
    OPTIMIZER_SGD,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW,
    OPTIMIZER_ANY
} optimizer_kind;

typedef enum dtype_kind { DTYPE_F32, DTYPE_BF16, DTYPE_F16 } dtype_kind;

#define MAX_HIDDEN 16

typedef struct options {
    command command;
    const char *data, *device, *save, *load, *json, *checkpoint; /* NULL where not given */
    const char *picture;                                         /* predict's FILE */
    int64_t index;                                               /* of the image within it */
    int64_t epochs, batch, log_every;
    model_kind model; /* any: a mlp, or what --load brings */
    optimizer_kind optimizer;
    dtype_kind dtype;
    schedule_kind schedule;
    double lr, momentum, weight_decay;
    double ema; /* 0: none */
    double label_smoothing;
    bool augment;
    int hidden_count;
    int64_t hidden[MAX_HIDDEN];
    bool hidden_given;
    uint64_t seed;
    bool quiet, list_devices, eager;
} options;

/* Fills *o. Returns -1 to go on, or the exit code: after --help and --version, or after one line on
 * stderr that names what is wrong. */
int options_parse(options *o, int argc, char **argv);

#endif
