#include "tensor/arguments.h"
#include "tensor/transfer.h"

void clade_arguments_add(clade_arguments *a, clade_arg arg)
{
    a->arg[a->count++] = arg;
}

void clade_arguments_add_tensor(clade_arguments *a, clade_tensor *t)
{
    if (a->status != CLADE_OK)
        return;
    clade_tensor *compact = clade_tensor_compact(t);
    if (!compact) {
        a->status = clade_last_error()->status;
        return;
    }
    a->tensor[a->tensors++] = compact;
    clade_arguments_add(a, clade_arg_buffer(compact->storage->buffer));
    clade_arguments_add(a, clade_arg_i32(compact->offset));
}

void clade_arguments_clear(clade_arguments *a)
{
    while (a->tensors)
        clade_tensor_unref(a->tensor[--a->tensors]);
}
