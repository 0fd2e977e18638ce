// variants: -DV=8 -DMR=6 -DNV=2 -DTRANS_A=0 -DTRANS_B=1 | -DV=8 -DMR=6 -DNV=2 -DTRANS_A=0 -DTRANS_B=0 -DWINDOW_B | -DV=16 -DMR=8 -DNV=2 -DTRANS_A=0 -DTRANS_B=1 -DWINDOW_A | -DV=16 -DMR=8 -DNV=2 -DTRANS_A=1 -DTRANS_B=0 | -DV=4 -DMR=5 -DNV=1 -DTRANS_A=0 -DTRANS_B=0 -DT=double -DCLADE_F64
/* C = alpha * op(A) * op(B) + beta * C for CPUs: one work-item per work-group makes a block of C. It
 * packs the block's part of B into local memory, as panels of NR columns that the inner loop reads
 * from one end to the other, and keeps a tile of MR x NR results in registers. A row of tiles shares
 * MR rows of A in the first-level cache while the panels of B pass by from the second.
 *
 * A is read in place, except that a transposed one is packed too, PACKED_ROWS tiles at a time so
 * that whole cache lines are read.
 *
 * An operand behind a window is put together as rows of P: the part of an image that the block sees
 * is copied with zeros around it, once per channel, and from there each tap's row is a few runs of
 * neighbours. B's rows then go into the panels, A's stand for rows of A.
 *
 * Given by the host: V, elements per register; NV, registers per row of the tile; MR, its rows;
 * TRANS_A and TRANS_B, which operands are stored transposed; WINDOW_A or WINDOW_B, which is behind a
 * window; for an epilogue the macros of clade_elementwise_epilogue. */
#define NR (NV * V)
#define LOAD CAT(vload, V)
#define STORE CAT(vstore, V)
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("nounroll")
typedef T real;
typedef CAT(T, 4) real4;
typedef CAT(T, V) vec;
#undef T

#ifndef PARAMS
#define PARAMS
#define ARGS
#endif

/* Asks for the cache line at p. OpenCL's own prefetch() is empty in PoCL; its clang has a builtin,
 * and there the address spaces are one. A row of a matrix is a page or more from the next, which
 * the hardware does not foresee. */
#if defined(__x86_64__) || defined(__aarch64__)
#define FETCH(p) __builtin_prefetch((const void *)(size_t)(p))
#else
#define FETCH(p)
#endif
#define LINE (64 / (int)sizeof(real))
#define ROWS_AHEAD 8

#if defined(WINDOW_A) || defined(WINDOW_B)
#define RUN    16
#define SCALAR _Pragma("clang loop vectorize(disable) unroll(disable)")

/* Where columns [from, to) of P come from, and which of its rows is next. */
typedef struct view {
    window w;
    int from, to;
    local int *pieces; /* of at most RUN columns: the first place they see, their number, the first
                          of them as put together */
    int piece_count;
    local int *rows; /* rows of places: where they lie in a channel of the first image, or -1 */
    int row_count;
    local real *places;
    int width;           /* of a row of places */
    int channel, kh, kw; /* the next row; the channel counts the taps of depth too */
    int held, depth_tap; /* the channel that the places are of; the depth tap of the lists; or -1 */
    int panel;           /* from one panel of NR columns to the next, where they go into such */
} view;

/* Along a dimension: how far the taps reach from the first to the last place, and to the lowest. */
int spread(int8 v)
{
    return (TAPS(v) - 1) * abs(REACH(v));
}

int lowest(int8 v)
{
    return min(0, (TAPS(v) - 1) * REACH(v));
}

/* The rows of places that output row `top` to `bottom` of a plane see at the view's depth tap. */
void add_rows(view *s, int plane, int top, int bottom, size_t image_step)
{
    const int8 d = s->w.d, h = s->w.h;
    const int image = plane / OUT(d), od = plane - image * OUT(d);
    const int z = source_of(d, od * STEP(d) + s->depth_tap * REACH(d) - SHIFT(d));
    const int first = top * STEP(h) + lowest(h) - SHIFT(h);
    const int n = (bottom - top) * STEP(h) + spread(h) + 1;
    for (int i = 0; i < n; i++) {
        const int y = z < 0 ? -1 : source_of(h, first + i);
        s->rows[s->row_count++] =
            y < 0 ? -1 : image * (int)image_step + (z * IN(h) + y) * IN(s->w.w);
    }
}

