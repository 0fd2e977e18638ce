/* How a parameter starts. */
#ifndef CLADE_NN_INIT_H
#define CLADE_NN_INIT_H

#include <clade/nn.h>

/* Fills t, f32; `what` and `name` start the message of a failure. Numbers are drawn from the
 * context's generator, none where it fails or t is empty. */
clade_status clade_init_apply(clade_tensor *t, const clade_init *init, const char *what,
                              const char *name);

#endif
