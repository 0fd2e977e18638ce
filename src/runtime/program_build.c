/* From a family's text to a compiled program: out of the disk cache, else by the driver's
 * compiler. */
#include "runtime/cl_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/kernel_sources.h"

const clade_kernel_source *clade_kernel_source_find(const char *name)
{
    for (size_t i = 0; i < clade_kernel_source_count; i++)
        if (strcmp(clade_kernel_sources[i].name, name) == 0)
            return &clade_kernel_sources[i];
    return NULL;
}

static char *join(const clade_kernel_source *prelude, const char *family, const void *body,
                  size_t body_size)
{
    char line[128];
    int n = snprintf(line, sizeof line, "\n#line 1 \"%.96s.cl\"\n", family);
    size_t total = prelude->length + (size_t)n + body_size;
    char *text = clade_realloc(NULL, total + 1, 1);
    if (!text)
        return NULL;
    memcpy(text, prelude->text, prelude->length);
    memcpy(text + prelude->length, line, (size_t)n);
    memcpy(text + prelude->length + (size_t)n, body, body_size);
    text[total] = '\0';
    return text;
}

/* The #line directive makes the compiler count from the family's own first line. */
static clade_status assemble(char **out, const clade_kernel_key *key)
{
    const clade_kernel_source *prelude = clade_kernel_source_find("prelude");
    if (!prelude)
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "the kernel prelude is not embedded");
    if (key->generate) {
        char *body = key->generate(key->user);
        if (!body)
            return clade_error_null(key->family, "the generated source");
        *out = join(prelude, key->family, body, strlen(body));
        clade_free(body);
    } else {
        const clade_kernel_source *source = clade_kernel_source_find(key->family);
        if (!source)
            return CLADE_FAIL(CLADE_ERR_INTERNAL, "no kernel family \"%s\"", key->family);
        *out = join(prelude, key->family, source->text, source->length);
    }
    return *out ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

/* The first line that speaks of an error, else the first that is not blank. */
static const char *first_complaint(char *log)
{
    char *first = NULL;
    for (char *line = log, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        while (isspace((unsigned char)*line))
            line++;
        if (strstr(line, "error"))
            return line;
        if (!first && *line)
            first = line;
    }
    return first ? first : "the compiler gave no message";
}

static clade_status fail_build(const clade_runtime *rt, cl_program program, cl_int code,
                               const clade_kernel_key *key)
{
    if (code != CL_BUILD_PROGRAM_FAILURE && code != CL_INVALID_BUILD_OPTIONS)
        return clade_cl_fail(code, "clBuildProgram(%s)", key->family);
    size_t size = 0;
    clGetProgramBuildInfo(program, rt->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = clade_calloc(size + 1, 1);
    if (!log)
        return CLADE_ERR_OUT_OF_MEMORY;
    if (size && clGetProgramBuildInfo(program, rt->device, CL_PROGRAM_BUILD_LOG, size, log, NULL) !=
                    CL_SUCCESS)
        log[0] = '\0';
    clade_status status = CLADE_FAIL_CL(CLADE_ERR_BUILD, code, "kernels %s [%s]: %s", key->family,
                                        key->options, first_complaint(log));
    clade_free(log);
    return status;
}

static bool is_pocl(const clade_runtime *rt)
{
    return strstr(rt->info.platform_name, "Portable Computing Language") != NULL;
}

/* *out stays NULL where the source needs the header after all. */
static clade_status build_without_header(cl_program *out, const clade_runtime *rt,
                                         const clade_program_text *text)
{
    char *options = clade_asprintf("%s " CLADE_BUILTINS_OPTION, text->options);
    char *builtins = clade_builtins_declare(text->source, rt->info.has_f64);
    cl_program program = NULL;
    if (options && builtins)
        program = clCreateProgramWithSource(rt->context, 2,
                                            (const char *[]){builtins, text->source}, NULL, NULL);
    if (program && clBuildProgram(program, 1, &rt->device, options, NULL, NULL) != CL_SUCCESS) {
        clade_logger_write(&rt->log, CLADE_LOG_DEBUG,
                           "kernels: built with PoCL's header after all");
        clReleaseProgram(program);
        program = NULL;
    }
    *out = program;
    clade_status status = options && builtins ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
    clade_free(options);
    clade_free(builtins);
    return status;
}

static clade_status build_source(cl_program *out, clade_runtime *rt, const clade_kernel_key *key,
                                 const clade_program_text *text)
{
    cl_program program = NULL;
    if (is_pocl(rt))
        CLADE_TRY(build_without_header(&program, rt, text));
    if (program) {
        *out = program;
        return CLADE_OK;
    }
    cl_int code;
    program = clCreateProgramWithSource(rt->context, 1, (const char *[]){text->source},
                                        (const size_t[]){text->source_size}, &code);
    if (!program)
        return clade_cl_fail(code, "clCreateProgramWithSource(%s)", key->family);
    code = clBuildProgram(program, 1, &rt->device, text->options, NULL, NULL);
    if (code != CL_SUCCESS) {
        clade_status status = fail_build(rt, program, code, key);
        clReleaseProgram(program);
        return status;
    }
    *out = program;
    return CLADE_OK;
}

/* NULL when the driver does not take the binary. */
static cl_program build_binary(const clade_runtime *rt, const unsigned char *binary, size_t size,
                               const char *options)
{
    cl_int code, binary_status = CL_SUCCESS;
    cl_program program = clCreateProgramWithBinary(rt->context, 1, &rt->device, &size, &binary,
                                                   &binary_status, &code);
    if (!program)
        return NULL;
    if (code == CL_SUCCESS && binary_status == CL_SUCCESS &&
        clBuildProgram(program, 1, &rt->device, options, NULL, NULL) == CL_SUCCESS)
        return program;
    clReleaseProgram(program);
    return NULL;
}

static clade_status store_binary(const clade_runtime *rt, cl_program program,
                                 const clade_program_text *text)
{
    size_t size = 0;
    if (!rt->disk.dir[0] ||
        clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) !=
            CL_SUCCESS ||
        size == 0)
        return CLADE_OK;
    unsigned char *binary = clade_realloc(NULL, size, 1);
    if (!binary)
        return CLADE_ERR_OUT_OF_MEMORY;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        clade_disk_cache_store(&rt->disk, text, binary, size);
    clade_free(binary);
    return CLADE_OK;
}

