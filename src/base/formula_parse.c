#include "base/formula_nodes.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_TEXT   4096
#define DEEPEST        100
#define LONGEST_DIGITS 300

/* Names stand for variables, by their place in `names`; or, in a template, for nodes. */
typedef struct parser {
    clade_formula *f;
    const char *text, *at, *names, *what;
    const int *args;
    int y, depth;
    clade_status status;
} parser;

static int parse_choice(parser *p);

static int complain(parser *p, const char *at, const char *problem, const char *name, int length)
{
    if (p->status == CLADE_OK)
        p->status = CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: column %d: %s%.*s in \"%s\"", p->what,
                               (int)(at - p->text) + 1, problem, length, name, p->text);
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int name_length(const char *at)
{
    int n = 0;
    while (starts_name(at[n]) || (n && is_digit(at[n])))
        n++;
    return n;
}

static char next(parser *p)
{
    while (is_space(*p->at))
        p->at++;
    return *p->at;
}

static bool accept(parser *p, char c)
{
    if (next(p) != c)
        return false;
    p->at++;
    return true;
}

static int unexpected(parser *p)
{
    return next(p) ? complain(p, p->at, "unexpected ", p->at, 1)
                   : complain(p, p->at, "unexpected end", "", 0);
}

/* The place of a name in a list separated by spaces; -1: it is not there. */
static int place_in(const char *names, const char *name, int length)
{
    for (int i = 0;; i++) {
        while (is_space(*names))
            names++;
        if (!*names)
            return -1;
        int n = name_length(names);
        if (n == length && !strncmp(names, name, (size_t)n))
            return i;
        names += n;
    }
}

/* --- numbers ---------------------------------------------------------------------------------- */
/* Without a decimal point, which is another character in some locales: digits and an exponent. */
static double value_of(const char *digits, int count, int exponent)
{
    char text[LONGEST_DIGITS + 16];
    memcpy(text, digits, (size_t)count);
    text[count] = 'e';
    int at = count + 1, rest = exponent < 0 ? -exponent : exponent;
    if (exponent < 0)
        text[at++] = '-';
    for (int unit = 10000; unit; unit /= 10)
        text[at++] = (char)('0' + rest / unit % 10);
    text[at] = '\0';
    return strtod(text, NULL);
}

static int parse_number(parser *p)
{
    char digits[LONGEST_DIGITS];
    const char *start = p->at;
    int count = 0, exponent = 0;
    bool fraction = false;
    for (; is_digit(*p->at) || (*p->at == '.' && !fraction); p->at++) {
        fraction = fraction || *p->at == '.';
        if (*p->at == '.')
            continue;
        if (count == LONGEST_DIGITS)
            return complain(p, start, "too many digits", "", 0);
        digits[count++] = *p->at;
        exponent -= fraction;
    }
    if (!count)
        return unexpected(p);
    if (*p->at == 'e' || *p->at == 'E') {
        bool negative = p->at[1] == '-';
        p->at += p->at[1] == '-' || p->at[1] == '+' ? 2 : 1;
        if (!is_digit(*p->at))
            return unexpected(p);
        int given = 0;
        for (; is_digit(*p->at); p->at++)
            given = given < 5000 ? given * 10 + (*p->at - '0') : given;
        exponent += negative ? -given : given;
    }
    if (starts_name(*p->at) || *p->at == '.')
        return unexpected(p);
    return clade_formula_number(p->f, value_of(digits, count, exponent));
}

/* --- names ------------------------------------------------------------------------------------ */
static int parse_call(parser *p, const char *name, int length)
{
    const formula_function *function = clade_formula_function(name, (size_t)length);
    int args[FORMULA_ARGS] = {-1, -1, -1}, count = 0;
    if (!function)
        return complain(p, name, "no function is called ", name, length);
    do {
        int arg = parse_choice(p);
        if (p->status != CLADE_OK)
            return 0;
        if (count < FORMULA_ARGS)
            args[count] = arg;
        count++;
    } while (accept(p, ','));
    if (!accept(p, ')'))
        return unexpected(p);
    if (count != function->arity)
        return complain(p, name, "the wrong number of arguments to ", name, length);
    return clade_formula_call(p->f, function, args);
}

static int parse_name(parser *p)
{
    const char *name = p->at;
    int length = name_length(name);
    p->at += length;
    if (accept(p, '('))
        return parse_call(p, name, length);
    if (!p->names)
        return *name == 'y' ? p->y : p->args[*name - 'a'];
    int variable = place_in(p->names, name, length);
    if (variable < 0)
        return complain(p, name, "no variable is called ", name, length);
    return clade_formula_variable(p->f, variable);
}

