/* Statuses and the thread's last error.
 *
 * Clade never aborts, exits or prints. A function that does something returns a clade_status; a
 * function that computes a tensor returns NULL when it fails. Both leave a one-line message behind,
 * readable with clade_last_error() on the same thread, such as
 *
 *     matmul: inner dimensions differ: [128,784] x [128,10]
 *
 * A failed call leaves its arguments and the context as they were.
 *
 * Thread-safety: the last error is per thread; every function here may be called at any time.
 */
#ifndef CLADE_STATUS_H
#define CLADE_STATUS_H

#include <clade/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(CLADE_STATIC)
#define CLADE_API
#elif defined(_WIN32) && defined(CLADE_BUILDING)
#define CLADE_API __declspec(dllexport)
#elif defined(_WIN32)
#define CLADE_API __declspec(dllimport)
#else
#define CLADE_API __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
#define CLADE_NODISCARD __attribute__((warn_unused_result))
#else
#define CLADE_NODISCARD
#endif

/* 0 is success; failures are negative and their values never change between versions. */
typedef enum clade_status {
    CLADE_OK = 0,
    CLADE_ERR_ARGUMENT = -1,      /* NULL, or a value outside what the function accepts */
    CLADE_ERR_SHAPE = -2,         /* shapes that do not fit together, or too large */
    CLADE_ERR_DTYPE = -3,         /* a dtype that the function does not take, or a mixture */
    CLADE_ERR_STATE = -4,         /* the right call at the wrong time: no open scope, no tape */
    CLADE_ERR_OUT_OF_MEMORY = -5, /* host or device memory, after the pool's cache was emptied */
    CLADE_ERR_NO_DEVICE = -6,     /* no OpenCL platform or device, or none that matches */
    CLADE_ERR_OPENCL = -7,        /* an OpenCL call failed: clade_error.cl_code says how */
    CLADE_ERR_BUILD = -8,         /* a kernel did not compile */
    CLADE_ERR_UNSUPPORTED = -9,   /* this device or this build cannot do it (fp64, zlib, libpng) */
    CLADE_ERR_NO_GRADIENT = -10,  /* backward reached an op that has no gradient */
    CLADE_ERR_MODIFIED = -11,     /* backward needs a tensor that was overwritten since */
    CLADE_ERR_GRADIENT = -12,     /* clade_gradcheck: analytic and numeric gradients differ */
    CLADE_ERR_IO = -13,           /* a file cannot be opened, read, written or renamed */
    CLADE_ERR_FORMAT = -14,       /* a file's content is not what its format demands */
    CLADE_ERR_BLAS = -15,         /* CLBlast failed: clade_error.cl_code holds its status */
    CLADE_ERR_INTERNAL = -16      /* a bug in Clade: please report it with the message */
} clade_status;

/* The last failure on this thread. message is one line without a final newline; cl_code is OpenCL's
 * (or CLBlast's) own code, 0 when none was involved. */
typedef struct clade_error {
    clade_status status;
    int cl_code;
    const char *message;
} clade_error;

/* Returns a borrowed pointer, never NULL; its content is valid until the next failing call or
 * clade_error_clear() on this thread. Without a failure so far: {CLADE_OK, 0, ""}. */
CLADE_API const clade_error *clade_last_error(void);

/* Forgets the thread's last error. Opening a scope or a tape does the same. */
CLADE_API void clade_error_clear(void);

/* "CLADE_ERR_SHAPE" and so on; "CLADE_ERR_?" for a value that is none. Static storage. */
CLADE_API const char *clade_status_name(clade_status status);

/* The version of the library that runs, "0.1.0" (CLADE_VERSION is that of the headers). */
CLADE_API const char *clade_version(void);

#ifdef __cplusplus
}
#endif
#endif
