/* Devices and contexts: where everything runs.
 *
 *     clade_context *ctx;
 *     if (clade_context_create(&ctx, NULL) != CLADE_OK)
 *         fprintf(stderr, "%s\n", clade_last_error()->message);
 *     ...
 *     clade_context_free(&ctx);
 *
 * A context owns one OpenCL context, one in-order queue, a pool of device buffers, the compiled
 * kernels and the state of automatic differentiation (scopes, tape, random numbers).
 */
#ifndef CLADE_CONTEXT_H
#define CLADE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clade/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clade_device_type {
    CLADE_DEVICE_CPU = 1,
    CLADE_DEVICE_GPU = 2,
    CLADE_DEVICE_ACCELERATOR = 3
} clade_device_type;

/* What is known of one device. Sizes in bytes. */
typedef struct clade_device_info {
    int index;    /* counts all devices over all platforms from 0: what "N" selects */
    int platform; /* index of the platform: the P of "P:N" */
    int number;   /* index of the device within its platform: the N of "P:N" */
    clade_device_type type;
    bool host_unified; /* shares its memory with the host: integrated GPUs, CPUs */
    bool has_f64;      /* cl_khr_fp64 or equivalent: CLADE_F64 tensors work */
    unsigned compute_units;
    uint64_t memory_bytes;
    uint64_t largest_allocation_bytes;
    uint64_t local_memory_bytes;
    size_t largest_work_group;
    unsigned native_float_width; /* floats in the device's native vector */
    char name[128];
    char vendor[128];
    char driver[128];
    char platform_name[128];
    char platform_version[128];
} clade_device_info;

/* Lists every device of every OpenCL platform of version 1.2 or later, in the platforms' order.
 * *out: an array of *count entries that the caller owns and frees with clade_device_list_free.
 * No platform at all is CLADE_OK with *count = 0 and *out = NULL. */
CLADE_API clade_status clade_device_list(clade_device_info **out, size_t *count);
CLADE_API void clade_device_list_free(clade_device_info **list);

/* Which entry of `list` a selector means; its index comes out through *index.
 *
 * selector: "gpu", "cpu", "accelerator" (the best of that type); "N" (clade_device_info.index);
 * "P:N" (platform and device within it); otherwise a part of a device's or platform's name, in any
 * case. NULL or "": the best device over all platforms, namely discrete GPU, then integrated
 * GPU, accelerator, CPU; among equals the one with more compute units, then the first.
 * Errors: CLADE_ERR_NO_DEVICE when nothing matches; the message lists what there is. */
CLADE_API clade_status clade_device_select(const clade_device_info *list, size_t count,
                                           const char *selector, size_t *index);

typedef enum clade_log_level {
    CLADE_LOG_ERROR = 1, /* something was set aside that the user should know of */
    CLADE_LOG_WARN = 2,
    CLADE_LOG_INFO = 3, /* the device chosen and why, first-time compilation */
    CLADE_LOG_DEBUG = 4 /* each program built or loaded, each new device buffer */
} clade_log_level;

/* message: one line without newline, valid during the call. The callback must not call Clade. */
typedef void (*clade_log_fn)(void *user, clade_log_level level, const char *message);

/* Thread-safety: a context, and every object made from it, belongs to one thread at a time;
 * different contexts are independent. */
typedef struct clade_context clade_context;

/* Zero means default. */
typedef struct clade_context_params {
    const char *device; /* a selector as above (default NULL: $CLADE_DEVICE, else the best) */
    clade_log_fn log;   /* (default NULL: silent) */
    void *log_user;
    clade_log_level log_level; /* the most detailed level reported (default 0: CLADE_LOG_INFO) */
    uint64_t seed;             /* of the context's random numbers (default 0) */
    const char *cache_dir; /* compiled programs are kept here (default NULL: $CLADE_CACHE_DIR, else
                              $XDG_CACHE_HOME/clade, else ~/.cache/clade; "": no disk cache) */
    bool no_memory_pool;   /* give every freed buffer back to the driver at once, so that memory
                              checkers see each lifetime (default false) */
} clade_context_params;

/* Opens a device. *out must be freed with clade_context_free. params may be NULL.
 * Blocking; kernels are compiled later, when first used. On PoCL (3.1) a program that puts
 * POCL_WORK_GROUP_SPECIALIZATION=0 into its environment before has each kernel compiled once
 * instead of twice; the kernels are as fast. Errors: CLADE_ERR_NO_DEVICE, CLADE_ERR_OPENCL,
 * CLADE_ERR_OUT_OF_MEMORY. */
CLADE_API CLADE_NODISCARD clade_status clade_context_create(clade_context **out,
                                                            const clade_context_params *params);

/* Waits for queued work, frees everything and sets *ctx to NULL; accepts NULL and a pointer to
 * NULL. Objects made from the context must be freed before; tensors of scopes that are still open
 * are freed here. */
CLADE_API void clade_context_free(clade_context **ctx);

/* Borrowed; lives as long as the context. NULL for NULL. */
CLADE_API const clade_device_info *clade_context_device(const clade_context *ctx);

/* The file with what `clade tune` measured on this device: in the cache folder, read when a context
 * is created. It need not exist. Borrowed; NULL for NULL and without a cache folder. */
CLADE_API const char *clade_context_tuning_path(const clade_context *ctx);

/* Blocks until the device has done all that was queued; reports its errors. */
CLADE_API clade_status clade_context_finish(clade_context *ctx);

/* Restarts the context's random numbers: the same seed and the same calls give the same numbers on
 * every device. */
CLADE_API clade_status clade_manual_seed(clade_context *ctx, uint64_t seed);

/* Bytes of device memory. */
typedef struct clade_memory_stats {
    uint64_t live_bytes;   /* in buffers that tensors use now */
    uint64_t cached_bytes; /* in buffers kept for reuse */
    uint64_t peak_bytes;   /* highest live_bytes since the context was created */
    uint64_t allocations;  /* device buffers created so far: still once training is warm */
} clade_memory_stats;

CLADE_API clade_status clade_context_memory(const clade_context *ctx, clade_memory_stats *out);

/* Gives the cached buffers back to the driver. */
CLADE_API clade_status clade_context_trim(clade_context *ctx);

#ifdef __cplusplus
}
#endif
#endif
