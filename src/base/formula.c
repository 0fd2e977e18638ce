#include "base/formula_nodes.h"

#include "base/alloc.h"

#include <string.h>

#define LARGEST_COUNT 65536

clade_formula *clade_formula_new(void)
{
    clade_formula *f = clade_calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->root = clade_formula_number(f, 0);
    if (f->failed)
        clade_formula_free(&f);
    return f;
}

void clade_formula_free(clade_formula **formula)
{
    if (!formula || !*formula)
        return;
    clade_free((*formula)->nodes);
    clade_free(*formula);
    *formula = NULL;
}

static void mark_used(const clade_formula *f, bool *used)
{
    used[f->root] = true;
    for (size_t i = (size_t)f->root + 1; i-- > 0;)
        for (int k = 0; used[i] && k < FORMULA_ARGS; k++)
            if (f->nodes[i].arg[k] >= 0)
                used[f->nodes[i].arg[k]] = true;
}

clade_status clade_formula_compact(clade_formula *f)
{
    bool *used = clade_calloc(f->count, sizeof *used);
    int *place = clade_calloc(f->count, sizeof *place);
    bool enough = used && place;
    if (enough) {
        mark_used(f, used);
        used[0] = true;
        int n = 0;
        for (size_t i = 0; i < f->count; i++) {
            if (!used[i])
                continue;
            formula_node node = f->nodes[i];
            for (int k = 0; k < FORMULA_ARGS; k++)
                node.arg[k] = node.arg[k] < 0 ? -1 : place[node.arg[k]];
            place[i] = n;
            f->nodes[n++] = node;
        }
        f->root = place[f->root];
        f->count = (size_t)n;
    }
    clade_free(used);
    clade_free(place);
    return enough ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

bool clade_formula_uses(const clade_formula *f, int variable)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->nodes[i].kind == FORMULA_VARIABLE && f->nodes[i].variable == variable)
            return true;
    return false;
}

bool clade_formula_is_number(const clade_formula *f, double *number)
{
    *number = f->nodes[f->root].number;
    return f->nodes[f->root].kind == FORMULA_NUMBER;
}

void clade_formula_renumber(clade_formula *f, const int *place)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->nodes[i].kind == FORMULA_VARIABLE)
            f->nodes[i].variable = place[f->nodes[i].variable];
}

bool clade_formula_is_condition(const formula_node *node)
{
    return node->kind == FORMULA_CALL ? node->function->is_condition
                                      : (node->kind >= FORMULA_OR && node->kind < FORMULA_ADD) ||
                                            node->kind == FORMULA_NOT;
}

/* --- making nodes ----------------------------------------------------------------------------- */
static int append(clade_formula *f, const formula_node *node)
{
    if (f->count == LARGEST_COUNT) {
        if (!f->failed)
            (void)CLADE_FAIL(CLADE_ERR_UNSUPPORTED, "a derivative grows beyond %d terms",
                             LARGEST_COUNT);
        f->failed = true;
    }
    if (f->failed ||
        !clade_grow((void **)&f->nodes, &f->capacity, f->count + 1, sizeof *f->nodes)) {
        f->failed = true;
        return 0;
    }
    f->nodes[f->count] = *node;
    return (int)f->count++;
}

int clade_formula_number(clade_formula *f, double number)
{
    return append(f, &(formula_node){FORMULA_NUMBER, {-1, -1, -1}, .number = number});
}

int clade_formula_variable(clade_formula *f, int variable)
{
    return append(f, &(formula_node){FORMULA_VARIABLE, {-1, -1, -1}, .variable = variable});
}

static bool is_number(const clade_formula *f, int i, double number)
{
    return f->nodes[i].kind == FORMULA_NUMBER && f->nodes[i].number == number;
}

static double folded(formula_kind kind, double a, double b)
{
    switch (kind) {
    case FORMULA_OR:
        return a != 0 || b != 0;
    case FORMULA_AND:
        return a != 0 && b != 0;
    case FORMULA_EQUAL:
        return a == b;
    case FORMULA_UNEQUAL:
        return a != b;
    case FORMULA_LESS:
        return a < b;
    case FORMULA_LESS_EQUAL:
        return a <= b;
    case FORMULA_GREATER:
        return a > b;
    case FORMULA_GREATER_EQUAL:
        return a >= b;
    case FORMULA_ADD:
        return a + b;
    case FORMULA_SUBTRACT:
        return a - b;
    case FORMULA_MULTIPLY:
        return a * b;
    case FORMULA_DIVIDE:
        return a / b;
    case FORMULA_NEGATE:
        return -a;
    default:
        return a == 0; /* FORMULA_NOT */
    }
}