/* --- operators -------------------------------------------------------------------------------- */
static int parse_primary(parser *p)
{
    char c = next(p);
    if (is_digit(c) || c == '.')
        return parse_number(p);
    if (starts_name(c))
        return parse_name(p);
    if (!accept(p, '('))
        return unexpected(p);
    int inside = parse_choice(p);
    return accept(p, ')') ? inside : unexpected(p);
}

static int parse_unary(parser *p)
{
    if (p->depth == DEEPEST)
        return complain(p, p->at, "nested too deeply", "", 0);
    p->depth++;
    int result;
    if (accept(p, '-'))
        result = clade_formula_node(p->f, FORMULA_NEGATE, parse_unary(p), -1, -1);
    else if (accept(p, '!'))
        result = clade_formula_node(p->f, FORMULA_NOT, parse_unary(p), -1, -1);
    else
        result = accept(p, '+') ? parse_unary(p) : parse_primary(p);
    p->depth--;
    return result;
}

typedef struct operator_text {
    const char *text;
    int precedence;
    formula_kind kind;
} operator_text;

/* Of two that begin alike the longer first. */
static const operator_text operators[] = {
    {"||", 1, FORMULA_OR},      {"&&", 2, FORMULA_AND},        {"==", 3, FORMULA_EQUAL},
    {"!=", 3, FORMULA_UNEQUAL}, {"<=", 4, FORMULA_LESS_EQUAL}, {">=", 4, FORMULA_GREATER_EQUAL},
    {"<", 4, FORMULA_LESS},     {">", 4, FORMULA_GREATER},     {"+", 5, FORMULA_ADD},
    {"-", 5, FORMULA_SUBTRACT}, {"*", 6, FORMULA_MULTIPLY},    {"/", 6, FORMULA_DIVIDE}};

static const operator_text *operator_at(parser *p)
{
    next(p);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (!strncmp(p->at, operators[i].text, strlen(operators[i].text)))
            return &operators[i];
    return NULL;
}

static int parse_binary(parser *p, int precedence)
{
    const operator_text *sign;
    int left = parse_unary(p);
    while (p->status == CLADE_OK && (sign = operator_at(p)) && sign->precedence >= precedence) {
        p->at += strlen(sign->text);
        int right = parse_binary(p, sign->precedence + 1);
        left = clade_formula_node(p->f, sign->kind, left, right, -1);
    }
    return left;
}

static int parse_choice(parser *p)
{
    int condition = parse_binary(p, 1);
    if (p->status != CLADE_OK || !accept(p, '?'))
        return condition;
    if (p->depth == DEEPEST)
        return complain(p, p->at, "nested too deeply", "", 0);
    p->depth++;
    int yes = parse_choice(p);
    int no = accept(p, ':') ? parse_choice(p) : unexpected(p);
    p->depth--;
    return clade_formula_node(p->f, FORMULA_SELECT, condition, yes, no);
}

static clade_status check_names(const char *names, const char *what)
{
    int count = 0;
    for (const char *at = names; *at;) {
        int n = name_length(at);
        if (n && place_in(names, at, n) < count)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: \"%s\" names a variable twice", what, names);
        if (!n && !is_space(*at))
            return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                              "%s: \"%s\" is no list of names with spaces in between", what, names);
        count += n > 0;
        at += n ? n : 1;
    }
    if (count > CLADE_FORMULA_VARIABLES)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: \"%s\" are more than %d variables", what, names,
                          CLADE_FORMULA_VARIABLES);
    return CLADE_OK;
}

clade_status clade_formula_parse(clade_formula **out, const char *text, const char *names,
                                 const char *what)
{
    CLADE_TRY(check_names(names, what));
    if (strlen(text) > LONGEST_TEXT)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the expression is longer than %d characters",
                          what, LONGEST_TEXT);
    clade_formula *f = clade_formula_new();
    if (!f)
        return CLADE_ERR_OUT_OF_MEMORY;
    parser p = {.f = f, .text = text, .at = text, .names = names, .what = what};
    f->root = parse_choice(&p);
    if (p.status == CLADE_OK && next(&p))
        unexpected(&p);
    if (p.status == CLADE_OK)
        p.status = f->failed ? clade_last_error()->status : clade_formula_compact(f);
    if (p.status != CLADE_OK)
        clade_formula_free(&f);
    *out = f;
    return p.status;
}

int clade_formula_template(clade_formula *f, const char *text, const int *args, int y)
{
    parser p = {.f = f, .text = text, .at = text, .args = args, .y = y, .what = "formula"};
    return parse_choice(&p);
}
