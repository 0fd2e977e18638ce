// variants: -DX=uchar | -DX=float | -DT=double -DX=double -DCLADE_F64 | -DT=double -DX=uchar
// -DCLADE_F64
/* Pictures taken through an affine map. X is the type of their pixels. */
#ifndef X
#define X T
#endif

/* A pixel of a picture; 0 outside. */
T pixel(global const X *x, int row, int col, int height, int width)
{
    const bool inside = row >= 0 && row < height && col >= 0 && col < width;
    return inside ? (T)x[row * width + col] : 0;
}

/* Positions in pixels: ((g + 1) * size - 1) / 2, where g counts from -1 to 1. Grid: (width, height,
 * n). */
#if WANTED(affine_sample)
kernel void affine_sample(global const X *x, int x_offset, global const T *theta, int theta_offset,
                          global T *out, int width, int height, int n)
{
    const int col = (int)get_global_id(0), row = (int)get_global_id(1), k = (int)get_global_id(2);
    if (col >= width || row >= height || k >= n)
        return;
    global const T *t = theta + theta_offset + k * 6;
    global const X *picture = x + x_offset + k * height * width;
    const T u = (T)(2 * col + 1) / width - 1, v = (T)(2 * row + 1) / height - 1;
    const T from_col = ((t[0] * u + t[1] * v + t[2] + 1) * width - 1) / 2;
    const T from_row = ((t[3] * u + t[4] * v + t[5] + 1) * height - 1) / 2;
    /* Far outside all weights fall on zeros; kept within what an int holds. */
    const T left = clamp(floor(from_col), (T)-2, (T)width),
            top = clamp(floor(from_row), (T)-2, (T)height);
    const T right_share = from_col - left, low_share = from_row - top;
    const int c = (int)left, r = (int)top;
    const T above = pixel(picture, r, c, height, width) * (1 - right_share) +
                    pixel(picture, r, c + 1, height, width) * right_share;
    const T below = pixel(picture, r + 1, c, height, width) * (1 - right_share) +
                    pixel(picture, r + 1, c + 1, height, width) * right_share;
    out[(k * height + row) * width + col] = above * (1 - low_share) + below * low_share;
}
#endif
