/* PoCL compiles a kernel for any group size when it hands out a binary, and again for the group
 * size at hand, which is no faster for Clade's kernels. Call it before the first device is opened.
 */
#ifndef CLADE_TESTS_COMPILE_ONCE_H
#define CLADE_TESTS_COMPILE_ONCE_H

#include <stdlib.h>

static inline void compile_once(void)
{
    setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", 0);
}

#endif
