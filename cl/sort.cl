// variants: -DT=float | -DT=double -DCLADE_F64 | -DT=int | -DT=uchar
/* Merge sort along the middle dimension of [outer, along, inner], stable, and search in what is
 * sorted. A NaN is larger than any number. */
#define IS_NAN(v) ((v) != (v))
#define LESS(u, v) (((u) < (v)) | (IS_NAN(v) & !IS_NAN(u)))

/* Joins neighbouring sorted runs of `width`: an element's place is its own in its run plus how many
 * of the other run go before it, which a binary search finds. places: where each element was first;
 * they start with this pass where width is 1. Grid: (inner, along, outer). */
#if WANTED(merge_runs)
kernel void merge_runs(global const T *keys, int ko, global const int *places, global T *new_keys,
                       global int *new_places, int inner, int along, int outer, int width,
                       int descending)
{
    const int i = (int)get_global_id(0), e = (int)get_global_id(1), o = (int)get_global_id(2);
    if (i >= inner || e >= along || o >= outer)
        return;
    const int base = o * along * inner + i;
    const int start = e / (2 * width) * (2 * width), middle = min(start + width, along),
              end = min(start + 2 * width, along), left = e < middle;
    const int other = left ? middle : start;
    const T v = keys[ko + base + e * inner];
    int low = other, high = left ? end : middle;
    while (low < high) {
        const int m = (low + high) / 2;
        const T u = keys[ko + base + m * inner];
        const int u_less = descending ? LESS(v, u) : LESS(u, v),
                  v_less = descending ? LESS(u, v) : LESS(v, u);
        if (left ? u_less : !v_less)
            low = m + 1;
        else
            high = m;
    }
    const int to = base + (start + e - (left ? start : middle) + low - other) * inner;
    new_keys[to] = v;
    new_places[to] = width == 1 ? e : places[base + e * inner];
}
#endif

/* y[row, i] = how many of the sorted [row, n] are at most v[row, i]. Grid: (count, rows). */
#if WANTED(search)
kernel void search(global const T *sorted, int so, global const T *v, int vo, global int *y, int n,
                   int count, int rows)
{
    const int i = (int)get_global_id(0), row = (int)get_global_id(1);
    if (i >= count || row >= rows)
        return;
    global const T *p = sorted + so + row * n;
    const T x = v[vo + row * count + i];
    int low = 0, high = n;
    while (low < high) {
        const int m = (low + high) / 2;
        if (LESS(x, p[m]))
            high = m;
        else
            low = m + 1;
    }
    y[row * count + i] = low;
}
#endif
