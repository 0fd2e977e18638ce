/* Formulas as OpenCL C. */
#include "base/formula_nodes.h"

#include "base/alloc.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_TEXT 65536

typedef struct writer {
    const clade_formula *f;
    int inputs;
    unsigned integers;
    char *text;
    size_t size, used;
} writer;

/* How strongly a node holds together; an operand of less strength stands in parentheses. */
enum { CHOICE, OR, AND, EQUALITY, ORDER, SUM, PRODUCT, SIGN, WHOLE };

typedef struct operator_text {
    const char *text;
    int strength;
} operator_text;

static const operator_text operators[] = {
    [FORMULA_OR] = {"||", OR},           [FORMULA_AND] = {"&&", AND},
    [FORMULA_EQUAL] = {"==", EQUALITY},  [FORMULA_UNEQUAL] = {"!=", EQUALITY},
    [FORMULA_LESS] = {"<", ORDER},       [FORMULA_LESS_EQUAL] = {"<=", ORDER},
    [FORMULA_GREATER] = {">", ORDER},    [FORMULA_GREATER_EQUAL] = {">=", ORDER},
    [FORMULA_ADD] = {"+", SUM},          [FORMULA_SUBTRACT] = {"-", SUM},
    [FORMULA_MULTIPLY] = {"*", PRODUCT}, [FORMULA_DIVIDE] = {"/", PRODUCT},
};

/* Counts on beyond the end, so that a first pass with size 0 measures. */
static void put(writer *w, const char *text)
{
    for (; *text; text++, w->used++)
        if (w->used < w->size)
            w->text[w->used] = *text;
}

/* With a point whatever the locale, so that it is of the type that the kernel computes in. */
static void put_number(writer *w, double number)
{
    char text[40];
    if (isnan(number) || isinf(number)) {
        put(w, isnan(number) ? "NAN" : number > 0 ? "INFINITY" : "(-INFINITY)");
        return;
    }
    int digits = 1;
    do
        snprintf(text, sizeof text, "%.*g", digits, fabs(number));
    while (strtod(text, NULL) != fabs(number) && ++digits < 17);
    size_t whole = strspn(text, "0123456789"), tail = strcspn(text + whole, "0123456789e") + whole;
    put(w, number < 0 ? "(-" : "");
    for (size_t i = 0; i < whole; i++)
        put(w, (char[2]){text[i]});
    put(w, tail > whole ? "." : ".0");
    put(w, text + tail);
    put(w, number < 0 ? ")" : "");
}

static void put_node(writer *w, int i, int strength, bool condition);

/* A condition among numbers, or a number among conditions. */
static void put_converted(writer *w, int i, bool condition)
{
    put(w, "(");
    put_node(w, i, condition ? SUM : OR, !condition);
    put(w, condition ? " != 0.0)" : " ? 1.0 : 0.0)");
}

static void put_operator(writer *w, const formula_node *node)
{
    const operator_text *own = &operators[node->kind];
    bool of_conditions = node->kind == FORMULA_OR || node->kind == FORMULA_AND;
    put_node(w, node->arg[0], own->strength, of_conditions);
    put(w, own->text);
    put_node(w, node->arg[1], own->strength + 1, of_conditions);
}

/* The argument that a letter of a function's OpenCL C stands for; -1: it is part of something. */
static int argument_at(const char *text, const char *at)
{
    bool joined = (at > text && isalnum((unsigned char)at[-1])) || isalnum((unsigned char)at[1]);
    return *at >= 'a' && *at <= 'b' && !joined ? *at - 'a' : -1;
}

static void put_call(writer *w, const formula_node *node)
{
    const char *text = node->function->opencl;
    put(w, text ? "(" : node->function->name);
    for (const char *at = text; at && *at; at++) {
        int argument = argument_at(text, at);
        if (argument >= 0)
            put_node(w, node->arg[argument], WHOLE, false);
        else
            put(w, (char[2]){*at});
    }
    if (text) {
        put(w, ")");
        return;
    }
    for (int k = 0; k < node->function->arity; k++) {
        put(w, k ? "," : "(");
        put_node(w, node->arg[k], CHOICE, false);
    }
    put(w, ")");
}

