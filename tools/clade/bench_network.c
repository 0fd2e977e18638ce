#include "bench_network.h"

#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"
#include "../mnist/torch_random.h"

static clade_status upload_order(network *n)
{
    int32_t *order = malloc((size_t)n->data->count * sizeof *order);
    if (!order)
        return CLADE_ERR_OUT_OF_MEMORY;
    torch_random random;
    torch_random_seed(&random, 1);
    torch_random_permutation(&random, order, n->data->count);
    clade_status status =
        clade_tensor_from_host(&n->order, n->ctx, CLADE_I32, CLADE_SHAPE(n->data->count), order);
    free(order);
    return status;
}

int network_open(network *n, bench *b, const layout *l, int64_t batch, clade_step_fn fn)
{
    *n = (network){.ctx = b->ctx, .data = bench_data(b), .batch = batch};
    if (!n->data)
        return EXIT_FAILED;
    if (n->data->count < batch)
        return cli_fail("%lld images do not make a batch of %lld", (long long)n->data->count,
                        (long long)batch);
    clade_status status = upload_order(n);
    if (status == CLADE_OK)
        status = model_create(&n->model, b->ctx, l);
    if (status == CLADE_OK)
        status = clade_step_create(&n->step, b->ctx, fn, n, NULL);
    return status == CLADE_OK ? EXIT_OK : cli_fail_library();
}

void network_close(network *n)
{
    clade_step_free(&n->step);
    model_free(&n->model);
    clade_tensor_free(&n->order);
}

void network_work(char *text, size_t size, const char *kind, const network *n)
{
    size_t used = (size_t)snprintf(text, size, "%s %lld", kind, (long long)n->batch);
    for (int i = 0; i <= n->model.layout.count && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, " %lld", (long long)n->model.layout.size[i]);
}

clade_tensor *network_batch(const network *n, clade_tensor *which)
{
    return dataset_normalised(clade_index_select(n->data->images, 0, which));
}

clade_status network_run(void *net)
{
    network *n = net;
    if (n->next + n->batch > n->data->count)
        n->next = 0;
    clade_status status = clade_scope_begin(n->ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor *which = clade_slice(n->order, 0, n->next, n->next + n->batch, 1);
    status = which ? clade_step_run(n->step, &which, 1) : clade_last_error()->status;
    n->next += n->batch;
    clade_status ended = clade_scope_end(n->ctx);
    return status == CLADE_OK ? ended : status;
}