/* Lists columns [begin, begin + n) of the view, neighbours that see places from `place` on. */
void add_pieces(view *s, int place, int begin, int n)
{
    while (n > 0) {
        const int in_panel = s->panel ? begin % NR : 0;
        const int m = min(min(n, RUN), s->panel ? NR - in_panel : RUN);
        local int *piece = s->pieces + 3 * s->piece_count++;
        piece[0] = place;
        piece[1] = m;
        piece[2] = s->panel ? begin / NR * s->panel + in_panel : begin;
        place += m * STEP(s->w.w);
        begin += m;
        n -= m;
    }
}

/* Lists pieces and rows. Images lie image_step apart. */
void look(view *s, size_t image_step)
{
    const int8 h = s->w.h, w = s->w.w;
    const int area = OUT(h) * OUT(w);
    s->piece_count = s->row_count = 0;
    for (int p = s->from / area; p <= (s->to - 1) / area; p++) {
        int begin = max(s->from - p * area, 0);
        const int end = min(s->to - p * area, area), top = begin / OUT(w);
        const int place = s->row_count * s->width - top * STEP(h) * s->width;
        add_rows(s, p, top, (end - 1) / OUT(w), image_step);
        while (begin < end) {
            const int row = begin / OUT(w), n = min((row + 1) * OUT(w), end) - begin;
            add_pieces(s, place + row * STEP(h) * s->width + (begin - row * OUT(w)) * STEP(w),
                       p * area + begin - s->from, n);
            begin += n;
        }
    }
}

/* The view from P's row `row` on. */
view view_of(window w, int from, int to, int row, int panel, local int *lists, int most_pieces,
             local real *places)
{
    const int taps = TAPS(w.h) * TAPS(w.w), channel = row / taps, tap = row - channel * taps;
    view s = {.w = w, .from = from, .to = to, .pieces = lists, .rows = lists + 3 * most_pieces,
              .places = places, .channel = channel, .kh = tap / TAPS(w.w), .kw = tap % TAPS(w.w),
              .held = -1, .depth_tap = -1, .panel = panel};
    s.width = (OUT(w.w) - 1) * STEP(w.w) + spread(w.w) + 1;
    return s;
}

void copy_row(global const real *from, local real *to, int n)
{
    int i = 0;
    for (; i + V <= n; i += V)
        STORE(LOAD(0, from + i), 0, to + i);
    if (i < n && n >= V)
        STORE(LOAD(0, from + n - V), 0, to + n - V);
    else
        for (; i < n; i++)
            to[i] = from[i];
}

void clear(local real *to, int n)
{
    SCALAR for (int i = 0; i < n; i++) to[i] = 0;
}

/* The places of one channel: a copy with zeros wherever nothing is. */
void fill_places(const view *s, global const real *channel)
{
    const int8 w = s->w.w;
    const int first = lowest(w) - SHIFT(w), left = clamp(-first, 0, s->width);
    const int skipped = max(first, 0), n = clamp(IN(w) - skipped, 0, s->width - left);
    local real *to = s->places;
    for (int r = 0; r < s->row_count; r++, to += s->width) {
        global const real *from = channel + max(s->rows[r], 0);
        if (s->rows[r] < 0 || DIV(w) > 1)
            clear(to, s->width);
        if (s->rows[r] < 0)
            continue;
        if (DIV(w) == 1) {
            clear(to, left);
            copy_row(from + skipped, to + left, n);
            clear(to + left + n, s->width - left - n);
        } else {
            for (int i = 0; i < IN(w); i++) {
                const int place = i * DIV(w) - first;
                if (place >= 0 && place < s->width)
                    to[place] = from[i];
            }
        }
    }
}

/* The next row of P. Pieces go by RUN elements: up to RUN - 1 behind each are overwritten. */
void fill_line(view *s, global const real *images, size_t image_step, local real *line)
{
    const int8 h = s->w.h, w = s->w.w;
    if (s->channel != s->held) {
        const int c = s->channel / TAPS(s->w.d), kd = s->channel - c * TAPS(s->w.d);
        if (kd != s->depth_tap) {
            s->depth_tap = kd;
            look(s, image_step);
        }
        fill_places(s, images + (size_t)c * (size_t)image_size(&s->w));
        s->held = s->channel;
    }
    local const real *from = s->places + (s->kh * REACH(h) - lowest(h)) * s->width +
                             s->kw * REACH(w) - lowest(w);
    local const int *piece = s->pieces;
    for (int i = 0; i < s->piece_count; i++, piece += 3) {
        if (STEP(w) == 1) {
            CAT(vstore, RUN)(CAT(vload, RUN)(0, from + piece[0]), 0, line + piece[2]);
        } else {
            for (int j = 0; j < piece[1]; j++)
                line[piece[2] + j] = from[piece[0] + j * STEP(w)];
        }
    }
    if (++s->kw == TAPS(w)) {
        s->kw = 0;
        if (++s->kh == TAPS(h)) {
            s->kh = 0;
            s->channel++;
        }
    }
}
#endif

