// variants: -DT=float | -DT=double -DCLADE_F64
/* Planes [rows, columns] in another size, patches of them, and the gradients. A work-item per row of
 * what is read from, or per plane that is added to: each sum has one owner and one order. */

/* Output o lies between elements first and second: share of the second. */
typedef struct place {
    int first, second;
    T share;
} place;

/* mode 0: the nearest; 1: linear; 2: linear, the corners on the corners. */
place place_of(int o, int in, int out, int mode)
{
    place p;
    if (mode == 0) {
        p.first = p.second = (int)((long)o * in / out);
        p.share = 0;
        return p;
    }
    T at = mode == 1 ? max(((T)o + (T)0.5) * in / out - (T)0.5, (T)0)
                     : out > 1 ? (T)o * (in - 1) / (out - 1) : (T)0;
    p.first = min((int)at, in - 1);
    p.second = min(p.first + 1, in - 1);
    p.share = at - p.first;
    return p;
}

#define SIZES int in_rows, int in_columns, int rows, int columns, int mode

/* Grid: planes * rows. */
#if WANTED(resize)
kernel void resize(global const T *x, int xo, global T *y, int yo, int planes, SIZES)
{
    const int id = get_global_id(0);
    if (id >= planes * rows)
        return;
    const place r = place_of(id % rows, in_rows, rows, mode);
    global const T *plane = x + xo + (size_t)(id / rows) * (size_t)(in_rows * in_columns);
    global const T *a = plane + r.first * in_columns, *b = plane + r.second * in_columns;
    y += yo + (size_t)id * (size_t)columns;
    for (int o = 0; o < columns; o++) {
        const place c = place_of(o, in_columns, columns, mode);
        const T above = a[c.first] + c.share * (a[c.second] - a[c.first]);
        const T below = b[c.first] + c.share * (b[c.second] - b[c.first]);
        y[o] = above + r.share * (below - above);
    }
}
#endif

/* Grid: planes. */
#if WANTED(resize_grad)
kernel void resize_grad(global const T *g, int go, global T *dx, int dxo, int planes, SIZES)
{
    const int id = get_global_id(0);
    if (id >= planes)
        return;
    dx += dxo + (size_t)id * (size_t)(in_rows * in_columns);
    g += go + (size_t)id * (size_t)(rows * columns);
    for (int i = 0; i < in_rows * in_columns; i++)
        dx[i] = 0;
    for (int row = 0; row < rows; row++) {
        const place r = place_of(row, in_rows, rows, mode);
        global T *a = dx + r.first * in_columns, *b = dx + r.second * in_columns;
        for (int o = 0; o < columns; o++) {
            const place c = place_of(o, in_columns, columns, mode);
            const T v = *g++, above = v - r.share * v, below = r.share * v;
            a[c.first] += above - c.share * above;
            a[c.second] += c.share * above;
            b[c.first] += below - c.share * below;
            b[c.second] += c.share * below;
        }
    }
}
#endif

/* --- patches: element [c, kh, kw, p] of the columns is what output place p sees through a tap ---- */
/* Rows, then columns of a plane: size, taps, stride, padding, dilation, output places. */
#define SIZE(v)     ((v).s0)
#define TAPS(v)     ((v).s1)
#define STRIDE(v)   ((v).s2)
#define PADDING(v)  ((v).s3)
#define DILATION(v) ((v).s4)
#define OUT(v)      ((v).s5)

/* Grid: planes * taps of a plane. */
#if WANTED(unfold)
kernel void unfold(global const T *x, int xo, global T *y, int yo, int planes, int8 r, int8 c)
{
    const int id = get_global_id(0);
    if (id >= planes * TAPS(r) * TAPS(c))
        return;
    const int kw = id % TAPS(c), kh = id / TAPS(c) % TAPS(r);
    x += xo + (size_t)(id / (TAPS(c) * TAPS(r))) * (size_t)(SIZE(r) * SIZE(c));
    y += yo + (size_t)id * (size_t)(OUT(r) * OUT(c));
    for (int oh = 0; oh < OUT(r); oh++) {
        const int i = oh * STRIDE(r) + kh * DILATION(r) - PADDING(r);
        for (int ow = 0; ow < OUT(c); ow++) {
            const int j = ow * STRIDE(c) + kw * DILATION(c) - PADDING(c);
            const bool inside = i >= 0 && i < SIZE(r) && j >= 0 && j < SIZE(c);
            *y++ = inside ? x[i * SIZE(c) + j] : 0;
        }
    }
}
#endif

/* Grid: planes. */
#if WANTED(fold)
kernel void fold(global const T *x, int xo, global T *y, int yo, int planes, int8 r, int8 c)
{
    const int id = get_global_id(0);
    if (id >= planes)
        return;
    x += xo + (size_t)id * (size_t)(TAPS(r) * TAPS(c) * OUT(r) * OUT(c));
    y += yo + (size_t)id * (size_t)(SIZE(r) * SIZE(c));
    for (int i = 0; i < SIZE(r) * SIZE(c); i++)
        y[i] = 0;
    for (int tap = 0; tap < TAPS(r) * TAPS(c); tap++)
        for (int oh = 0; oh < OUT(r); oh++) {
            const int i = oh * STRIDE(r) + tap / TAPS(c) * DILATION(r) - PADDING(r);
            for (int ow = 0; ow < OUT(c); ow++, x++) {
                const int j = ow * STRIDE(c) + tap % TAPS(c) * DILATION(c) - PADDING(c);
                if (i >= 0 && i < SIZE(r) && j >= 0 && j < SIZE(c))
                    y[i * SIZE(c) + j] += *x;
            }
        }
}
#endif
