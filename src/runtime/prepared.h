/* Work that is set up once and enqueued many times: each launch has a kernel object of its own with
 * its arguments in place, so that a run costs one enqueue per launch. */
#ifndef CLADE_RUNTIME_PREPARED_H
#define CLADE_RUNTIME_PREPARED_H

#include "runtime/runtime.h"

typedef struct clade_prepared clade_prepared;

/* Between begin and end whatever is asked of the runtime is prepared instead of enqueued. One at a
 * time. The buffers that the work names must outlive it. */
clade_status clade_prepared_begin(clade_prepared **out, clade_runtime *rt);
void clade_prepared_end(clade_prepared *prepared);

/* Enqueues all of it, after reading the numbers afresh that have a source (clade_arg). */
clade_status clade_prepared_run(clade_prepared *prepared);
size_t clade_prepared_count(const clade_prepared *prepared);
void clade_prepared_free(clade_prepared **prepared);

#endif
