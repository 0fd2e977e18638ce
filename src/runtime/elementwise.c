#include "runtime/elementwise.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/shape.h"
#include "base/text.h"
#include "runtime/kernel_sources.h"
#include "runtime/record.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPERANDS CLADE_ELEMENTWISE_OPERANDS
#define STAGES   CLADE_ELEMENTWISE_STAGES

/* The loops over all operands, innermost dimension first, with neighbouring dimensions merged
 * wherever every operand steps through both as through one. */
typedef struct loop_nest {
    int ndim;
    int64_t dim[CLADE_MAX_DIMS];
    int64_t stride[OPERANDS][CLADE_MAX_DIMS];
} loop_nest;

static bool merges_with_inner(const loop_nest *nest, const clade_elementwise_call *call, int i)
{
    int inner = nest->ndim - 1;
    for (int k = 0; k < call->operands; k++)
        if (call->operand[k].stride[i] != nest->stride[k][inner] * nest->dim[inner])
            return false;
    return true;
}

static void nest_of(loop_nest *nest, const clade_elementwise_call *call)
{
    nest->ndim = 0;
    for (int i = call->shape.ndim - 1; i >= 0; i--) {
        if (call->shape.dim[i] == 1)
            continue;
        if (nest->ndim && merges_with_inner(nest, call, i)) {
            nest->dim[nest->ndim - 1] *= call->shape.dim[i];
            continue;
        }
        nest->dim[nest->ndim] = call->shape.dim[i];
        for (int k = 0; k < call->operands; k++)
            nest->stride[k][nest->ndim] = call->operand[k].stride[i];
        nest->ndim++;
    }
    if (nest->ndim)
        return;
    nest->ndim = 1;
    nest->dim[0] = 1;
    for (int k = 0; k < call->operands; k++)
        nest->stride[k][0] = 1;
}

static const char *compute_name(clade_dtype compute)
{
    return compute == CLADE_U8 ? "int" : clade_kernel_type(compute);
}

/* Text that reads, or stores, a value of the dtype as elements have it: from_f16(x). */
static const char *decode(clade_dtype dtype)
{
    return dtype == CLADE_F16 ? "from_f16" : dtype == CLADE_BF16 ? "from_bf16" : "";
}

static const char *encode(clade_dtype dtype)
{
    return dtype == CLADE_F16 ? "to_f16" : dtype == CLADE_BF16 ? "to_bf16" : "";
}

/* Whether the text names parameter p, which exp10 and the like do not. */
static bool names_param(const char *text, int p)
{
    const char name[] = {'p', (char)('0' + p), '\0'};
    for (const char *at = text; (at = strstr(at, name)); at += 2)
        if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[2]))
            return true;
    return false;
}

static int param_count(const clade_stage *stage)
{
    int count = CLADE_EXPRESSION_PARAMS;
    while (count && !names_param(stage->expression.text, count - 1))
        count--;
    return count;
}

/* --- text ------------------------------------------------------------------------------------- */
bool clade_elementwise_reads(const clade_elementwise_call *call, int operand)
{
    for (int s = 0; s < call->stages; s++)
        for (int i = 0; i < call->stage[s].count; i++)
            if (call->stage[s].input[i] == operand)
                return true;
    for (int k = operand + 1; k < call->operands; k++)
        if (call->operand[k].index == 1 + operand)
            return true;
    return false;
}

bool clade_elementwise_writes(const clade_elementwise_call *call, int operand)
{
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].output == operand)
            return true;
    return false;
}

static bool is_read(const clade_elementwise_call *call, int stage)
{
    for (int s = stage + 1; s < call->stages; s++)
        for (int i = 0; i < call->stage[s].count; i++)
            if (call->stage[s].input[i] == -1 - stage)
                return true;
    return false;
}

static void put_stage(clade_text *text, const clade_elementwise_call *call, int s)
{
    const clade_stage *stage = &call->stage[s];
    clade_text_put(text, "    R%d r%d; { typedef C%d T;", s, s, s);
    for (int p = 0; p < param_count(stage); p++)
        clade_text_put(text, " const T p%d = p%d_%d;", p, p, s);
    for (int i = 0; i < stage->count; i++) {
        int from = stage->input[i];
        char name = stage->expression.inputs[i];
        if (from >= 0)
            clade_text_put(text, " const T%d %c = v%d;", from, name, from);
        else
            clade_text_put(text, " const R%d %c = r%d;", -1 - from, name, -1 - from);
    }
    clade_text_put(text, " r%d = (R%d)(%s); } \\\n", s, s, stage->expression.text);
    /* Later stages take what they would have read. */
    if (clade_kernel_storage(stage->dtype) && is_read(call, s))
        clade_text_put(text, "    r%d = %s(%s(r%d)); \\\n", s, decode(stage->dtype),
                       encode(stage->dtype), s);
}

