/* PoCL has clang read opencl-c.h, 18,000 lines of built-in functions, anew for every program: three
 * quarters of what clBuildProgram costs there. With the include guard of that header defined by an
 * option it is skipped, and the program declares those functions itself that occur in its text:
 * each with all its overloads, since C would convert an argument to whichever there are. A program
 * that uses anything else does not compile so, and is compiled with the header (program_build.c).
 */
#include "runtime/cl_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* A group of functions with the same overloads. The signature gives the types of the result and of
 * the arguments, for a type T of `types` and each width:
 *   t  T             s  the scalar of T       n  int
 *   i  int at the width                       r  what a comparison of T yields
 *   x  signed integer of T's size             u  the same, unsigned
 *   w  integer of twice T's size
 * Those with a scalar argument beside vectors exist for vectors only. */
typedef struct overloads {
    const char *names;
    const char *types;
    const char *signature;
    bool vectors_only;
} overloads;

#define FLOATS   "fd"
#define INTEGERS "cChHiIlL"
#define ANY      FLOATS INTEGERS
#define SIGNED   "chil"

static const overloads table[] = {
    {" acos acosh acospi asin asinh asinpi atan atanh atanpi cbrt ceil cos cosh cospi degrees erf "
     "erfc exp exp10 exp2 expm1 fabs floor log log10 log1p log2 logb radians rint round rsqrt sign "
     "sin sinh sinpi sqrt tan tanh tanpi tgamma lgamma trunc ",
     FLOATS, "tt", false},
    {" atan2 atan2pi copysign fdim fmax fmin fmod hypot max maxmag min minmag nextafter pow powr "
     "remainder step ",
     FLOATS, "ttt", false},
    {" fmax fmin max min ", FLOATS, "tts", true},
    {" step ", FLOATS, "tst", true},
    {" clamp fma mad mix smoothstep ", FLOATS, "tttt", false},
    {" clamp ", FLOATS, "ttss", true},
    {" mix ", FLOATS, "ttts", true},
    {" smoothstep ", FLOATS, "tsst", true},
    {" isfinite isinf isnan isnormal signbit ", FLOATS, "rt", false},
    {" isequal isgreater isgreaterequal isless islessequal islessgreater isnotequal isordered "
     "isunordered ",
     FLOATS, "rtt", false},
    {" ilogb ", FLOATS, "it", false},
    {" ldexp pown rootn ", FLOATS, "tti", false},
    {" ldexp ", FLOATS, "ttn", true},
    {" nan ", FLOATS, "tu", false},
    {" abs ", INTEGERS, "ut", false},
    {" abs_diff ", INTEGERS, "utt", false},
    {" clz popcount ", INTEGERS, "tt", false},
    {" add_sat hadd max min mul_hi rhadd rotate sub_sat ", INTEGERS, "ttt", false},
    {" max min ", INTEGERS, "tts", true},
    {" clamp mad_hi mad_sat ", INTEGERS, "tttt", false},
    {" clamp ", INTEGERS, "ttss", true},
    {" upsample ", "cChHiI", "wtu", false},
    {" mul24 ", "iI", "ttt", false},
    {" mad24 ", "iI", "tttt", false},
    {" all any ", SIGNED, "nt", false},
    {" bitselect ", ANY, "tttt", false},
    {" select ", ANY, "tttx", false},
    {" select ", ANY, "tttu", false},
};

static const char *const widths[] = {"", "2", "3", "4", "8", "16"};
enum { ROWS = sizeof table / sizeof *table, WIDTHS = sizeof widths / sizeof *widths };

static const char *type_name(char type)
{
    switch (type) {
    case 'f':
        return "float";
    case 'd':
        return "double";
    case 'c':
        return "char";
    case 'C':
        return "uchar";
    case 'h':
        return "short";
    case 'H':
        return "ushort";
    case 'i':
        return "int";
    case 'I':
        return "uint";
    case 'l':
        return "long";
    default:
        return "ulong";
    }
}

static char of_same_size(char type, bool is_signed)
{
    char lower = (char)tolower((unsigned char)type);
    char result = lower == 'f' ? 'i' : lower == 'd' ? 'l' : lower;
    return is_signed ? result : (char)toupper((unsigned char)result);
}

static void put_type(clade_text *text, char letter, char type, const char *width)
{
    switch (letter) {
    case 's':
        width = "";
        break;
    case 'n':
        type = 'i';
        width = "";
        break;
    case 'i':
        type = 'i';
        break;
    case 'r':
        type = *width ? of_same_size(type, true) : 'i';
        break;
    case 'w':
        type = strchr(INTEGERS, type)[2];
        break;
    case 'x':
    case 'u':
        type = of_same_size(type, letter == 'x');
        break;
    default:
        break;
    }
    clade_text_put(text, "%s%s", type_name(type), width);
}

static void put_overloads(clade_text *text, const overloads *o, const char *name, bool has_f64)
{
    for (const char *type = o->types; *type; type++) {
        if (*type == 'd' && !has_f64)
            continue;
        for (int w = o->vectors_only ? 1 : 0; w < WIDTHS; w++) {
            clade_text_put(text, "CN ");
            put_type(text, o->signature[0], *type, widths[w]);
            for (int a = 1; o->signature[a]; a++) {
                clade_text_put(text, "%s", a == 1 ? " " : ",");
                if (a == 1)
                    clade_text_put(text, "%s(", name);
                put_type(text, o->signature[a], *type, widths[w]);
            }
            clade_text_put(text, ");\n");
        }
    }
}

