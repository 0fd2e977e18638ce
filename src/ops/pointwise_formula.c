/* Formulas as ops: the user's of clade_pointwise, and derivatives of these and of the gradients in
 * pointwise.c's table. One op computes them all; attrs.object is the formula, integer[0] the
 * result's dtype, real[] the constants. Its derivative is a formula too, to any order. */
#include "ops/pointwise.h"
#include "tensor/elementwise.h"

#include <clade/ops.h>

#include "base/alloc.h"
#include "base/formula.h"
#include "base/hash.h"
#include "base/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INPUTS    CLADE_EXPRESSION_INPUTS
#define CONSTANTS CLADE_EXPRESSION_PARAMS

/* A context keeps each formula that it meets, with what was derived from it. */
typedef struct kept_formula {
    struct kept_formula *next;
    char *text, *names; /* as given; of a derivative NULL */
    uint64_t hash;
    clade_formula *formula;
    clade_expression expression;
    char *name, *code; /* of the expression */
    int inputs, constants;
    unsigned integers; /* a bit per input that is none of the floats */
    int place[INPUTS]; /* of a derivative: where its inputs stand among those it was derived from */
    struct kept_formula *derivative[INPUTS]; /* NULL: not met yet */
} kept_formula;

static void kept_free(kept_formula *kept)
{
    while (kept) {
        kept_formula *next = kept->next;
        clade_formula_free(&kept->formula);
        clade_free(kept->text);
        clade_free(kept->names);
        clade_free(kept->name);
        clade_free(kept->code);
        clade_free(kept);
        kept = next;
    }
}

/* Writes the expression and keeps the formula, which owns itself from then on. */
static clade_status keep(clade_context *ctx, kept_formula *kept)
{
    CLADE_TRY(clade_formula_write(&kept->code, kept->formula, kept->inputs, kept->integers));
    kept->name = clade_asprintf("formula_%016" PRIx64, clade_hash_str(kept->code, 0));
    if (!kept->name)
        return CLADE_ERR_OUT_OF_MEMORY;
    kept->expression.name = kept->name;
    kept->expression.text = kept->code;
    for (int i = 0; i < kept->inputs; i++)
        kept->expression.inputs[i] = (char)('a' + i);
    kept->next = ctx->formulas;
    ctx->formulas = kept;
    ctx->formulas_free = kept_free;
    return CLADE_OK;
}

/* --- formulas as they are given --------------------------------------------------------------- */
static int count_names(const char *names)
{
    int count = 0;
    for (const char *at = names; *at; at++)
        count += *at != ' ' && (at == names || at[-1] == ' ');
    return count;
}

static clade_status make(kept_formula *kept, const char *text, const char *names)
{
    CLADE_TRY(clade_formula_parse(&kept->formula, text, names, "pointwise"));
    if (count_names(names) != kept->inputs + kept->constants)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "pointwise: \"%s\" names %d variables for %d inputs and %d constants",
                          names, count_names(names), kept->inputs, kept->constants);
    kept->text = clade_strdup(text);
    kept->names = clade_strdup(names);
    return kept->text && kept->names ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

/* NULL with the error set. */
static kept_formula *formula_of(clade_context *ctx, const char *text, const char *names,
                                clade_tensor *const *inputs, int count, int constants)
{
    unsigned integers = 0;
    for (int i = 0; i < count; i++)
        integers |= (unsigned)!clade_dtype_is_float(inputs[i]->dtype) << i;
    uint64_t hash = clade_hash_str(names, clade_hash_str(text, 0));
    for (kept_formula *k = ctx->formulas; k; k = k->next)
        if (k->hash == hash && k->text && k->inputs == count && k->constants == constants &&
            k->integers == integers && !strcmp(k->text, text) && !strcmp(k->names, names))
            return k;
    kept_formula *kept = clade_calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->hash = hash;
    kept->inputs = count;
    kept->constants = constants;
    kept->integers = integers;
    if (make(kept, text, names) == CLADE_OK && keep(ctx, kept) == CLADE_OK)
        return kept;
    kept_free(kept);
    return NULL;
}

/* --- derivatives ------------------------------------------------------------------------------ */
/* Leaves out the inputs that the derivative does not use, but for one at least. */
static void choose_inputs(kept_formula *kept, const kept_formula *of)
{
    int place[CLADE_FORMULA_VARIABLES] = {0};
    for (int i = 0; i < of->inputs; i++) {
        bool last_chance = !kept->inputs && i + 1 == of->inputs;
        if (!last_chance && !clade_formula_uses(kept->formula, i))
            continue;
        kept->integers |= (of->integers >> i & 1u) << kept->inputs;
        kept->place[kept->inputs] = i;
        place[i] = kept->inputs++;
    }
    for (int i = 0; i < of->constants; i++)
        place[of->inputs + i] = kept->inputs + i;
    clade_formula_renumber(kept->formula, place);
}

