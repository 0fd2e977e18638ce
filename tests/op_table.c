/* Prints the table of ops, as Markdown, from the registry and the rows of op_cases.h, without a
 * device: what it says of an op is what test_ops checks. */
#include <stdio.h>
#include <string.h>

#include "op_cases.h"
#include "tape/op.h"

typedef struct claims {
    unsigned dtypes;
    bool gradient, second, views, empty;
    const char *views_like;
} claims;

static bool has_empty_shape(const op_case *row)
{
    for (int s = 0; s < OP_SHAPES && row->shapes[s]; s++)
        if (strstr(row->shapes[s], "[0") || strstr(row->shapes[s], ",0"))
            return true;
    return false;
}

static claims claims_of(const clade_op *op)
{
    claims all = {0};
    const op_case *row;
    for (size_t k = 0; (row = op_case_at(k)); k++) {
        if (strcmp(row->op, op->name) != 0)
            continue;
        all.dtypes |= row->dtypes;
        all.views = all.views || *row->shapes[0];
        all.views_like = row->views_like;
        all.gradient = all.gradient || row->gradient;
        all.second = all.second || (op_case_differentiates(row) && !row->no_grad2);
        all.empty = all.empty || has_empty_shape(row);
    }
    return all;
}

static const char *mark(bool claimed)
{
    return claimed ? "yes" : "-";
}

int main(void)
{
    puts("# Operations\n\n"
         "From the registry and the rows of `tests/op_cases*.c`. Each *yes* and each dtype is\n"
         "checked by `build/tests/test_ops`: *forward* against a reference in double, *gradient*\n"
         "and *second* derivative against central differences in f64, *views* with inputs that\n"
         "are transposed, permuted, sliced and expanded (*like* an op whose kernels differ in "
         "their\n"
         "formula alone), *empty* with a dimension of 0.\n\n"
         "| op | forward | gradient | second | dtypes | views | empty |\n"
         "|---|---|---|---|---|---|---|");
    const clade_op *op;
    for (size_t i = 0; (op = clade_op_at(i)); i++) {
        if (op->gradient_of)
            continue;
        claims of = claims_of(op);
        printf("| %s | yes | %s | %s |", op->name, mark(of.gradient), mark(of.second));
        for (clade_dtype d = CLADE_F32; d < CLADE_DTYPE_COUNT; d++)
            if (of.dtypes & 1u << d)
                printf(" %s", clade_dtype_name(d));
        printf(" | %s%s | %s |\n", of.views_like ? "like " : "",
               of.views_like ? of.views_like : mark(of.views), mark(of.empty));
    }
    return 0;
}
