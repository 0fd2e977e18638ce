// variants: -DPHILOX -DT=float | -DPHILOX -DT=float -DCLADE_F64 | -DPHILOX -DT=double -DPER=2 -DCLADE_F64 | -DPHILOX -DT=int -DINTEGERS | -DPHILOX -DT=uchar -DINTEGERS
/* Random numbers from Philox4x32-10 (Salmon and others, 2011): block i of the call-th call is a
 * function of (i, call, seed) alone, so that no device's width shows in the numbers. */
#pragma OPENCL FP_CONTRACT OFF

/* numbers: the PER that one block makes. unit: as many in [0,1), multiples of ULP. */
#ifndef PER
#define PER 4
#endif
typedef CAT(T, PER) numbers;
#if PER == 2
#define ULP 0x1p-53
numbers unit(uint4 w)
{
    const ulong2 bits = (upsample(w.s02, w.s13)) >> 11;
    return convert_double2(bits) * ULP;
}
#elif !defined(INTEGERS)
#define ULP 0x1p-24f
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

/* What names the numbers of one call, and the bits of one of its blocks. */
#define CALL_PARAMS uint call_lo, uint call_hi, uint seed_lo, uint seed_hi
#define CALL call_lo, call_hi, seed_lo, seed_hi
uint4 words(int block, CALL_PARAMS)
{
    return philox((uint4)((uint)block, 0, call_lo, call_hi), (uint2)(seed_lo, seed_hi));
}

/* a + (b - a) * u in [a,b), also where rounding would give b. Grid: (ceil(n / PER)). */
#if WANTED(uniform) && !defined(INTEGERS)
kernel void uniform(global T *out, int n, CALL_PARAMS,
                    T a, T b)
{
    const int block = get_global_id(0);
    if (block * PER >= n)
        return;
    const numbers value = a + (b - a) * unit(words(block, CALL));
    put(out, n, block, select(value, (numbers)(a), value >= b));
}
#endif

/* Box-Muller: a + b * sqrt(-2 log(1 - u)) * (cos, sin)(2 pi v). Grid: (ceil(n / PER)). */
#if WANTED(normal) && !defined(INTEGERS)
kernel void normal(global T *out, int n, CALL_PARAMS,
                   T a, T b)
{
    const int block = get_global_id(0);
    if (block * PER >= n)
        return;
    const numbers u = unit(words(block, CALL));
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

/* low + [0,range), and of all 2^32 where range is 0: the upper word of the product. Grid:
 * (ceil(n / PER)). */
#if WANTED(randint) && defined(INTEGERS)
kernel void randint(global T *out, int n, CALL_PARAMS,
                    uint low, uint range)
{
    const int block = get_global_id(0);
    if (block * PER >= n)
        return;
    const uint4 w = words(block, CALL);
    put(out, n, block, CAT(convert_, CAT(T, PER))(as_int4(low + (range ? mul_hi(w, range) : w))));
}
#endif

/* `mark` where a number of 24 bits is below `limit`, else 0. Grid: (ceil(n / PER)). */
#if WANTED(bernoulli) && defined(INTEGERS)
kernel void bernoulli(global T *out, int n, CALL_PARAMS,
                      uint limit, uint mark)
{
    const int block = get_global_id(0);
    if (block * PER >= n)
        return;
    const uint4 w = words(block, CALL) >> 8;
    put(out, n, block, CAT(convert_, CAT(T, PER))(as_uint4(w < (uint4)(limit)) & mark));
}
#endif
