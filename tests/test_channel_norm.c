/* Batch norm's running statistics, called and replayed; evaluation; what the norms by channels
 * refuse. */
#include <math.h>

#include "tensor_testing.h"

#define N 4
#define C 3
#define S 5

static float x[2][N * C * S];

static void fill_inputs(void)
{
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < N * C * S; i++)
            x[b][i] = (float)(sin(i + 1.0 + 100 * b) + i / S % C);
}

/* Of one channel, the variance as it goes into the running one. */
static void statistics(const float *values, int channel, double *mean, double *variance)
{
    double sum = 0, square = 0;
    for (int i = 0; i < N * C * S; i++)
        sum += i / S % C == channel ? values[i] : 0;
    *mean = sum / (N * S);
    for (int i = 0; i < N * C * S; i++)
        square += i / S % C == channel ? pow(values[i] - *mean, 2) : 0;
    *variance = square / (N * S - 1);
}

typedef struct layer {
    clade_tensor *mean, *variance, *weight, *seen;
} layer;

static void open_layer(layer *l)
{
    clade_tensor **all[] = {&l->mean, &l->variance, &l->weight};
    for (int i = 0; i < 3; i++) {
        ok(clade_tensor_create(all[i], ctx, CLADE_F32, CLADE_SHAPE(C)));
        ok(clade_tensor_fill(*all[i], i > 0));
    }
    ok(clade_tensor_create(&l->seen, ctx, CLADE_F32, CLADE_SHAPE(C)));
    ok(clade_tensor_fill(l->seen, 0));
    ok(clade_tensor_set_requires_grad(l->weight, true));
}

static void close_layer(layer *l)
{
    clade_tensor_free(&l->mean);
    clade_tensor_free(&l->variance);
    clade_tensor_free(&l->weight);
    clade_tensor_free(&l->seen);
}

