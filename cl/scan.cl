// variants: -DT=float | -DT=float -DLANES=64 -DVW=4 | -DT=double -DCLADE_F64 -DCW=8 | -DT=int -DCW=4 | -DT=uchar
/* Running sums along an axis: y[i] = x[0] + ... + x[i], or from the other end. */
#define AT(i) (backwards ? n - 1 - (i) : (i))

/* A lane sums a stretch of its own, then starts over from the sum of all before it. Grid: (LANES,
 * rows). */
#if WANTED(cumsum_rows)
kernel void cumsum_rows(global const T *x, int xo, global T *y, int yo, int backwards, int rows,
                        int n)
{
#if LANES > 1
    local T sums[LANES];
#endif
    ROW_GUARD(rows);
    global const T *p = x + xo + ROW * n;
    global T *q = y + yo + ROW * n;
    const int stretch = (n + LANES - 1) / LANES, begin = min(LANE * stretch, n),
              end = min(begin + stretch, n);
    T acc = 0;
#if LANES > 1
    for (int i = begin; i < end; i++)
        acc += p[AT(i)];
    sums[LANE] = acc;
    barrier(CLK_LOCAL_MEM_FENCE);
    acc = 0;
    for (int lane = 0; lane < LANE; lane++)
        acc += sums[lane];
#endif
    for (int i = begin; i < end; i++) {
        acc += p[AT(i)];
        q[AT(i)] = acc;
    }
}
#endif

/* Grid: (columns / CW, outers). */
#if WANTED(cumsum_columns)
kernel void cumsum_columns(global const T *x, int xo, global T *y, int yo, int backwards,
                           int outers, int n, int columns)
{
    const int column = (int)get_global_id(0) * CW, outer = get_global_id(1);
    if (column >= columns || outer >= outers)
        return;
    global const T *p = x + xo + outer * n * columns + column;
    global T *q = y + yo + outer * n * columns + column;
    CV acc = (CV)(0);
    for (int i = 0; i < n; i++) {
        acc += LOADC(p + AT(i) * columns);
        STOREC(acc, q + AT(i) * columns);
    }
}
#endif
