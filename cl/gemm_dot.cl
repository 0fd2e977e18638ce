// variants: -DV=8 -DM=1 -DCOLUMNS=8 | -DV=16 -DM=3 -DCOLUMNS=4 | -DV=4 -DM=4 -DCOLUMNS=2 -DT=double -DCLADE_F64
/* C = alpha * A * B' + beta * C for CPUs where A has few rows, as in a linear layer's inference: B is
 * read once, where it lies, and nothing is packed. A group makes block_n columns of C, COLUMNS of
 * them at a time, each a sum along k of V products per step.
 *
 * Given by the host: V, elements per register; M, the rows of A and C; COLUMNS; for an epilogue the
 * macros of clade_elementwise_epilogue. */
#define LOAD CAT(vload, V)
#define UNROLL _Pragma("unroll")
typedef T real;
typedef CAT(T, V) vec;
typedef CAT(T, 4) real4;
typedef CAT(T, 8) real8;
#undef T

#ifndef PARAMS
#define PARAMS
#endif
#define AT(k) (o##k + z * s##k.s2 + r * s##k.s1 + (j + i) * (X##k))

real sum(vec v)
{
#if V == 16
    const real8 x = v.lo + v.hi;
    const real4 y = x.lo + x.hi;
#elif V == 8
    const real4 y = v.lo + v.hi;
#else
    const real4 y = v;
#endif
    return (y.s0 + y.s1) + (y.s2 + y.s3);
}

kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm(int n, int k, real alpha, real beta, global const real *restrict a, int ao,
     int lda, int a_stride, global const real *restrict b, int bo, int ldb, int b_stride,
     global real *c, int co, int ldc, int c_stride, int block_n PARAMS)
{
    const int z = get_group_id(2), n0 = (int)get_group_id(0) * block_n, end = min(n, n0 + block_n);
    a += ao + (size_t)z * (size_t)a_stride;
    b += bo + (size_t)z * (size_t)b_stride;
    c += co + (size_t)z * (size_t)c_stride;

    for (int j = n0; j < end; j += COLUMNS) {
        const int width = min(COLUMNS, end - j);
        global const real *column[COLUMNS];
        UNROLL for (int i = 0; i < COLUMNS; i++) column[i] =
            b + (size_t)(j + min(i, width - 1)) * (size_t)ldb;
        vec acc[M][COLUMNS];
        UNROLL for (int r = 0; r < M; r++) UNROLL for (int i = 0; i < COLUMNS; i++) acc[r][i] = 0;
        int kk = 0;
        for (; kk + V <= k; kk += V) {
            vec x[M];
            UNROLL for (int r = 0; r < M; r++) x[r] = LOAD(0, a + (size_t)r * (size_t)lda + kk);
            UNROLL for (int i = 0; i < COLUMNS; i++)
            {
                const vec y = LOAD(0, column[i] + kk);
                UNROLL for (int r = 0; r < M; r++) acc[r][i] += x[r] * y;
            }
        }
        real product[M][COLUMNS];
        UNROLL for (int r = 0; r < M; r++) UNROLL for (int i = 0; i < COLUMNS; i++)
            product[r][i] = sum(acc[r][i]);
        for (; kk < k; kk++)
            UNROLL for (int r = 0; r < M; r++) UNROLL for (int i = 0; i < COLUMNS; i++)
                product[r][i] += a[(size_t)r * (size_t)lda + kk] * column[i][kk];

        for (int r = 0; r < M; r++) {
            global real *to = c + (size_t)r * (size_t)ldc + j;
#ifdef BODY
            RESULTS(COLUMNS)
#endif
            for (int i = 0; i < width; i++) {
                real x = alpha * product[r][i];
                if (beta != 0)
                    x += beta * to[i];
#ifdef BODY
                {
                    _Pragma("OPENCL FP_CONTRACT OFF") /* it rounds as the unfused kernels do */
                    BODY(AT, x, i)
                }
#else
                to[i] = x;
#endif
            }
#ifdef BODY
            for (int i = 0; i < width; i++) {
                WRITE(AT, i)
            }
#endif
        }
    }
}
