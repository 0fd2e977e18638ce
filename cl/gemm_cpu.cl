// variants: -DV=8 -DMR=6 -DNV=2 -DTA=0 -DTB=1 | -DV=16 -DMR=8 -DNV=2 -DTA=1 -DTB=0 | -DV=4 -DMR=5 -DNV=1 -DTA=0 -DTB=0 -DT=double -DCLADE_F64
/* C = alpha * op(A) * op(B) + beta * C for CPUs: one work-item per work-group makes a block of C of
 * mb x nb elements. It packs the block's part of B into local memory, as panels of NR columns that
 * the inner loop reads from one end to the other, and keeps a tile of MR x NR results in registers.
 * A is read in place, except that a transposed one is packed too: its column is a cache line per
 * element.
 *
 * Given by the host: V, elements per register; NV, registers per row of the tile; MR, its rows;
 * TA and TB, which operands are stored transposed. */
#define NR (NV * V)
#define VEC CAT(T, V)
#define VEC4 CAT(T, 4)
#define VEC2 CAT(T, 2)
#define LOAD CAT(vload, V)
#define STORE CAT(vstore, V)
#define UNROLL _Pragma("unroll")

/* Four rows become four columns. */
void transpose4(VEC4 *r)
{
    const VEC4 a = (VEC4)(r[0].s0, r[1].s0, r[0].s1, r[1].s1);
    const VEC4 b = (VEC4)(r[2].s0, r[3].s0, r[2].s1, r[3].s1);
    const VEC4 c = (VEC4)(r[0].s2, r[1].s2, r[0].s3, r[1].s3);
    const VEC4 d = (VEC4)(r[2].s2, r[3].s2, r[2].s3, r[3].s3);
    r[0] = (VEC4)(a.s01, b.s01);
    r[1] = (VEC4)(a.s23, b.s23);
    r[2] = (VEC4)(c.s01, d.s01);
    r[3] = (VEC4)(c.s23, d.s23);
}

#if TB
/* pack[k][j] = b[j][k] for `width` of the panel's columns, 0 for the others. */
void pack_panel(global const T *b, int ldb, int depth, int width, local T *pack)
{
    int j = 0;
    for (; j + 4 <= width; j += 4) {
        global const T *p = b + (size_t)j * (size_t)ldb;
        local T *q = pack + j;
        int k = 0;
        for (; k + 4 <= depth; k += 4) {
            VEC4 r[4];
            UNROLL for (int i = 0; i < 4; i++) r[i] = vload4(0, p + (size_t)i * (size_t)ldb + k);
            transpose4(r);
            UNROLL for (int i = 0; i < 4; i++) vstore4(r[i], 0, q + (k + i) * NR);
        }
        for (; k < depth; k++)
            for (int i = 0; i < 4; i++)
                q[k * NR + i] = p[(size_t)i * (size_t)ldb + k];
    }
    for (; j < NR; j++)
        for (int k = 0; k < depth; k++)
            pack[k * NR + j] = j < width ? b[(size_t)j * (size_t)ldb + k] : 0;
}
#define B_AT(row, col) ((size_t)(col) * (size_t)ldb + (row))
#else
/* pack[k][j] = b[k][j] for `width` of the panel's columns, 0 for the others. */
void pack_panel(global const T *b, int ldb, int depth, int width, local T *pack)
{
    for (int k = 0; k < depth; k++) {
        if (width >= NR) {
            UNROLL for (int v = 0; v < NV; v++) STORE(LOAD(v, b), v, pack);
        } else {
            for (int j = 0; j < NR; j++)
                pack[j] = j < width ? b[j] : 0;
        }
        b += ldb;
        pack += NR;
    }
}
#define B_AT(row, col) ((size_t)(row) * (size_t)ldb + (col))
#endif

