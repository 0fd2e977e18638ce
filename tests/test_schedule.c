/* Schedules of the learning rate against PyTorch's, and at their ends. */
#include <math.h>

#include <clade/clade.h>

#include "golden_file.h"
#include "testing.h"

static clade_safetensors *goldens;

static void setup(void)
{
    goldens = open_goldens("optimizers");
}

static void teardown(void)
{
    clade_safetensors_free(&goldens);
}

static void check_rates(const char *name, int count, double (*rate)(int64_t step))
{
    char key[64];
    snprintf(key, sizeof key, "schedule/%s", name);
    const double *expected = golden(goldens, key, CLADE_F64, count);
    for (int i = 0; i < count; i++)
        ck_assert_msg(fabs(rate(i) - expected[i]) <= 1e-12, "%s, step %d: %.15g, not %.15g", name,
                      i, rate(i), expected[i]);
}

static double step_rate(int64_t step)
{
    return clade_lr_step(step, 0.5, 6, 0.3);
}

static double cosine_rate(int64_t step)
{
    return clade_lr_cosine(step, 30, 0, 0.5, 0.05);
}

static double warm_cosine_rate(int64_t step)
{
    return clade_lr_cosine(step, 30, 8, 0.5, 0.05);
}

static double one_cycle_rate(int64_t step)
{
    return clade_lr_one_cycle(step, 30, 0.5, NULL);
}

static double one_cycle_rate_with_all(int64_t step)
{
    return clade_lr_one_cycle(
        step, 30, 0.5,
        &(clade_one_cycle_params){.rising = 0.5, .start_divisor = 10, .end_divisor = 100});
}

START_TEST(rates)
{
    check_rates("step", 20, step_rate);
    check_rates("cosine", 31, cosine_rate);
    check_rates("warm_cosine", 31, warm_cosine_rate);
    check_rates("one_cycle", 29, one_cycle_rate);
    check_rates("one_cycle_all", 29, one_cycle_rate_with_all);
}
END_TEST

/* Beyond the ends and where a phase has no steps: what the nearest step has. */
START_TEST(ends_of_schedules)
{
    ck_assert_double_eq(clade_lr_step(-3, 0.5, 6, 0.1), 0.5);
    ck_assert_double_eq(clade_lr_step(100, 0.5, 0, 0.1), 0.5);
    ck_assert_double_eq_tol(clade_lr_cosine(31, 30, 8, 0.5, 0.05), 0.05, 1e-15);
    ck_assert_double_eq_tol(clade_lr_cosine(-1, 30, 8, 0.5, 0.05), 0.0625, 1e-15);
    ck_assert_double_eq_tol(clade_lr_cosine(-1, 30, 0, 0.5, 0.05), 0.5, 1e-15);
    ck_assert_double_eq_tol(clade_lr_cosine(8, 8, 8, 0.5, 0.05), 0.05, 1e-15);
    ck_assert_double_eq_tol(clade_lr_cosine(7, 8, 8, 0.5, 0.05), 0.5, 1e-15);
    double end = 0.5 / 25 / 1e4;
    ck_assert_double_eq_tol(clade_lr_one_cycle(29, 30, 0.5, NULL), end, 1e-15);
    ck_assert_double_eq_tol(clade_lr_one_cycle(99, 30, 0.5, NULL), end, 1e-15);
    ck_assert_double_eq_tol(clade_lr_one_cycle(-9, 30, 0.5, NULL), 0.02, 1e-15);
    const clade_one_cycle_params tiny = {.rising = 1.0 / 30};
    ck_assert_double_eq_tol(clade_lr_one_cycle(0, 30, 0.5, &tiny), 0.5, 1e-12);
}
END_TEST

static void check_plateau(const char *name, const clade_plateau_params *settings, double sign)
{
    char key[64];
    snprintf(key, sizeof key, "plateau/%s", name);
    enum { COUNT = 60 };
    const double *expected = golden(goldens, key, CLADE_F64, COUNT);
    const double *metrics = golden(goldens, "plateau/metrics", CLADE_F64, COUNT);
    clade_plateau state = {0};
    double lr = 0.5;
    for (int i = 0; i < COUNT; i++) {
        lr = clade_lr_plateau(&state, sign * metrics[i], lr, settings);
        ck_assert_msg(fabs(lr - expected[i]) <= 1e-12, "%s, metric %d: %.15g, not %.15g", name, i,
                      lr, expected[i]);
    }
}

START_TEST(plateau)
{
    check_plateau("default", NULL, 1);
    check_plateau(
        "relative",
        &(clade_plateau_params){.factor = 0.5, .patience = 2, .cooldown = 3, .threshold = 0.02}, 1);
    check_plateau(
        "absolute",
        &(clade_plateau_params){
            .factor = 0.5, .patience = -1, .threshold = 0.015, .absolute = true, .min = 0.01},
        1);
    check_plateau("larger",
                  &(clade_plateau_params){.larger = true,
                                          .factor = 0.25,
                                          .patience = 3,
                                          .threshold = 0.02,
                                          .absolute = true,
                                          .eps = 0.02},
                  -1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {rates, ends_of_schedules, plateau};
    return run_tests("schedule", tests, sizeof tests / sizeof *tests, setup, teardown);
}
