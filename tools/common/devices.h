/* Devices as both tools show and open them. */
#ifndef CLADE_TOOLS_DEVICES_H
#define CLADE_TOOLS_DEVICES_H

#include <stdbool.h>

#include <clade/context.h>

const char *device_type_name(clade_device_type type);

/* Prints all devices, the one that `selector` (NULL: $CLADE_DEVICE, else the best) means marked
 * with an asterisk. A selector that matches nothing, or no device at all, is a failure after the
 * table. Returns the exit code. */
int devices_print(const char *selector, bool json);

/* Opens a device; the library's log goes to stderr, from `level` up. Returns NULL after a line on
 * stderr. */
clade_context *device_open(const char *selector, clade_log_level level, uint64_t seed);

#endif
