// variants: -DT=float | -DT=float -DLANES=64 -DVW=4 | -DT=double -DCLADE_F64
/* Pooling of planes [depth, rows, columns] and its gradients. Per dimension eight ints say what an
 * output sees: */
#define IN(v) ((v).s0)
#define OUT(v) ((v).s1)
#define TAPS(v) ((v).s2)
#define STRIDE(v) ((v).s3)
#define PADDING(v) ((v).s4)
#define DILATION(v) ((v).s5)
#define ADAPTIVE(v) ((v).s6) /* taps are those of the output's share of `in` */

typedef struct window {
    int8 d, h, w;
} window;

/* What output o sees: `count` elements from `first` on, `step` apart. */
typedef struct span {
    int first, count, step;
} span;

span span_of(int8 v, int o)
{
    span s;
    if (ADAPTIVE(v)) {
        s.step = 1;
        s.first = (int)((long)o * IN(v) / OUT(v));
        s.count = (int)(((long)(o + 1) * IN(v) + OUT(v) - 1) / OUT(v)) - s.first;
        return s;
    }
    const int start = o * STRIDE(v) - PADDING(v);
    const int before = start < 0 ? (-start + DILATION(v) - 1) / DILATION(v) : 0;
    const int all = (max(IN(v) - start, 0) + DILATION(v) - 1) / DILATION(v);
    s.step = DILATION(v);
    s.first = start + before * DILATION(v);
    s.count = max(min(all, TAPS(v)) - before, 0);
    return s;
}

/* What an average divides by along one dimension: elements, and padding unless `exclude`. */
int divisor(int8 v, int o, int exclude)
{
    if (exclude || ADAPTIVE(v))
        return span_of(v, o).count;
    const int start = o * STRIDE(v) - PADDING(v);
    return min(start + TAPS(v), IN(v) + PADDING(v)) - start;
}

/* The first largest element, or the last NaN; -1 of none. */
int largest(global const T *plane, const window *w, const span *d, const span *h, const span *c)
{
    int at = -1;
    T best = 0;
    for (int z = 0; z < d->count; z++)
        for (int y = 0; y < h->count; y++)
            for (int x = 0; x < c->count; x++) {
                const int i = ((d->first + z * d->step) * IN(w->h) + h->first + y * h->step) *
                                  IN(w->w) +
                              c->first + x * c->step;
                const T v = plane[i];
                if (at < 0 || v > best || v != v) {
                    best = v;
                    at = i;
                }
            }
    return at;
}

int plane_size(const window *w)
{
    return IN(w->d) * IN(w->h) * IN(w->w);
}

/* Windows of two by two that cover each plane once: the common case, by vectors. */
int pairs(int8 v)
{
    return !ADAPTIVE(v) && TAPS(v) == 2 && STRIDE(v) == 2 && PADDING(v) == 0 && DILATION(v) == 1;
}

int in_pairs(const window *w)
{
    return LANES == 1 && pairs(w->h) && pairs(w->w) && OUT(w->d) == 1 && TAPS(w->d) == 1 &&
           PADDING(w->d) == 0 && IN(w->d) == 1;
}

#define LOAD_1(p)     (*(p))
#define LOAD_2(p)     vload2(0, p)
#define LOAD_4(p)     vload4(0, p)
#define LOAD_8(p)     vload8(0, p)
#define LOAD_16(p)    vload16(0, p)
#define STORE_1(v, p) (*(p) = (v))
#define STORE_2(v, p) vstore2(v, 0, p)
#define STORE_4(v, p) vstore4(v, 0, p)
#define STORE_8(v, p) vstore8(v, 0, p)
#define STORE_16(v, p) vstore16(v, 0, p)
typedef T CAT(T, 1);
/* STEP(N, M) for a row of `count` outputs from 0 on: n of them see M = 2n columns. */
#define BY_VECTORS(STEP, count)                                                                    \
    {                                                                                              \
        int o = 0;                                                                                 \
        for (; o + 8 <= (count); o += 8)                                                           \
            STEP(8, 16)                                                                            \
        for (; o + 4 <= (count); o += 4)                                                           \
            STEP(4, 8)                                                                             \
        for (; o < (count); o++)                                                                   \
            STEP(1, 2)                                                                             \
    }
