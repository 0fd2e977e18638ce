// variants: -DR=1 -DTA=0 -DTB=1 | -DR=4 -DTA=1 -DTB=0 | -DR=1 -DTA=1 -DTB=1 -DT=double -DCLADE_F64
/* C = alpha * op(A) * op(B) + beta * C for GPUs: a work-group of G x G items makes a tile of C of
 * R*G x R*G; each item R x R results, G apart. The operands pass through local memory G deep.
 *
 * Given by the host: G, R; TA and TB, which operands are stored transposed. */
#ifndef G
#define G 16
#endif
#define TILE (R * G)

#if TA
#define A_AT(row, col) ((size_t)(col) * (size_t)lda + (size_t)(row))
#else
#define A_AT(row, col) ((size_t)(row) * (size_t)lda + (size_t)(col))
#endif
#if TB
#define B_AT(row, col) ((size_t)(col) * (size_t)ldb + (size_t)(row))
#else
#define B_AT(row, col) ((size_t)(row) * (size_t)ldb + (size_t)(col))
#endif

/* k_last: the depth of the last of the batch, shorter than k when the batch is the pieces of one K. */
kernel __attribute__((reqd_work_group_size(G, G, 1))) void
gemm(int m, int n, int k, int k_last, T alpha, T beta, global const T *restrict a, int ao, int lda,
     int a_stride, global const T *restrict b, int bo, int ldb, int b_stride, global T *restrict c,
     int co, int ldc, int c_stride)
{
    /* One more column: the items that write a column of it use different banks. */
    local T tile_a[G][TILE + 1], tile_b[G][TILE + 1];
    const size_t z = get_group_id(2);
    const int x = get_local_id(0), y = get_local_id(1);
    const int m0 = (int)get_group_id(1) * TILE, n0 = (int)get_group_id(0) * TILE;
    a += ao + z * (size_t)a_stride;
    b += bo + z * (size_t)b_stride;
    c += co + z * (size_t)c_stride;
    if (z == get_num_groups(2) - 1)
        k = k_last;

    T acc[R][R];
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++)
            acc[i][j] = 0;
    for (int k0 = 0; k0 < k; k0 += G) {
        /* Neighbours in x read neighbours in memory. */
        for (int i = 0; i < R; i++) {
#if TA
            const int row = i * G + x, ka = y;
#else
            const int row = i * G + y, ka = x;
#endif
#if TB
            const int col = i * G + y, kb = x;
#else
            const int col = i * G + x, kb = y;
#endif
            tile_a[ka][row] = m0 + row < m && k0 + ka < k ? a[A_AT(m0 + row, k0 + ka)] : 0;
            tile_b[kb][col] = n0 + col < n && k0 + kb < k ? b[B_AT(k0 + kb, n0 + col)] : 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int kk = 0; kk < G; kk++)
            for (int i = 0; i < R; i++)
                for (int j = 0; j < R; j++)
                    acc[i][j] += tile_a[kk][i * G + y] * tile_b[kk][j * G + x];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < R; i++) {
        for (int j = 0; j < R; j++) {
            const int row = m0 + i * G + y, col = n0 + j * G + x;
            if (row < m && col < n) {
                global T *p = c + (size_t)row * (size_t)ldc + col;
                *p = beta != 0 ? alpha * acc[i][j] + beta * *p : alpha * acc[i][j];
            }
        }
    }
}
