// variants: -DT=float | -DT=double -DCLADE_F64
/* Rotary embedding: pair i of a row at place p in the sequence is turned by the angle
 * p * base^(-i / half). x is rows of 2 * half elements, [outer,times,inner] of them; the pair is
 * elements i * near and i * near + far. Grid: (half, rows). */
#if WANTED(rotary)
kernel void rotary(global const T *x, int xo, global T *y, int yo, int rows, int times, int inner,
                   int half_row, int near, int far, int first, T log_base, T sign)
{
    const int i = get_global_id(0), row = get_global_id(1);
    if (i >= half_row || row >= rows)
        return;
    const int at = row * 2 * half_row + i * near;
    const T place = first + row / inner % times;
    const T angle = place * exp(-log_base * i / half_row);
    const T c = cos(angle), s = sign * sin(angle);
    const T a = x[xo + at], b = x[xo + at + far];
    y[yo + at] = a * c - b * s;
    y[yo + at + far] = a * s + b * c;
}
#endif
