/* Formulas over real variables, in C's notation: read, differentiated, written as OpenCL C.
 *
 *     condition ? a : b   ||  &&   == !=   < <= > >=   + -   * /   - + !   f(a, b)   (a)   1.5e-3
 *
 * Comparisons count as 1 and 0 among numbers, and a number as true unless it is 0. The functions
 * are those of formula_derive.c's table. Nothing here knows of tensors or devices. */
#ifndef CLADE_BASE_FORMULA_H
#define CLADE_BASE_FORMULA_H

#include <stdbool.h>

#include <clade/status.h>

#define CLADE_FORMULA_VARIABLES 16

typedef struct clade_formula clade_formula;

/* names: of the variables, separated by spaces; variable i is the i-th of them. Errors start with
 * `what`: CLADE_ERR_ARGUMENT with the column, CLADE_ERR_OUT_OF_MEMORY. */
clade_status clade_formula_parse(clade_formula **out, const char *text, const char *names,
                                 const char *what);
void clade_formula_free(clade_formula **formula);

/* d formula / d variable by the rules of calculus, factors of 0 and 1 left out. Of a conditional
 * the derivative of the branch that is taken; of a step 0. CLADE_ERR_UNSUPPORTED when it grows out
 * of all bounds, as derivatives of high orders do. */
clade_status clade_formula_derive(clade_formula **out, const clade_formula *formula, int variable);

bool clade_formula_uses(const clade_formula *formula, int variable);
/* Whether it is but a number. */
bool clade_formula_is_number(const clade_formula *formula, double *number);
/* Variable i becomes variable place[i]. */
void clade_formula_renumber(clade_formula *formula, const int *place);

/* An expression of OpenCL C over values of type T, in memory of base/alloc: the first `inputs`
 * variables are called a, b, c ..., those whose bit is set in `integers` being of an integer type,
 * the others p0, p1 ... CLADE_ERR_UNSUPPORTED when it is too long. */
clade_status clade_formula_write(char **out, const clade_formula *formula, int inputs,
                                 unsigned integers);

#endif
