#include "schedule.h"

schedule schedule_begin(const options *o, int64_t steps_per_epoch)
{
    return (schedule){.kind = o->schedule,
                      .base = o->lr,
                      .total = steps_per_epoch * o->epochs,
                      .per_epoch = steps_per_epoch,
                      .lr = o->lr};
}

double schedule_lr(const schedule *s, int64_t step)
{
    switch (s->kind) {
    case SCHEDULE_NONE:
        break;
    case SCHEDULE_STEP:
        return clade_lr_step(step, s->base, s->per_epoch, 0.7);
    case SCHEDULE_COSINE:
        return clade_lr_cosine(step, s->total, 0, s->base, 0);
    case SCHEDULE_ONE_CYCLE:
        return clade_lr_one_cycle(step, s->total, s->base, NULL);
    case SCHEDULE_PLATEAU:
        return s->lr;
    }
    return s->base;
}

void schedule_epoch(schedule *s, double mean_loss)
{
    const clade_plateau_params half = {.factor = 0.5, .patience = 2};
    s->lr = clade_lr_plateau(&s->plateau, mean_loss, s->lr, &half);
}
