/* A picture in the terminal. */
#ifndef CLADE_MNIST_DRAW_H
#define CLADE_MNIST_DRAW_H

#include "picture.h"

/* On stdout, two rows of pixels to a line: half blocks in grey on a terminal that shows them, in
 * black and white under NO_COLOR, ASCII anywhere else. */
void draw_picture(const picture *p);

#endif