#define EXCEEDS(v, best)   ((v) > (best) | (v) != (v))
#define LARGER(best, v)    (EXCEEDS(v, best) ? (v) : (best))

/* Plane ROW: the lanes take every LANES-th column of its outputs. */
#define OWN_OUTPUTS                                                                                \
    const window w = {wd, wh, ww};                                                                 \
    if (ROW >= planes)                                                                             \
        return;                                                                                    \
    global const T *plane = x + xo + (size_t)ROW * (size_t)plane_size(&w);                         \
    global T *out = y + yo + (size_t)ROW * (size_t)(OUT(w.d) * OUT(w.h) * OUT(w.w))
#define FOR_OUTPUT_ROWS                                                                            \
    for (int row = 0; row < OUT(w.d) * OUT(w.h); row++, out += OUT(w.w))
#define OUTPUT_ROW                                                                                 \
    const int oh = row % OUT(w.h), od = row / OUT(w.h);                                            \
    const span d = span_of(w.d, od), h = span_of(w.h, oh)

#if WANTED(max_pool)
#define LARGEST(N, M)                                                                              \
    {                                                                                              \
        const CAT(T, M) u = CAT(LOAD_, M)(p + 2 * o), v = CAT(LOAD_, M)(p + 2 * o + IN(w.w));      \
        const CAT(T, N) above = LARGER(u.even, u.odd), left = LARGER(above, v.even);               \
        CAT(STORE_, N)(LARGER(left, v.odd), out + o);                                              \
    }
kernel void max_pool(global const T *x, int xo, global T *y, int yo, int planes, int8 wd, int8 wh,
                     int8 ww)
{
    OWN_OUTPUTS;
    if (in_pairs(&w)) {
        global const T *p = plane;
        for (int row = 0; row < OUT(w.h); row++, p += 2 * IN(w.w), out += OUT(w.w))
            BY_VECTORS(LARGEST, OUT(w.w))
        return;
    }
    FOR_OUTPUT_ROWS
    {
        OUTPUT_ROW;
        for (int o = LANE; o < OUT(w.w); o += LANES) {
            const span c = span_of(w.w, o);
            const int at = largest(plane, &w, &d, &h, &c);
            out[o] = at < 0 ? -INFINITY : plane[at];
        }
    }
}
#endif

/* What `up`, of x's shape, has where x is largest; 0 of nothing. */
#if WANTED(max_pool_take)
kernel void max_pool_take(global const T *x, int xo, global T *y, int yo, global const T *up,
                          int uo, int planes, int8 wd, int8 wh, int8 ww)
{
    OWN_OUTPUTS;
    up += uo + (plane - (x + xo));
    FOR_OUTPUT_ROWS
    {
        OUTPUT_ROW;
        for (int o = LANE; o < OUT(w.w); o += LANES) {
            const span c = span_of(w.w, o);
            const int at = largest(plane, &w, &d, &h, &c);
            out[o] = at < 0 ? 0 : up[at];
        }
    }
}
#endif

#if WANTED(avg_pool)
kernel void avg_pool(global const T *x, int xo, global T *y, int yo, int planes, int8 wd, int8 wh,
                     int8 ww, int exclude)
{
    OWN_OUTPUTS;
    FOR_OUTPUT_ROWS
    {
        OUTPUT_ROW;
        const int share = divisor(w.d, od, exclude) * divisor(w.h, oh, exclude);
        for (int o = LANE; o < OUT(w.w); o += LANES) {
            const span c = span_of(w.w, o);
            T sum = 0;
            for (int z = 0; z < d.count; z++)
                for (int i = 0; i < h.count; i++)
                    for (int j = 0; j < c.count; j++)
                        sum += plane[((d.first + z * d.step) * IN(w.h) + h.first + i * h.step) *
                                         IN(w.w) +
                                     c.first + j * c.step];
            out[o] = sum / (share * divisor(w.w, o, exclude));
        }
    }
}
#endif

/* Gradients: a plane of dx belongs to one work-item, which adds in the order of the outputs. */
#define OWN_PLANE(P, gradient)                                                                     \
    const window w = {wd, wh, ww};                                                                 \
    const int id = get_global_id(0);                                                               \
    if (id >= planes)                                                                              \
        return;                                                                                    \
    global T *to = P + (size_t)id * (size_t)plane_size(&w);                                        \
    global const T *g = gradient + (size_t)id * (size_t)(OUT(w.d) * OUT(w.h) * OUT(w.w))

