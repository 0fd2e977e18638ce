/* Bytes from a file that may be gzip'd: which it is, its first two bytes tell. */
#ifndef CLADE_DATA_BYTE_SOURCE_H
#define CLADE_DATA_BYTE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct clade_byte_source clade_byte_source;

/* Messages of all of these start with the path, which must outlive the source. */
clade_status clade_byte_source_open(clade_byte_source **out, const char *path);
/* Accepts NULL and a pointer to NULL. */
void clade_byte_source_close(clade_byte_source **source);

/* No more bytes than this can still come: what is left of a plain file, and what a gzip'd one could
 * hold at best. Tells a lying header before anything is allocated for it. */
uint64_t clade_byte_source_bound(const clade_byte_source *source);

/* Exactly `size` bytes. CLADE_ERR_FORMAT where they end before, or the gzip is damaged. */
clade_status clade_byte_source_read(clade_byte_source *source, void *data, size_t size);

/* CLADE_ERR_FORMAT unless nothing follows; of a gzip's surplus one byte is expanded at most. Only
 * here is the checksum of a gzip's last member compared. */
clade_status clade_byte_source_end(clade_byte_source *source);

#endif
