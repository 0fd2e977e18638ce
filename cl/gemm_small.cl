// variants: -DR=1 -DTRANS_A=0 -DTRANS_B=1 | -DR=1 -DTRANS_A=0 -DTRANS_B=0 -DWINDOW_B | -DR=1 -DTRANS_A=0 -DTRANS_B=1 -DWINDOW_A | -DR=4 -DTRANS_A=1 -DTRANS_B=0 | -DR=1 -DTRANS_A=1 -DTRANS_B=1 -DT=double -DCLADE_F64
/* C = alpha * op(A) * op(B) + beta * C for GPUs: a work-group of G x G items makes a tile of C of
 * R*G x R*G; each item R x R results, G apart. The operands pass through local memory G deep.
 *
 * Given by the host: G, R; TRANS_A and TRANS_B, which operands are stored transposed; WINDOW_A
 * or WINDOW_B, which is behind a window; for an
 * epilogue the macros of clade_elementwise_epilogue. */
typedef T real;
#undef T
#ifndef G
#define G 16
#endif
#define TILE (R * G)
#ifndef PARAMS
#define PARAMS
#endif
#define AT(k) (o##k + (int)z * s##k.s2 + row * s##k.s1 + col * (X##k))

#if defined(WINDOW_A)
#define A_AT(row, col) window_at(&w, a, row, col)
#elif TRANS_A
#define A_AT(row, col) a[(size_t)(col) * (size_t)lda + (size_t)(row)]
#else
#define A_AT(row, col) a[(size_t)(row) * (size_t)lda + (size_t)(col)]
#endif
#if defined(WINDOW_B)
#define B_AT(row, col) window_at(&w, b, row, col)
#elif TRANS_B
#define B_AT(row, col) b[(size_t)(col) * (size_t)ldb + (size_t)(row)]
#else
#define B_AT(row, col) b[(size_t)(row) * (size_t)ldb + (size_t)(col)]
#endif

kernel __attribute__((reqd_work_group_size(G, G, 1))) void
gemm(int m, int n, int k, real alpha, real beta, global const real *restrict a, int ao,
     int lda, int a_stride, global const real *restrict b, int bo, int ldb, int b_stride, global real *c,
     int co, int ldc, int c_stride
#if defined(WINDOW_A) || defined(WINDOW_B)
     ,
     int8 wd, int8 wh, int8 ww, int images, int groups, int summed
#endif
         PARAMS)
{
    /* One more column: the items that write a column of it use different banks. */
    local real tile_a[G][TILE + 1], tile_b[G][TILE + 1];
    const size_t z = get_group_id(2);
    const int x = get_local_id(0), y = get_local_id(1);
    const int m0 = (int)get_group_id(1) * TILE, n0 = (int)get_group_id(0) * TILE;
#if defined(WINDOW_A) || defined(WINDOW_B)
    const window w = {wd, wh, ww};
#endif
#if defined(WINDOW_B)
    a += ao + z % groups * (size_t)a_stride;
    b += bo + z * (size_t)b_stride;
    const int pairs = 1;
    (void)images, (void)summed, (void)ldb;
#elif defined(WINDOW_A)
    const int begin = (int)z / groups * summed, pairs = min(summed, images - begin);
    a += ao + ((size_t)(begin * groups) + z % groups) * (size_t)a_stride;
    b += bo + ((size_t)(begin * groups) + z % groups) * (size_t)b_stride;
    (void)lda;
#else
    a += ao + z * (size_t)a_stride;
    b += bo + z * (size_t)b_stride;
    const int pairs = 1;
#endif
    c += co + z * (size_t)c_stride;

    real acc[R][R];
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++)
            acc[i][j] = 0;
    for (int pair = 0; pair < pairs; pair++) {
        for (int k0 = 0; k0 < k; k0 += G) {
            /* Neighbours in x read neighbours in memory. */
            for (int i = 0; i < R; i++) {
#if TRANS_A
                const int row = i * G + x, ka = y;
#else
                const int row = i * G + y, ka = x;
#endif
#if TRANS_B
                const int col = i * G + y, kb = x;
#else
                const int col = i * G + x, kb = y;
#endif
                tile_a[ka][row] = m0 + row < m && k0 + ka < k ? A_AT(m0 + row, k0 + ka) : 0;
                tile_b[kb][col] = n0 + col < n && k0 + kb < k ? B_AT(k0 + kb, n0 + col) : 0;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int kk = 0; kk < G; kk++)
                for (int i = 0; i < R; i++)
                    for (int j = 0; j < R; j++)
                        acc[i][j] += tile_a[kk][i * G + y] * tile_b[kk][j * G + x];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
#ifdef WINDOW_A
        a += (size_t)groups * (size_t)a_stride;
        b += (size_t)groups * (size_t)b_stride;
#endif
    }
    for (int i = 0; i < R; i++) {
        for (int j = 0; j < R; j++) {
            const int row = m0 + i * G + y, col = n0 + j * G + x;
            if (row < m && col < n) {
                global real *p = c + (size_t)row * (size_t)ldc + col;
                const real x = beta != 0 ? alpha * acc[i][j] + beta * *p : alpha * acc[i][j];
#ifdef BODY
                RESULTS(1)
                {
                    _Pragma("OPENCL FP_CONTRACT OFF") /* it rounds as the unfused kernels do */
                    BODY(AT, x, 0)
                }
                WRITE(AT, 0)
#else
                *p = x;
#endif
            }
        }
    }
}
