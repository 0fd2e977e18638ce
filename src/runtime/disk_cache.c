/* Compiled programs on disk. A file's name is a hash of everything that determines the binary; the
 * header repeats a second, independent hash and the lengths, and holds a checksum of the binary.
 * The hashes notice damage, not malice: that is why folder and files must belong to this user. */
#include "runtime/cl_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

#define NAME_SEED    0u
#define KEY_SEED     0x9e3779b97f4a7c15u
#define PAYLOAD_SEED 0x2545f4914f6cdd1du
#define PATH_SIZE    (CLADE_CACHE_DIR_SIZE + 64)

typedef struct header {
    char magic[8];
    uint64_t source_size, options_size, identity_size;
    clade_hash128 key;
    uint64_t payload_size;
    clade_hash128 payload;
} header;

static clade_hash128 hash_key(const clade_disk_cache *cache, const clade_program_text *text,
                              uint64_t seed)
{
    const clade_bytes parts[] = {
        {cache->identity, strlen(cache->identity)},
        {text->options, strlen(text->options)},
        {text->source, text->source_size},
    };
    return clade_hash_parts(parts, sizeof parts / sizeof *parts, seed);
}

static header make_header(const clade_disk_cache *cache, const clade_program_text *text,
                          const unsigned char *binary, size_t size)
{
    const clade_bytes payload = {binary, size};
    return (header){
        .magic = {'C', 'L', 'A', 'D', 'E', 'B', '0', '1'},
        .source_size = text->source_size,
        .options_size = strlen(text->options),
        .identity_size = strlen(cache->identity),
        .key = hash_key(cache, text, KEY_SEED),
        .payload_size = size,
        .payload = clade_hash_parts(&payload, 1, PAYLOAD_SEED),
    };
}

static void file_path(const clade_disk_cache *cache, const clade_program_text *text,
                      char path[PATH_SIZE])
{
    clade_hash128 hash = hash_key(cache, text, NAME_SEED);
    char hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash.bytes[i]);
    snprintf(path, PATH_SIZE, "%s/%s.bin", cache->dir, hex);
}

/* False when no folder is meant or its path does not fit. */
static bool choose_dir(char dir[CLADE_CACHE_DIR_SIZE], const char *asked)
{
    const char *clade = getenv("CLADE_CACHE_DIR");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int n = 0;
    if (asked)
        n = snprintf(dir, CLADE_CACHE_DIR_SIZE, "%s", asked);
    else if (clade && *clade)
        n = snprintf(dir, CLADE_CACHE_DIR_SIZE, "%s", clade);
    else if (xdg && *xdg == '/') /* the XDG rules ignore a relative path */
        n = snprintf(dir, CLADE_CACHE_DIR_SIZE, "%s/clade", xdg);
    else if (home && *home)
        n = snprintf(dir, CLADE_CACHE_DIR_SIZE, "%s/.cache/clade", home);
    return n > 0 && n < CLADE_CACHE_DIR_SIZE;
}

/* mkdir -p; what exists is left as it is. */
static bool make_dirs(const char *dir)
{
    char path[CLADE_CACHE_DIR_SIZE];
    snprintf(path, sizeof path, "%s", dir);
    for (char *c = path + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        *c = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static const char *dir_fault(const char *dir)
{
    struct stat st;
    if (!make_dirs(dir) || stat(dir, &st) != 0)
        return strerror(errno);
    if (!S_ISDIR(st.st_mode))
        return "not a folder";
    if (st.st_uid != geteuid())
        return "belongs to another user";
    if (st.st_mode & S_IWOTH)
        return "writable by everybody";
    return NULL;
}

void clade_disk_cache_open(clade_disk_cache *cache, const char *dir, const clade_device_info *info,
                           const clade_logger *log)
{
    cache->log = log;
    snprintf(cache->identity, sizeof cache->identity, "%s|%s|%s|%s|%s|%s", clade_version(),
             info->name, info->vendor, info->driver, info->platform_name, info->platform_version);
    if (!choose_dir(cache->dir, dir)) {
        cache->dir[0] = '\0';
        clade_logger_write(log, CLADE_LOG_DEBUG, "program cache: off");
        return;
    }
    const char *fault = dir_fault(cache->dir);
    if (fault) {
        clade_logger_write(log, CLADE_LOG_WARN, "program cache: %s: %s; not used", cache->dir,
                           fault);
        cache->dir[0] = '\0';
    }
}

/* What is wrong with the file, or NULL and the binary; *status tells a lack of memory. */
static const char *read_file(int fd, const clade_disk_cache *cache, const clade_program_text *text,
                             unsigned char **binary, size_t *size, clade_status *status)
{
    struct stat st;
    header found;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return "not a file of this user";
    if (st.st_size <= (off_t)sizeof found || !clade_fd_read(fd, &found, sizeof found))
        return "truncated";
    *size = (size_t)st.st_size - sizeof found;
    if (found.payload_size != *size)
        return "truncated, or not a cached program";
    *binary = clade_realloc(NULL, *size, 1);
    if (!*binary) {
        *status = CLADE_ERR_OUT_OF_MEMORY;
        return "out of host memory";
    }
    if (!clade_fd_read(fd, *binary, *size))
        return "truncated";
    header expected = make_header(cache, text, *binary, *size);
    return memcmp(&found, &expected, sizeof found) == 0 ? NULL : "corrupt, or of another program";
}

clade_status clade_disk_cache_load(const clade_disk_cache *cache, const clade_program_text *text,
                                   unsigned char **binary, size_t *size)
{
    *binary = NULL;
    if (!cache->dir[0])
        return CLADE_OK;
    char path[PATH_SIZE];
    file_path(cache, text, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return CLADE_OK;
    clade_status status = CLADE_OK;
    const char *fault = read_file(fd, cache, text, binary, size, &status);
    close(fd);
    if (fault) {
        clade_free(*binary);
        *binary = NULL;
        clade_logger_write(cache->log, CLADE_LOG_DEBUG, "program cache: %s: %s", path, fault);
    }
    return status;
}

void clade_disk_cache_store(const clade_disk_cache *cache, const clade_program_text *text,
                            const unsigned char *binary, size_t size)
{
    if (!cache->dir[0])
        return;
    char path[PATH_SIZE], temporary[PATH_SIZE];
    file_path(cache, text, path);
    snprintf(temporary, sizeof temporary, "%s/new-XXXXXX", cache->dir);
    int fd = mkstemp(temporary);
    if (fd < 0) {
        clade_logger_write(cache->log, CLADE_LOG_DEBUG, "program cache: %s: %s", temporary,
                           strerror(errno));
        return;
    }
    header head = make_header(cache, text, binary, size);
    bool written = clade_fd_write(fd, &head, sizeof head) && clade_fd_write(fd, binary, size);
    written = close(fd) == 0 && written;
    if (written && rename(temporary, path) == 0)
        return;
    clade_logger_write(cache->log, CLADE_LOG_DEBUG, "program cache: %s: %s", path, strerror(errno));
    unlink(temporary);
}
