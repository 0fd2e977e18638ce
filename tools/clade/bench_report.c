#include <math.h>
#include <stdio.h>

#include "bench.h"

json_t *bench_json(const bench *b)
{
    json_t *all = json_array();
    for (int i = 0; i < b->count; i++) {
        const bench_row *r = &b->rows[i];
        json_t *o = json_object();
        json_put_text(o, "workload", r->workload);
        json_put_text(o, "metric", r->metric);
        json_put_real(o, "clade", r->clade);
        json_put_real(o, "peer", r->peer);
        if (isnan(r->ratio))
            json_put(o, "peer_name", NULL);
        else
            json_put_text(o, "peer_name", r->peer_name);
        json_put_real(o, "ratio", r->ratio);
        json_put_real(o, "ratio_min", r->ratio_min);
        json_put_real(o, "ratio_max", r->ratio_max);
        json_put_int(o, "rounds", r->rounds);
        json_array_append_new(all, o);
    }
    return all;
}

static void print_losses(const bench *b)
{
    int compared = 0, lost = 0;
    for (int i = 0; i < b->count; i++)
        compared += !isnan(b->rows[i].ratio);
    if (compared == 0)
        return;
    for (int i = 0; i < b->count; i++) {
        const bench_row *r = &b->rows[i];
        if (r->ratio > 1)
            printf("%s%s, %s (%.2f)", lost++ ? "; " : "Clade loses: ", r->workload, r->metric,
                   r->ratio);
    }
    puts(lost ? "" : "Clade loses nowhere.");
}

void bench_print(const bench *b)
{
    printf("%-9s %-34s %10s %10s %7s %-11s  %s\n", "workload", "metric", "Clade", "peer", "ratio",
           "of rounds", "peer");
    for (int i = 0; i < b->count; i++) {
        const bench_row *r = &b->rows[i];
        printf("%-9s %-34s %10.4g", r->workload, r->metric, r->clade);
        if (!isnan(r->ratio))
            printf(" %10.4g %7.2f %5.2f-%-5.2f  %s", r->peer, r->ratio, r->ratio_min, r->ratio_max,
                   r->peer_name);
        putchar('\n');
    }
    print_losses(b);
}
