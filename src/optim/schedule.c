#include <math.h>

#include <clade/optim.h>

static double within(double share)
{
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* From `from` at share 0 to `to` at share 1, half a cosine wave; a share that is NaN counts as 1.
 */
static double anneal(double from, double to, double share)
{
    const double pi = 3.14159265358979323846;
    share = isnan(share) ? 1 : within(share);
    return to + (from - to) * (1 + cos(pi * share)) / 2;
}

double clade_lr_step(int64_t step, double base, int64_t every, double factor)
{
    return every > 0 && step > 0 ? base * pow(factor, (double)(step / every)) : base;
}

double clade_lr_cosine(int64_t step, int64_t total, int64_t warmup, double base, double min)
{
    step = step < 0 ? 0 : step;
    if (step < warmup)
        return base * (double)(step + 1) / (double)warmup;
    return anneal(base, min, (double)(step - warmup) / (double)(total - warmup));
}

double clade_lr_one_cycle(int64_t step, int64_t total, double max,
                          const clade_one_cycle_params *settings)
{
    clade_one_cycle_params s = settings ? *settings : (clade_one_cycle_params){0};
    s.rising = s.rising == 0 ? 0.3 : s.rising;
    s.start_divisor = s.start_divisor == 0 ? 25 : s.start_divisor;
    s.end_divisor = s.end_divisor == 0 ? 1e4 : s.end_divisor;
    double start = max / s.start_divisor, end = start / s.end_divisor;
    double top = s.rising * (double)total - 1, last = (double)total - 1, at = (double)step;
    if (at <= top)
        return anneal(start, max, at / top);
    return anneal(max, end, (at - top) / (last - top));
}

static bool better(const clade_plateau *state, double metric, const clade_plateau_params *s)
{
    if (!state->seen)
        return !isnan(metric);
    double margin = s->absolute ? s->threshold : s->threshold * state->best;
    return s->larger ? metric > state->best + margin : metric < state->best - margin;
}

double clade_lr_plateau(clade_plateau *state, double metric, double lr,
                        const clade_plateau_params *settings)
{
    clade_plateau_params s = settings ? *settings : (clade_plateau_params){0};
    s.factor = s.factor == 0 ? 0.1 : s.factor;
    s.patience = s.patience == 0 ? 10 : s.patience < 0 ? 0 : s.patience;
    s.threshold = s.threshold == 0 ? 1e-4 : s.threshold < 0 ? 0 : s.threshold;
    s.eps = s.eps == 0 ? 1e-8 : s.eps;
    bool improved = better(state, metric, &s);
    if (improved)
        state->best = metric;
    state->seen += improved || state->seen;
    state->bad = improved ? 0 : state->bad + 1;
    if (state->cooling > 0) {
        state->cooling--;
        state->bad = 0;
    }
    if (state->bad <= s.patience)
        return lr;
    state->cooling = s.cooldown;
    state->bad = 0;
    double reduced = fmax(lr * s.factor, s.min);
    return lr - reduced > s.eps ? reduced : lr;
}
