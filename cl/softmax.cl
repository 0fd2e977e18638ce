// variants: -DT=float | -DT=float -DLANES=64 -DVW=4 | -DT=double -DCLADE_F64 -DVW=8 | -DT=double -DCLADE_F64 -DLANES=64 -DVW=4 | -DT=float -DCW=16 | -DT=double -DCLADE_F64 -DCW=2
/* Softmax along rows or columns, and the cross-entropy of rows.
 *
 * m is the largest element of a row; where it is NaN or infinite the row comes out as NaN by
 * itself. Row kernels: grid (LANES, rows); column kernels: (columns / CW, outers). */

#if LANES > 1
T lanes_max(T v, local T *scratch)
{
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[LANE] = v;
    for (int step = LANES / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (LANE < step)
            scratch[LANE] = fmax(scratch[LANE], scratch[LANE + step]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return scratch[0];
}
#else
#define lanes_max(v, scratch) ((void)(scratch), (v))
#endif

T max_of(TV v)
{
    T part[VW];
    STOREV(v, 0, part);
    for (int i = 1; i < VW; i++)
        part[0] = fmax(part[0], part[i]);
    return part[0];
}

T row_max(global const T *x, int n, local T *scratch)
{
    TV vec = (TV)(x[0]);
    T rest = x[0];
    FOR_ROW(n, vec = fmax(vec, LOADV(i, x)), rest = fmax(rest, x[i]))
    return lanes_max(fmax(max_of(vec), rest), scratch);
}

T row_sum_exp(global const T *x, int n, T m, local T *scratch)
{
    TV vec = 0;
    T rest = 0;
    FOR_ROW(n, vec += exp(LOADV(i, x) - m), rest += exp(x[i] - m))
    return lanes_sum(sum_of(vec) + rest, scratch);
}

/* --- rows -------------------------------------------------------------------------------------- */
#if WANTED(softmax_rows)
kernel void softmax_rows(global const T *x, int xo, global T *y, int yo, int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    x += xo + ROW * n;
    y += yo + ROW * n;
    const T m = row_max(x, n, scratch);
    TV vec = 0;
    T rest = 0;
    FOR_ROW(
        n, const TV e = exp(LOADV(i, x) - m); STOREV(e, i, y); vec += e, const T e = exp(x[i] - m);
        y[i] = e; rest += e)
    const T sum = lanes_sum(sum_of(vec) + rest, scratch);
    FOR_ROW(n, STOREV(LOADV(i, y) / sum, i, y), y[i] /= sum)
}
#endif

#if WANTED(log_softmax_rows)
kernel void log_softmax_rows(global const T *x, int xo, global T *y, int yo, int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    x += xo + ROW * n;
    y += yo + ROW * n;
    const T m = row_max(x, n, scratch);
    const T log_sum = log(row_sum_exp(x, n, m, scratch));
    FOR_ROW(n, STOREV(LOADV(i, x) - m - log_sum, i, y), y[i] = x[i] - m - log_sum)
}
#endif

/* dx = y * (g - sum(g * y)) */
#if WANTED(softmax_grad_rows)
kernel void softmax_grad_rows(global const T *g, int go, global const T *y, int yo, global T *dx,
                              int dxo, int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    g += go + ROW * n;
    y += yo + ROW * n;
    dx += dxo + ROW * n;
    TV vec = 0;
    T rest = 0;
    FOR_ROW(n, vec += LOADV(i, g) * LOADV(i, y), rest += g[i] * y[i])
    const T sum = lanes_sum(sum_of(vec) + rest, scratch);
    FOR_ROW(n, STOREV(LOADV(i, y) * (LOADV(i, g) - sum), i, dx), dx[i] = y[i] * (g[i] - sum))
}
#endif

/* dx = g - exp(y) * sum(g) */
#if WANTED(log_softmax_grad_rows)
kernel void log_softmax_grad_rows(global const T *g, int go, global const T *y, int yo,
                                  global T *dx, int dxo, int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    g += go + ROW * n;
    y += yo + ROW * n;
    dx += dxo + ROW * n;
    TV vec = 0;
    T rest = 0;
    FOR_ROW(n, vec += LOADV(i, g), rest += g[i])
    const T sum = lanes_sum(sum_of(vec) + rest, scratch);
    FOR_ROW(n, STOREV(LOADV(i, g) - exp(LOADV(i, y)) * sum, i, dx),
            dx[i] = g[i] - exp(y[i]) * sum)
}
#endif

/* --- columns ----------------------------------------------------------------------------------- */
#define COLUMN  ((int)get_global_id(0) * CW)
#define OUTER   ((int)get_global_id(1))
#define OUTSIDE (COLUMN >= columns || OUTER >= outers)
#define FIRST   (OUTER * n * columns + COLUMN)

CV column_max(global const T *x, int n, int columns)
{
    CV m = LOADC(x);
    for (int i = 1; i < n; i++)
        m = fmax(m, LOADC(x + i * columns));
    return m;
}

#if WANTED(softmax_columns)
kernel void softmax_columns(global const T *x, int xo, global T *y, int yo, int outers, int n,
                            int columns)
{
    if (OUTSIDE)
        return;
    x += xo + FIRST;
    y += yo + FIRST;
    const CV m = column_max(x, n, columns);
    CV sum = 0;
    for (int i = 0; i < n; i++) {
        const CV e = exp(LOADC(x + i * columns) - m);
        STOREC(e, y + i * columns);
        sum += e;
    }
    for (int i = 0; i < n; i++)
        STOREC(LOADC(y + i * columns) / sum, y + i * columns);
}
#endif

#if WANTED(log_softmax_columns)
kernel void log_softmax_columns(global const T *x, int xo, global T *y, int yo, int outers, int n,
                                int columns)
{
    if (OUTSIDE)
        return;
    x += xo + FIRST;
    y += yo + FIRST;
    const CV m = column_max(x, n, columns);
    CV sum = 0;
    for (int i = 0; i < n; i++)
        sum += exp(LOADC(x + i * columns) - m);
    const CV log_sum = log(sum);
    for (int i = 0; i < n; i++)
        STOREC(LOADC(x + i * columns) - m - log_sum, y + i * columns);
}
#endif

#if WANTED(softmax_grad_columns)
kernel void softmax_grad_columns(global const T *g, int go, global const T *y, int yo,
                                 global T *dx, int dxo, int outers, int n, int columns)
{
    if (OUTSIDE)
        return;
    g += go + FIRST;
    y += yo + FIRST;
    dx += dxo + FIRST;
    CV sum = 0;
    for (int i = 0; i < n; i++)
        sum += LOADC(g + i * columns) * LOADC(y + i * columns);
    for (int i = 0; i < n; i++)
        STOREC(LOADC(y + i * columns) * (LOADC(g + i * columns) - sum), dx + i * columns);
}
#endif

#if WANTED(log_softmax_grad_columns)
kernel void log_softmax_grad_columns(global const T *g, int go, global const T *y, int yo,
                                     global T *dx, int dxo, int outers, int n, int columns)
{
    if (OUTSIDE)
        return;
    g += go + FIRST;
    y += yo + FIRST;
    dx += dxo + FIRST;
    CV sum = 0;
    for (int i = 0; i < n; i++)
        sum += LOADC(g + i * columns);
    for (int i = 0; i < n; i++)
        STOREC(LOADC(g + i * columns) - exp(LOADC(y + i * columns)) * sum, dx + i * columns);
}
#endif

/* --- cross-entropy ------------------------------------------------------------------------------
 * A label equal to `ignored` counts for nothing if skip is 1; any other outside 0..n-1 yields NaN. */

/* y[row] = log(sum(exp(x - m))) - (x[label] - m) */
#if WANTED(cross_entropy_rows)
kernel void cross_entropy_rows(global const T *x, int xo, global const int *labels, int labels_o,
                               int label_stride, int skip, int ignored, global T *y, int yo,
                               int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    x += xo + ROW * n;
    const int label = labels[labels_o + ROW * label_stride];
    const T m = row_max(x, n, scratch);
    const T sum = row_sum_exp(x, n, m, scratch);
    if (LANE != 0)
        return;
    if (skip && label == ignored)
        y[yo + ROW] = 0;
    else
        y[yo + ROW] = label >= 0 && label < n ? log(sum) - (x[label] - m) : NAN;
}
#endif

/* dx[row] = (softmax(x) - onehot(label)) * g[row] * scale */
#if WANTED(cross_entropy_grad_rows)
kernel void cross_entropy_grad_rows(global const T *x, int xo, global const int *labels,
                                    int labels_o, int label_stride, int skip, int ignored,
                                    global const T *g, int go, int g_stride, T scale,
                                    global T *dx, int dxo, int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    x += xo + ROW * n;
    dx += dxo + ROW * n;
    const int label = labels[labels_o + ROW * label_stride];
    const bool valid = label >= 0 && label < n, counts = !(skip && label == ignored);
    const T up = !counts ? 0 : valid ? g[go + ROW * g_stride] * scale : NAN;
    const T m = row_max(x, n, scratch);
    const T factor = up / row_sum_exp(x, n, m, scratch);
    FOR_ROW(n, STOREV(exp(LOADV(i, x) - m) * factor, i, dx), dx[i] = exp(x[i] - m) * factor)
    /* The lane that wrote this element. */
    const int vectors = n / VW;
    const int writer = label < vectors * VW ? label / VW % LANES : (label - vectors * VW) % LANES;
    if (valid && counts && LANE == writer)
        dx[label] -= up;
}
#endif
