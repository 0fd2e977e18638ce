// variants: -DPHILOX -DT=float -DLANES=64 -DVW=4 -DD=64 -DDV=64 -DTILE=32 | -DPHILOX -DT=double -DLANES=64 -DVW=4 -DD=8 -DDV=5 -DTILE=32 -DCLADE_F64
/* Attention for GPUs, in tiles: see cl/attention_cpu.cl for the formulas. A work-item has a row of
 * its own in registers: a query, or in the gradient of keys and values a key. The rows that it
 * meets pass through local memory, TILE at a time, read by all lanes of the group.
 *
 * Given by the host: D and DV, the columns of q and k, and of v; TILE, a multiple of STEP. */
#define UNROLL _Pragma("unroll")
#define STEP 4

/* The factor of the place (row, column): 0 or scale. */
T kept(int row, int column, const dropout *d)
{
    if (!d->limit)
        return 1;
    uint word[4];
    vstore4(dropout_bits(row, column / 4, d), 0, word);
    return word[column % 4] < d->limit ? 0 : d->scale;
}

T dot_d(const T *a, local const T *b)
{
    T sum = 0;
    UNROLL for (int e = 0; e < D; e++) sum += a[e] * b[e];
    return sum;
}

T dot_dv(const T *a, local const T *b)
{
    T sum = 0;
    UNROLL for (int e = 0; e < DV; e++) sum += a[e] * b[e];
    return sum;
}

/* Rows first .. first + TILE of x, 0 from row `rows` on. */
void load_tile(global const T *x, int step, int first, int rows, int columns, T factor,
               local T *tile)
{
    for (int i = LANE; i < TILE * columns; i += LANES) {
        const int row = first + i / columns;
        tile[i] = row < rows ? factor * x[row * step + i % columns] : 0;
    }
}

#define AT(x, o, s) x += o + z / inner * s.s0 + z % inner * s.s1
#define GROUP ((int)get_group_id(0))

/* Grid: (blocks of LANES rows, outer * inner). */
#if WANTED(attention)
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void
attention(global const T *q, int qo, int8 qs, global const T *k, int ko, int8 ks, global const T *v,
          int vo, int8 vs, global const T *mask, int mo, int8 ms, global const float *key, int keyo,
          global T *out, int oo, int8 os, global T *lse, int lo, int inner, int t, int s, T scale,
          int causal, int masked, T rate)
{
    local T keys[TILE * D], values[TILE * DV];
    const int z = get_group_id(1), row = GROUP * LANES + LANE, mine = min(row, t - 1);
    const dropout dropped = dropout_of(key + keyo, rate);
    const int end = causal ? min(s, GROUP * LANES + LANES) : s;
    AT(q, qo, qs);
    AT(k, ko, ks);
    AT(v, vo, vs);
    AT(mask, mo, ms);
    AT(out, oo, os);

    T query[D], sum[DV], top = -INFINITY, total = 0;
    UNROLL for (int e = 0; e < D; e++) query[e] = scale * q[mine * qs.s2 + e];
    UNROLL for (int e = 0; e < DV; e++) sum[e] = 0;
    for (int k0 = 0; k0 < end; k0 += TILE) {
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(k, ks.s2, k0, s, D, 1, keys);
        load_tile(v, vs.s2, k0, s, DV, 1, values);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j0 = 0; j0 < TILE; j0 += STEP) {
            T p[STEP], most = top;
            for (int j = 0; j < STEP; j++) {
                const int at = k0 + j0 + j;
                p[j] = -INFINITY;
                if (at < s && !(causal && at > mine)) {
                    p[j] = dot_d(query, keys + (j0 + j) * D);
                    if (masked)
                        p[j] += mask[mine * ms.s2 + at * ms.s3];
                }
                most = fmax(most, p[j]);
            }
            const T base = most == -INFINITY ? 0 : most, factor = exp(top - base);
            top = most;
            total *= factor;
            UNROLL for (int e = 0; e < DV; e++) sum[e] *= factor;
            for (int j = 0; j < STEP; j++) {
                p[j] = exp(p[j] - base);
                total += p[j];
                p[j] *= kept(z * t + mine, k0 + j0 + j, &dropped);
                UNROLL for (int e = 0; e < DV; e++) sum[e] += p[j] * values[(j0 + j) * DV + e];
            }
        }
    }
    if (row < t) {
        const T part = total != 0 ? 1 / total : 0;
        UNROLL for (int e = 0; e < DV; e++) out[row * os.s2 + e] = part * sum[e];
        /* A row without anything to see has no part in anything later either. */
        lse[lo + z * t + row] = total != 0 ? top + log(total) : INFINITY;
    }
}
#endif

