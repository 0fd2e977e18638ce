// variants: -DPHILOX -DT=float -DV=8 -DMR=6 | -DPHILOX -DT=float -DV=16 -DMR=8 | -DPHILOX -DT=double -DV=4 -DMR=6 -DCLADE_F64
/* Attention for CPUs, in tiles: one work-item per work-group, see cl/gemm_cpu.cl. Only blocks of
 * the score matrix exist, in local memory:
 *     s = scale * q k^T + mask,  lse = log(sum(e^s)),  p = e^(s - lse),  out = dropped(p) v
 * The gradient makes p again from lse; with delta = sum(g * out) of a row,
 *     dv = dropped(p)^T g,  ds = p * (dropped(g v^T) - delta),  dq = scale * ds k,
 *     dk = scale * ds^T q
 *
 * Tensors are seen as [outer, inner, rows, columns] with steps s0, s1, s2; columns are neighbours,
 * but for the mask's, which are s3 apart. Blocks in local memory are rows of `real`, padded with
 * zeros to whole vectors, or panels of NR columns as in GEMM. Every product of two blocks may write
 * up to MR - 1 rows beyond its last: each block has room for them. */
#define NR (2 * V)
#define LOAD CAT(vload, V)
#define STORE CAT(vstore, V)
#define UNROLL _Pragma("unroll")
#define PADDED(n, to) (((n) + (to) - 1) / (to) * (to))
typedef T real;
typedef CAT(T, V) vec;
#undef T

/* c [m][n] = a b, or with `add` added to it. Element (i,k) of a is a[i * a_row + k * a_step]; row k
 * of b's columns j to j + NR is b[j / NR * b_panel + k * b_step]. */
void product(int m, int n, int depth, local const real *a, int a_row, int a_step,
             local const real *b, int b_panel, int b_step, local real *c, int c_row, int add)
{
    for (int i = 0; i < m; i += MR) {
        for (int j = 0; j < n; j += NR) {
            vec acc[MR][2];
            local const real *rows[MR];
            local const real *x = b + j / NR * b_panel;
            local real *to = c + i * c_row + j;
            UNROLL for (int r = 0; r < MR; r++)
            {
                rows[r] = a + (i + r) * a_row;
                acc[r][0] = add ? LOAD(0, to + r * c_row) : (vec)(0);
                acc[r][1] = add ? LOAD(1, to + r * c_row) : (vec)(0);
            }
            for (int k = 0, at = 0; k < depth; k++, at += a_step, x += b_step) {
                const vec x0 = LOAD(0, x), x1 = LOAD(1, x);
                UNROLL for (int r = 0; r < MR; r++)
                {
                    const vec y = rows[r][at];
                    acc[r][0] += y * x0;
                    acc[r][1] += y * x1;
                }
            }
            UNROLL for (int r = 0; r < MR; r++)
            {
                STORE(acc[r][0], 0, to + r * c_row);
                STORE(acc[r][1], 1, to + r * c_row);
            }
        }
    }
}

/* The rows of x become columns: panels [columns][NR] of them. */
void pack_columns(global const real *x, int step, int rows, int columns, local real *pack)
{
    for (int j = 0; j < PADDED(rows, NR); j++) {
        local real *to = pack + j / NR * NR * columns + j % NR;
        if (j < rows)
            for (int i = 0; i < columns; i++)
                to[i * NR] = x[j * step + i];
        else
            for (int i = 0; i < columns; i++)
                to[i * NR] = 0;
    }
}

/* to[row][i] = factor * x[row][i], 0 beyond the last row and column. */
void copy_rows(global const real *x, int step, int rows, int columns, real factor, local real *to,
               int to_rows, int to_columns)
{
    for (int j = 0; j < to_rows; j++) {
        for (int i = 0; i < to_columns; i += V) {
            vec part = 0;
            if (j < rows && i + V <= columns)
                part = LOAD(0, x + j * step + i);
            else if (j < rows && i < columns) {
                real rest[V];
                for (int e = 0; e < V; e++)
                    rest[e] = i + e < columns ? x[j * step + i + e] : 0;
                part = LOAD(0, rest);
            }
            STORE(factor * part, 0, to + i);
        }
        to += to_columns;
    }
}

