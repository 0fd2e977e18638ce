/* Loss and accuracy over one half of a data set. */
#ifndef CLADE_MNIST_EVALUATE_H
#define CLADE_MNIST_EVALUATE_H

#include "dataset.h"
#include "model.h"

typedef struct evaluation {
    double loss;     /* mean cross-entropy per image */
    double accuracy; /* percent */
} evaluation;

/* Tests one model again and again, by a recorded step unless eager. */
typedef struct evaluator {
    const model *model; /* borrowed */
    clade_tensor *loss, *correct;
    clade_step *step;
} evaluator;

/* *e stays where it is and is released with evaluator_free in any case. */
clade_status evaluator_create(evaluator *e, clade_context *ctx, const model *m, bool eager);
void evaluator_free(evaluator *e);

/* Blocks once, at the end. */
clade_status evaluate(evaluation *out, evaluator *e, const dataset_split *split);

#endif
