#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../common/cli.h"
#include "../common/format.h"

#define REDRAW_SECONDS 0.1
#define WIDEST_BAR     40

progress progress_begin(bool wanted, int64_t total, int epochs)
{
    return (progress){
        .active = wanted && cli_terminal(STDERR_FILENO),
        .colour = cli_colour(STDERR_FILENO),
        .total = total,
        .epochs = epochs,
        .start = cli_seconds(),
    };
}

static int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw(const progress *p, int epoch, int64_t images, double elapsed)
{
    char rate[FORMAT_SIZE], left[FORMAT_SIZE], head[64], tail[128];
    double per_second = elapsed > 0 ? (double)images / elapsed : 0;
    double remaining = images > 0 ? elapsed * (double)(p->total - images) / (double)images : 0;
    int head_length = snprintf(head, sizeof head, "epoch %d/%d [", epoch, p->epochs);
    int tail_length =
        snprintf(tail, sizeof tail, "] %3.0f %%  %s images/s  %s left",
                 100.0 * (double)images / (double)p->total, format_count(rate, (int64_t)per_second),
                 format_time(left, remaining));
    int width = terminal_width() - 1;
    int bar = width - head_length - tail_length;
    bar = bar < 0 ? 0 : bar > WIDEST_BAR ? WIDEST_BAR : bar;
    int done = (int)(bar * images / p->total);
    char full[WIDEST_BAR + 1], empty[WIDEST_BAR + 1];
    memset(full, '=', sizeof full);
    memset(empty, '-', sizeof empty);
    fprintf(stderr, "\r\033[K%s%s%.*s%s%.*s%.*s", head, p->colour ? "\033[32m" : "", done, full,
            p->colour ? "\033[0m" : "", bar - done, empty,
            width > head_length ? width - head_length : 0, tail);
    fflush(stderr);
}

void progress_update(progress *p, int epoch, int64_t images)
{
    if (!p->active)
        return;
    double now = cli_seconds();
    if (p->shown && now - p->last_drawn < REDRAW_SECONDS)
        return;
    draw(p, epoch, images, now - p->start);
    p->shown = true;
    p->last_drawn = now;
}

void progress_clear(progress *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