void add_mask(global const real *mask, int step, int n, local real *s)
{
    for (int j = 0; j < n; j++)
        s[j] += mask[j * step];
}

vec places(int first)
{
    real at[V];
    for (int e = 0; e < V; e++)
        at[e] = first + e;
    return LOAD(0, at);
}

real largest(vec x)
{
    real part[V];
    STORE(x, 0, part);
    for (int e = 1; e < V; e++)
        part[0] = fmax(part[0], part[e]);
    return part[0];
}

real sum_up(vec x)
{
    real part[V];
    STORE(x, 0, part);
    for (int e = 1; e < V; e++)
        part[0] += part[e];
    return part[0];
}

/* Of the n scores of a row, the first `seen` take part. s becomes e^(s - top), 0 for the others up
 * to a whole vector; *top and *total go on from the blocks before. Returns the factor for what was
 * summed up before. */
real softmax_block(local real *s, int n, int seen, local real *top, local real *total)
{
    vec most = -INFINITY;
    for (int j = 0; j < n; j += V) {
        vec x = LOAD(0, s + j);
        if (j + V > seen) {
            x = select((vec)(-INFINITY), x, places(j) < (vec)(seen));
            STORE(x, 0, s + j);
        }
        most = fmax(most, x);
    }
    const real before = *top, now = fmax(before, largest(most));
    const real base = now == -INFINITY ? 0 : now;
    vec sum = 0;
    for (int j = 0; j < n; j += V) {
        const vec p = exp(LOAD(0, s + j) - base);
        STORE(p, 0, s + j);
        sum += p;
    }
    const real factor = exp(before - base);
    *top = now;
    *total = *total * factor + sum_up(sum);
    return factor;
}

/* x times 0 or scale, at a row's places first, first + 1 ... */
void drop(local real *x, int n, int row, int first, const dropout *d)
{
    for (int j = 0; j < n; j += 4) {
        const uint4 bits = dropout_bits(row, (first + j) / 4, d);
        x[j] *= bits.s0 < d->limit ? 0 : d->scale;
        x[j + 1] *= bits.s1 < d->limit ? 0 : d->scale;
        x[j + 2] *= bits.s2 < d->limit ? 0 : d->scale;
        x[j + 3] *= bits.s3 < d->limit ? 0 : d->scale;
    }
}

#define AT(x, o, s) x += o + z / inner * s.s0 + z % inner * s.s1