static void put_load(clade_text *text, const clade_operand *operand, int k)
{
    if (!operand->index) {
        clade_text_put(text, "    const T%d v%d = %s(q%d[AT(%d)]); \\\n", k, k,
                       decode(operand->dtype), k, k);
        return;
    }
    const char *outside = clade_dtype_is_float(operand->dtype) ? "NAN" : "0";
    clade_text_put(text, "    const int j%d = clamp(v%d, 0, n%d - 1); \\\n", k, operand->index - 1,
                   k);
    /* Loaded in any case: a load that depends on the index is a branch, which is not vectorised. */
    clade_text_put(text, "    const T%d u%d = %s(q%d[AT(%d) + j%d * g%d]); \\\n", k, k,
                   decode(operand->dtype), k, k, k, k);
    clade_text_put(text, "    const T%d v%d = j%d == v%d ? u%d : (T%d)%s; \\\n", k, k, k,
                   operand->index - 1, k, k, outside);
}

static void put_params(clade_text *text, const clade_elementwise_call *call)
{
    clade_text_put(text, "#define PARAMS");
    for (int k = 0; k < call->operands; k++) {
        const char *access = clade_elementwise_writes(call, k) ? "" : "const ";
        const char *storage = clade_kernel_storage(call->operand[k].dtype);
        clade_text_put(text, ", global %s%s *q%d, int o%d, int8 s%d", access,
                       storage ? storage : clade_kernel_type(call->operand[k].dtype), k, k, k);
        if (call->operand[k].index)
            clade_text_put(text, ", int g%d, int n%d", k, k);
    }
    for (int s = 0; s < call->stages; s++)
        for (int p = 0; p < param_count(&call->stage[s]); p++)
            clade_text_put(text, ", C%d p%d_%d", s, p, s);
    clade_text_put(text, "\n");
}

static clade_dtype stored_dtype(const clade_elementwise_call *call, int s)
{
    return call->operand[call->stage[s].output].dtype;
}

/* The macros that cl/elementwise.cl is written around. */
static void put_macros(clade_text *text, const clade_elementwise_call *call)
{
    put_params(text, call);
    clade_text_put(text, "#define OUTER");
    for (int k = 0; k < call->operands; k++)
        clade_text_put(text, " const int z%d = outer_offset(iz, dim, s%d);", k, k);
    clade_text_put(text, "\n");
    clade_text_put(text, "#define BODY(AT) \\\n");
    for (int k = 0; k < call->operands; k++)
        if (clade_elementwise_reads(call, k))
            put_load(text, &call->operand[k], k);
    for (int s = 0; s < call->stages; s++)
        put_stage(text, call, s);
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].output >= 0)
            clade_text_put(text, "    q%d[AT(%d)] = %s(r%d); \\\n", call->stage[s].output,
                           call->stage[s].output, encode(stored_dtype(call, s)), s);
    clade_text_put(text, "\n");
}

/* The macros that a kernel of GEMM applies an epilogue with: ARGS hands PARAMS on; RESULTS(n) makes
 * room for n elements of each value that is stored, BODY(AT, product, j) computes the j-th of them,
 * WRITE(AT, j) stores them. */
static void put_epilogue_macros(clade_text *text, const clade_elementwise_call *call)
{
    put_params(text, call);
    clade_text_put(text, "#define ARGS");
    for (int k = 0; k < call->operands; k++) {
        clade_text_put(text, ", q%d, o%d, s%d", k, k, k);
        if (call->operand[k].index)
            clade_text_put(text, ", g%d, n%d", k, k);
    }
    for (int s = 0; s < call->stages; s++)
        for (int p = 0; p < param_count(&call->stage[s]); p++)
            clade_text_put(text, ", p%d_%d", p, s);
    clade_text_put(text, "\n#define RESULTS(n)");
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].output >= 0)
            clade_text_put(text, " R%d y%d[n];", s, s);
    clade_text_put(text, "\n#define BODY(AT, product, j) \\\n    const T0 v0 = product; \\\n");
    for (int k = 1; k < call->operands; k++)
        if (clade_elementwise_reads(call, k))
            put_load(text, &call->operand[k], k);
    for (int s = 0; s < call->stages; s++)
        put_stage(text, call, s);
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].output >= 0)
            clade_text_put(text, "    y%d[j] = r%d; \\\n", s, s);
    clade_text_put(text, "\n#define WRITE(AT, j)");
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].output >= 0)
            clade_text_put(text, " q%d[AT(%d)] = %s(y%d[j]);", call->stage[s].output,
                           call->stage[s].output, encode(stored_dtype(call, s)), s);
    clade_text_put(text, "\n");
}

