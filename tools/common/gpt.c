#include "gpt.h"

#include <stdio.h>
#include <stdlib.h>

static clade_status create_steps(gpt *g, clade_context *ctx)
{
    const int64_t context = g->size.context;
    int32_t *steps = malloc((size_t)context * sizeof *steps);
    if (!steps)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < context; i++)
        steps[i] = (int32_t)i;
    clade_status st =
        clade_tensor_from_host(&g->steps, ctx, CLADE_I32, CLADE_SHAPE(context), steps);
    free(steps);
    return st;
}

static clade_status create_blocks(gpt *g)
{
    clade_status st = CLADE_OK;
    for (int i = 0; i < g->size.layers && st == CLADE_OK; i++) {
        char name[24];
        snprintf(name, sizeof name, "blocks.%d", i);
        st = clade_transformer_block_params(g->params, name, g->size.width, g->size.heads,
                                            4 * g->size.width, &g->block[i]);
    }
    return st;
}

clade_status gpt_create(gpt *g, clade_context *ctx, const gpt_sizes *size)
{
    const clade_init small = clade_init_normal(0, 0.02);
    *g = (gpt){.size = *size};
    clade_status st = create_steps(g, ctx);
    if (st == CLADE_OK)
        st = clade_params_create(&g->params, ctx);
    if (st != CLADE_OK)
        return st;
    g->symbol =
        clade_param(g->params, "symbol.weight", CLADE_SHAPE(size->symbols, size->width), small);
    g->place =
        clade_param(g->params, "place.weight", CLADE_SHAPE(size->context, size->width), small);
    if (!g->symbol || !g->place)
        return clade_last_error()->status;
    st = create_blocks(g);
    if (st != CLADE_OK)
        return st;
    g->norm_weight =
        clade_param(g->params, "norm.weight", CLADE_SHAPE(size->width), clade_init_constant(1));
    g->norm_bias =
        clade_param(g->params, "norm.bias", CLADE_SHAPE(size->width), clade_init_zeros());
    if (!g->norm_weight || !g->norm_bias)
        return clade_last_error()->status;
    return clade_linear_params(g->params, "head", size->width, size->symbols, &g->head_weight,
                               &g->head_bias);
}

void gpt_free(gpt *g)
{
    clade_params_free(&g->params);
    clade_tensor_free(&g->steps);
}

clade_tensor *gpt_logits(const gpt *g, clade_tensor *symbols)
{
    const clade_transformer_options options = {.causal = true, .norm_first = true, .gelu = true};
    const int64_t context = g->size.context, width = g->size.width;
    clade_tensor *x =
        clade_reshape(clade_index_select(g->symbol, 0, symbols), CLADE_SHAPE(-1, context, width));
    x = clade_add(x, g->place);
    for (int i = 0; i < g->size.layers; i++)
        x = clade_transformer(&g->block[i], x, NULL, &options);
    x = clade_layer_norm(x, g->norm_weight, g->norm_bias, 1, 1e-5);
    x = clade_linear(x, g->head_weight, g->head_bias);
    return clade_reshape(x, CLADE_SHAPE(-1, g->size.symbols));
}

clade_tensor *gpt_loss(const gpt *g, clade_tensor *text, clade_tensor *starts)
{
    clade_tensor *at = clade_add(clade_reshape(starts, CLADE_SHAPE(-1, 1)), g->steps);
    at = clade_reshape(at, CLADE_SHAPE(-1));
    clade_tensor *symbols = clade_index_select(text, 0, at);
    clade_tensor *next = clade_index_select(text, 0, clade_add_scalar(at, 1));
    return clade_cross_entropy(gpt_logits(g, symbols), next, NULL);
}
