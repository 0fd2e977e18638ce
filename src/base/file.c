#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

clade_status clade_file_open(int *fd, size_t *size, const char *path)
{
    struct stat st;
    /* Without O_NONBLOCK a pipe would wait here for its writer. */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return CLADE_FAIL(CLADE_ERR_IO, "%s: %s", path, strerror(errno));
    const char *fault = NULL;
    if (fstat(opened, &st) != 0)
        fault = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        fault = S_ISDIR(st.st_mode) ? "is a folder" : "not a regular file";
    if (fault) {
        close(opened);
        return CLADE_FAIL(CLADE_ERR_IO, "%s: %s", path, fault);
    }
    *fd = opened;
    *size = (size_t)st.st_size;
    return CLADE_OK;
}

bool clade_fd_read(int fd, void *data, size_t size)
{
    unsigned char *p = data;
    while (size) {
        ssize_t n = read(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = 0;
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

bool clade_fd_write(int fd, const void *data, size_t size)
{
    const unsigned char *p = data;
    while (size) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

/* mkstemp would make the file private, and the umask cannot be asked without changing it: so the
 * name is our own and the system applies the umask. */
static int create_beside(const char *path, char **temporary)
{
    static atomic_uint counter;
    for (int tries = 0; tries < 100; tries++) {
        char *name =
            clade_asprintf("%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1));
        if (!name) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            *temporary = name;
            return fd;
        }
        int code = errno;
        clade_free(name);
        errno = code;
        if (code != EEXIST)
            return -1;
    }
    return -1;
}

static bool fill(int fd, const clade_bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!clade_fd_write(fd, parts[i].data, parts[i].size))
            return false;
    return fsync(fd) == 0;
}

/* The rename itself reaches the disk with its folder. It is done already, so that a folder which
 * cannot be flushed is no failure. */
static void flush_folder(const char *path)
{
    char *folder = clade_strdup(path);
    if (!folder)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    clade_free(folder);
}

clade_status clade_file_replace(const char *path, const clade_bytes *parts, size_t count)
{
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode))
        return CLADE_FAIL(CLADE_ERR_IO, "%s: %s", path,
                          S_ISDIR(old.st_mode) ? "is a folder" : "not a regular file");
    if (exists && access(path, W_OK) != 0)
        return CLADE_FAIL(CLADE_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    char *temporary = NULL;
    int fd = create_beside(path, &temporary);
    if (fd < 0)
        return CLADE_FAIL(errno == ENOMEM ? CLADE_ERR_OUT_OF_MEMORY : CLADE_ERR_IO,
                          "%s: cannot write beside it: %s", path, strerror(errno));
    bool done = (!exists || fchmod(fd, old.st_mode & 07777) == 0) && fill(fd, parts, count);
    int code = errno;
    if (close(fd) != 0 && done) {
        done = false;
        code = errno;
    }
    if (done && rename(temporary, path) != 0) {
        done = false;
        code = errno;
    }
    if (!done)
        (void)unlink(temporary);
    clade_free(temporary);
    if (!done)
        return CLADE_FAIL(CLADE_ERR_IO, "%s: cannot write: %s", path, strerror(code));
    flush_folder(path);
    return CLADE_OK;
}
