// variants: -DOP_SUM | -DOP_SUM -DSTORE_F16 -DS=f16 | -DOP_MAX -DSTORE_BF16 -DS=bf16 | -DOP_SUM -DSQUARES -DLANES=64 -DVW=4 | -DOP_MAX -DLANES=64 -DVW=4 | -DOP_MIN -DT=double -DA=double -DCLADE_F64 -DVW=8 | -DOP_SUM -DT=uchar -DA=int | -DOP_PROD | -DOP_PROD -DT=uchar -DA=int -DLANES=64 -DVW=4
/* Reductions of one group of dimensions. A is the type of the accumulator, T that of the results, and
 * elements are stored as S; one of OP_SUM, OP_PROD, OP_MAX, OP_MIN is defined. With SQUARES elements
 * count squared. */
#ifndef A
#define A float
#endif
#define AV CAT(A, VW)
#define TO_A CAT(convert_, AV)

#if defined(OP_SUM)
#define COMBINE(u, v) ((u) + (v))
#define START(p) 0
#elif defined(OP_PROD)
#define COMBINE(u, v) ((u) * (v))
#define START(p) 1
#elif defined(OP_MAX)
/* A NaN on either side wins: u > v is false when v is NaN. */
#define COMBINE(u, v) ((((u) > (v)) | ((u) != (u))) ? (u) : (v))
#else
#define COMBINE(u, v) ((((u) < (v)) | ((u) != (u))) ? (u) : (v))
#endif

/* Max and min may start from the first element in every lane and vector slot. */
#ifndef START
#define START(p) GET(p, 0)
#endif

#ifdef SQUARES
#define MAP(v) ((v) * (v))
#else
#define MAP(v) (v)
#endif

A fold_vector(AV v)
{
    A part[VW];
    STOREV(v, 0, part);
    A acc = part[0];
    for (int i = 1; i < VW; i++)
        acc = COMBINE(acc, part[i]);
    return acc;
}

/* x[row * row_stride + i] over i: y[row * chunks + chunk] = scale * reduction of
 * i in [chunk * chunk_size, (chunk + 1) * chunk_size). Grid: (LANES, rows * chunks). */
#if WANTED(reduce_rows)
kernel void reduce_rows(global const S *x, int xo, int row_stride, int rows, int length,
                        int chunk_size, int chunks, global T *y, int yo, A scale)
{
    const int id = ROW;
#if LANES > 1
    local A shared_acc[LANES];
#endif
    ROW_GUARD(rows * chunks);
    const int begin = (id % chunks) * chunk_size;
    const int count = min(chunk_size, length - begin);
    global const S *p = x + xo + (id / chunks) * row_stride + begin;

    A acc = START(p);
    AV vec = (AV)(acc);
    const int vectors = count / VW;
    for (int i = LANE; i < vectors; i += LANES)
        vec = COMBINE(vec, MAP(TO_A(GETV(i, p))));
    acc = fold_vector(vec);
    for (int i = vectors * VW + LANE; i < count; i += LANES)
        acc = COMBINE(acc, MAP((A)GET(p, i)));
#if LANES > 1
    shared_acc[LANE] = acc;
    for (int step = LANES / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (LANE < step)
            shared_acc[LANE] = COMBINE(shared_acc[LANE], shared_acc[LANE + step]);
    }
    if (LANE == 0)
        y[yo + id] = (T)(shared_acc[0] * scale);
#else
    y[yo + id] = (T)(acc * scale);
#endif
}
#endif

/* COLS neighbouring columns per work-item: one on GPUs, where neighbours in the work-group read
 * neighbours in memory; on CPUs so many that rows are read as they lie in memory, while y stays in the
 * cache. */
#if LANES > 1
#define COLS 1
#else
#define COLS 512
#endif

/* Combines the next `rows` rows with y while there are so many. */
#define TAKE(rows)                                                                                 \
    for (; i + (rows) <= count; i += (rows)) {                                                     \
        global const S *r = p + i * step;                                                          \
        for (int v = 0; v < vectors; v++) {                                                        \
            AV acc = TO_A(LOADV(v, q));                                                            \
            for (int k = 0; k < (rows); k++)                                                       \
                acc = COMBINE(acc, MAP(TO_A(GETV(v, r + k * step))));                              \
            STOREV(CAT(convert_, TV)(acc), v, q);                                                  \
        }                                                                                          \
        for (int j = vectors * VW; j < room; j++) {                                                \
            A acc = q[j];                                                                          \
            for (int k = 0; k < (rows); k++)                                                       \
                acc = COMBINE(acc, MAP((A)GET(r, k * step + j)));                                  \
            q[j] = (T)acc;                                                                         \
        }                                                                                          \
    }

/* x[outer * outer_stride + i * step + column] over i: y[(outer * chunks + chunk) * columns + column].
 * Grid: (ceil(columns / COLS), outers * chunks). */
#if WANTED(reduce_columns)
kernel void reduce_columns(global const S *x, int xo, int outer_stride, int outers, int step,
                           int columns, int length, int chunk_size, int chunks, global T *y,
                           int yo, A scale)
{
    const int column = (int)get_global_id(0) * COLS, id = get_global_id(1);
    if (column >= columns || id >= outers * chunks)
        return;
    const int begin = (id % chunks) * chunk_size;
    const int count = min(chunk_size, length - begin);
    global const S *p = x + xo + (id / chunks) * outer_stride + begin * step + column;
    global T *q = y + yo + id * columns + column;
#if COLS > 1
    const int room = min(COLS, columns - column), vectors = room / VW;
    for (int v = 0; v < vectors; v++)
        STOREV(CAT(convert_, TV)(MAP(TO_A(GETV(v, p)))), v, q);
    for (int j = vectors * VW; j < room; j++)
        q[j] = (T)MAP((A)GET(p, j));
    int i = 1;
    TAKE(4)
    TAKE(1)
    for (int j = 0; j < room; j++)
        q[j] = (T)(q[j] * scale);
#else
    A acc = MAP((A)GET(p, 0));
    for (int i = 1; i < count; i++)
        acc = COMBINE(acc, MAP((A)GET(p, i * step)));
    q[0] = (T)(acc * scale);
#endif
}
#endif