/* From one panel of B to the next: pieces of the last row may go beyond the end. */
#ifdef WINDOW_B
#define PANEL(depth) ((depth) * NR + RUN)
#else
#define PANEL(depth) ((depth) * NR)
#endif

#if TRANS_B
#define B_AT(row, col) ((size_t)(col) * (size_t)ldb + (size_t)(row))

/* Four rows become four columns. */
void transpose4(real4 *r)
{
    const real4 a = (real4)(r[0].s0, r[1].s0, r[0].s1, r[1].s1);
    const real4 b = (real4)(r[2].s0, r[3].s0, r[2].s1, r[3].s1);
    const real4 c = (real4)(r[0].s2, r[1].s2, r[0].s3, r[1].s3);
    const real4 d = (real4)(r[2].s2, r[3].s2, r[2].s3, r[3].s3);
    r[0] = (real4)(a.s01, b.s01);
    r[1] = (real4)(a.s23, b.s23);
    r[2] = (real4)(c.s01, d.s01);
    r[3] = (real4)(c.s23, d.s23);
}

/* Columns of op(B) are rows here: pack[k][j] = b[j][k], 0 beyond `width`. */
void pack_panel(global const real *b, int ldb, int depth, int width, local real *pack)
{
    int j = 0;
    for (; j + 4 <= width; j += 4) {
        global const real *p = b + B_AT(0, j);
        local real *q = pack + j;
        int k = 0;
        for (; k + 4 <= depth; k += 4) {
            real4 r[4];
            UNROLL for (int i = 0; i < 4; i++) r[i] = vload4(0, p + B_AT(k, i));
            transpose4(r);
            UNROLL for (int i = 0; i < 4; i++) vstore4(r[i], 0, q + (k + i) * NR);
        }
        for (; k < depth; k++)
            for (int i = 0; i < 4; i++)
                q[k * NR + i] = p[B_AT(k, i)];
    }
    for (; j < NR; j++)
        for (int k = 0; k < depth; k++)
            pack[k * NR + j] = j < width ? b[B_AT(k, j)] : 0;
}

void pack_b(global const real *b, int ldb, int depth, int width, local real *pack)
{
    for (int j = 0; j < width; j += NR)
        pack_panel(b + B_AT(0, j), ldb, depth, min(NR, width - j), pack + j * depth);
}
#else
#define B_AT(row, col) ((size_t)(row) * (size_t)ldb + (size_t)(col))

/* Row by row, since neighbouring rows lie pages apart. */
void pack_b(global const real *b, int ldb, int depth, int width, local real *pack)
{
    const int whole = width / NR * NR;
    for (int k = 0; k < depth; k++) {
        local real *q = pack + k * NR;
        for (int j = 0; j < width; j += LINE)
            FETCH(b + B_AT(ROWS_AHEAD, j));
        for (int j = 0; j < whole; j += NR) {
            UNROLL for (int v = 0; v < NV; v++) STORE(LOAD(v, b + j), v, q);
            q += depth * NR;
        }
        if (whole < width)
            for (int j = 0; j < NR; j++)
                q[j] = whole + j < width ? b[whole + j] : 0;
        b += ldb;
    }
}
#endif

#if TRANS_A
#define A_AT(row, col) ((size_t)(col) * (size_t)lda + (size_t)(row))
#define PACKED_ROWS 8

/* The next PACKED_ROWS rows of tiles, `height` matrix rows at most: pack[tile][k][i] = a[k][i]. */
void pack_a(global const real *a, int lda, int depth, int height, local real *pack)
{
    const int rows = min(height, PACKED_ROWS * MR), whole = rows / MR * MR;
    for (int k = 0; k < depth; k++) {
        local real *q = pack + k * MR;
        for (int i = 0; i < rows; i += LINE)
            FETCH(a + A_AT(i, ROWS_AHEAD));
        for (int i = 0; i < whole; i += MR) {
            UNROLL for (int v = 0; v < MR / 4; v++) vstore4(vload4(v, a + i), v, q);
#if MR & 2
            vstore2(vload2(0, a + i + MR / 4 * 4), 0, q + MR / 4 * 4);
#endif
#if MR & 1
            q[MR - 1] = a[i + MR - 1];
#endif
            q += depth * MR;
        }
        if (whole < rows)
            for (int i = 0; i < MR; i++)
                q[i] = whole + i < rows ? a[whole + i] : 0;
        a += lda;
    }
}
#else
#define A_AT(row, col) ((size_t)(row) * (size_t)lda + (size_t)(col))
#endif