#if TA
/* pack[k][i] = a[k][i] for `height` of the tile's rows, 0 for the others. */
void pack_rows(global const T *a, int lda, int depth, int height, local T *pack)
{
    for (int k = 0; k < depth; k++) {
        if (height >= MR) {
            UNROLL for (int i = 0; i < MR / 4; i++) vstore4(vload4(i, a), i, pack);
#if MR & 2
            vstore2(vload2(0, a + MR / 4 * 4), 0, pack + MR / 4 * 4);
#endif
#if MR & 1
            pack[MR - 1] = a[MR - 1];
#endif
        } else {
            for (int i = 0; i < MR; i++)
                pack[i] = i < height ? a[i] : 0;
        }
        a += lda;
        pack += MR;
    }
}
#define A_AT(row, col) ((size_t)(col) * (size_t)lda + (row))
#else
#define A_AT(row, col) ((size_t)(row) * (size_t)lda + (col))
#endif

/* One row of the tile: `width` elements to c. */
void store_row(const VEC *acc, int width, global T *c, T alpha, T beta)
{
    if (width >= NR) {
        UNROLL for (int v = 0; v < NV; v++)
        {
            VEC x = alpha * acc[v];
            if (beta != 0)
                x += beta * LOAD(v, c);
            STORE(x, v, c);
        }
    } else {
        T row[NR];
        UNROLL for (int v = 0; v < NV; v++) STORE(alpha * acc[v], v, row);
        for (int j = 0; j < width; j++)
            c[j] = beta != 0 ? row[j] + beta * c[j] : row[j];
    }
}

/* k_last: the depth of the last of the batch, shorter than k when the batch is the pieces of one K. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm(int m, int n, int k, int k_last, T alpha, T beta, global const T *restrict a, int ao, int lda,
     int a_stride, global const T *restrict b, int bo, int ldb, int b_stride, global T *restrict c,
     int co, int ldc, int c_stride, int block_m, int block_n, int block_k, local T *restrict pack_b
#if TA
     ,
     local T *restrict pack_a
#endif
)
{
    const size_t z = get_group_id(2);
    const int m0 = (int)get_group_id(1) * block_m, n0 = (int)get_group_id(0) * block_n;
    const int mb = min(block_m, m - m0), nb = min(block_n, n - n0);
    a += ao + z * (size_t)a_stride + A_AT(m0, 0);
    b += bo + z * (size_t)b_stride + B_AT(0, n0);
    c += co + z * (size_t)c_stride + (size_t)m0 * (size_t)ldc + n0;
    if (z == get_num_groups(2) - 1)
        k = k_last;

    for (int k0 = 0; k0 < k; k0 += block_k) {
        const int kb = min(block_k, k - k0);
        const T b_now = k0 ? (T)1 : beta;
        for (int j = 0; j < nb; j += NR)
            pack_panel(b + B_AT(k0, j), ldb, kb, min(NR, nb - j), pack_b + j * kb);
#if TA
        for (int i = 0; i < mb; i += MR)
            pack_rows(a + A_AT(i, k0), lda, kb, mb - i, pack_a + i * kb);
#endif
        for (int j = 0; j < nb; j += NR) {
            for (int i = 0; i < mb; i += MR) {
                VEC acc[MR][NV];
                UNROLL for (int r = 0; r < MR; r++) UNROLL for (int v = 0; v < NV; v++)
                    acc[r][v] = 0;
                local const T *q = pack_b + j * kb;
#if TA
                local const T *p = pack_a + i * kb;
#else
                global const T *row[MR];
                UNROLL for (int r = 0; r < MR; r++) row[r] = a + A_AT(min(i + r, mb - 1), k0);
#endif
                for (int kk = 0; kk < kb; kk++) {
                    VEC x[NV];
                    UNROLL for (int v = 0; v < NV; v++) x[v] = LOAD(v, q);
                    UNROLL for (int r = 0; r < MR; r++)
                    {
#if TA
                        const VEC y = p[r];
#else
                        const VEC y = row[r][kk];
#endif
                        UNROLL for (int v = 0; v < NV; v++) acc[r][v] += y * x[v];
                    }
                    q += NR;
#if TA
                    p += MR;
#endif
                }
                UNROLL for (int r = 0; r < MR; r++) if (i + r < mb)
                    store_row(acc[r], nb - j, c + (size_t)(i + r) * (size_t)ldc + j, alpha, b_now);
            }
        }
    }
}
