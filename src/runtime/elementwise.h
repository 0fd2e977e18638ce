/* One engine runs every kernel that maps elements to elements: pointwise ops and their gradients,
 * copies, casts, fills, accumulation, and runs of them fused into one kernel.
 *
 * A call is plain data: expressions in OpenCL C (stages) over strided windows on buffers
 * (operands). The kernel is written around the expressions and compiled when first met. */
#ifndef CLADE_RUNTIME_ELEMENTWISE_H
#define CLADE_RUNTIME_ELEMENTWISE_H

#include "runtime/runtime.h"

#define CLADE_EXPRESSION_INPUTS    8
#define CLADE_EXPRESSION_PARAMS    4
#define CLADE_ELEMENTWISE_OPERANDS 12
#define CLADE_ELEMENTWISE_STAGES   12

/* An expression over its inputs (each of its own dtype), the parameters p0 to p3 (of type T) and T
 * itself, the compute type: double, float or int. Literals without suffix are of type T. The result
 * is converted to the output's type as a C cast does. */
typedef struct clade_expression {
    const char *name;                         /* names the kernel: one name, one text */
    const char *text;                         /* name and text live as long as the runtime */
    char inputs[CLADE_EXPRESSION_INPUTS + 1]; /* a letter per input: its name in the text */
} clade_expression;

/* A window on a buffer, in elements: one stride per dimension of the call's shape.
 *
 * With an index, element j = the index operand's value (i32) is taken of `index_count` that lie
 * `index_stride` apart; a j outside yields NaN, or 0 for integers. Such an operand is only read,
 * and stands after the operand of its index. */
typedef struct clade_operand {
    clade_buffer *buffer;
    clade_dtype dtype;
    int64_t offset;
    int64_t stride[CLADE_MAX_DIMS];
    int index; /* 1 + the operand that holds the index; 0: none */
    int64_t index_stride, index_count;
} clade_operand;

typedef struct clade_stage {
    clade_expression expression;
    clade_dtype compute; /* what T is; u8 stands for int */
    clade_dtype dtype;   /* of the value */
    int count;
    int input[CLADE_EXPRESSION_INPUTS]; /* k >= 0: operand k; -1 - s: the value of stage s */
    int output;                         /* the operand that takes the value; -1: none */
    double param[CLADE_EXPRESSION_PARAMS];
    const double *source[CLADE_EXPRESSION_PARAMS]; /* NULL, or where a replay reads it afresh */
} clade_stage;

/* For each element of `shape`, the stages in their order. An element's operands are read before any
 * is written. Stages agree in whether they compute in f64. */
struct clade_elementwise_call {
    clade_shape shape;
    int operands, stages;
    clade_operand operand[CLADE_ELEMENTWISE_OPERANDS];
    clade_stage stage[CLADE_ELEMENTWISE_STAGES];
};

clade_status clade_elementwise_run(clade_runtime *rt, const clade_elementwise_call *call);

/* Whether operand k is read, by a stage or as an index, or written. */
bool clade_elementwise_reads(const clade_elementwise_call *call, int operand);
bool clade_elementwise_writes(const clade_elementwise_call *call, int operand);

/* Whether two operands on one buffer, in calls of one shape, are the same elements in the same
 * order. */
bool clade_same_window(const clade_operand *a, const clade_operand *b, const clade_shape *shape);

/* --- a call as the epilogue of a GEMM kernel ---------------------------------------------------
 * The call has three dimensions and its operand 0 is the product. The kernel's text begins with
 * macros that declare, compute and store (see put_epilogue_macros), then comes cl/FAMILY.cl. In
 * base/alloc memory; NULL with the error set. */
char *clade_elementwise_epilogue_text(const clade_elementwise_call *call, const char *family);
/* What tells such kernels apart; false when there is no room. */
bool clade_elementwise_epilogue_name(const clade_elementwise_call *call, char *family,
                                     size_t family_size, char *options, size_t options_size);
#define CLADE_ELEMENTWISE_ARGS                                                                     \
    (5 * CLADE_ELEMENTWISE_OPERANDS + CLADE_EXPRESSION_PARAMS * CLADE_ELEMENTWISE_STAGES)
/* The arguments for PARAMS, at most CLADE_ELEMENTWISE_ARGS; returns how many. */
int clade_elementwise_epilogue_args(clade_arg *args, const clade_elementwise_call *call);

#endif
