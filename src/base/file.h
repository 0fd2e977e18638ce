/* Files by descriptor: whole reads and writes, and replacing a file in one step. */
#ifndef CLADE_BASE_FILE_H
#define CLADE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <clade/status.h>

#include "base/hash.h"

/* Opens a regular file for reading; anything else (a folder, a pipe, a device) is refused without
 * waiting for it. The caller closes *fd. CLADE_ERR_IO; messages start with the path. */
clade_status clade_file_open(int *fd, size_t *size, const char *path);

/* All of `size` bytes. False with errno set, 0 where the file ended first. */
bool clade_fd_read(int fd, void *data, size_t size);
bool clade_fd_write(int fd, const void *data, size_t size);

/* Makes the parts, one after the other, the content of `path`: written to a new file beside it,
 * flushed to the disk and renamed over it. On failure path is as it was and the new file is gone.
 * A file that exists keeps its permissions; what exists and is no regular file is refused. */
clade_status clade_file_replace(const char *path, const clade_bytes *parts, size_t count);

#endif