/* Grid: (blocks of block_q rows, outer * inner). block_k is a multiple of NR, block_q of MR. */
#if WANTED(attention)
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention(global const real *q, int qo, int8 qs, global const real *k, int ko, int8 ks,
          global const real *v, int vo, int8 vs, global const real *mask, int mo, int8 ms,
          global const float *key, int keyo, global real *out, int oo, int8 os, global real *lse,
          int lo, int inner, int t, int s, int d, int dv, real scale, int causal, int masked,
          real rate, int block_q, int block_k, local real *memory)
{
    const int z = get_group_id(1), r0 = get_group_id(0) * block_q, rows = min(block_q, t - r0);
    const int wide = PADDED(dv, NR);
    const dropout dropped = dropout_of(key + keyo, rate);
    local real *keys = memory, *values = keys + d * block_k, *queries = values + block_k * wide;
    local real *scores = queries + MR * d, *sums = scores + MR * block_k;
    local real *top = sums + block_q * wide, *total = top + block_q;
    AT(q, qo, qs);
    AT(k, ko, ks);
    AT(v, vo, vs);
    AT(mask, mo, ms);
    AT(out, oo, os);
    lse += lo + z * t;

    for (int i = 0; i < block_q; i++) {
        top[i] = -INFINITY;
        total[i] = 0;
    }
    for (int k0 = 0; k0 < s && !(causal && k0 >= r0 + rows); k0 += block_k) {
        const int kb = min(block_k, s - k0);
        pack_columns(k + k0 * ks.s2, ks.s2, kb, d, keys);
        copy_rows(v + k0 * vs.s2, vs.s2, kb, dv, 1, values, kb, wide);
        for (int i = 0; i < rows; i += MR) {
            const int height = min(MR, rows - i);
            const int n = causal ? min(kb, r0 + i + height - k0) : kb;
            if (n <= 0)
                continue;
            for (int r = 0; r < MR; r++)
                for (int e = 0; e < d; e++)
                    queries[r * d + e] = r < height ? scale * q[(r0 + i + r) * qs.s2 + e] : 0;
            product(MR, n, d, queries, d, 1, keys, d * NR, NR, scores, block_k, 0);
            for (int r = 0; r < height; r++) {
                const int row = r0 + i + r, seen = causal ? clamp(row + 1 - k0, 0, n) : n;
                local real *p = scores + r * block_k, *sum = sums + (i + r) * wide;
                if (masked)
                    add_mask(mask + row * ms.s2 + k0 * ms.s3, ms.s3, n, p);
                const real factor = softmax_block(p, n, seen, top + i + r, total + i + r);
                if (dropped.limit)
                    drop(p, n, z * t + row, k0, &dropped);
                if (k0)
                    for (int e = 0; e < wide; e += V)
                        STORE(factor * LOAD(0, sum + e), 0, sum + e);
            }
            product(MR, dv, n, scores, block_k, 1, values, NR, wide, sums + i * wide, wide, k0);
        }
    }
    for (int i = 0; i < rows; i++) {
        const real part = total[i] != 0 ? 1 / total[i] : 0;
        local const real *sum = sums + i * wide;
        global real *to = out + (r0 + i) * os.s2;
        for (int e = 0; e < dv; e++)
            to[e] = part * sum[e];
        /* A row without anything to see has no part in anything later either. */
        lse[r0 + i] = total[i] != 0 ? top[i] + log(total[i]) : INFINITY;
    }
}
#endif

/* s and dp, a row each, become dropped(p) and ds. */
void score_gradient(local real *s, local real *dp, int n, int seen, real lse, real delta)
{
    for (int j = 0; j < n; j += V) {
        vec p = exp(LOAD(0, s + j) - lse);
        if (j + V > seen)
            p = select((vec)(0), p, places(j) < (vec)(seen));
        STORE(p, 0, s + j);
        STORE(p * (LOAD(0, dp + j) - delta), 0, dp + j);
    }
}

/* dq of the keys [part * part_keys, ...) alone lies part * dq_part further. Grid: (parts,
 * outer * inner). */