static clade_status train(void *user, clade_tensor *const *in, int count)
{
    layer *l = user;
    const clade_batch_norm_options options = {.train = true, .momentum = 0.25};
    (void)count;
    clade_status status = clade_tensor_zero_grad(l->weight);
    if (status == CLADE_OK)
        status = clade_tape_begin(ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor *y = clade_batch_norm(in[0], l->mean, l->variance, l->weight, NULL, &options);
    status = clade_backward(clade_sum(clade_square(y), NULL, 0, false));
    if (status == CLADE_OK)
        status = clade_tensor_copy(l->seen, clade_add(l->seen, clade_tensor_grad(l->weight)));
    clade_status ended = clade_tape_end(ctx);
    return status == CLADE_OK ? ended : status;
}

/* Five steps on two batches in turn. */
static void run_steps(layer *l, bool eager)
{
    clade_step *step;
    ok(clade_step_create(&step, ctx, train, l, &(clade_step_params){.eager = eager}));
    for (int i = 0; i < 5; i++) {
        clade_tensor *input = lent(CLADE_F32, CLADE_SHAPE(N, C, S), x[i % 2]);
        ok(clade_step_run(step, &input, 1));
    }
    clade_step_info info;
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_eq(info.replays, eager ? 0 : 3);
    clade_step_free(&step);
}

START_TEST(running_statistics_follow)
{
    float found[2][3][C];
    fill_inputs();
    for (int eager = 0; eager < 2; eager++) {
        layer l;
        open_layer(&l);
        run_steps(&l, eager);
        ok(clade_tensor_read(l.mean, found[eager][0], sizeof found[0][0]));
        ok(clade_tensor_read(l.variance, found[eager][1], sizeof found[0][1]));
        ok(clade_tensor_read(l.seen, found[eager][2], sizeof found[0][2]));
        close_layer(&l);
    }
    ck_assert_mem_eq(found[0], found[1], sizeof found[0]);
    for (int c = 0; c < C; c++) {
        double running[2] = {0, 1}, now[2];
        for (int i = 0; i < 5; i++) {
            statistics(x[i % 2], c, &now[0], &now[1]);
            for (int k = 0; k < 2; k++)
                running[k] += 0.25 * (now[k] - running[k]);
        }
        ck_assert_double_eq_tol(found[0][0][c], running[0], 1e-5);
        ck_assert_double_eq_tol(found[0][1][c], running[1], 1e-5);
    }
}
END_TEST

START_TEST(evaluation_takes_what_is_running)
{
    static const float mean[C] = {1, -2, 0.5f}, variance[C] = {4, 0.25f, 1}, weight[C] = {2, 1, -1},
                       bias[C] = {0, 3, 0.25f};
    float found[N * C * S], kept[C];
    fill_inputs();
    clade_tensor *t[4];
    const float *const values[] = {mean, variance, weight, bias};
    for (int i = 0; i < 4; i++)
        t[i] = lent(CLADE_F32, CLADE_SHAPE(C), values[i]);
    clade_tensor *y = clade_batch_norm(lent(CLADE_F32, CLADE_SHAPE(N, C, S), x[0]), t[0], t[1],
                                       t[2], t[3], &(clade_batch_norm_options){.eps = 0.01});
    ck_assert_msg(y != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(y, found, sizeof found));
    for (int i = 0; i < N * C * S; i++) {
        int c = i / S % C;
        double expected = (x[0][i] - mean[c]) / sqrt(variance[c] + 0.01) * weight[c] + bias[c];
        ck_assert_double_eq_tol(found[i], expected, 1e-5);
    }
    ok(clade_tensor_read(t[0], kept, sizeof kept));
    ck_assert_mem_eq(kept, mean, sizeof kept);
}
END_TEST

START_TEST(refusals)
{
    const clade_batch_norm_options trains = {.train = true};
    clade_tensor *t = clade_full(ctx, CLADE_F32, CLADE_SHAPE(N, C, S), 0);
    clade_tensor *one = clade_full(ctx, CLADE_F32, CLADE_SHAPE(1, C), 0);
    clade_tensor *flat = clade_full(ctx, CLADE_F32, CLADE_SHAPE(C), 1);
    clade_tensor *long_one = clade_full(ctx, CLADE_F32, CLADE_SHAPE(C + 1), 1);
    clade_tensor *integers = clade_full(ctx, CLADE_I32, CLADE_SHAPE(C), 1);
    null_with(clade_batch_norm(NULL, flat, flat, NULL, NULL, NULL), CLADE_ERR_ARGUMENT,
              "x is NULL");
    null_with(clade_batch_norm(t, NULL, NULL, NULL, NULL, NULL), CLADE_ERR_ARGUMENT,
              "no running statistics");
    null_with(clade_batch_norm(t, flat, long_one, NULL, NULL, NULL), CLADE_ERR_SHAPE, "[4]");
    null_with(clade_batch_norm(t, flat, integers, NULL, NULL, NULL), CLADE_ERR_DTYPE, "i32");
    null_with(clade_batch_norm(flat, NULL, NULL, NULL, NULL, &trains), CLADE_ERR_SHAPE,
              "no channels");
    null_with(clade_batch_norm(one, NULL, NULL, NULL, NULL, &trains), CLADE_ERR_SHAPE,
              "one element per channel");
    null_with(clade_batch_norm(t, NULL, NULL, long_one, NULL, &trains), CLADE_ERR_SHAPE, "[4,3,5]");
    null_with(clade_batch_norm(t, NULL, NULL, NULL, integers, &trains), CLADE_ERR_DTYPE, "i32");
    null_with(clade_group_norm(t, 2, NULL, NULL, 1e-5), CLADE_ERR_SHAPE, "2 groups");
    null_with(clade_group_norm(t, 3, NULL, NULL, -1), CLADE_ERR_ARGUMENT, "eps -1");
    null_with(clade_instance_norm(flat, NULL, NULL, 1e-5), CLADE_ERR_SHAPE, "no channels");
}
END_TEST

int main(void)
{
    return RUN("channel_norm", running_statistics_follow, evaluation_takes_what_is_running,
               refusals);
}
