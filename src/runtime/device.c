#include "runtime/cl_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

typedef struct device_list {
    clade_device_info *infos;
    cl_device_id *ids;
    size_t count, info_cap, id_cap;
} device_list;

/* Drivers pad names with blanks, and refuse a buffer that is too short instead of cutting. */
static void copy_trimmed(char *out, size_t size, const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= size)
        n = size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

static void platform_text(cl_platform_id platform, cl_platform_info what, char *out, size_t size)
{
    char text[4096];
    if (clGetPlatformInfo(platform, what, sizeof text, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    copy_trimmed(out, size, text);
}

static void device_text(cl_device_id device, cl_device_info what, char *out, size_t size)
{
    char text[4096];
    if (clGetDeviceInfo(device, what, sizeof text, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    copy_trimmed(out, size, text);
}

/* "OpenCL 1.2 ..." or later. */
static bool version_suffices(const char *version)
{
    int major = 0, minor = 0;
    return sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 &&
           (major > 1 || (major == 1 && minor >= 2));
}

#define QUERY(device, what, out)                                                                   \
    do {                                                                                           \
        cl_int code_ = clGetDeviceInfo((device), what, sizeof *(out), (out), NULL);                \
        if (code_ != CL_SUCCESS)                                                                   \
            return clade_cl_fail(code_, "clGetDeviceInfo(%s)", #what);                             \
    } while (0)

static clade_status query_numbers(cl_device_id id, clade_device_info *info)
{
    cl_device_type type;
    cl_uint units;
    cl_bool unified;
    cl_ulong memory, allocation, local;
    QUERY(id, CL_DEVICE_TYPE, &type);
    QUERY(id, CL_DEVICE_MAX_COMPUTE_UNITS, &units);
    QUERY(id, CL_DEVICE_HOST_UNIFIED_MEMORY, &unified);
    QUERY(id, CL_DEVICE_GLOBAL_MEM_SIZE, &memory);
    QUERY(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &allocation);
    QUERY(id, CL_DEVICE_LOCAL_MEM_SIZE, &local);
    QUERY(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &info->largest_work_group);
    info->type = type & CL_DEVICE_TYPE_GPU   ? CLADE_DEVICE_GPU
                 : type & CL_DEVICE_TYPE_CPU ? CLADE_DEVICE_CPU
                                             : CLADE_DEVICE_ACCELERATOR;
    info->compute_units = units;
    info->host_unified = unified != CL_FALSE;
    info->memory_bytes = memory;
    info->largest_allocation_bytes = allocation;
    info->local_memory_bytes = local;
    return CLADE_OK;
}

static clade_status query_device(cl_device_id id, clade_device_info *info)
{
    CLADE_TRY(query_numbers(id, info));
    cl_uint width;
    if (clGetDeviceInfo(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width, NULL) ==
        CL_SUCCESS)
        info->native_float_width = width;
    cl_device_fp_config fp64;
    if (clGetDeviceInfo(id, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof fp64, &fp64, NULL) == CL_SUCCESS)
        info->has_f64 = fp64 != 0;
    device_text(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    device_text(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    device_text(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    return CLADE_OK;
}

static bool device_usable(cl_device_id id)
{
    char version[128];
    cl_bool available = CL_FALSE, compiler = CL_FALSE;
    device_text(id, CL_DEVICE_VERSION, version, sizeof version);
    return version_suffices(version) &&
           clGetDeviceInfo(id, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL) ==
               CL_SUCCESS &&
           clGetDeviceInfo(id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL) ==
               CL_SUCCESS &&
           available && compiler;
}

static clade_status append_device(device_list *list, const clade_device_info *info, cl_device_id id)
{
    if (!clade_grow((void **)&list->infos, &list->info_cap, list->count + 1, sizeof *info) ||
        !clade_grow((void **)&list->ids, &list->id_cap, list->count + 1, sizeof id))
        return CLADE_ERR_OUT_OF_MEMORY;
    list->infos[list->count] = *info;
    list->infos[list->count].index = (int)list->count;
    list->ids[list->count] = id;
    list->count++;
    return CLADE_OK;
}

/* A platform that does not answer is passed over: one broken driver must not hide the others. */
static clade_status append_platform(device_list *list, cl_platform_id platform, int number)
{
    clade_device_info base = {.platform = number};
    platform_text(platform, CL_PLATFORM_VERSION, base.platform_version,
                  sizeof base.platform_version);
    platform_text(platform, CL_PLATFORM_NAME, base.platform_name, sizeof base.platform_name);
    cl_uint count = 0;
    if (!version_suffices(base.platform_version) ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count) != CL_SUCCESS || !count)
        return CLADE_OK;
    cl_device_id *ids = clade_calloc(count, sizeof *ids);
    if (!ids)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = CLADE_OK;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL) != CL_SUCCESS)
        count = 0;
    for (cl_uint i = 0; i < count && status == CLADE_OK; i++) {
        clade_device_info info = base;
        info.number = (int)i;
        if (!device_usable(ids[i]))
            continue;
        status = query_device(ids[i], &info);
        if (status == CLADE_OK)
            status = append_device(list, &info, ids[i]);
    }
    clade_free(ids);
    return status;
}

static clade_status append_all(device_list *list)
{
    cl_uint count = 0;
    cl_int code = clGetPlatformIDs(0, NULL, &count);
    if (code != CL_SUCCESS || count == 0) /* the loader reports "none" as an error */
        return CLADE_OK;
    cl_platform_id *platforms = clade_calloc(count, sizeof *platforms);
    if (!platforms)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = CLADE_OK;
    code = clGetPlatformIDs(count, platforms, NULL);
    if (code != CL_SUCCESS)
        status = clade_cl_fail(code, "clGetPlatformIDs");
    for (cl_uint i = 0; i < count && status == CLADE_OK; i++)
        status = append_platform(list, platforms[i], (int)i);
    clade_free(platforms);
    return status;
}

clade_status clade_device_enumerate(clade_device_info **infos, cl_device_id **ids, size_t *count)
{
    device_list list = {0};
    clade_status status = append_all(&list);
    if (status != CLADE_OK) {
        clade_free(list.infos);
        clade_free(list.ids);
        return status;
    }
    *infos = list.infos;
    *ids = list.ids;
    *count = list.count;
    return CLADE_OK;
}

clade_status clade_device_list(clade_device_info **out, size_t *count)
{
    if (!out || !count)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "device_list: out or count is NULL");
    clade_device_info *infos;
    cl_device_id *ids;
    size_t n;
    CLADE_TRY(clade_device_enumerate(&infos, &ids, &n));
    clade_free(ids);
    *out = infos;
    *count = n;
    return CLADE_OK;
}

void clade_device_list_free(clade_device_info **list)
{
    if (!list)
        return;
    clade_free(*list);
    *list = NULL;
}
