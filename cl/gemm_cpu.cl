// variants: -DV=8 -DMR=6 -DNV=2 -DTRANS_A=0 -DTRANS_B=1 | -DV=16 -DMR=8 -DNV=2 -DTRANS_A=1 -DTRANS_B=0 | -DV=4 -DMR=5 -DNV=1 -DTRANS_A=0 -DTRANS_B=0 -DT=double -DCLADE_F64
/* C = alpha * op(A) * op(B) + beta * C for CPUs: one work-item per work-group makes a block of C. It
 * packs the block's part of B into local memory, as panels of NR columns that the inner loop reads
 * from one end to the other, and keeps a tile of MR x NR results in registers. A row of tiles shares
 * MR rows of A in the first-level cache while the panels of B pass by from the second.
 *
 * A is read in place, except that a transposed one is packed too, PACKED_ROWS tiles at a time so
 * that whole cache lines are read.
 *
 * Given by the host: V, elements per register; NV, registers per row of the tile; MR, its rows;
 * TRANS_A and TRANS_B, which operands are stored transposed; for an epilogue the macros of
 * clade_elementwise_epilogue. */
#define NR (NV * V)
#define LOAD CAT(vload, V)
#define STORE CAT(vstore, V)
#define UNROLL _Pragma("unroll")
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

/* One row of the tile: `width` elements to c. */
void store_row(const vec *acc, int width, global real *c, real alpha, real beta)
{
    if (width >= NR) {
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
        for (int j = 0; j < width; j++)
            c[j] = beta != 0 ? x[j] + beta * c[j] : x[j];
    }
}

#ifdef BODY
#define ROUND_AS_UNFUSED _Pragma("OPENCL FP_CONTRACT OFF")
#define AT(k) (o##k + z * s##k.s2 + row * s##k.s1 + (col + j) * (X##k))

/* The same through the epilogue. All is computed before anything is stored, so that the compiler
 * may take many elements at a time. */
void finish_row(const vec *acc, int width, global const real *c, real alpha, real beta, int z,
                int row, int col PARAMS)
{
    real x[NR];
    RESULTS(NR)
    UNROLL for (int v = 0; v < NV; v++) STORE(alpha * acc[v], v, x);
    if (beta != 0)
        for (int j = 0; j < min(width, NR); j++)
            x[j] += beta * c[j];
    if (width >= NR) {
        for (int j = 0; j < NR; j++) {
            ROUND_AS_UNFUSED
            BODY(AT, x[j], j)
        }
        for (int j = 0; j < NR; j++) {
            WRITE(AT, j)
        }
    } else {
        for (int j = 0; j < width; j++) {
            ROUND_AS_UNFUSED
            BODY(AT, x[j], j)
        }
        for (int j = 0; j < width; j++) {
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
         PARAMS)
{
    const int z = get_group_id(2);
    const int m0 = (int)get_group_id(1) * block_m, n0 = (int)get_group_id(0) * block_n;
    const int mb = min(block_m, m - m0), nb = min(block_n, n - n0);
    a += ao + (size_t)z * (size_t)a_stride + A_AT(m0, 0);
    b += bo + (size_t)z * (size_t)b_stride + B_AT(0, n0);
    c += co + (size_t)z * (size_t)c_stride + (size_t)m0 * (size_t)ldc + n0;

    for (int k0 = 0; k0 < k; k0 += block_k) {
        const int kb = min(block_k, k - k0);
        const real b_now = k0 ? 1 : beta;
        pack_b(b + B_AT(k0, 0), ldb, kb, nb, packed_b);
        for (int i = 0; i < mb; i += MR) {
#if TRANS_A
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
                local const real *q = packed_b + j * kb;
#if TRANS_A
                local const real *p = packed_a + i % (PACKED_ROWS * MR) * kb;
#endif
#if !TRANS_A /* with a packed A it measured slower */
                UNROLL for (int r = 0; r < MR; r++)
                {
                    FETCH(c + (size_t)(i + r) * (size_t)ldc + j);
                    FETCH(c + (size_t)(i + r) * (size_t)ldc + j + NR - 1);
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
                UNROLL for (int r = 0; r < MR; r++)
                {
                    global real *to = c + (size_t)(i + r) * (size_t)ldc + j;
                    if (i + r >= mb)
                        continue;
#ifdef BODY
                    if (k0 + block_k >= k)
                        finish_row(acc[r], nb - j, to, alpha, b_now, z, m0 + i + r, n0 + j ARGS);
                    else
#endif
                        store_row(acc[r], nb - j, to, alpha, b_now);
                }
            }
        }
    }
}
