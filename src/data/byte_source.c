#include "data/byte_source.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

#ifdef CLADE_HAVE_ZLIB
#include <zlib.h>
#endif

#define CHUNK 65536

struct clade_byte_source {
    const char *path;
    int fd;
    uint64_t size;     /* of the file */
    uint64_t left;     /* bytes of the file that were not yet taken from `buffer` */
    size_t filled, at; /* of the buffer */
    unsigned char buffer[CHUNK];
    bool gzip;
#ifdef CLADE_HAVE_ZLIB
    z_stream z;
    bool member_ended; /* the gzip may end here, or another member begin */
#endif
};

/* Puts what can be read in one go behind what the buffer still holds. */
static clade_status refill(clade_byte_source *s)
{
    size_t held = s->filled - s->at;
    memmove(s->buffer, s->buffer + s->at, held);
    size_t more = sizeof s->buffer - held;
    if (more > s->left - held)
        more = (size_t)(s->left - held);
    if (!clade_fd_read(s->fd, s->buffer + held, more))
        return CLADE_FAIL(CLADE_ERR_IO, "%s: cannot read: %s", s->path,
                          errno ? strerror(errno) : "the file shrank meanwhile");
    s->at = 0;
    s->filled = held + more;
    return CLADE_OK;
}

static bool gzip_magic(const clade_byte_source *s)
{
    return s->filled - s->at >= 2 && s->buffer[s->at] == 0x1f && s->buffer[s->at + 1] == 0x8b;
}

#ifdef CLADE_HAVE_ZLIB

/* The best that deflate can do is 258 bytes for two bits. */
#define MAX_EXPANSION 1032

static clade_status start_gzip(clade_byte_source *s)
{
    int code = inflateInit2(&s->z, 15 + 16);
    if (code == Z_OK)
        return CLADE_OK;
    s->gzip = false;
    return CLADE_FAIL(code == Z_MEM_ERROR ? CLADE_ERR_OUT_OF_MEMORY : CLADE_ERR_INTERNAL,
                      "%s: zlib: %s", s->path, zError(code));
}

/* After the end of a member: another one, or CLADE_ERR_FORMAT. */
static clade_status next_member(clade_byte_source *s)
{
    if (s->filled - s->at < 2)
        CLADE_TRY(refill(s));
    if (!gzip_magic(s))
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: %llu bytes of garbage follow the gzip data",
                          s->path, (unsigned long long)s->left);
    inflateReset(&s->z);
    s->member_ended = false;
    return CLADE_OK;
}

/* One call of inflate on what the buffer holds. */
static clade_status expand_some(clade_byte_source *s)
{
    if (s->at == s->filled)
        CLADE_TRY(refill(s));
    size_t before = s->filled - s->at;
    s->z.next_in = s->buffer + s->at;
    s->z.avail_in = (uInt)before;
    int code = inflate(&s->z, Z_NO_FLUSH);
    size_t taken = before - s->z.avail_in;
    s->at += taken;
    s->left -= taken;
    if (code == Z_STREAM_END)
        s->member_ended = true;
    if (code == Z_OK || code == Z_STREAM_END)
        return CLADE_OK;
    if (code == Z_BUF_ERROR)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: truncated: the gzip data ends too early", s->path);
    if (code == Z_MEM_ERROR)
        return CLADE_FAIL(CLADE_ERR_OUT_OF_MEMORY, "%s: out of host memory", s->path);
    return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: damaged gzip data: %s", s->path,
                      s->z.msg ? s->z.msg : zError(code));
}

/* As many of `size` bytes as there are until the end of the last member. */
static clade_status expand(clade_byte_source *s, unsigned char *data, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size && !(s->member_ended && !s->left)) {
        if (s->member_ended)
            CLADE_TRY(next_member(s));
        uInt room = size - *got > CHUNK ? CHUNK : (uInt)(size - *got);
        s->z.next_out = data + *got;
        s->z.avail_out = room;
        clade_status status = expand_some(s);
        *got += room - s->z.avail_out;
        CLADE_TRY(status);
    }
    return CLADE_OK;
}

static void stop_gzip(clade_byte_source *s)
{
    (void)inflateEnd(&s->z);
}

#else

#define MAX_EXPANSION 1

static clade_status start_gzip(clade_byte_source *s)
{
    s->gzip = false;
    return CLADE_FAIL(CLADE_ERR_UNSUPPORTED, "%s: gzip'd; this build has no zlib to expand it",
                      s->path);
}

static clade_status expand(clade_byte_source *s, unsigned char *data, size_t size, size_t *got)
{
    (void)s, (void)data, (void)size;
    *got = 0;
    return CLADE_OK;
}

static void stop_gzip(clade_byte_source *s)
{
    (void)s;
}

#endif

static clade_status copy(clade_byte_source *s, unsigned char *data, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size && s->left) {
        if (s->at == s->filled)
            CLADE_TRY(refill(s));
        size_t n = s->filled - s->at;
        if (n > size - *got)
            n = size - *got;
        memcpy(data + *got, s->buffer + s->at, n);
        s->at += n;
        s->left -= n;
        *got += n;
    }
    return CLADE_OK;
}

clade_status clade_byte_source_open(clade_byte_source **out, const char *path)
{
    *out = NULL;
    int fd;
    size_t size;
    CLADE_TRY(clade_file_open(&fd, &size, path));
    clade_byte_source *s = clade_calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        return CLADE_ERR_OUT_OF_MEMORY;
    }
    s->path = path;
    s->fd = fd;
    s->size = s->left = size;
    clade_status status = refill(s);
    if (status == CLADE_OK && gzip_magic(s)) {
        s->gzip = true;
        status = start_gzip(s);
    }
    if (status != CLADE_OK)
        clade_byte_source_close(&s);
    *out = s;
    return status;
}

void clade_byte_source_close(clade_byte_source **source)
{
    if (!source || !*source)
        return;
    if ((*source)->gzip)
        stop_gzip(*source);
    close((*source)->fd);
    clade_free(*source);
    *source = NULL;
}

uint64_t clade_byte_source_bound(const clade_byte_source *s)
{
    if (!s->gzip)
        return s->left;
    return s->size > UINT64_MAX / MAX_EXPANSION ? UINT64_MAX : s->size * MAX_EXPANSION;
}

static clade_status take(clade_byte_source *s, void *data, size_t size, size_t *got)
{
    return s->gzip ? expand(s, data, size, got) : copy(s, data, size, got);
}

clade_status clade_byte_source_read(clade_byte_source *s, void *data, size_t size)
{
    size_t got;
    CLADE_TRY(take(s, data, size, &got));
    if (got == size)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: truncated: %zu of %zu bytes are there", s->path, got,
                      size);
}

clade_status clade_byte_source_end(clade_byte_source *s)
{
    unsigned char surplus;
    size_t got;
    CLADE_TRY(take(s, &surplus, 1, &got));
    if (!got)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: holds more than its header declares", s->path);
}
