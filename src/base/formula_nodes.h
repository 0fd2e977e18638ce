/* The inside of formulas: an array of nodes, each after those that it is made of. */
#ifndef CLADE_BASE_FORMULA_NODES_H
#define CLADE_BASE_FORMULA_NODES_H

#include "base/error.h"
#include "base/formula.h"

#include <stddef.h>

typedef enum formula_kind {
    FORMULA_NUMBER,
    FORMULA_VARIABLE,
    FORMULA_SELECT, /* from here on the order of precedence */
    FORMULA_OR,
    FORMULA_AND,
    FORMULA_EQUAL,
    FORMULA_UNEQUAL,
    FORMULA_LESS,
    FORMULA_LESS_EQUAL,
    FORMULA_GREATER,
    FORMULA_GREATER_EQUAL,
    FORMULA_ADD,
    FORMULA_SUBTRACT,
    FORMULA_MULTIPLY,
    FORMULA_DIVIDE,
    FORMULA_NEGATE,
    FORMULA_NOT,
    FORMULA_CALL
} formula_kind;

#define FORMULA_ARGS 3

/* A function of the language. Derivatives and meanings are formulas over its arguments a, b, c and
 * its value y. */
typedef struct formula_function {
    const char *name;
    int arity;
    const char *opencl;                   /* over a, b; NULL: OpenCL's function of that name */
    const char *derivative[FORMULA_ARGS]; /* by each argument; NULL: 0 everywhere */
    const char *means;                    /* NULL, or what it is read as */
    bool is_condition;
} formula_function;

typedef struct formula_node {
    formula_kind kind;
    int arg[FORMULA_ARGS]; /* nodes; -1: none */
    double number;
    int variable;
    const formula_function *function;
} formula_node;

struct clade_formula {
    formula_node *nodes;
    size_t count, capacity;
    int root;
    bool failed; /* a node could not be made: what was built since is void */
};

/* NULL with the error set. Node 0 is the number 0. */
clade_formula *clade_formula_new(void);
/* Drops what the root is not made of. */
clade_status clade_formula_compact(clade_formula *formula);

/* Nodes, simplified where that changes no value. A failure sets formula->failed and the error. */
int clade_formula_number(clade_formula *f, double number);
int clade_formula_variable(clade_formula *f, int variable);
int clade_formula_node(clade_formula *f, formula_kind kind, int a, int b, int c);
int clade_formula_call(clade_formula *f, const formula_function *function, const int *args);

/* NULL when there is none of that name. */
const formula_function *clade_formula_function(const char *name, size_t length);

/* A text of the functions' table with its letters standing for nodes: a, b, c for args, y for `y`
 * (-1: there is none). */
int clade_formula_template(clade_formula *f, const char *text, const int *args, int y);

/* Whether it is true or false and no number. */
bool clade_formula_is_condition(const formula_node *node);

#endif
