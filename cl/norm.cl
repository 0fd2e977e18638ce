// variants: -DT=float | -DT=float -DWEIGHT -DBIAS | -DT=float -DLANES=64 -DVW=4 -DWEIGHT -DBIAS | -DT=float -DRMS -DWEIGHT | -DT=double -DCLADE_F64 -DVW=8 -DWEIGHT | -DT=double -DCLADE_F64 -DLANES=64 -DVW=4 -DRMS
/* Layer norm and, with RMS, RMS norm of rows, and their gradients: y = z * w + b with
 *     z = (x - mean) * r,  r = 1 / sqrt(mean of (x - mean)^2 + eps),  for RMS mean = 0.
 * Without WEIGHT or BIAS the arguments w and b are read by nobody. */
#ifdef WEIGHT
#define TIMES(v, w) ((v) * (w))
#else
#define TIMES(v, w) (v)
#endif
#ifdef BIAS
#define PLUS(v, b) ((v) + (b))
#else
#define PLUS(v, b) (v)
#endif

#ifdef RMS
#define mean_of(vec, rest, n, scratch) ((void)(vec), (void)(rest), (T)0)
#define row_mean(x, n, scratch) ((T)0)
#else
T mean_of(TV vec, T rest, int n, local T *scratch)
{
    return lanes_sum(sum_of(vec) + rest, scratch) / n;
}

T row_mean(global const T *x, int n, local T *scratch)
{
    TV vec = 0;
    T rest = 0;
    FOR_ROW(n, vec += LOADV(i, x), rest += x[i])
    return mean_of(vec, rest, n, scratch);
}
#endif

T row_r(global const T *x, int n, T mean, T eps, local T *scratch)
{
    TV vec = 0;
    T rest = 0;
    FOR_ROW(n, const TV d = LOADV(i, x) - mean; vec += d * d, const T d = x[i] - mean; rest += d * d)
    return 1 / sqrt(lanes_sum(sum_of(vec) + rest, scratch) / n + eps);
}

#if WANTED(norm_rows)
kernel void norm_rows(global const T *x, int xo, global const T *w, int wo, global const T *b,
                      int bo, global T *y, int yo, T eps, int rows, int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    x += xo + ROW * n;
    y += yo + ROW * n;
    w += wo;
    b += bo;
    (void)w;
    (void)b;
    const T mean = row_mean(x, n, scratch);
    const T r = row_r(x, n, mean, eps, scratch);
    FOR_ROW(n, STOREV(PLUS(TIMES((LOADV(i, x) - mean) * r, LOADV(i, w)), LOADV(i, b)), i, y),
            y[i] = PLUS(TIMES((x[i] - mean) * r, w[i]), b[i]))
}
#endif

/* dx = r * (u - mean of u - z * mean of u * z) with u = g * w; for RMS the mean of u counts as 0. */
#if WANTED(norm_grad_rows)
kernel void norm_grad_rows(global const T *g, int go, global const T *x, int xo,
                           global const T *w, int wo, global T *dx, int dxo, T eps, int rows,
                           int n)
{
    SCRATCH(scratch);
    ROW_GUARD(rows);
    g += go + ROW * n;
    x += xo + ROW * n;
    dx += dxo + ROW * n;
    w += wo;
    (void)w;
    const T mean = row_mean(x, n, scratch);
    const T r = row_r(x, n, mean, eps, scratch);
    TV vec_u = 0, vec_uz = 0;
    T rest_u = 0, rest_uz = 0;
    FOR_ROW(n, const TV u = TIMES(LOADV(i, g), LOADV(i, w)); vec_u += u;
            vec_uz += u * (LOADV(i, x) - mean), const T u = TIMES(g[i], w[i]); rest_u += u;
            rest_uz += u * (x[i] - mean))
    const T mean_u = mean_of(vec_u, rest_u, n, scratch);
    /* r once for z in the mean of u * z, once for z outside. */
    const T slope = lanes_sum(sum_of(vec_uz) + rest_uz, scratch) / n * r * r;
    FOR_ROW(n,
            STOREV((TIMES(LOADV(i, g), LOADV(i, w)) - mean_u - (LOADV(i, x) - mean) * slope) * r,
                   i, dx),
            dx[i] = (TIMES(g[i], w[i]) - mean_u - (x[i] - mean) * slope) * r)
}
#endif

/* y[chunk] = sum of g * z over the chunk's rows, element by element; y[chunk] stays in the cache
 * that its one group works from, and each row of x is read from memory once. Grid:
 * (LANES, chunks). */
#if WANTED(norm_weight_grad_rows)
kernel void norm_weight_grad_rows(global const T *g, int go, global const T *x, int xo,
                                  global T *y, int yo, T eps, int rows, int n, int chunk_rows,
                                  int chunks)
{
    SCRATCH(scratch);
    ROW_GUARD(chunks);
    y += yo + ROW * n;
    FOR_ROW(n, STOREV((TV)(0), i, y), y[i] = 0)
    for (int row = ROW * chunk_rows; row < min(rows, (ROW + 1) * chunk_rows); row++) {
        global const T *p = x + xo + row * n, *q = g + go + row * n;
        const T mean = row_mean(p, n, scratch);
        const T r = row_r(p, n, mean, eps, scratch);
        FOR_ROW(n, STOREV(LOADV(i, y) + LOADV(i, q) * ((LOADV(i, p) - mean) * r), i, y),
                y[i] += q[i] * ((p[i] - mean) * r))
    }
}
#endif
