// variants: -DT=float | -DT=float -DLANES=64 -DVW=4 | -DT=double -DCLADE_F64 -DVW=8
/* Adding gradients back to where elements were taken from by index along one dimension.
 *
 * A tensor is seen as [outer, along, inner]. The index is [outer, picks, inner], si its steps,
 * innermost first; index_select's steps by 0 but along picks. */

/* dx[o,j,i] += sum of g[o,p,i] over the p with index[o,p,i] == j, in the order of p. g and dx are
 * contiguous. An item goes through all picks and adds those whose j is `part` modulo `parts`:
 * whatever the number of parts, each sum has one owner and one order. Grid: (inner, parts, outer).
 */
#if WANTED(put_back)
kernel void put_back(global const T *g, int go, global const int *index, int index_offset, int8 si,
                     global T *dx, int inner, int picks, int outer, int along, int parts)
{
    const int i = (int)get_global_id(0), part = (int)get_global_id(1), o = (int)get_global_id(2);
    if (i >= inner || part >= parts || o >= outer)
        return;
    for (int p = 0; p < picks; p++) {
        const int j = index[index_offset + i * si.s0 + p * si.s1 + o * si.s2];
        if (j >= 0 && j < along && j % parts == part)
            dx[(o * along + j) * inner + i] += g[go + (o * picks + p) * inner + i];
    }
}
#endif

/* The same for an index shared by all of inner, VW columns at a time. Grid: (ceil(inner / VW),
 * parts, outer). */
#if WANTED(put_back_rows)
kernel void put_back_rows(global const T *g, int go, global const int *index, int index_offset,
                          int8 si, global T *dx, int inner, int picks, int outer, int along,
                          int parts)
{
    const int i = (int)get_global_id(0) * VW, part = (int)get_global_id(1),
              o = (int)get_global_id(2);
    if (i >= inner || part >= parts || o >= outer)
        return;
    for (int p = 0; p < picks; p++) {
        const int j = index[index_offset + p * si.s1 + o * si.s2];
        if (j < 0 || j >= along || j % parts != part)
            continue;
        global T *to = dx + (o * along + j) * inner + i;
        global const T *from = g + go + (o * picks + p) * inner + i;
        if (i + VW <= inner) {
            STOREV(LOADV(0, to) + LOADV(0, from), 0, to);
        } else {
            for (int c = 0; c < inner - i; c++)
                to[c] += from[c];
        }
    }
}
#endif