/* 1 / (1 + exp(-x)) and log1p(exp(x)) are functions whose derivatives do not overflow. */
static int known_function(clade_formula *f, const formula_node *node)
{
    const formula_node *nodes = f->nodes;
    if (node->kind == FORMULA_CALL && !strcmp(node->function->name, "log1p")) {
        const formula_node *inner = &nodes[node->arg[0]];
        if (inner->kind == FORMULA_CALL && !strcmp(inner->function->name, "exp"))
            return clade_formula_call(f, clade_formula_function("softplus", 8), inner->arg);
    }
    if (node->kind == FORMULA_DIVIDE && is_number(f, node->arg[0], 1)) {
        const formula_node *sum = &nodes[node->arg[1]];
        if (sum->kind != FORMULA_ADD || !is_number(f, sum->arg[0], 1))
            return -1;
        const formula_node *exp = &nodes[sum->arg[1]];
        if (exp->kind == FORMULA_CALL && !strcmp(exp->function->name, "exp") &&
            nodes[exp->arg[0]].kind == FORMULA_NEGATE)
            return clade_formula_call(f, clade_formula_function("sigmoid", 7),
                                      nodes[exp->arg[0]].arg);
    }
    return -1;
}

static int negated(clade_formula *f, int i)
{
    return clade_formula_node(f, FORMULA_NEGATE, i, -1, -1);
}

/* The node that a sum, a product or a quotient of a and b is already; -1 when there is none. */
static int simpler(clade_formula *f, formula_kind kind, int a, int b)
{
    const formula_node x = f->nodes[a], y = f->nodes[b];
    bool minus_a = x.kind == FORMULA_NEGATE, minus_b = y.kind == FORMULA_NEGATE;
    switch (kind) {
    case FORMULA_ADD:
        if (is_number(f, a, 0))
            return b;
        if (is_number(f, b, 0))
            return a;
        return minus_b ? clade_formula_node(f, FORMULA_SUBTRACT, a, y.arg[0], -1) : -1;
    case FORMULA_SUBTRACT:
        if (is_number(f, b, 0))
            return a;
        if (is_number(f, a, 0))
            return negated(f, b);
        return minus_b ? clade_formula_node(f, FORMULA_ADD, a, y.arg[0], -1) : -1;
    case FORMULA_MULTIPLY:
        if (is_number(f, a, 1))
            return b;
        if (is_number(f, a, -1))
            return negated(f, b);
        break;
    default:
        break;
    }
    if (is_number(f, b, 1))
        return a;
    if (is_number(f, b, -1))
        return negated(f, a);
    if (minus_a || minus_b) {
        int rest = clade_formula_node(f, kind, minus_a ? x.arg[0] : a, minus_b ? y.arg[0] : b, -1);
        return minus_a && minus_b ? rest : negated(f, rest);
    }
    return -1;
}

int clade_formula_node(clade_formula *f, formula_kind kind, int a, int b, int c)
{
    if (f->failed)
        return 0;
    formula_node node = {kind, {a, b, c}, .function = NULL};
    const formula_node *x = &f->nodes[a];
    bool numbers = x->kind == FORMULA_NUMBER && (b < 0 || f->nodes[b].kind == FORMULA_NUMBER);
    if (kind == FORMULA_SELECT) {
        if (x->kind == FORMULA_NUMBER)
            return x->number != 0 ? b : c;
        return b == c ? b : append(f, &node);
    }
    if (numbers)
        return clade_formula_number(f, folded(kind, x->number, b < 0 ? 0 : f->nodes[b].number));
    int known = -1;
    if (kind == FORMULA_NEGATE && x->kind == FORMULA_NEGATE)
        known = x->arg[0];
    else if (kind >= FORMULA_ADD && kind <= FORMULA_DIVIDE)
        known = simpler(f, kind, a, b);
    if (known < 0)
        known = known_function(f, &node);
    return known >= 0 ? known : append(f, &node);
}

int clade_formula_call(clade_formula *f, const formula_function *function, const int *args)
{
    if (f->failed)
        return 0;
    if (function->means)
        return clade_formula_template(f, function->means, args, -1);
    if (!strcmp(function->name, "pow")) {
        if (is_number(f, args[1], 0))
            return clade_formula_number(f, 1);
        if (is_number(f, args[1], 1))
            return args[0];
    }
    formula_node node = {FORMULA_CALL, {-1, -1, -1}, .function = function};
    for (int k = 0; k < function->arity; k++)
        node.arg[k] = args[k];
    int known = known_function(f, &node);
    return known >= 0 ? known : append(f, &node);
}
