#include "tape/tape.h"

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/shape.h"

#include <stdio.h>
#include <string.h>

/* Of one line: the number, the op's name, each shape behind a space, and the arrow. */
static size_t line_bound(const clade_node *node)
{
    return 48 + strlen(node->op->name) + (size_t)(node->count + 1) * (CLADE_SHAPE_TEXT + 1);
}

static size_t print_node(char *text, size_t size, size_t index, const clade_node *node)
{
    size_t at = (size_t)snprintf(text, size, "%5zu  %-12s", index, node->op->name);
    for (int i = 0; i < node->count; i++)
        at += (size_t)snprintf(text + at, size - at, " %s",
                               clade_shape_str(&node->inputs[i]->shape).s);
    at +=
        (size_t)snprintf(text + at, size - at, " -> %s\n", clade_shape_str(&node->output->shape).s);
    return at;
}

clade_status clade_tape_print(clade_context *ctx, char **out)
{
    if (!ctx || !out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tape_print: %s is NULL", ctx ? "out" : "ctx");
    const clade_tape *tape = ctx->tape;
    if (!tape)
        return CLADE_FAIL(CLADE_ERR_STATE, "tape_print: no tape is open");
    size_t size = 1;
    for (size_t i = 0; i < tape->count; i++)
        size += line_bound(tape->nodes[i]);
    char *text = clade_calloc(size, 1);
    if (!text)
        return CLADE_ERR_OUT_OF_MEMORY;
    size_t at = 0;
    for (size_t i = 0; i < tape->count; i++)
        at += print_node(text + at, size - at, i, tape->nodes[i]);
    *out = text;
    return CLADE_OK;
}

void clade_string_free(char **string)
{
    if (!string)
        return;
    clade_free(*string);
    *string = NULL;
}
