/* Elements in other places: padding, mirroring, joining, parting; places by index; order.
 *
 * They are ops and keep to what ops.h says of ops: any dtype unless stated otherwise, and a
 * gradient flows to every float input. Results are copies except for those of split and chunk.
 */
#ifndef CLADE_ARRANGE_H
#define CLADE_ARRANGE_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- rows of elements ------------------------------------------------------------------------- */
typedef enum clade_pad_mode {
    CLADE_PAD_CONSTANT = 0,
    CLADE_PAD_REFLECT = 1,  /* c b | a b c | b a: at most the axis' size - 1 on each side */
    CLADE_PAD_REPLICATE = 2 /* a a | a b c | c c: of an axis that is not empty */
} clade_pad_mode;

/* Adds elements before and after. amounts: as in PyTorch pairs (before, after) of the last axis,
 * then of the one before it ...; count: how many numbers these are. value: of CLADE_PAD_CONSTANT.
 */
CLADE_API clade_tensor *clade_pad(clade_tensor *x, const int64_t *amounts, int count,
                                  clade_pad_mode mode, double value);
/* The order of the elements along each of the given axes reversed; NULL: along all. */
CLADE_API clade_tensor *clade_flip(clade_tensor *x, const int *axes, int count);
/* Element i comes to i + shift, modulo the axis' size. */
CLADE_API clade_tensor *clade_roll(clade_tensor *x, int axis, int64_t shift);
/* Joins count >= 1 tensors of one shape (at most 64) along a new axis: one of 0..ndim, or counted
 * from the end of the result. */
CLADE_API clade_tensor *clade_stack(clade_tensor *const *tensors, int count, int axis);
/* x counts[i] times along axis i; there may be more counts than dimensions, which count from the
 * last, as NumPy's tile. */
CLADE_API clade_tensor *clade_repeat(clade_tensor *x, const int64_t *counts, int count);
/* The last two dimensions' elements below and on the diagonal, or above and on it; 0 elsewhere.
 * diagonal 0 is the main one, 1 that above it. */
CLADE_API clade_tensor *clade_tril(clade_tensor *x, int64_t diagonal);
CLADE_API clade_tensor *clade_triu(clade_tensor *x, int64_t diagonal);

/* x along an axis in pieces of `size`, the last one shorter where it does not divide the axis; in
 * `count` pieces of equal size, of which the last may be shorter or empty. Views, as clade_slice
 * lends them, written to parts[0..count-1]; count of split is what the axis demands.
 * Errors: those of ops; CLADE_ERR_ARGUMENT for another count. Then parts holds NULLs. */
CLADE_API clade_status clade_split(clade_tensor *x, int axis, int64_t size, clade_tensor **parts,
                                   int count);
CLADE_API clade_status clade_chunk(clade_tensor *x, int axis, clade_tensor **parts, int count);

/* --- places by index (i32) -------------------------------------------------------------------- */
/* Rows of weight [n,d] at the places in index [...]: [...,d]. The row `padding` gets no gradient; a
 * negative one: none is so. The gradient adds up over repeated places, in a fixed order. A place
 * outside: NaN. */
CLADE_API clade_tensor *clade_embedding(clade_tensor *weight, clade_tensor *index, int64_t padding);
/* [...,classes] of the dtype: 1 where the place is the index [...], else 0. No gradient. */
CLADE_API clade_tensor *clade_one_hot(clade_tensor *index, int64_t classes, clade_dtype dtype);
/* x plus the slices of source at the places in index (one dimension) along the axis:
 * out[index[i]] += source[i] for axis 0, in the order of i. Places outside are left out. */
CLADE_API clade_tensor *clade_index_add(clade_tensor *x, int axis, clade_tensor *index,
                                        clade_tensor *source);
/* out[i][index[i][j]] += source[i][j] for axis 1, and so on for any axis: index and source have one
 * shape, off the axis that of x. Places outside are left out. */
CLADE_API clade_tensor *clade_scatter_add(clade_tensor *x, int axis, clade_tensor *index,
                                          clade_tensor *source);

/* --- order along an axis; a NaN is larger than any number ---------------------------------------
 */
/* The places (i32) of the elements in ascending or descending order, equal ones in the order that
 * they have. No gradient. */
CLADE_API clade_tensor *clade_argsort(clade_tensor *x, int axis, bool descending);
/* The elements in that order. *places, unless NULL, is then what clade_argsort yields. */
CLADE_API clade_tensor *clade_sort(clade_tensor *x, int axis, bool descending,
                                   clade_tensor **places);
/* The k largest elements, largest first, or the k smallest, smallest first; likewise. */
CLADE_API clade_tensor *clade_topk(clade_tensor *x, int axis, int64_t k, bool largest,
                                   clade_tensor **places);
/* How many (i32) of sorted [...,n], ascending along the last axis, are at most each of values
 * [...,m]: where it would be inserted behind its equals. [...,m]; no gradient. */
CLADE_API clade_tensor *clade_searchsorted(clade_tensor *sorted, clade_tensor *values);

#ifdef __cplusplus
}
#endif
#endif
