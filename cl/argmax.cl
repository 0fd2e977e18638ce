// variants: -DT=float | -DT=float -DLANES=64 -DVW=4 | -DT=double -DCLADE_F64 -DVW=8 -DCW=8 | -DT=int -DCW=16 | -DT=uchar -DCW=4 | -DT=float -DCW=16
/* Index of the first largest element along an axis; a NaN is larger than any number. Values and
 * places are never joined in a struct: Mesa's rusticl gets one of a uchar and an int wrong. */
#define IS_NAN(v) ((v) != (v))
/* Whether v, which comes after best, takes its place. */
#define LARGER(v, best) (((v) > (best)) | (IS_NAN(v) & !IS_NAN(best)))

/* Whether (v, i) goes before (best, at), in any order of visits. */
bool beats(T v, int i, T best, int at)
{
    const int ties = (v == best) | (IS_NAN(v) & IS_NAN(best));
    return LARGER(v, best) || (ties && i < at);
}
#define TAKE(v, i)                                                                                 \
    if (beats(v, i, value, place)) {                                                               \
        value = v;                                                                                 \
        place = i;                                                                                 \
    }

/* Grid: (LANES, rows). Every lane and vector slot starts from the first element. */
#if WANTED(argmax_rows)
kernel void argmax_rows(global const T *x, int xo, global int *y, int yo, int rows, int n)
{
#if LANES > 1
    local T lane_values[LANES];
    local int lane_places[LANES];
#endif
    ROW_GUARD(rows);
    global const T *p = x + xo + ROW * n;
    const int vectors = n / VW;
    TV best = (TV)(p[0]);
    CAT(int, VW) at = 0;
    for (int i = LANE; i < vectors; i += LANES) {
        const TV v = LOADV(i, p);
        at = CAT(convert_int, VW)(LARGER(v, best)) ? (CAT(int, VW))(i) : at;
        best = LARGER(v, best) ? v : best;
    }
    T values[VW];
    int places[VW];
    STOREV(best, 0, values);
    STOREV(at, 0, places);
    T value = values[0];
    int place = places[0] * VW;
    for (int j = 1; j < VW; j++)
        TAKE(values[j], places[j] * VW + j)
    for (int i = vectors * VW + LANE; i < n; i += LANES)
        TAKE(p[i], i)
#if LANES > 1
    lane_values[LANE] = value;
    lane_places[LANE] = place;
    for (int step = LANES / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (LANE < step) {
            TAKE(lane_values[LANE + step], lane_places[LANE + step])
            lane_values[LANE] = value;
            lane_places[LANE] = place;
        }
    }
    if (LANE == 0)
#endif
        y[yo + ROW] = place;
}
#endif

#if CW > 1
#define CI CAT(int, CW)
#else
#define CI int
#endif

/* Grid: (columns / CW, outers). */
#if WANTED(argmax_columns)
kernel void argmax_columns(global const T *x, int xo, global int *y, int yo, int outers, int n,
                           int columns)
{
    const int column = (int)get_global_id(0) * CW, outer = get_global_id(1);
    if (column >= columns || outer >= outers)
        return;
    global const T *p = x + xo + outer * n * columns + column;
    CV best = LOADC(p);
    CI at = 0;
    for (int i = 1; i < n; i++) {
        const CV v = LOADC(p + i * columns);
        at = CAT(convert_, CI)(LARGER(v, best)) ? (CI)(i) : at;
        best = LARGER(v, best) ? v : best;
    }
    STOREC(at, y + yo + outer * columns + column);
}
#endif