static double milliseconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e3 +
           (double)(now.tv_nsec - start->tv_nsec) * 1e-6;
}

static clade_status load_or_build(cl_program *out, clade_runtime *rt, const clade_kernel_key *key,
                                  const clade_program_text *text)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    unsigned char *binary;
    size_t size;
    CLADE_TRY(clade_disk_cache_load(&rt->disk, text, &binary, &size));
    if (binary) {
        *out = build_binary(rt, binary, size, text->options);
        clade_free(binary);
        clade_logger_write(&rt->log, CLADE_LOG_DEBUG, "kernels %s [%s]: %s in %.1f ms", key->family,
                           key->options, *out ? "loaded from the cache" : "cached binary refused",
                           milliseconds_since(&start));
        if (*out)
            return CLADE_OK;
    }
    if (!rt->programs.compiled)
        clade_logger_write(&rt->log, CLADE_LOG_INFO, "compiling kernels for %s%s%s", rt->info.name,
                           rt->disk.dir[0] ? ", kept in " : "", rt->disk.dir);
    rt->programs.compiled = true;
    CLADE_TRY(build_source(out, rt, key, text));
    clade_logger_write(&rt->log, CLADE_LOG_DEBUG, "kernels %s [%s]: built from source in %.1f ms",
                       key->family, key->options, milliseconds_since(&start));
    clade_status status = store_binary(rt, *out, text);
    if (status != CLADE_OK)
        clReleaseProgram(*out);
    return status;
}

/* $CLADE_DUMP_KERNELS: a folder that gets each source under a readable name. A fault is a log line.
 */
static clade_status dump_source(const clade_runtime *rt, const clade_kernel_key *key,
                                const clade_program_text *text)
{
    const char *folder = getenv("CLADE_DUMP_KERNELS");
    if (!folder || !*folder)
        return CLADE_OK;
    char *head = clade_asprintf("// options: %s\n", text->options);
    char *path = clade_asprintf("%s/%.96s-%016llx.cl", folder, key->family,
                                (unsigned long long)clade_hash_str(text->options, 0));
    clade_status status = head && path ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
    if (status == CLADE_OK) {
        clade_bytes parts[2] = {{head, strlen(head)}, {text->source, text->source_size}};
        if (clade_file_replace(path, parts, 2) != CLADE_OK)
            clade_logger_write(&rt->log, CLADE_LOG_WARN, "CLADE_DUMP_KERNELS: %s",
                               clade_last_error()->message);
    }
    clade_free(head);
    clade_free(path);
    return status;
}

clade_status clade_program_build(cl_program *out, clade_runtime *rt, const clade_kernel_key *key)
{
    char shape[32] = "";
    if (!key->any_shape)
        snprintf(shape, sizeof shape, " -DLANES=%d -DVW=%d", rt->shape.lanes,
                 rt->shape.vector_width);
    char *options =
        clade_asprintf("-cl-std=CL1.2 -w -DEVERY_KERNEL=0 -DWANTED_%s=1%s%s %s", key->name, shape,
                       rt->info.has_f64 ? " -DCLADE_F64" : "", key->options);
    if (!options)
        return CLADE_ERR_OUT_OF_MEMORY;
    char *source = NULL;
    clade_status status = assemble(&source, key);
    if (status == CLADE_OK) {
        clade_program_text text = {source, strlen(source), options};
        status = dump_source(rt, key, &text);
        if (status == CLADE_OK)
            status = load_or_build(out, rt, key, &text);
    }
    clade_free(source);
    clade_free(options);
    return status;
}