/* The macros before the text of cl/NAME.cl. */
static char *frame_text(const char *name, const clade_elementwise_call *call,
                        void (*put_all)(clade_text *text, const clade_elementwise_call *call))
{
    const clade_kernel_source *frame = clade_kernel_source_find(name);
    if (!frame) {
        (void)CLADE_FAIL(CLADE_ERR_INTERNAL, "%s.cl is not part of this build", name);
        return NULL;
    }
    clade_text measure = {0};
    put_all(&measure, call);
    clade_text text = {clade_realloc(NULL, measure.used + frame->length + 64, 1),
                       measure.used + frame->length + 64, 0};
    if (!text.s)
        return NULL;
    put_all(&text, call);
    clade_text_put(&text, "#line 1 \"%s.cl\"\n%.*s", name, (int)frame->length,
                   (const char *)frame->text);
    return text.s;
}

static char *generate(const void *user)
{
    return frame_text("elementwise", user, put_macros);
}

char *clade_elementwise_epilogue_text(const clade_elementwise_call *call, const char *family)
{
    return frame_text(family, call, put_epilogue_macros);
}

/* --- the kernel's key ------------------------------------------------------------------------- */
/* 0 and 1 become constants of the kernel; anything else it reads from its argument. */
static void put_stride(clade_text *text, int k, int64_t stride)
{
    if (stride == 0 || stride == 1)
        clade_text_put(text, " -DX%d=%d", k, (int)stride);
    else
        clade_text_put(text, " -DX%d=s%d.s0", k, k);
}

static uint64_t wiring_hash(const clade_elementwise_call *call)
{
    int wires[2 * OPERANDS + STAGES * (CLADE_EXPRESSION_INPUTS + 3)], n = 0;
    for (int k = 0; k < call->operands; k++) {
        wires[n++] = call->operand[k].index;
        wires[n++] = call->operand[k].dtype;
    }
    for (int s = 0; s < call->stages; s++) {
        wires[n++] = call->stage[s].dtype;
        wires[n++] = call->stage[s].count;
        wires[n++] = call->stage[s].output;
        for (int i = 0; i < call->stage[s].count; i++)
            wires[n++] = call->stage[s].input[i];
    }
    clade_bytes part = {wires, (size_t)n * sizeof wires[0]};
    clade_hash128 hash = clade_hash_parts(&part, 1, 0);
    uint64_t value;
    memcpy(&value, hash.bytes, sizeof value);
    return value;
}

static bool touches(const clade_elementwise_call *call, clade_dtype dtype)
{
    for (int k = 0; k < call->operands; k++)
        if (call->operand[k].dtype == dtype)
            return true;
    for (int s = 0; s < call->stages; s++)
        if (call->stage[s].dtype == dtype)
            return true;
    return false;
}

static void write_options(clade_text *text, const clade_elementwise_call *call,
                          const loop_nest *nest)
{
    clade_text_put(text, "-DWIRING=0x%" PRIx64 "ul", wiring_hash(call));
    for (int s = 0; s < call->stages; s++)
        clade_text_put(text, " -DC%d=%s -DR%d=%s", s, compute_name(call->stage[s].compute), s,
                       clade_kernel_type(call->stage[s].dtype));
    for (int k = 0; k < call->operands; k++) {
        clade_text_put(text, " -DT%d=%s", k, clade_kernel_type(call->operand[k].dtype));
        put_stride(text, k, nest->stride[k][0]);
    }
    if (touches(call, CLADE_F16))
        clade_text_put(text, " -DSTORE_F16");
    if (touches(call, CLADE_BF16))
        clade_text_put(text, " -DSTORE_BF16");
    if (call->stage[0].compute != CLADE_F64)
        clade_text_put(text, " -cl-single-precision-constant");
}

static void write_family(clade_text *text, const clade_elementwise_call *call)
{
    for (int s = 0; s < call->stages; s++)
        clade_text_put(text, "%s%s", s ? "+" : "", call->stage[s].expression.name);
}

