// variants: -DPHILOX -DT=float | -DPHILOX -DT=float -DCLADE_F64 | -DPHILOX -DT=double -DPER=2 -DCLADE_F64
/* Random numbers from Philox4x32-10 (Salmon and others, 2011): block i of the call-th call is a
 * function of (i, call, seed) alone, so that no device's width shows in the numbers. */
#pragma OPENCL FP_CONTRACT OFF

/* unit: the PER numbers in [0,1) that one block makes, multiples of ULP. */
#ifndef PER
#define PER 4
#endif
#if PER == 2
#define ULP 0x1p-53
typedef double2 numbers;
numbers unit(uint4 w)
{
    const ulong2 bits = (upsample(w.s02, w.s13)) >> 11;
    return convert_double2(bits) * ULP;
}
#else
#define ULP 0x1p-24f
typedef float4 numbers;
numbers unit(uint4 w)
{
    return convert_float4(w >> 8) * ULP;
}
#endif

void put(global T *out, int n, int block, numbers value)
{
    const int i = block * PER;
#if PER == 2
    if (i + 2 <= n) {
        vstore2(value, 0, out + i);
        return;
    }
    out[i] = value.s0;
#else
    if (i + 4 <= n) {
        vstore4(value, 0, out + i);
        return;
    }
    out[i] = value.s0;
    if (i + 1 < n)
        out[i + 1] = value.s1;
    if (i + 2 < n)
        out[i + 2] = value.s2;
#endif
}

/* a + (b - a) * u in [a,b), also where rounding would give b. Grid: (ceil(n / PER)). */
#if WANTED(uniform)
kernel void uniform(global T *out, int n, uint call_lo, uint call_hi, uint seed_lo, uint seed_hi,
                    T a, T b)
{
    const int block = get_global_id(0);
    if (block * PER >= n)
        return;
    const uint4 counter = (uint4)((uint)block, 0, call_lo, call_hi);
    const numbers value = a + (b - a) * unit(philox(counter, (uint2)(seed_lo, seed_hi)));
    put(out, n, block, select(value, (numbers)(a), value >= b));
}
#endif

/* Box-Muller: a + b * sqrt(-2 log(1 - u)) * (cos, sin)(2 pi v). Grid: (ceil(n / PER)). */
#if WANTED(normal)
kernel void normal(global T *out, int n, uint call_lo, uint call_hi, uint seed_lo, uint seed_hi,
                   T a, T b)
{
    const int block = get_global_id(0);
    if (block * PER >= n)
        return;
    const uint4 counter = (uint4)((uint)block, 0, call_lo, call_hi);
    const numbers u = unit(philox(counter, (uint2)(seed_lo, seed_hi)));
#if PER == 2
    const T radius = sqrt(-2 * log(1 - u.s0));
    const numbers value = radius * (numbers)(cospi(2 * u.s1), sinpi(2 * u.s1));
#else
    const float2 radius = sqrt(-2 * log(1 - u.s02)), turn = 2 * u.s13;
    const float2 x = radius * cospi(turn), y = radius * sinpi(turn);
    const numbers value = (numbers)(x.s0, y.s0, x.s1, y.s1);
#endif
    put(out, n, block, a + b * value);
}
#endif
