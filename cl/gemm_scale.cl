// variants: -DT=float | -DT=double -DCLADE_F64
/* C = beta * C over `batch` strided row-major matrices [m,n]: what is left of a GEMM when k or
 * alpha is 0. beta 0 never reads C, so that a NaN there does not survive. */
kernel void gemm_scale(global T *c, int offset, int ld, int stride, int n, int m, int batch, T beta)
{
    const int x = (int)get_global_id(0), y = (int)get_global_id(1), z = (int)get_global_id(2);
    if (x >= n || y >= m || z >= batch)
        return;
    global T *p = c + offset + (size_t)z * (size_t)stride + (size_t)y * (size_t)ld + (size_t)x;
    *p = beta == 0 ? (T)0 : beta * *p;
}