static clade_status get_kernel(clade_kernel **kernel, clade_runtime *rt,
                               const clade_elementwise_call *call, const loop_nest *nest)
{
    char options[1024], family[512];
    clade_text options_text = {options, sizeof options, 0};
    clade_text family_text = {family, sizeof family, 0};
    write_options(&options_text, call, nest);
    write_family(&family_text, call);
    if (options_text.used >= sizeof options || family_text.used >= sizeof family)
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "elementwise: %d stages are too long a name",
                          call->stages);
    return clade_kernel_get(kernel, rt,
                            &(clade_kernel_key){.family = family,
                                                .options = options,
                                                .name = nest->ndim == 1   ? "flat"
                                                        : nest->ndim <= 3 ? "box"
                                                                          : "nested",
                                                .any_shape = true,
                                                .generate = generate,
                                                .user = call});
}

/* --- launch ----------------------------------------------------------------------------------- */
static clade_arg param_arg(const clade_stage *stage, int p)
{
    clade_arg arg =
        clade_dtype_is_float(stage->compute) ? clade_arg_real(stage->compute, 0) : clade_arg_i32(0);
    clade_arg_set_number(&arg, stage->param[p]);
    arg.source = stage->source[p];
    return arg;
}

static clade_grid grid_of(const clade_runtime *rt, const loop_nest *nest)
{
    if (nest->ndim == 1)
        return clade_grid_elements(rt, nest->dim[0]);
    int64_t outer = 1;
    for (int i = 2; i < nest->ndim; i++)
        outer *= nest->dim[i];
    return clade_grid_box(rt, nest->dim[0], nest->dim[1], outer);
}

static int call_args(clade_arg *args, const clade_elementwise_call *call, const loop_nest *nest)
{
    int n = 0;
    for (int k = 0; k < call->operands; k++) {
        args[n++] = clade_arg_buffer(call->operand[k].buffer);
        args[n++] = clade_arg_i32(call->operand[k].offset);
        args[n++] = clade_arg_int8(nest->stride[k], nest->ndim, 0);
        if (call->operand[k].index) {
            args[n++] = clade_arg_i32(call->operand[k].index_stride);
            args[n++] = clade_arg_i32(call->operand[k].index_count);
        }
    }
    for (int s = 0; s < call->stages; s++)
        for (int p = 0; p < param_count(&call->stage[s]); p++)
            args[n++] = param_arg(&call->stage[s], p);
    return n;
}

static clade_status launch(clade_runtime *rt, const clade_elementwise_call *call)
{
    loop_nest nest;
    nest_of(&nest, call);
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, rt, call, &nest));
    clade_arg args[1 + CLADE_ELEMENTWISE_ARGS];
    args[0] = clade_arg_int8(nest.dim, nest.ndim, 1);
    int n = 1 + call_args(args + 1, call, &nest);
    clade_grid grid = grid_of(rt, &nest);
    return clade_launch(rt, kernel, &grid, args, n);
}

bool clade_same_window(const clade_operand *a, const clade_operand *b, const clade_shape *shape)
{
    if (a->dtype != b->dtype || a->offset != b->offset || a->index != b->index ||
        a->index_stride != b->index_stride)
        return false;
    for (int i = 0; i < shape->ndim; i++)
        if (shape->dim[i] != 1 && a->stride[i] != b->stride[i])
            return false;
    return true;
}

clade_status clade_elementwise_run(clade_runtime *rt, const clade_elementwise_call *call)
{
    if (clade_shape_numel(&call->shape) == 0)
        return CLADE_OK;
    CLADE_TRY(clade_record_elementwise(rt, call));
    clade_recording *recording = clade_recording_pause(rt);
    clade_status status = launch(rt, call);
    clade_recording_resume(rt, recording);
    return status;
}

/* Columns, rows and batch stay three dimensions. */
static void epilogue_nest(loop_nest *nest, const clade_elementwise_call *call)
{
    nest->ndim = 3;
    for (int d = 0; d < 3; d++) {
        nest->dim[d] = call->shape.dim[2 - d];
        for (int k = 0; k < call->operands; k++)
            nest->stride[k][d] = call->operand[k].stride[2 - d];
    }
}

bool clade_elementwise_epilogue_name(const clade_elementwise_call *call, char *family,
                                     size_t family_size, char *options, size_t options_size)
{
    loop_nest nest;
    epilogue_nest(&nest, call);
    clade_text family_text = {family, family_size, 0};
    clade_text options_text = {options, options_size, 0};
    write_family(&family_text, call);
    write_options(&options_text, call, &nest);
    return family_text.used < family_size && options_text.used < options_size;
}

int clade_elementwise_epilogue_args(clade_arg *args, const clade_elementwise_call *call)
{
    loop_nest nest;
    epilogue_nest(&nest, call);
    return call_args(args, call, &nest);
}
