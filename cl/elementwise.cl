// variants: -DTO=float -DNIN=1 -DTA=float -DEXPR=exp(a) -DSO=1 -DSA=1 -cl-single-precision-constant | -DTO=uchar -DNIN=2 -DTA=float -DTB=float -DEXPR=(a<b) -DSO=1 -DSA=9 -DSB=0 | -DTO=double -DT=double -DCLADE_F64 -DNIN=4 -DTA=uchar -DTB=double -DTC=double -DTD=double -DEXPR=(a?b:c+d*p0) -DSO=9 -DSA=9 -DSB=1 -DSC=0 -DSD=1 | -DTO=float -DNIN=0 -DEXPR=p0 -DSO=1
/* out[i] = EXPR over up to four inputs a, b, c, d: one element per work-item, straight-line, which is
 * what CPU compilers vectorise and GPUs coalesce.
 *
 * Given by the host: EXPR; NIN; IN0.. what EXPR calls the inputs; TO, TA.. the element types; SO, SA.. each operand's stride along
 * the innermost dimension as far as it is known at compile time: 0, 1, or 9 for "read it from the
 * argument". */
#if !defined(IN0) && NIN > 0
#define IN0 a
#define IN1 b
#define IN2 c
#define IN3 d
#endif

#if SO == 9
#define XO so.s0
#else
#define XO SO
#endif

#if NIN > 0
#if SA == 9
#define XA sa.s0
#else
#define XA SA
#endif
#define PARAM_A , global const TA *pa, int oa, int8 sa
#define LOAD_A(i) const TA IN0 = pa[oa + (i)]
#else
#define PARAM_A
#define LOAD_A(i)
#endif

#if NIN > 1
#if SB == 9
#define XB sb.s0
#else
#define XB SB
#endif
#define PARAM_B , global const TB *pb, int ob, int8 sb
#define LOAD_B(i) const TB IN1 = pb[ob + (i)]
#else
#define PARAM_B
#define LOAD_B(i)
#endif

#if NIN > 2
#if SC == 9
#define XC sc.s0
#else
#define XC SC
#endif
#define PARAM_C , global const TC *pc, int oc, int8 sc
#define LOAD_C(i) const TC IN2 = pc[oc + (i)]
#else
#define PARAM_C
#define LOAD_C(i)
#endif

#if NIN > 3
#if SD == 9
#define XD sd.s0
#else
#define XD SD
#endif
#define PARAM_D , global const TD *pd, int od, int8 sd
#define LOAD_D(i) const TD IN3 = pd[od + (i)]
#else
#define PARAM_D
#define LOAD_D(i)
#endif

#define PARAMS                                                                                     \
    global TO *po, int oo, int8 so, int8 dim, T p0, T p1 PARAM_A PARAM_B PARAM_C PARAM_D

/* All operands advance together: one dimension. */
kernel void flat(PARAMS)
{
    const int ix = get_global_id(0);
    if (ix >= dim.s0)
        return;
    LOAD_A(ix * XA);
    LOAD_B(ix * XB);
    LOAD_C(ix * XC);
    LOAD_D(ix * XD);
    po[oo + ix * XO] = (TO)(EXPR);
}

/* Two or three dimensions as ids: no division. dim and strides count from the innermost. */
kernel void box(PARAMS)
{
    const int ix = get_global_id(0), iy = get_global_id(1), iz = get_global_id(2);
    if (ix >= dim.s0 || iy >= dim.s1)
        return;
    LOAD_A(ix * XA + iy * sa.s1 + iz * sa.s2);
    LOAD_B(ix * XB + iy * sb.s1 + iz * sb.s2);
    LOAD_C(ix * XC + iy * sc.s1 + iz * sc.s2);
    LOAD_D(ix * XD + iy * sd.s1 + iz * sd.s2);
    po[oo + ix * XO + iy * so.s1 + iz * so.s2] = (TO)(EXPR);
}

/* Up to eight dimensions: the third id counts through all from the third on. */
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

kernel void nested(PARAMS)
{
    const int ix = get_global_id(0), iy = get_global_id(1), iz = get_global_id(2);
    if (ix >= dim.s0 || iy >= dim.s1)
        return;
    LOAD_A(ix * XA + iy * sa.s1 + outer_offset(iz, dim, sa));
    LOAD_B(ix * XB + iy * sb.s1 + outer_offset(iz, dim, sb));
    LOAD_C(ix * XC + iy * sc.s1 + outer_offset(iz, dim, sc));
    LOAD_D(ix * XD + iy * sd.s1 + outer_offset(iz, dim, sd));
    po[oo + ix * XO + iy * so.s1 + outer_offset(iz, dim, so)] = (TO)(EXPR);
}
