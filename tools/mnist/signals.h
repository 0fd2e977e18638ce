/* Ctrl-C: asks the training loop to end, once. */
#ifndef CLADE_MNIST_SIGNALS_H
#define CLADE_MNIST_SIGNALS_H

/* From here SIGINT and SIGTERM are noted instead of killing; a second one kills as usual. */
void signals_catch(void);
/* The signal that arrived, or 0. */
int signals_caught(void);

#endif
