#ifndef CLADE_MNIST_HELP_H
#define CLADE_MNIST_HELP_H

void help_print(void);
void version_print(void);

#endif
