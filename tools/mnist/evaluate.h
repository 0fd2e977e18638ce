/* Loss and accuracy over one half of a data set. */
#ifndef CLADE_MNIST_EVALUATE_H
#define CLADE_MNIST_EVALUATE_H

#include "dataset.h"
#include "model.h"

typedef struct evaluation {
    double loss;     /* mean cross-entropy per image */
    double accuracy; /* percent */
} evaluation;

/* Blocks once, at the end. */
clade_status evaluate(evaluation *out, const model *m, const dataset_split *split);

#endif
