/* A picture for the network: from a PNG or an IDX file, at the network's size. */
#ifndef CLADE_MNIST_PICTURE_H
#define CLADE_MNIST_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct picture {
    int64_t rows, cols;
    uint8_t *pixels; /* row-major, 0 black */
} picture;

/* Reads the file (told apart by its first bytes), in an IDX file of several images the one at
 * `index`. Returns the exit code, after a line on stderr; freed with picture_free. */
int picture_load(picture *out, const char *path, int64_t index);
void picture_free(picture *p);

/* If the border is more light than dark, light becomes dark and the other way round: MNIST's digits
 * are light on dark. True if it was so. */
bool picture_dark_background(picture *p);

/* Fits the picture into side x side pixels: scaled as a whole, centred, the rest black. Each new
 * pixel is the mean of the old ones under a triangle as wide as the scale asks for, so that thin
 * strokes survive a reduction. false: out of memory. */
bool picture_fit(picture *p, int64_t side);

#endif
