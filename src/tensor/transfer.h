/* Moving values: between layouts and dtypes on the device. */
#ifndef CLADE_TENSOR_TRANSFER_H
#define CLADE_TENSOR_TRANSFER_H

#include "tensor/tensor.h"

/* dst = src, converted and broadcast; any strides. */
clade_status clade_tensor_assign(clade_tensor *dst, const clade_tensor *src);

/* A reference to t itself when it is contiguous, else to a contiguous copy; NULL with the error
 * set. */
clade_tensor *clade_tensor_compact(clade_tensor *t);

#endif
