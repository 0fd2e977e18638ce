/* What recurrent.c takes from recurrent_steps.c. */
#ifndef CLADE_OPS_RECURRENT_H
#define CLADE_OPS_RECURRENT_H

#include "tape/op.h"

/* recompute (op.h) of each scan: a chain of ops over all steps. */
clade_tensor *clade_rnn_steps(const clade_node *node);
clade_tensor *clade_lstm_steps(const clade_node *node);
clade_tensor *clade_gru_steps(const clade_node *node);

#endif
