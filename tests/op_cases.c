/* The one list of row families: a file and a line here. */
#include "op_cases.h"

#include <string.h>

extern const op_case_family activation_cases;
extern const op_case_family arrange_cases;
extern const op_case_family attention_cases;
extern const op_case_family conv_cases;
extern const op_case_family copy_cases;
extern const op_case_family create_cases;
extern const op_case_family formula_cases;
extern const op_case_family function_cases;
extern const op_case_family image_cases;
extern const op_case_family index_cases;
extern const op_case_family loss_cases;
extern const op_case_family matrix_cases;
extern const op_case_family norm_cases;
extern const op_case_family order_cases;
extern const op_case_family pointwise_cases;
extern const op_case_family pool_cases;
extern const op_case_family random_cases;
extern const op_case_family recurrent_cases;
extern const op_case_family reduction_cases;
extern const op_case_family resample_cases;
extern const op_case_family view_cases;

/* clang-format off */
const op_case_family *const op_case_families[] = {
    &activation_cases,
    &arrange_cases,
    &attention_cases,
    &conv_cases,
    &copy_cases,
    &create_cases,
    &formula_cases,
    &function_cases,
    &image_cases,
    &index_cases,
    &loss_cases,
    &matrix_cases,
    &norm_cases,
    &order_cases,
    &pointwise_cases,
    &pool_cases,
    &random_cases,
    &recurrent_cases,
    &reduction_cases,
    &resample_cases,
    &view_cases,
};
/* clang-format on */
const size_t op_case_family_count = sizeof op_case_families / sizeof op_case_families[0];

const op_case *op_case_at(size_t index)
{
    for (size_t f = 0; f < op_case_family_count; f++) {
        if (index < op_case_families[f]->count)
            return &op_case_families[f]->rows[index];
        index -= op_case_families[f]->count;
    }
    return NULL;
}

bool op_case_differentiates(const op_case *row)
{
    return row->gradient && (row->dtypes & F64) &&
           (row->out == OUT_LIKE_ROW || row->out == OUT_F64);
}

bool op_case_wanted(const op_case *row, char *const *ops)
{
    if (!*ops)
        return true;
    for (; *ops; ops++)
        if (!strcmp(*ops, row->op))
            return true;
    return false;
}
