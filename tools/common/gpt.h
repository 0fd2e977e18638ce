/* A character-level GPT: embeddings of symbols and places, transformer blocks with norm_first, GELU
 * and causal attention, a norm and a linear layer. */
#ifndef CLADE_TOOLS_GPT_H
#define CLADE_TOOLS_GPT_H

#include <clade/clade.h>

#define GPT_MOST_LAYERS 32

typedef struct gpt_sizes {
    int64_t symbols, context, width, layers, heads;
} gpt_sizes;

typedef struct gpt {
    gpt_sizes size;
    clade_params *params; /* owned; the tensors below are borrowed from it */
    clade_tensor *symbol, *place;
    clade_transformer_block block[GPT_MOST_LAYERS];
    clade_tensor *norm_weight, *norm_bias, *head_weight, *head_bias;
    clade_tensor *steps; /* owned: i32 [context], 0 1 2 ... */
} gpt;

/* Parameters start as GPT-2's embeddings and PyTorch's layers do. Freed with gpt_free, also after a
 * failure. */
clade_status gpt_create(gpt *g, clade_context *ctx, const gpt_sizes *size);
void gpt_free(gpt *g);

/* The logits [n*context,symbols] of what follows each of the symbols, i32 [n*context]. */
clade_tensor *gpt_logits(const gpt *g, clade_tensor *symbols);

/* The mean cross-entropy on the pieces of a text, i32 [length], that begin at starts, i32 [n]. */
clade_tensor *gpt_loss(const gpt *g, clade_tensor *text, clade_tensor *starts);

#endif
