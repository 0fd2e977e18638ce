/* Shared by the tests of modules: what tests/goldens/module_goldens.py wrote of each. */
#ifndef CLADE_TESTS_MODULE_TESTING_H
#define CLADE_TESTS_MODULE_TESTING_H

#include <math.h>

#include "golden_file.h"
#include "tensor_testing.h"

static clade_safetensors *goldens;

static inline void setup_goldens(void)
{
    ok(clade_context_create(&ctx, NULL));
    goldens = open_goldens("modules");
}

static inline void teardown_goldens(void)
{
    clade_safetensors_free(&goldens);
    clade_context_free(&ctx);
}

static inline const clade_array *find(const char *layer, const char *name)
{
    char key[128];
    snprintf(key, sizeof key, "%s/%s", layer, name);
    return clade_safetensors_find(goldens, key);
}

static inline void expect(const clade_tensor *t, const char *layer, const char *name)
{
    const clade_array *want = find(layer, name);
    ck_assert_msg(want && t, "%s/%s is not there: %s", layer, name, clade_last_error()->message);
    clade_shape shape = clade_tensor_shape(t);
    ck_assert_msg(clade_shape_equal(&shape, &want->shape), "%s/%s has another shape", layer, name);
    int64_t n = clade_shape_numel(&shape);
    float *found = malloc((size_t)n * sizeof *found);
    ok(clade_tensor_read(t, found, (size_t)n * sizeof *found));
    for (int64_t i = 0; i < n; i++) {
        double expected = (double)((const float *)want->data)[i];
        ck_assert_msg(fabs((double)found[i] - expected) <= 2e-6 * (4 + fabs(expected)),
                      "%s/%s: [%d] = %.9g, not %.9g", layer, name, (int)i, (double)found[i],
                      expected);
    }
    free(found);
}

static inline clade_tensor *leaf(const char *layer, const char *name)
{
    const clade_array *array = find(layer, name);
    clade_tensor *t = NULL;
    if (array) {
        ok(clade_tensor_from_host(&t, ctx, CLADE_F32, array->shape, array->data));
        ok(clade_tensor_set_requires_grad(t, true));
    }
    return t;
}

/* Wellons' lowbias32, as hash32 of tests/goldens/goldens_file.py. */
static inline uint32_t hash32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

/* sum(t * weights): its share of the loss of module_goldens.py. */
static inline clade_tensor *weighed(clade_tensor *t, uint32_t which)
{
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    int64_t n = clade_tensor_numel(t);
    float weights[128];
    ck_assert_int_le(n, 128);
    for (uint32_t i = 0; i < n; i++)
        weights[i] = (float)(-1 + 2.0 * (hash32(i + 1000 * (900 + which) + 1) >> 20) / 4096.0);
    clade_tensor *w = lent(CLADE_F32, clade_tensor_shape(t), weights);
    return clade_sum(clade_mul(t, w), NULL, 0, false);
}

static inline void put_weights(clade_params *params, const char *layer)
{
    for (size_t i = 0; i < clade_params_count(params); i++) {
        clade_tensor *t = clade_params_get(params, i);
        const clade_array *array = find(layer, clade_params_name(params, i));
        ck_assert_msg(array != NULL, "PyTorch has no %s", clade_params_name(params, i));
        clade_shape shape = clade_tensor_shape(t);
        ck_assert(clade_shape_equal(&array->shape, &shape));
        ok(clade_tensor_write(t, array->data, (size_t)clade_shape_numel(&shape) * sizeof(float)));
    }
}

#endif