/* vloadN and vstoreN of every type; the halves are left to the header. */
static void put_vectors(clade_text *text, bool has_f64)
{
    static const char *const spaces[] = {"global", "local", "private", "constant"};
    for (const char *t = ANY; *t; t++) {
        if (*t == 'd' && !has_f64)
            continue;
        const char *type = type_name(*t);
        for (int w = 1; w < WIDTHS; w++) {
            for (int s = 0; s < 4; s++) {
                clade_text_put(text, "PU %s%s vload%s(size_t,const %s %s*);\n", type, widths[w],
                               widths[w], spaces[s], type);
                if (s < 3)
                    clade_text_put(text, "OV void vstore%s(%s%s,size_t,%s %s*);\n", widths[w], type,
                                   widths[w], spaces[s], type);
            }
        }
    }
}

/* convert_TYPE, convert_TYPEn with or without a suffix, and the start of such a name, which macros
 * complete: convert_ and convert_TYPE. */
static void put_conversions(clade_text *text, const char *name, bool has_f64)
{
    const char *wanted = name + strlen("convert_");
    for (const char *to = ANY; *to; to++) {
        const char *type = type_name(*to);
        const size_t length = strlen(type);
        const bool any_type = !*wanted;
        if ((*to == 'd' && !has_f64) || (!any_type && strncmp(wanted, type, length) != 0))
            continue;
        const char *rest = any_type ? "" : wanted + length;
        const size_t digits = strspn(rest, "0123456789");
        for (int w = 0; w < WIDTHS; w++) {
            const char *width = widths[w];
            if (digits && (strlen(width) != digits || strncmp(rest, width, digits) != 0))
                continue;
            for (const char *from = ANY; *from; from++)
                if (*from != 'd' || has_f64)
                    clade_text_put(text, "CN %s%s convert_%s%s%s(%s%s);\n", type, width, type,
                                   width, rest + digits, type_name(*from), width);
        }
    }
}

static void put_function(clade_text *text, const char *name, bool has_f64)
{
    char padded[40];
    snprintf(padded, sizeof padded, " %.32s ", name);
    for (int r = 0; r < ROWS; r++)
        if (strstr(table[r].names, padded))
            put_overloads(text, &table[r], name, has_f64);
    if (strncmp(name, "convert_", 8) == 0)
        put_conversions(text, name, has_f64);
}

/* --- the names in a text ---------------------------------------------------------------------- */
enum { NAME_SIZE = 32, MOST_NAMES = 512 };

typedef struct name_set {
    int count;
    char name[MOST_NAMES][NAME_SIZE];
} name_set;

static bool may_be_builtin(const char *name, size_t length)
{
    char padded[NAME_SIZE + 2];
    if (length >= NAME_SIZE)
        return false;
    if (length >= 8 && strncmp(name, "convert_", 8) == 0)
        return true;
    snprintf(padded, sizeof padded, " %.*s ", (int)length, name);
    for (int r = 0; r < ROWS; r++)
        if (strstr(table[r].names, padded))
            return true;
    return false;
}

static void add_name(name_set *set, const char *name, size_t length)
{
    for (int i = 0; i < set->count; i++)
        if (strncmp(set->name[i], name, length) == 0 && !set->name[i][length])
            return;
    if (set->count < MOST_NAMES)
        snprintf(set->name[set->count++], NAME_SIZE, "%.*s", (int)length, name);
}

static void collect(name_set *set, const char *source)
{
    for (const char *c = source; *c;) {
        size_t length = 0;
        while (isalnum((unsigned char)c[length]) || c[length] == '_')
            length++;
        if (length && may_be_builtin(c, length))
            add_name(set, c, length);
        c += length ? length : 1;
    }
}

static void put_all(clade_text *text, const name_set *set, bool has_f64)
{
    clade_text_put(text, "#ifdef cl_khr_fp16\n#error functions of half\n#endif\n"
                         "#define OV __attribute__((overloadable))\n"
                         "#define CN OV __attribute__((const))\n"
                         "#define PU OV __attribute__((pure))\n"
                         "OV __attribute__((convergent)) void barrier(cl_mem_fence_flags);\n"
                         "CN uint get_work_dim(void);\n");
    static const char *const indices[] = {"global_id",  "local_id",   "group_id",     "global_size",
                                          "local_size", "num_groups", "global_offset"};
    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++)
        clade_text_put(text, "CN size_t get_%s(uint);\n", indices[i]);
    put_vectors(text, has_f64);
    for (int i = 0; i < set->count; i++)
        put_function(text, set->name[i], has_f64);
    clade_text_put(text, "#undef OV\n#undef CN\n#undef PU\n");
}

char *clade_builtins_declare(const char *source, bool has_f64)
{
    name_set *set = clade_calloc(1, sizeof *set);
    if (!set)
        return NULL;
    collect(set, source);
    clade_text measure = {0};
    put_all(&measure, set, has_f64);
    clade_text text = {clade_realloc(NULL, measure.used + 1, 1), measure.used + 1, 0};
    if (text.s)
        put_all(&text, set, has_f64);
    clade_free(set);
    return text.s;
}
