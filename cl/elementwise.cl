// variants: -DX0=1 | -DX0=s0.s0 -DT0=uchar
/* out[i] = expressions of inputs[i]: one element per work-item, straight-line, which is what CPU
 * compilers vectorise and GPUs coalesce.
 *
 * src/runtime/elementwise.c writes the rest before this text: PARAMS declares for each operand k its
 * buffer qk, offset ok and strides sk; BODY(AT) loads, computes and stores, AT(k) being the place of
 * operand k's element; OUTER declares zk, what iz adds to that place; options give the types Tk, and Xk: the stride along the innermost dimension,
 * a constant where it is 0 or 1. What is defined here makes this file compile by itself. */
#ifndef BODY
#ifndef T0
#define T0 float
#endif
#define PARAMS , global T0 *q0, int o0, int8 s0
#define OUTER const int z0 = outer_offset(iz, dim, s0);
#define BODY(AT) (void)s0; q0[AT(0)] = 0;
#endif
#undef T

/* A fused kernel rounds where the kernels that it replaces did. */
#pragma OPENCL FP_CONTRACT OFF

/* Whether all of a work-group is inside. Only there is the body free of branches, which CPU compilers
 * need to vectorise it: five times as fast on PoCL as one guarded body. */
#define WHOLE(d, size) ((int)((get_group_id(d) + 1) * get_local_size(d)) <= (size))

/* All operands advance together: one dimension. */
#if WANTED(flat)
kernel void flat(const int8 dim PARAMS)
{
    const int ix = get_global_id(0);
#define AT_FLAT(k) o##k + ix *(X##k)
    if (WHOLE(0, dim.s0)) {
        BODY(AT_FLAT)
    } else if (ix < dim.s0) {
        BODY(AT_FLAT)
    }
}
#endif

/* Two or three dimensions as ids: no division. dim and strides count from the innermost. */
#if WANTED(box)
kernel void box(const int8 dim PARAMS)
{
    const int ix = get_global_id(0), iy = get_global_id(1), iz = get_global_id(2);
#define AT_BOX(k) o##k + ix *(X##k) + iy *s##k.s1 + iz *s##k.s2
    if (WHOLE(0, dim.s0) && WHOLE(1, dim.s1)) {
        BODY(AT_BOX)
    } else if (ix < dim.s0 && iy < dim.s1) {
        BODY(AT_BOX)
    }
}
#endif

/* Up to eight dimensions: the third id counts through all from the third on. Work-groups are one
 * thick there (clade_grid_box), so that a group divides once, and not each of its elements. */
#if WANTED(nested)
int outer_offset(int z, int8 dim, int8 s)
{
    int at = (z % dim.s2) * s.s2;
    z /= dim.s2;
    at += (z % dim.s3) * s.s3;
    z /= dim.s3;
    at += (z % dim.s4) * s.s4;
    z /= dim.s4;
    at += (z % dim.s5) * s.s5;
    z /= dim.s5;
    at += (z % dim.s6) * s.s6;
    return at + (z / dim.s6) * s.s7;
}

kernel void nested(const int8 dim PARAMS)
{
    const int ix = get_global_id(0), iy = get_global_id(1), iz = get_group_id(2);
    OUTER
#define AT_NESTED(k) o##k + ix *(X##k) + iy *s##k.s1 + z##k
    if (WHOLE(0, dim.s0) && WHOLE(1, dim.s1)) {
        BODY(AT_NESTED)
    } else if (ix < dim.s0 && iy < dim.s1) {
        BODY(AT_NESTED)
    }
}
#endif
