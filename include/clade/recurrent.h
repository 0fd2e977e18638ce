/* Recurrent networks: RNN, LSTM and GRU, as cells, as scans over time, and as PyTorch's layers.
 *
 * T steps, N sequences at once, I inputs and H hidden values per step. Weights have PyTorch's
 * layouts; their rows come gate by gate in its order.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_RECURRENT_H
#define CLADE_RECURRENT_H

#include <clade/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- scans: ops as those of ops.h ---------------------------------------------------------------
 * gates: what the inputs give to each gate, W_ih x + b_ih, for all steps at once. weight is W_hh,
 * h0 [N,H] what the hidden state starts with, s the sigmoid, * the product of elements. reverse:
 * from the last step to the first. The gates are computed anew in backward: what is kept for it is
 * the result. f32 or f64. With create_graph (autograd.h) backward goes step by step. */
/* h = tanh(gates + weight h), or relu instead of tanh: gates [T,N,H], weight [H,H]; the h of all
 * steps [T,N,H]. */
CLADE_API clade_tensor *clade_rnn_scan(clade_tensor *gates, clade_tensor *weight, clade_tensor *h0,
                                       bool relu, bool reverse);
/* (i, f, g, o) = gates + weight h, c = s(f) * c + s(i) * tanh(g), h = s(o) * tanh(c): gates
 * [T,N,4H], weight [4H,H], c0 [N,H]; the h and then the c of all steps [2,T,N,H]. */
CLADE_API clade_tensor *clade_lstm_scan(clade_tensor *gates, clade_tensor *weight, clade_tensor *h0,
                                        clade_tensor *c0, bool reverse);
/* r = s(r + r'), z = s(z + z'), n = tanh(n + r * n'), h = (1 - z) * n + z * h, where (r, z, n) =
 * gates [T,N,3H] and (r', z', n') = weight h + bias, weight [3H,H], bias [3H]; the h of all steps
 * [T,N,H]. */
CLADE_API clade_tensor *clade_gru_scan(clade_tensor *gates, clade_tensor *weight, clade_tensor *h0,
                                       clade_tensor *bias, bool reverse);

/* --- cells: one step, as PyTorch's RNNCell, LSTMCell and GRUCell
 * ---------------------------------- x [N,I], h and c [N,H], w_ih [G*H,I], w_hh [G*H,H], biases
 * [G*H], which may both be NULL. The new h; of an LSTM the new c through *c_out. */
CLADE_API clade_tensor *clade_rnn_cell(clade_tensor *x, clade_tensor *h, clade_tensor *w_ih,
                                       clade_tensor *w_hh, clade_tensor *b_ih, clade_tensor *b_hh,
                                       bool relu);
CLADE_API clade_tensor *clade_lstm_cell(clade_tensor **c_out, clade_tensor *x, clade_tensor *h,
                                        clade_tensor *c, clade_tensor *w_ih, clade_tensor *w_hh,
                                        clade_tensor *b_ih, clade_tensor *b_hh);
CLADE_API clade_tensor *clade_gru_cell(clade_tensor *x, clade_tensor *h, clade_tensor *w_ih,
                                       clade_tensor *w_hh, clade_tensor *b_ih, clade_tensor *b_hh);

/* --- layers: PyTorch's nn.RNN, nn.LSTM and nn.GRU --------------------------------------------- */
typedef enum clade_recurrent_kind {
    CLADE_RECURRENT_RNN = 0, /* tanh */
    CLADE_RECURRENT_RNN_RELU = 1,
    CLADE_RECURRENT_LSTM = 2,
    CLADE_RECURRENT_GRU = 3
} clade_recurrent_kind;

/* Zero means default. */
typedef struct clade_recurrent_params {
    clade_recurrent_kind kind;
    int64_t input, hidden; /* I and H, >= 1; no default */
    int layers;            /* each takes the output of the one before, at most 32 (default 1) */
    bool bidirectional;    /* (default false) */
    bool batch_first;      /* x and the output are [N,T,...] (default false: [T,N,...]) */
    bool no_bias;          /* (default false) */
    double dropout;        /* of what goes from one layer to the next, in training (default 0) */
} clade_recurrent_params;

typedef struct clade_recurrent clade_recurrent;

/* Adds the parameters name.weight_ih_l0 [G*H,I], .weight_hh_l0 [G*H,H], .bias_ih_l0 and .bias_hh_l0
 * [G*H], for the other direction with _reverse behind, and for each layer, as PyTorch does: from
 * U(-1/sqrt(H), 1/sqrt(H)). name "" leaves out the dot too. All are added or none. *out is freed
 * with clade_recurrent_free and borrows them from params. */
CLADE_API CLADE_NODISCARD clade_status
clade_recurrent_create(clade_recurrent **out, clade_params *params, const char *name,
                       const clade_recurrent_params *settings);
CLADE_API void clade_recurrent_free(clade_recurrent **recurrent);
/* Whether dropout drops; at first it does. */
CLADE_API clade_status clade_recurrent_train(clade_recurrent *recurrent, bool training);

/* x [T,N,I] to the output [T,N,D*H] of the last layer, D the number of directions. h0 and c0
 * [layers*D,N,H], c0 of an LSTM only, may be NULL: zeros. h_n and c_n, where not NULL, receive the
 * states after the last step, of the shapes of h0 and c0; lent as the output is. */
CLADE_API clade_tensor *clade_recurrent_forward(const clade_recurrent *recurrent, clade_tensor *x,
                                                clade_tensor *h0, clade_tensor *c0,
                                                clade_tensor **h_n, clade_tensor **c_n);

#ifdef __cplusplus
}
#endif
#endif
