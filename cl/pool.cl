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

/* Windows of two columns side by side: eight of them at a time. */
int pairs(int8 v)
{
    return !ADAPTIVE(v) && TAPS(v) == 2 && STRIDE(v) == 2 && PADDING(v) == 0 && DILATION(v) == 1;
}
#define T8 CAT(T, 8)
#define T16 CAT(T, 16)
#define LARGER(u, v) (((v) > (u) | (v) != (v)) ? (v) : (u))

/* Output row ROW of [planes, depth, rows]; a lane takes every LANES-th column. */
#define OUTPUT_ROW                                                                                 \
    const window w = {wd, wh, ww};                                                                 \
    if (ROW >= planes * OUT(w.d) * OUT(w.h))                                                       \
        return;                                                                                    \
    const int oh = ROW % OUT(w.h), od = ROW / OUT(w.h) % OUT(w.d);                                 \
    const span d = span_of(w.d, od), h = span_of(w.h, oh);                                         \
    global const T *plane = x + xo + (size_t)(ROW / (OUT(w.h) * OUT(w.d))) * (size_t)plane_size(&w); \
    global T *out = y + yo + (size_t)ROW * (size_t)OUT(w.w)

#if WANTED(max_pool)
kernel void max_pool(global const T *x, int xo, global T *y, int yo, int planes, int8 wd, int8 wh,
                     int8 ww)
{
    OUTPUT_ROW;
    int done = 0;
#if LANES == 1
    for (; pairs(w.w) && d.count * h.count > 0 && done + 8 <= OUT(w.w); done += 8) {
        T8 best = (T8)(-INFINITY);
        for (int z = 0; z < d.count; z++)
            for (int i = 0; i < h.count; i++) {
                const T16 v = vload16(
                    0, plane + ((d.first + z * d.step) * IN(w.h) + h.first + i * h.step) * IN(w.w) +
                           2 * done);
                best = LARGER(best, v.even);
                best = LARGER(best, v.odd);
            }
        vstore8(best, 0, out + done);
    }
#endif
    for (int o = done + LANE; o < OUT(w.w); o += LANES) {
        const span c = span_of(w.w, o);
        const int at = largest(plane, &w, &d, &h, &c);
        out[o] = at < 0 ? -INFINITY : plane[at];
    }
}
#endif

/* What `up`, of x's shape, has where x is largest; 0 of nothing. */
#if WANTED(max_pool_take)
kernel void max_pool_take(global const T *x, int xo, global T *y, int yo, global const T *up,
                          int uo, int planes, int8 wd, int8 wh, int8 ww)
{
    OUTPUT_ROW;
    up += uo + (plane - (x + xo));
    for (int o = LANE; o < OUT(w.w); o += LANES) {
        const span c = span_of(w.w, o);
        const int at = largest(plane, &w, &d, &h, &c);
        out[o] = at < 0 ? 0 : up[at];
    }
}
#endif

#if WANTED(avg_pool)
kernel void avg_pool(global const T *x, int xo, global T *y, int yo, int planes, int8 wd, int8 wh,
                     int8 ww, int exclude)
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
#define EXCEEDS(v)      ((v) > best | (v) != (v))
#define GAIN(share, v)  share = EXCEEDS(v) ? up : none
#define LOSE(share, v)  share = EXCEEDS(v) ? none : share
kernel void max_pool_grad(global const T *x, int xo, global T *dx, int dxo, global const T *dy,
                          int dyo, int planes, int8 wd, int8 wh, int8 ww)
{
    OWN_PLANE(dx + dxo, dy + dyo);
    global const T *plane = x + xo + (size_t)id * (size_t)plane_size(&w);
    const int rows = OUT(w.d) * OUT(w.h), width = IN(w.w);
#if LANES == 1
    /* Each element is in one window at most, and written with it. */
    const bool apart = pairs(w.h) && pairs(w.w) && IN(w.d) == 1 && TAPS(w.d) == 1 &&
                       PADDING(w.d) == 0 && !ADAPTIVE(w.d) && IN(w.w) == 2 * OUT(w.w) &&
                       IN(w.h) == 2 * OUT(w.h);
#else
    const bool apart = false;
#endif
    if (!apart)
        for (int i = 0; i < plane_size(&w); i++)
            to[i] = 0;
    for (int row = 0; row < rows; row++) {
        const int oh = row % OUT(w.h);
        int done = 0;
        if (apart) {
            global const T *p = plane + 2 * oh * width;
            global T *q = to + 2 * oh * width;
            for (; done + 8 <= OUT(w.w); done += 8) {
                const T16 u = vload16(0, p + 2 * done), v = vload16(0, p + 2 * done + width);
                const T8 up = vload8(0, g + done), none = 0;
                /* Each later one that is larger takes the gradient from those before it. */
                T8 best = u.even, first = up, second, third, fourth;
                GAIN(second, u.odd);
                LOSE(first, u.odd);
                best = LARGER(best, u.odd);
                GAIN(third, v.even);
                LOSE(second, v.even);
                LOSE(first, v.even);
                best = LARGER(best, v.even);
                GAIN(fourth, v.odd);
                LOSE(third, v.odd);
                LOSE(second, v.odd);
                LOSE(first, v.odd);
                T16 a, b;
                a.even = first;
                a.odd = second;
                b.even = third;
                b.odd = fourth;
                vstore16(a, 0, q + 2 * done);
                vstore16(b, 0, q + 2 * done + width);
            }
            for (int i = 2 * done; i < width; i++)
                q[i] = q[width + i] = 0;
        }
        const span d = span_of(w.d, row / OUT(w.h)), h = span_of(w.h, oh);
        for (int o = done; o < OUT(w.w); o++) {
            const span c = span_of(w.w, o);
            const int at = largest(plane, &w, &d, &h, &c);
            if (at >= 0)
                to[at] += g[o];
        }
        g += OUT(w.w);
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
        const int od = row / OUT(w.h), oh = row % OUT(w.h);
        const int share = divisor(w.d, od, exclude) * divisor(w.h, oh, exclude);
        const span d = span_of(w.d, od), h = span_of(w.h, oh);
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