/* NULL with the error set. */
static kept_formula *derivative_of(clade_context *ctx, kept_formula *of, int which)
{
    if (of->derivative[which])
        return of->derivative[which];
    kept_formula *kept = clade_calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->constants = of->constants;
    if (clade_formula_derive(&kept->formula, of->formula, which) == CLADE_OK) {
        choose_inputs(kept, of);
        if (keep(ctx, kept) == CLADE_OK)
            return of->derivative[which] = kept;
    }
    kept_free(kept);
    return NULL;
}

static const clade_op op_pointwise;

static clade_tensor *apply(kept_formula *kept, clade_dtype dtype, clade_tensor *const *inputs,
                           const double *constants)
{
    clade_attrs attrs = {.object = kept, .integer = {dtype}};
    for (int i = 0; i < kept->constants; i++)
        attrs.real[i] = constants[i];
    return clade_apply(&op_pointwise, &attrs, inputs, kept->inputs);
}

static clade_tensor *gradient(kept_formula *kept, clade_tensor *const *inputs,
                              const double *constants, int which, clade_tensor *grad)
{
    kept_formula *d = derivative_of(grad->ctx, kept, which);
    double number;
    if (!d)
        return NULL;
    if (clade_formula_is_number(d->formula, &number)) {
        if (number == 0)
            return clade_full(grad->ctx, grad->dtype, grad->shape, 0);
        return number == 1 ? grad : clade_mul_scalar(grad, number);
    }
    clade_tensor *used[INPUTS];
    for (int i = 0; i < d->inputs; i++)
        used[i] = inputs[d->place[i]];
    return clade_mul(grad, apply(d, grad->dtype, used, constants));
}

clade_tensor *clade_formula_gradient(const char *text, const char *names,
                                     clade_tensor *const *inputs, int count,
                                     const double *constants, int constant_count, int which,
                                     clade_tensor *grad)
{
    kept_formula *kept = formula_of(grad->ctx, text, names, inputs, count, constant_count);
    return kept ? gradient(kept, inputs, constants, which, grad) : NULL;
}

/* --- the op ----------------------------------------------------------------------------------- */
static clade_status infer(const clade_node *node, clade_meta *out)
{
    out->dtype = (clade_dtype)node->attrs.integer[0];
    out->shape = node->inputs[0]->shape;
    for (int i = 0; i < node->count; i++) {
        const clade_tensor *t = node->inputs[i];
        if (clade_dtype_is_float(t->dtype) && t->dtype != out->dtype)
            return CLADE_FAIL(CLADE_ERR_DTYPE, "pointwise: inputs differ in dtype: %s and %s",
                              clade_dtype_name(out->dtype), clade_dtype_name(t->dtype));
        if (!clade_shape_broadcast(&out->shape, &t->shape, &out->shape))
            return CLADE_FAIL(CLADE_ERR_SHAPE, "pointwise: shapes do not broadcast: %s and %s",
                              clade_shape_str(&out->shape).s, clade_shape_str(&t->shape).s);
    }
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    const kept_formula *kept = node->attrs.object;
    return clade_elementwise(&kept->expression, node->output->dtype, node->output, node->inputs,
                             node->count, node->attrs.real, kept->constants);
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    for (int i = 0; i < node->count; i++)
        if (needs[i])
            grads[i] = gradient(node->attrs.object, node->inputs, node->attrs.real, i, grad);
}

static const clade_op op_pointwise = {.name = "pointwise",
                                      .min_inputs = 1,
                                      .max_inputs = INPUTS,
                                      .saves = CLADE_SAVES_INPUTS,
                                      .infer = infer,
                                      .forward = forward,
                                      .any_storage = true,
                                      .backward = backward};

static const clade_op *const ops[] = {&op_pointwise};
const clade_op_family clade_formula_ops = {ops, 1};

/* --- the user's ------------------------------------------------------------------------------- */
static clade_status check_call(const char *expression, const char *names,
                               clade_tensor *const *inputs, int count, const double *constants,
                               int constant_count)
{
    if (!expression || !names || !inputs || (constant_count && !constants))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "pointwise: %s is NULL",
                          !expression ? "the expression"
                          : !names    ? "names"
                          : !inputs   ? "inputs"
                                      : "constants");
    if (count < 1 || count > INPUTS || constant_count < 0 || constant_count > CONSTANTS)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                          "pointwise: %d inputs and %d constants; 1 to %d and 0 to %d are taken",
                          count, constant_count, INPUTS, CONSTANTS);
    for (int i = 0; i < count; i++)
        if (!inputs[i])
            return clade_error_null("pointwise", "an input");
    return CLADE_OK;
}

clade_tensor *clade_pointwise(const char *expression, const char *names,
                              clade_tensor *const *inputs, int count, const double *constants,
                              int constant_count)
{
    if (check_call(expression, names, inputs, count, constants, constant_count) != CLADE_OK)
        return NULL;
    int first = 0;
    while (first < count && !clade_dtype_is_float(inputs[first]->dtype))
        first++;
    if (first == count) {
        (void)CLADE_FAIL(CLADE_ERR_DTYPE, "pointwise: none of the %d inputs is of floats", count);
        return NULL;
    }
    kept_formula *kept =
        formula_of(inputs[0]->ctx, expression, names, inputs, count, constant_count);
    return kept ? apply(kept, inputs[first]->dtype, inputs, constants) : NULL;
}
