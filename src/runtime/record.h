/* Work for the device as plain data: a recording holds, in order, all that was enqueued while it
 * was open. src/plan turns it into something faster with the same result.
 *
 * Recording happens at the level of engines: an elementwise call and a GEMM are one command each
 * and not the launches that they lead to, so that a plan can still change them. */
#ifndef CLADE_RUNTIME_RECORD_H
#define CLADE_RUNTIME_RECORD_H

#include "runtime/elementwise.h"
#include "runtime/runtime.h"

typedef enum clade_command_kind {
    CLADE_COMMAND_LAUNCH,
    CLADE_COMMAND_ELEMENTWISE,
    CLADE_COMMAND_GEMM,
    CLADE_COMMAND_COPY,
    CLADE_COMMAND_FILL
} clade_command_kind;

typedef struct clade_launch_command {
    clade_kernel *kernel;
    clade_grid grid;
    clade_arg *args;
    int count;
} clade_launch_command;

typedef struct clade_gemm_command {
    clade_gemm gemm;                  /* its epilogue field counts for nothing */
    clade_elementwise_call *epilogue; /* owned, or NULL */
} clade_gemm_command;

typedef struct clade_copy_command {
    clade_buffer *dst, *src;
    size_t dst_offset, src_offset, bytes;
} clade_copy_command;

typedef struct clade_fill_command {
    clade_buffer *buffer;
    size_t offset, bytes, pattern_size;
    unsigned char pattern[16];
} clade_fill_command;

typedef struct clade_command {
    clade_command_kind kind;
    union {
        clade_launch_command launch;
        clade_elementwise_call *elementwise;
        clade_gemm_command gemm;
        clade_copy_command copy;
        clade_fill_command fill;
    } as;
} clade_command;

/* Something that the host does before each replay, such as counting an optimizer's step. */
typedef struct clade_replay_hook {
    void (*run)(void *user);
    void *user;
    bool owned; /* user is of base/alloc and freed with the recording */
} clade_replay_hook;

typedef struct clade_recording {
    clade_runtime *rt;
    clade_command *commands;
    size_t count, capacity;
    clade_buffer **buffers; /* each buffer that a command names, once; one reference each */
    size_t buffer_count, buffer_capacity;
    clade_replay_hook *hooks;
    size_t hook_count, hook_capacity;
} clade_recording;

/* Commands run as ever while they are written down. One recording at a time: CLADE_ERR_STATE.
 * Reads from and writes to host memory are refused meanwhile, since a replay would not repeat
 * them. */
clade_status clade_recording_begin(clade_recording **out, clade_runtime *rt);
/* Stops writing down; the recording stays. */
void clade_recording_end(clade_recording *recording);
void clade_recording_free(clade_recording **recording);
bool clade_runtime_is_recording(const clade_runtime *rt);

/* Asks that run(user) be called before each replay. Without a recording: nothing. */
clade_status clade_recording_add_hook(clade_runtime *rt, void (*run)(void *user), void *user,
                                      bool owned);

/* Where a recorded buffer stands in recording->buffers. */
size_t clade_recording_index(const clade_buffer *buffer);

/* Whether `buffer` was made while recording and has no owner left but the recording: what it holds
 * between commands nobody can see. */
bool clade_recording_is_temporary(const clade_buffer *buffer);

/* For the engines. Append does nothing without a recording; pause returns what resume takes. */
clade_status clade_record_launch(clade_runtime *rt, clade_kernel *kernel, const clade_grid *grid,
                                 const clade_arg *args, int count);
clade_status clade_record_elementwise(clade_runtime *rt, const clade_elementwise_call *call);
clade_status clade_record_gemm(clade_runtime *rt, const clade_gemm *gemm);
clade_status clade_record_copy(clade_runtime *rt, const clade_copy_command *copy);
clade_status clade_record_fill(clade_runtime *rt, const clade_fill_command *fill);
clade_recording *clade_recording_pause(clade_runtime *rt);
void clade_recording_resume(clade_runtime *rt, clade_recording *recording);

/* Frees what a command owns. */
void clade_command_clear(clade_command *command);

/* How a command touches a buffer. A plain launch does not say: it may do both. */
typedef struct clade_use {
    clade_buffer **buffer; /* in the command: a plan may change it */
    bool reads, writes;
} clade_use;

#define CLADE_COMMAND_USES 48
/* At most CLADE_COMMAND_USES; returns how many. */
int clade_command_uses(clade_command *command, clade_use *uses);

#endif
