/* The loss scaler's state, for checkpoints. */
#ifndef CLADE_OPTIM_LOSS_SCALER_H
#define CLADE_OPTIM_LOSS_SCALER_H

#include <clade/scaler.h>

#define CLADE_LOSS_SCALER_STATES 4

/* Both block or may. */
clade_status clade_loss_scaler_get_state(const clade_loss_scaler *scaler, double *state);
clade_status clade_loss_scaler_set_state(clade_loss_scaler *scaler, const double *state);

#endif