#if WANTED(attention_grad)
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention_grad(global const real *g, int go, int8 gs, global const real *q, int qo, int8 qs,
               global const real *k, int ko, int8 ks, global const real *v, int vo, int8 vs,
               global const real *mask, int mo, int8 ms, global const float *key, int keyo,
               global const real *out, int oo, int8 os, global const real *lse, int lo,
               global real *dq, int dqo, int8 dqs, global real *dk, int dko, int8 dks,
               global real *dvalue, int dvo, int8 dvs, int inner, int t, int s, int d, int dv,
               real scale, int causal, int masked, real rate, int block_q, int block_k,
               int part_keys, int dq_part, local real *memory)
{
    const int z = get_group_id(1), lo_key = get_group_id(0) * part_keys;
    const int hi_key = min(s, lo_key + part_keys);
    const int deep = PADDED(d, NR), wide = PADDED(dv, NR);
    const dropout dropped = dropout_of(key + keyo, rate);
    local real *key_columns = memory, *value_columns = key_columns + d * block_k;
    local real *key_rows = value_columns + dv * block_k, *key_sums = key_rows + block_k * deep;
    local real *value_sums = key_sums + (block_k + MR) * deep;
    local real *queries = value_sums + (block_k + MR) * wide, *arrived = queries + block_q * deep;
    local real *scores = arrived + block_q * wide, *ds = scores + block_q * block_k + MR;
    local real *query_sums = ds + block_q * block_k + MR;
    AT(g, go, gs);
    AT(q, qo, qs);
    AT(k, ko, ks);
    AT(v, vo, vs);
    AT(mask, mo, ms);
    AT(out, oo, os);
    AT(dq, dqo, dqs) + get_group_id(0) * dq_part;
    AT(dk, dko, dks);
    AT(dvalue, dvo, dvs);
    lse += lo + z * t;

    for (int k0 = lo_key; k0 < hi_key; k0 += block_k) {
        const int kb = min(block_k, hi_key - k0);
        pack_columns(k + k0 * ks.s2, ks.s2, kb, d, key_columns);
        pack_columns(v + k0 * vs.s2, vs.s2, kb, dv, value_columns);
        copy_rows(k + k0 * ks.s2, ks.s2, kb, d, scale, key_rows, kb, deep);
        for (int i = 0; i < kb * deep; i += V)
            STORE((vec)(0), 0, key_sums + i);
        for (int i = 0; i < kb * wide; i += V)
            STORE((vec)(0), 0, value_sums + i);
        for (int r0 = 0; r0 < t; r0 += block_q) {
            const int rows = min(block_q, t - r0);
            /* What is summed over n: whole tiles, so that no product adds to rows beyond. */
            const int n = causal ? min(kb, PADDED(max(r0 + rows - k0, 0), MR)) : kb;
            if (n) {
                copy_rows(q + r0 * qs.s2, qs.s2, rows, d, scale, queries, block_q, deep);
                copy_rows(g + r0 * gs.s2, gs.s2, rows, dv, 1, arrived, block_q, wide);
                product(rows, n, d, queries, deep, 1, key_columns, d * NR, NR, scores, block_k, 0);
                product(rows, n, dv, arrived, wide, 1, value_columns, dv * NR, NR, ds, block_k, 0);
            }
            for (int r = 0; r < rows && n; r++) {
                const int row = r0 + r, seen = causal ? clamp(row + 1 - k0, 0, n) : n;
                local real *p = scores + r * block_k, *dp = ds + r * block_k;
                real delta = 0;
                for (int e = 0; e < dv; e++)
                    delta += arrived[r * wide + e] * out[row * os.s2 + e];
                if (masked)
                    add_mask(mask + row * ms.s2 + k0 * ms.s3, ms.s3, n, p);
                if (dropped.limit)
                    drop(dp, n, z * t + row, k0, &dropped);
                score_gradient(p, dp, n, seen, lse[row], delta);
                if (dropped.limit)
                    drop(p, n, z * t + row, k0, &dropped);
            }
            if (n) {
                product(n, dv, rows, scores, 1, block_k, arrived, NR, wide, value_sums, wide, 1);
                product(n, d, rows, ds, 1, block_k, queries, NR, deep, key_sums, deep, 1);
                product(rows, d, n, ds, block_k, 1, key_rows, NR, deep, query_sums, deep, 0);
            }
            for (int r = 0; r < rows; r++) {
                global real *to = dq + (r0 + r) * dqs.s2;
                for (int e = 0; e < d; e++) {
                    const real x = n ? query_sums[r * deep + e] : 0;
                    to[e] = k0 > lo_key ? to[e] + x : x;
                }
            }
        }
        for (int j = 0; j < kb; j++) {
            for (int e = 0; e < d; e++)
                dk[(k0 + j) * dks.s2 + e] = key_sums[j * deep + e];
            for (int e = 0; e < dv; e++)
                dvalue[(k0 + j) * dvs.s2 + e] = value_sums[j * wide + e];
        }
    }
}
#endif
