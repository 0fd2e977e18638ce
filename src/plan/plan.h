/* Plans: a recording made faster, to be run many times with the same result.
 *
 * The passes rewrite the recording's commands in place, each in a file of its own: work that nobody
 * sees is dropped (dead.c), runs of elementwise calls become one kernel (fuse.c), GEMMs take the
 * call that follows as their epilogue (epilogue.c), fills become constants (filled.c), and
 * temporaries share memory (memory.c). What is left is prepared (runtime/prepared.h).
 *
 * A plan is about commands and buffers: it knows neither tensors nor ops. */
#ifndef CLADE_PLAN_PLAN_H
#define CLADE_PLAN_PLAN_H

#include "runtime/record.h"

typedef struct clade_plan clade_plan;

typedef struct clade_plan_stats {
    size_t recorded;          /* commands as they came */
    size_t commands;          /* after dropping and fusing */
    size_t launches;          /* enqueued by a run */
    uint64_t temporary_bytes; /* of memory that the temporaries share */
} clade_plan_stats;

typedef struct clade_plan_options {
    bool no_fusion;
} clade_plan_options;

/* Takes the recording over, whatever the result; its end must have come. */
clade_status clade_plan_create(clade_plan **out, clade_recording *recording,
                               const clade_plan_options *options);
/* Runs the hooks, then enqueues everything. */
clade_status clade_plan_run(clade_plan *plan);
void clade_plan_free(clade_plan **plan);
clade_plan_stats clade_plan_get_stats(const clade_plan *plan);

/* --- passes ----------------------------------------------------------------------------------- */
/* Drops commands whose results are temporary and never read. */
clade_status clade_plan_drop_dead(clade_recording *recording);

/* Joins elementwise calls with those that made their inputs, as long as the result stays the same
 * to the bit, and stops storing values that only the joined kernel reads. */
clade_status clade_plan_fuse(clade_recording *recording);

/* Lets GEMMs apply the elementwise call that takes their result before it is stored. */
clade_status clade_plan_fuse_epilogues(clade_recording *recording);

/* Replaces reads of what a fill has put there by the constant, and takes back the fills, or the
 * parts of them, that nobody then sees: a gradient that is zeroed and then added to is just
 * written.
 */
clade_status clade_plan_use_fills(clade_recording *recording);

/* Lets temporaries whose lifetimes do not meet share buffers: replaces them in the commands by the
 * buffers of *memory, which the caller owns. */
clade_status clade_plan_share_memory(clade_recording *recording, clade_buffer ***memory,
                                     size_t *count);

/* One line per command, at CLADE_LOG_DEBUG. */
void clade_plan_log(const clade_recording *recording);

/* --- for the passes --------------------------------------------------------------------------- */
/* Whether two commands may not change places: one writes what the other touches. */
bool clade_plan_order_matters(clade_command *a, clade_command *b);
/* The nearest command before i that must stay before it; -1 when there is none. */
int clade_plan_nearest_conflict(clade_recording *recording, int i);
/* Whether command j may move down to just before command i. */
bool clade_plan_can_sink(clade_recording *recording, int j, int i);
/* users[b] += the number of commands that touch recorded buffer b. */
void clade_plan_count_users(clade_recording *recording, int *users);
/* Takes command `index` out of the list and frees what it owns. */
void clade_plan_remove(clade_recording *recording, size_t index);

#endif
