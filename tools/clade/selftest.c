#include "selftest.h"

#include <stdio.h>

#include "../common/devices.h"

static const struct {
    const char *name;
    void (*run)(check *c);
} checks[] = {
    {"transfers", check_transfer},
    {"pointwise, one input", check_pointwise_unary},
    {"pointwise, two inputs", check_pointwise_binary},
    {"pointwise, constants", check_pointwise_scalar},
    {"comparisons", check_compare},
    {"reductions", check_reduce},
    {"views and concat", check_views},
    {"index_select, gather", check_index},
    {"softmax", check_softmax},
    {"losses", check_losses},
    {"random numbers", check_random_numbers},
    {"matmul", check_gemm},
    {"linear", check_linear},
    {"gradients", check_gradients},
    {"SGD", check_sgd},
    {"training", check_training},
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

static check run_one(clade_context *ctx, int i)
{
    check c = {.ctx = ctx, .random = 1};
    if (!check_ok(&c, "scope", clade_scope_begin(ctx)))
        return c;
    checks[i].run(&c);
    check_ok(&c, "queue", clade_context_finish(ctx));
    check_ok(&c, "scope", clade_scope_end(ctx));
    return c;
}

static void print_one(const char *name, const check *c)
{
    if (c->failed)
        printf("FAILED   %-22s  %s\n", name, c->detail);
    else if (c->skipped)
        printf("skipped  %-22s  %s\n", name, c->detail);
    else
        printf("ok       %-22s  %d comparisons, worst error %.1e\n", name, c->comparisons,
               c->worst);
}

int selftest(const char *device)
{
    clade_context *ctx = device_open(device, CLADE_LOG_INFO, 0);
    if (!ctx)
        return EXIT_FAILED;
    int failed = 0, skipped = 0;
    for (int i = 0; i < CHECKS; i++) {
        check c = run_one(ctx, i);
        print_one(checks[i].name, &c);
        failed += c.failed;
        skipped += !c.failed && c.skipped;
    }
    const clade_device_info *d = clade_context_device(ctx);
    printf("%s: %d of %d checks passed, %d failed, %d skipped, on %s (%s)\n",
           failed ? "FAILED" : "PASSED", CHECKS - failed - skipped, CHECKS, failed, skipped,
           d->name, d->platform_name);
    clade_context_free(&ctx);
    return failed ? EXIT_FAILED : EXIT_OK;
}