/* Elements [from, to) of a row of the tile, each to its place from c on. */
void store_row(const vec *acc, int from, int to, global real *c, real alpha, real beta)
{
    if (to - from == NR) {
        UNROLL for (int v = 0; v < NV; v++)
        {
            vec x = alpha * acc[v];
            if (beta != 0)
                x += beta * LOAD(v, c);
            STORE(x, v, c);
        }
    } else {
        real x[NR];
        UNROLL for (int v = 0; v < NV; v++) STORE(alpha * acc[v], v, x);
        for (int j = from; j < to; j++)
            c[j] = beta != 0 ? x[j] + beta * c[j] : x[j];
    }
}

#ifdef BODY
#define ROUND_AS_UNFUSED _Pragma("OPENCL FP_CONTRACT OFF")
#define AT(k) (o##k + z * s##k.s2 + row * s##k.s1 + (col + j) * (X##k))

/* The same through the epilogue. All is computed before anything is stored, so that the compiler
 * may take many elements at a time. */
void finish_row(const vec *acc, int from, int to, global const real *c, real alpha, real beta,
                int z, int row, int col PARAMS)
{
    real x[NR];
    RESULTS(NR)
    UNROLL for (int v = 0; v < NV; v++) STORE(alpha * acc[v], v, x);
    if (beta != 0)
        for (int j = from; j < to; j++)
            x[j] += beta * c[j];
    if (to - from == NR) {
        for (int j = 0; j < NR; j++) {
            ROUND_AS_UNFUSED
            BODY(AT, x[j], j)
        }
        for (int j = 0; j < NR; j++) {
            WRITE(AT, j)
        }
    } else {
        for (int j = from; j < to; j++) {
            ROUND_AS_UNFUSED
            BODY(AT, x[j], j)
        }
        for (int j = from; j < to; j++) {
            WRITE(AT, j)
        }
    }
}
#endif

kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm(int m, int n, int k, real alpha, real beta, global const real *restrict a, int ao,
     int lda, int a_stride, global const real *restrict b, int bo, int ldb, int b_stride,
     global real *c, int co, int ldc, int c_stride, int block_m, int block_n, int block_k,
     local real *restrict packed_b
#if TRANS_A
     ,
     local real *restrict packed_a
#endif
#if defined(WINDOW_A) || defined(WINDOW_B)
     ,
     local real *restrict lines, local real *restrict places, local int *restrict lists,
     int most_pieces, int8 wd, int8 wh, int8 ww, int images, int groups, int summed
#endif
         PARAMS)
{
    const int m0 = (int)get_group_id(1) * block_m, n0 = (int)get_group_id(0) * block_n;
    const int mb = min(block_m, m - m0);
#if defined(WINDOW_A) || defined(WINDOW_B)
    const window w = {wd, wh, ww};
#endif
    /* From the result z0 on: where this group's first pair of operands and its C are. */
    const int z0 = get_group_id(2);
#if defined(WINDOW_B)
    const int first = 0, last = 1, nb = min(block_n, n * images - n0);
    a += ao + (size_t)z0 * (size_t)a_stride + A_AT(m0, 0);
    b += bo + (size_t)z0 * (size_t)b_stride;
    c += co + (size_t)z0 * (size_t)c_stride + (size_t)m0 * (size_t)ldc;
    (void)summed, (void)ldb, (void)lines;
#elif defined(WINDOW_A)
    const int first = z0 / groups * summed, last = min(first + summed, images);
    const int nb = min(block_n, n - n0);
    const size_t a_step = (size_t)groups * (size_t)a_stride;
    const size_t b_step = (size_t)groups * (size_t)b_stride;
    a += ao + (size_t)(z0 % groups) * (size_t)a_stride + (size_t)first * a_step;
    b += bo + (size_t)(z0 % groups) * (size_t)b_stride + (size_t)first * b_step + B_AT(0, n0);
    c += co + (size_t)z0 * (size_t)c_stride + (size_t)m0 * (size_t)ldc + n0;
    (void)lda;
#else
    const int first = 0, last = 1, nb = min(block_n, n - n0);
    a += ao + (size_t)z0 * (size_t)a_stride + A_AT(m0, 0);
    b += bo + (size_t)z0 * (size_t)b_stride + B_AT(0, n0);
    c += co + (size_t)z0 * (size_t)c_stride + (size_t)m0 * (size_t)ldc + n0;
#endif

    for (int image = first; image < last; image++) {
        for (int k0 = 0; k0 < k; k0 += block_k) {
            const int kb = min(block_k, k - k0);
            const real b_now = k0 || image > first ? 1 : beta;
#ifdef WINDOW_B
            view columns =
                view_of(w, n0, n0 + nb, k0, PANEL(kb), lists, most_pieces, places);
            for (int k = 0; k < kb; k++)
                fill_line(&columns, b, (size_t)groups * (size_t)b_stride, packed_b + k * NR);
#else
            pack_b(b + B_AT(k0, 0), ldb, kb, nb, packed_b);
#endif
#ifdef WINDOW_A
            view columns = view_of(w, k0, k0 + kb, m0, 0, lists, most_pieces, places);
#endif
            for (int i = 0; i < mb; i += MR) {
#if defined(WINDOW_A)
                local const real *rows[MR];
                for (int r = 0; r < min(MR, mb - i); r++)
                    fill_line(&columns, a, 0, lines + r * (block_k + RUN));
                UNROLL for (int r = 0; r < MR; r++) rows[r] =
                    lines + min(r, mb - i - 1) * (block_k + RUN);
#elif TRANS_A
                if (i % (PACKED_ROWS * MR) == 0)
                    pack_a(a + A_AT(i, k0), lda, kb, mb - i, packed_a);
#else
                global const real *rows[MR];
                UNROLL for (int r = 0; r < MR; r++) rows[r] = a + A_AT(min(i + r, mb - 1), k0);
#endif
                for (int j = 0; j < nb; j += NR) {
                    vec acc[MR][NV];
                    UNROLL for (int r = 0; r < MR; r++) UNROLL for (int v = 0; v < NV; v++)
                        acc[r][v] = 0;
                    local const real *q = packed_b + j / NR * PANEL(kb);
#if TRANS_A
                    local const real *p = packed_a + i % (PACKED_ROWS * MR) * kb;
#endif
                    /* The tile's results: z of the first, its column, and where it is stored. */
#ifdef WINDOW_B
                    int z = (n0 + j) / n * groups + z0, col = (n0 + j) % n;
                    global real *tile = c + (size_t)(z - z0) * (size_t)c_stride +
                                        (size_t)i * (size_t)ldc + col;
#else
                    const int z = z0, col = n0 + j;
                    global real *tile = c + (size_t)i * (size_t)ldc + j;
#endif
#if !TRANS_A /* with a packed A it measured slower */
                    UNROLL for (int r = 0; r < MR; r++)
                    {
                        FETCH(tile + (size_t)r * (size_t)ldc);
                        FETCH(tile + (size_t)r * (size_t)ldc + NR - 1);
                    }
#endif
                    for (int kk = 0; kk < kb; kk++) {
                        vec x[NV];
                        UNROLL for (int v = 0; v < NV; v++) x[v] = LOAD(v, q);
                        UNROLL for (int r = 0; r < MR; r++)
                        {
#if TRANS_A
                            const vec y = p[r];
#else
                            const vec y = rows[r][kk];
#endif
                            UNROLL for (int v = 0; v < NV; v++) acc[r][v] += y * x[v];
                        }
                        q += NR;
#if TRANS_A
                        p += MR;
#endif
                    }
                    /* The code that ends a row once, not MR times: a third of the compiler's
                     * work. */
                    vec done[MR][NV];
                    UNROLL for (int r = 0; r < MR; r++) UNROLL for (int v = 0; v < NV; v++)
                        done[r][v] = acc[r][v];
                    const int width = min(nb - j, NR);
                    (void)z, (void)col;
#ifdef WINDOW_B
                    /* Columns of one image after those of another. */
                    for (int from = 0; from < width;) {
                        const int to = min(width, n - col);
#else
                    const int from = 0, to = width;
                    {
#endif
                        ROLLED for (int r = 0; r < min(MR, mb - i); r++)
                        {
                            global real *at = tile + (size_t)r * (size_t)ldc;
#ifdef BODY
                            if (k0 + block_k >= k && image + 1 == last)
                                finish_row(done[r], from, to, at, alpha, b_now, z, m0 + i + r,
                                           col ARGS);
                            else
#endif
                                store_row(done[r], from, to, at, alpha, b_now);
                        }
#ifdef WINDOW_B
                        from = to;
                        col -= n;
                        z += groups;
                        tile += (size_t)groups * (size_t)c_stride - (size_t)n;
#endif
                    }
                }
            }
        }
#ifdef WINDOW_A
        a += a_step;
        b += b_step;
#endif
    }
}
