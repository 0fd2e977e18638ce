/* What the files of src/runtime share. Nothing outside this folder includes it. */
#ifndef CLADE_RUNTIME_CL_INTERNAL_H
#define CLADE_RUNTIME_CL_INTERNAL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "base/hash.h"
#include "base/log.h"
#include "runtime/record.h"
#include "runtime/runtime.h"

/* --- errors (cl_error.c) --- */

/* "CL_OUT_OF_RESOURCES"; "CL_?" for a code that is none. */
const char *clade_cl_error_name(cl_int code);
/* Out of memory on host or device, else CLADE_ERR_OPENCL. */
clade_status clade_cl_status(cl_int code);
/* Fails with "<the formatted call>: CL_NAME (code)". */
clade_status clade_cl_fail(cl_int code, const char *fmt, ...) CLADE_PRINTF(2, 3);

/* --- devices (device.c, device_select.c) --- */

/* All devices; ids[i] belongs to infos[i]. Both NULL when there is none. */
clade_status clade_device_enumerate(clade_device_info **infos, cl_device_id **ids, size_t *count);
/* "CPU", "integrated GPU", "discrete GPU", "accelerator". */
const char *clade_device_kind(const clade_device_info *info);

/* --- disk cache (disk_cache.c) --- */

#define CLADE_CACHE_DIR_SIZE 3072

typedef struct clade_disk_cache {
    char dir[CLADE_CACHE_DIR_SIZE]; /* "": no cache */
    char identity[768];             /* library, device, driver and platform */
    const clade_logger *log;
} clade_disk_cache;

typedef struct clade_program_text {
    const char *source;
    size_t source_size;
    const char *options;
} clade_program_text;

/* Finds and creates the folder. Without a usable one the cache is off and a log line says why. */
void clade_disk_cache_open(clade_disk_cache *cache, const char *dir, const clade_device_info *info,
                           const clade_logger *log);
/* *binary: the device binary, freed by the caller with clade_free; NULL when there is none that is
 * whole and meant for this text and device. Fails only when host memory is short. */
clade_status clade_disk_cache_load(const clade_disk_cache *cache, const clade_program_text *text,
                                   unsigned char **binary, size_t *size);
/* A fault is a log line: a cache that cannot be written is only slower. */
void clade_disk_cache_store(const clade_disk_cache *cache, const clade_program_text *text,
                            const unsigned char *binary, size_t size);

/* --- buffers (buffer_pool.c) --- */

/* Four size classes per power of two from 512 bytes to 2^48. */
#define CLADE_POOL_CLASSES (4 * 40)

typedef struct clade_pool {
    clade_buffer *free[CLADE_POOL_CLASSES];
    clade_memory_stats stats;
    uint64_t live_count;
    bool disabled;
} clade_pool;

struct clade_buffer {
    clade_runtime *rt;
    cl_mem mem;
    size_t size;     /* as asked for: what offsets are checked against */
    size_t capacity; /* as allocated */
    int size_class;
    int refs;
    size_t recorded_index; /* in the recording's list */
    bool is_recorded;      /* the recording that goes on holds a reference */
    bool made_while_recording;
    clade_buffer *next; /* in its free list */
};

/* --- programs (program_build.c, program_cache.c) --- */

struct clade_kernel {
    char *family, *options, *name;
    cl_program program;
    uint64_t hash;
    cl_kernel kernel;
    size_t largest_group; /* CL_KERNEL_WORK_GROUP_SIZE */
    clade_kernel *next;
};

#define CLADE_KERNEL_SLOTS 512

typedef struct clade_program_cache {
    clade_kernel *slots[CLADE_KERNEL_SLOTS];
    bool compiled; /* something was built from source: said once at INFO */
} clade_program_cache;

/* Declarations for PoCL of the built-in functions in the source, to stand before it while the
 * option CLADE_BUILTINS_OPTION is given (builtins.c). NULL when out of memory; free with
 * clade_free. */
#define CLADE_BUILTINS_OPTION "-D_OPENCL_H_"
char *clade_builtins_declare(const char *source, bool has_f64);

clade_status clade_program_build(cl_program *out, clade_runtime *rt, const clade_kernel_key *key);
void clade_program_cache_free(clade_program_cache *cache);

/* --- GEMM (gemm.c) --- */

typedef enum clade_gemm_verdict {
    CLADE_GEMM_UNKNOWN,
    CLADE_GEMM_RIGHT,
    CLADE_GEMM_WRONG
} clade_gemm_verdict;

enum { CLADE_GEMM_CLASSES = 16 }; /* of a dimension: its binary logarithm, rounded down */

typedef struct clade_gemm_state {
    int forced;                         /* the provider that CLADE_GEMM names, or -1 */
    clade_gemm_verdict verdicts[2][24]; /* by provider; window, f64, trans_a, trans_b */
    bool used_clblast;
    /* 1 + the provider that was faster at m, n, k of these classes, or 0. */
    unsigned char tuned[CLADE_GEMM_CLASSES][CLADE_GEMM_CLASSES][CLADE_GEMM_CLASSES];
    char tuning_path[CLADE_CACHE_DIR_SIZE + 160]; /* "": no cache folder */
} clade_gemm_state;

/* Reads CLADE_GEMM. */
clade_status clade_gemm_init(clade_runtime *rt);
/* Reads what `clade tune` wrote into the cache folder, if anything (gemm_tuned.c). */
void clade_gemm_tuned_load(clade_runtime *rt);
/* The provider that it found faster for this product, or -1. */
int clade_gemm_tuned(const clade_runtime *rt, const clade_gemm *g);
/* Before the context goes: CLBlast's own cache refers to it (gemm_clblast.c). */
void clade_gemm_forget(clade_runtime *rt);

/* --- small writes (transfer.c) --- */

#define CLADE_STAGING_SLOTS 8

/* Host memory that a write which goes on reads from; free again once the event has come. */
typedef struct clade_staging {
    unsigned char *data[CLADE_STAGING_SLOTS];
    cl_event event[CLADE_STAGING_SLOTS];
    unsigned next;
} clade_staging;

/* After the queue is finished. */
void clade_staging_free(clade_staging *staging);

/* --- the runtime (runtime.c) --- */

struct clade_runtime {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    clade_device_info info;
    size_t largest_item[3]; /* CL_DEVICE_MAX_WORK_ITEM_SIZES */
    clade_kernel_shape shape;
    clade_logger log;
    clade_pool pool;
    clade_program_cache programs;
    clade_disk_cache disk;
    clade_gemm_state gemm;
    clade_staging staging;
    struct clade_recording *recording; /* NULL: work is not written down (record.c) */
    struct clade_prepared *capture;    /* NULL: work is enqueued; else prepared (prepared.c) */
};

/* clSetKernelArg for one argument (launch.c). */
cl_int clade_cl_set_arg(cl_kernel kernel, cl_uint index, const clade_arg *arg);

/* --- prepared work (prepared.c): for whoever would enqueue while rt->capture is set --- */
clade_status clade_prepared_add_launch(struct clade_prepared *prepared, const clade_kernel *kernel,
                                       cl_uint dims, const size_t *global, const size_t *local,
                                       const clade_arg *args, int count);
clade_status clade_prepared_add_gemm(struct clade_prepared *prepared, const clade_gemm *gemm);
clade_status clade_prepared_add_copy(struct clade_prepared *prepared,
                                     const clade_copy_command *copy);
clade_status clade_prepared_add_fill(struct clade_prepared *prepared,
                                     const clade_fill_command *fill);

#endif