#if WANTED(max_pool_grad)
#define TAKES(v)        EXCEEDS(v, best)
#define GAIN(share, v)  share = TAKES(v) ? up : none
#define LOSE(share, v)  share = TAKES(v) ? none : share
/* Each later one that is larger takes the gradient from those before it. */
#define SPREAD(N, M)                                                                               \
    {                                                                                              \
        const CAT(T, M) u = CAT(LOAD_, M)(p + 2 * o), v = CAT(LOAD_, M)(p + 2 * o + width);        \
        const CAT(T, N) up = CAT(LOAD_, N)(g + o), none = 0;                                       \
        CAT(T, N) best = u.even, first = up, second, third, fourth;                                \
        GAIN(second, u.odd);                                                                       \
        LOSE(first, u.odd);                                                                        \
        best = LARGER(best, u.odd);                                                                \
        GAIN(third, v.even);                                                                       \
        LOSE(second, v.even);                                                                      \
        LOSE(first, v.even);                                                                       \
        best = LARGER(best, v.even);                                                               \
        GAIN(fourth, v.odd);                                                                       \
        LOSE(third, v.odd);                                                                        \
        LOSE(second, v.odd);                                                                       \
        LOSE(first, v.odd);                                                                        \
        CAT(T, M) above, below;                                                                    \
        above.even = first;                                                                        \
        above.odd = second;                                                                        \
        below.even = third;                                                                        \
        below.odd = fourth;                                                                        \
        CAT(STORE_, M)(above, q + 2 * o);                                                          \
        CAT(STORE_, M)(below, q + 2 * o + width);                                                  \
    }
kernel void max_pool_grad(global const T *x, int xo, global T *dx, int dxo, global const T *dy,
                          int dyo, int planes, int8 wd, int8 wh, int8 ww)
{
    OWN_PLANE(dx + dxo, dy + dyo);
    global const T *plane = x + xo + (size_t)id * (size_t)plane_size(&w);
    const int width = IN(w.w);
    if (in_pairs(&w)) {
        global const T *p = plane;
        global T *q = to;
        for (int row = 0; row < OUT(w.h); row++, p += 2 * width, q += 2 * width, g += OUT(w.w)) {
            BY_VECTORS(SPREAD, OUT(w.w))
            if (width & 1)
                q[width - 1] = q[2 * width - 1] = 0;
        }
        for (int i = 0; IN(w.h) & 1 && i < width; i++)
            q[i] = 0;
        return;
    }
    for (int i = 0; i < plane_size(&w); i++)
        to[i] = 0;
    for (int row = 0; row < OUT(w.d) * OUT(w.h); row++, g += OUT(w.w)) {
        OUTPUT_ROW;
        for (int o = 0; o < OUT(w.w); o++) {
            const span c = span_of(w.w, o);
            const int at = largest(plane, &w, &d, &h, &c);
            if (at >= 0)
                to[at] += g[o];
        }
    }
}
#endif

#if WANTED(avg_pool_grad)
kernel void avg_pool_grad(global T *dx, int dxo, global const T *dy, int dyo, int planes, int8 wd,
                          int8 wh, int8 ww, int exclude)
{
    OWN_PLANE(dx + dxo, dy + dyo);
    for (int i = 0; i < plane_size(&w); i++)
        to[i] = 0;
    for (int row = 0; row < OUT(w.d) * OUT(w.h); row++) {
        OUTPUT_ROW;
        const int share = divisor(w.d, od, exclude) * divisor(w.h, oh, exclude);
        for (int o = 0; o < OUT(w.w); o++) {
            const span c = span_of(w.w, o);
            const T part = *g++ / (share * divisor(w.w, o, exclude));
            for (int z = 0; z < d.count; z++)
                for (int i = 0; i < h.count; i++)
                    for (int j = 0; j < c.count; j++)
                        to[((d.first + z * d.step) * IN(w.h) + h.first + i * h.step) * IN(w.w) +
                           c.first + j * c.step] += part;
        }
    }
}
#endif
