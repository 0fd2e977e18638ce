/* The three commands; each returns the exit code. */
#ifndef CLADE_MNIST_COMMANDS_H
#define CLADE_MNIST_COMMANDS_H

#include "options.h"

int command_train(const options *o);
int command_eval(const options *o);
int command_predict(const options *o);

#endif