/* dq of a row each. */
#if WANTED(attention_grad_query)
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void
attention_grad_query(global const T *g, int go, int8 gs, global const T *q, int qo, int8 qs,
                     global const T *k, int ko, int8 ks, global const T *v, int vo, int8 vs,
                     global const T *mask, int mo, int8 ms, global const float *key, int keyo,
                     global const T *out, int oo, int8 os, global const T *lse, int lo,
                     global T *dq, int dqo, int8 dqs, int inner, int t, int s, T scale, int causal,
                     int masked, T rate)
{
    local T keys[TILE * D], values[TILE * DV];
    const int z = get_group_id(1), row = GROUP * LANES + LANE, mine = min(row, t - 1);
    const dropout dropped = dropout_of(key + keyo, rate);
    const int end = causal ? min(s, GROUP * LANES + LANES) : s;
    AT(g, go, gs);
    AT(q, qo, qs);
    AT(k, ko, ks);
    AT(v, vo, vs);
    AT(mask, mo, ms);
    AT(out, oo, os);
    AT(dq, dqo, dqs);

    T query[D], arrived[DV], sum[D], delta = 0;
    const T log_sum = lse[lo + z * t + mine];
    UNROLL for (int e = 0; e < D; e++)
    {
        query[e] = scale * q[mine * qs.s2 + e];
        sum[e] = 0;
    }
    UNROLL for (int e = 0; e < DV; e++)
    {
        arrived[e] = g[mine * gs.s2 + e];
        delta += arrived[e] * out[mine * os.s2 + e];
    }
    for (int k0 = 0; k0 < end; k0 += TILE) {
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(k, ks.s2, k0, s, D, 1, keys);
        load_tile(v, vs.s2, k0, s, DV, 1, values);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < TILE; j++) {
            const int at = k0 + j;
            if (at < s && !(causal && at > mine)) {
                T score = dot_d(query, keys + j * D);
                if (masked)
                    score += mask[mine * ms.s2 + at * ms.s3];
                const T dp = dot_dv(arrived, values + j * DV) * kept(z * t + mine, at, &dropped);
                const T ds = exp(score - log_sum) * (dp - delta);
                UNROLL for (int e = 0; e < D; e++) sum[e] += ds * keys[j * D + e];
            }
        }
    }
    if (row < t)
        UNROLL for (int e = 0; e < D; e++) dq[row * dqs.s2 + e] = scale * sum[e];
}
#endif

/* dk and dv of a row each. Grid: (blocks of LANES keys, outer * inner). */
#if WANTED(attention_grad_key)
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void
attention_grad_key(global const T *g, int go, int8 gs, global const T *q, int qo, int8 qs,
                   global const T *k, int ko, int8 ks, global const T *v, int vo, int8 vs,
                   global const T *mask, int mo, int8 ms, global const float *key, int keyo,
                   global const T *out, int oo, int8 os, global const T *lse, int lo, global T *dk,
                   int dko, int8 dks, global T *dv, int dvo, int8 dvs, int inner, int t, int s,
                   T scale, int causal, int masked, T rate)
{
    local T queries[TILE * D], arrived[TILE * DV], log_sum[TILE], delta[TILE];
    const int z = get_group_id(1), at = GROUP * LANES + LANE, mine = min(at, s - 1);
    const dropout dropped = dropout_of(key + keyo, rate);
    AT(g, go, gs);
    AT(q, qo, qs);
    AT(k, ko, ks);
    AT(v, vo, vs);
    AT(mask, mo, ms);
    AT(out, oo, os);
    AT(dk, dko, dks);
    AT(dv, dvo, dvs);

    T own_key[D], value[DV], key_sum[D], value_sum[DV];
    UNROLL for (int e = 0; e < D; e++)
    {
        own_key[e] = k[mine * ks.s2 + e];
        key_sum[e] = 0;
    }
    UNROLL for (int e = 0; e < DV; e++)
    {
        value[e] = v[mine * vs.s2 + e];
        value_sum[e] = 0;
    }
    for (int r0 = causal ? GROUP * LANES / TILE * TILE : 0; r0 < t; r0 += TILE) {
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(q, qs.s2, r0, t, D, scale, queries);
        load_tile(g, gs.s2, r0, t, DV, 1, arrived);
        for (int i = LANE; i < TILE; i += LANES) {
            const int row = min(r0 + i, t - 1);
            T sum = 0;
            for (int e = 0; e < DV; e++)
                sum += g[row * gs.s2 + e] * out[row * os.s2 + e];
            delta[i] = sum;
            log_sum[i] = lse[lo + z * t + row];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < TILE; i++) {
            const int row = r0 + i;
            if (row < t && !(causal && mine > row)) {
                T score = dot_d(own_key, queries + i * D);
                if (masked)
                    score += mask[row * ms.s2 + mine * ms.s3];
                const T factor = kept(z * t + row, mine, &dropped);
                const T p = exp(score - log_sum[i]);
                const T ds = p * (dot_dv(value, arrived + i * DV) * factor - delta[i]);
                UNROLL for (int e = 0; e < D; e++) key_sum[e] += ds * queries[i * D + e];
                UNROLL for (int e = 0; e < DV; e++)
                    value_sum[e] += p * factor * arrived[i * DV + e];
            }
        }
    }
    if (at < s) {
        UNROLL for (int e = 0; e < D; e++) dk[at * dks.s2 + e] = key_sum[e];
        UNROLL for (int e = 0; e < DV; e++) dv[at * dvs.s2 + e] = value_sum[e];
    }
}
#endif