static void put_variable(writer *w, int variable)
{
    char text[16];
    if (variable < w->inputs)
        snprintf(text, sizeof text, w->integers & 1u << variable ? "((T)%c)" : "%c",
                 'a' + variable);
    else
        snprintf(text, sizeof text, "p%d", variable - w->inputs);
    put(w, text);
}

static int strength_of(const formula_node *node)
{
    switch (node->kind) {
    case FORMULA_SELECT:
        return CHOICE;
    case FORMULA_NEGATE: /* -a*b is (-a)*b, which is the same; a - -b is not to be */
        return SUM;
    case FORMULA_NUMBER:
    case FORMULA_VARIABLE:
    case FORMULA_CALL:
    case FORMULA_NOT:
        return WHOLE;
    default:
        return operators[node->kind].strength;
    }
}

static void put_unconverted(writer *w, const formula_node *node)
{
    switch (node->kind) {
    case FORMULA_NUMBER:
        put_number(w, node->number);
        break;
    case FORMULA_VARIABLE:
        put_variable(w, node->variable);
        break;
    case FORMULA_CALL:
        put_call(w, node);
        break;
    case FORMULA_NEGATE:
        put(w, "-");
        put_node(w, node->arg[0], PRODUCT, false);
        break;
    case FORMULA_NOT:
        put(w, "!");
        put_node(w, node->arg[0], WHOLE, true);
        break;
    case FORMULA_SELECT:
        put_node(w, node->arg[0], OR, true);
        put(w, " ? ");
        put_node(w, node->arg[1], CHOICE, false);
        put(w, " : ");
        put_node(w, node->arg[2], CHOICE, false);
        break;
    default:
        put_operator(w, node);
    }
}

static void put_node(writer *w, int i, int strength, bool condition)
{
    const formula_node *node = &w->f->nodes[i];
    if (clade_formula_is_condition(node) != condition) {
        put_converted(w, i, condition);
        return;
    }
    bool closed = strength_of(node) >= strength;
    put(w, closed ? "" : "(");
    put_unconverted(w, node);
    put(w, closed ? "" : ")");
}

/* How often a function's OpenCL C writes its arguments at most. */
#define MOST_COPIES 3

/* Whether the text, which repeats what several nodes are made of, has an end in sight. */
static bool is_bounded(const clade_formula *f, double *length)
{
    for (size_t i = 0; i < f->count; i++) {
        const formula_node *node = &f->nodes[i];
        bool copies = node->kind == FORMULA_CALL && node->function->opencl;
        length[i] = 1;
        for (int k = 0; k < FORMULA_ARGS; k++)
            if (node->arg[k] >= 0)
                length[i] += length[node->arg[k]] * (copies ? MOST_COPIES : 1);
    }
    return length[f->root] < LONGEST_TEXT;
}

clade_status clade_formula_write(char **out, const clade_formula *formula, int inputs,
                                 unsigned integers)
{
    *out = NULL;
    double *length = clade_calloc(formula->count, sizeof *length);
    if (!length)
        return CLADE_ERR_OUT_OF_MEMORY;
    bool bounded = is_bounded(formula, length);
    clade_free(length);
    writer w = {.f = formula, .inputs = inputs, .integers = integers};
    if (bounded)
        put_node(&w, formula->root, CHOICE, false);
    if (!bounded || w.used > LONGEST_TEXT)
        return CLADE_FAIL(CLADE_ERR_UNSUPPORTED,
                          "a derivative grows beyond %d characters of OpenCL C", LONGEST_TEXT);
    w.size = w.used;
    w.text = clade_calloc(w.used + 1, 1);
    if (!w.text)
        return CLADE_ERR_OUT_OF_MEMORY;
    w.used = 0;
    put_node(&w, formula->root, CHOICE, false);
    *out = w.text;
    return CLADE_OK;
}
