/* What stands behind clade_gemm_run: whoever can multiply. gemm.c chooses and checks them.
 * No OpenCL type, so that the tests can put a provider of their own in the list. */
#ifndef CLADE_RUNTIME_GEMM_PROVIDER_H
#define CLADE_RUNTIME_GEMM_PROVIDER_H

#include "runtime/runtime.h"

typedef struct clade_gemm_provider {
    const char *name;
    bool applies_epilogue; /* else gemm.c does, and run never sees one */
    bool reads_windows;    /* else run never sees one */
    /* Called with all of m, n, k, batch positive and every matrix inside its buffer. */
    clade_status (*run)(clade_runtime *rt, const clade_gemm *gemm);
} clade_gemm_provider;

enum { CLADE_GEMM_OWN, CLADE_GEMM_CLBLAST, CLADE_GEMM_PROVIDERS };

/* The tests replace one by a wrong one; nothing else writes here. */
extern clade_gemm_provider clade_gemm_providers[CLADE_GEMM_PROVIDERS];

clade_status clade_gemm_own(clade_runtime *rt, const clade_gemm *gemm);
clade_status clade_gemm_clblast(clade_runtime *rt, const clade_gemm *gemm);

/* Multiplies a few odd numbers with the layouts of *like, its shape cut to some tens, and compares
 * with the same product on the host. *right: false with the reason as this thread's error when the
 * provider failed or is wrong. Fails when there is no memory. */
clade_status clade_gemm_self_check(bool *right, clade_runtime *rt,
                                   const clade_gemm_provider *provider, const clade_gemm *like);

#endif
