// variants: -DT=float -DA=float | -DT=double -DA=double -DCLADE_F64 | -DT=int -DA=int | -DT=uchar -DA=int
/* Tensors made of their indices. A is the type computed in. */

/* From first to last: each half counts from its own end, so that both ends are exact. Grid: (n). */
#if WANTED(ramp)
kernel void ramp(global T *out, int n, A first, A last, A step)
{
    const int i = (int)get_global_id(0);
    if (i < n)
        out[i] = (T)(i < n / 2 || n == 1 ? first + step * (A)i : last - step * (A)(n - 1 - i));
}
#endif
