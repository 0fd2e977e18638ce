/* The average's inside. */
#ifndef CLADE_OPTIM_EMA_H
#define CLADE_OPTIM_EMA_H

#include <clade/optim.h>

struct clade_ema {
    clade_params *params;
    size_t count;          /* parameters that the set had */
    clade_tensor *average; /* laid out as the flat buffer; the weights while swapped in; NULL for an
                              empty set */
    double decay;
    double keep, take; /* of the update that is made */
    int64_t updates;
    bool swapped;
};

#endif
