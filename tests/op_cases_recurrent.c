/* Rows of src/ops/recurrent.c. */
#include "op_cases.h"

#include <math.h>

static clade_tensor *build_rnn_scan(const op_case *row, const op_args *args)
{
    return clade_rnn_scan(args->in[0], args->in[1], args->in[2], row->ints[1], row->ints[0]);
}

static clade_tensor *build_lstm_scan(const op_case *row, const op_args *args)
{
    return clade_lstm_scan(args->in[0], args->in[1], args->in[2], args->in[3], row->ints[0]);
}

static clade_tensor *build_gru_scan(const op_case *row, const op_args *args)
{
    return clade_gru_scan(args->in[0], args->in[1], args->in[2], args->in[3], row->ints[0]);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* What a step is made of: one row, one hidden value. through: weight * h for its gates. */
typedef struct moment {
    double gate[4], through[4], bias[4], h, c;
} moment;

static void rnn_step(const op_case *row, moment *m)
{
    double x = m->gate[0] + m->through[0];
    m->h = row->ints[1] ? fmax(x, 0) : tanh(x);
}

static void lstm_step(const op_case *row, moment *m)
{
    double x[4];
    (void)row;
    for (int i = 0; i < 4; i++)
        x[i] = m->gate[i] + m->through[i];
    m->c = sigmoid(x[1]) * m->c + sigmoid(x[0]) * tanh(x[2]);
    m->h = sigmoid(x[3]) * tanh(m->c);
}

static void gru_step(const op_case *row, moment *m)
{
    (void)row;
    double r = sigmoid(m->gate[0] + m->through[0] + m->bias[0]);
    double z = sigmoid(m->gate[1] + m->through[1] + m->bias[1]);
    double n = tanh(m->gate[2] + r * (m->through[2] + m->bias[2]));
    m->h = (1 - z) * n + z * m->h;
}

/* One sequence (row n); h and c are kept in `out`. */
static void ref_sequence(const op_case *row, const host_array *in, host_array *out, int64_t n,
                         int gates, void (*step)(const op_case *, moment *))
{
    int64_t steps = in[0].shape.dim[0], rows = in[0].shape.dim[1], hidden = in[1].shape.dim[1];
    const double *h = in[2].value + n * hidden, *c = in[3].value ? in[3].value + n * hidden : NULL;
    for (int64_t i = 0; i < steps; i++) {
        int64_t at = ((row->ints[0] ? steps - 1 - i : i) * rows + n) * hidden;
        double *new_h = out->value + at, *new_c = new_h + steps * rows * hidden;
        for (int64_t k = 0; k < hidden; k++) {
            moment m = {.h = h[k], .c = gates == 4 ? c[k] : 0};
            for (int g = 0; g < gates; g++) {
                m.gate[g] = in[0].value[at * gates + g * hidden + k];
                m.bias[g] = gates == 3 ? in[3].value[g * hidden + k] : 0;
                for (int64_t j = 0; j < hidden; j++)
                    m.through[g] += in[1].value[(g * hidden + k) * hidden + j] * h[j];
            }
            step(row, &m);
            new_h[k] = m.h;
            if (gates == 4)
                new_c[k] = m.c;
        }
        h = new_h;
        c = new_c;
    }
}

static void ref_scan(const op_case *row, const host_array *in, host_array *out, int gates,
                     void (*step)(const op_case *, moment *))
{
    int64_t steps = in[0].shape.dim[0], rows = in[0].shape.dim[1], hidden = in[1].shape.dim[1];
    array_init(out,
               gates == 4 ? CLADE_SHAPE(2, steps, rows, hidden) : CLADE_SHAPE(steps, rows, hidden));
    for (int64_t n = 0; n < rows; n++)
        ref_sequence(row, in, out, n, gates, step);
}

static void ref_rnn_scan(const op_case *row, const host_array *in, host_array *out)
{
    ref_scan(row, in, out, 1, rnn_step);
}

static void ref_lstm_scan(const op_case *row, const host_array *in, host_array *out)
{
    ref_scan(row, in, out, 4, lstm_step);
}

static void ref_gru_scan(const op_case *row, const host_array *in, host_array *out)
{
    ref_scan(row, in, out, 3, gru_step);
}

#define ROW(name, variant_, reverse, relu, ...)                                                    \
    {                                                                                              \
        .op = #name, .variant = variant_, .ints = {reverse, relu}, .build = build_##name,          \
        .reference = ref_##name, .dtypes = FLOATS, .gradient = true,                               \
        .inputs = {{-2, 2}, {-1, 1}, {-1, 1}, {-1, 1}}, .ulp = 32, .scale = 1, .grad_scale = 8,    \
        .shapes = {                                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
static const op_case rows[] = {
    ROW(rnn_scan, "tanh", 0, 0, "[3,2,3] [3,3] [2,3]", "[1,4,5] [5,5] [4,5]", "[6,1,4] [4,4] [1,4]",
        "[2,0,3] [3,3] [0,3]"),
    ROW(rnn_scan, "tanh, reverse", 1, 0, "[3,2,3] [3,3] [2,3]"),
    ROW(rnn_scan, "relu", 0, 1, "[3,2,3] [3,3] [2,3]"),
    ROW(lstm_scan, "forward", 0, 0, "[3,2,12] [12,3] [2,3] [2,3]", "[1,4,20] [20,5] [4,5] [4,5]",
        "[6,1,16] [16,4] [1,4] [1,4]", "[2,0,12] [12,3] [0,3] [0,3]"),
    ROW(lstm_scan, "reverse", 1, 0, "[3,2,12] [12,3] [2,3] [2,3]"),
    ROW(gru_scan, "forward", 0, 0, "[3,2,9] [9,3] [2,3] [9]", "[1,4,15] [15,5] [4,5] [15]",
        "[6,1,12] [12,4] [1,4] [12]", "[2,0,9] [9,3] [0,3] [9]"),
    ROW(gru_scan, "reverse", 1, 0, "[3,2,9] [9,3] [2,3] [9]"),
};

const op_case_family recurrent_cases = {rows, sizeof rows / sizeof rows[0]};
