// Clade inside a C++ program: the gradient of sum((x w)^2) with respect to w.
#include <cstdio>
#include <vector>

#include <clade/clade.h>

static clade_status gradient(clade_context *ctx, clade_tensor *x, clade_tensor *w,
                             std::vector<float> &out)
{
    clade_status st = clade_tensor_set_requires_grad(w, true);
    if (st == CLADE_OK)
        st = clade_tape_begin(ctx);
    if (st != CLADE_OK)
        return st;
    st = clade_backward(clade_sum(clade_square(clade_matmul(x, w)), nullptr, 0, false));
    if (st == CLADE_OK)
        st = clade_tensor_read(clade_tensor_grad(w), out.data(), out.size() * sizeof(float));
    clade_tape_end(ctx);
    return st;
}

int main()
{
    const float x_values[] = {1, 2, 3, 4}, w_values[] = {1, -1};
    std::vector<float> grad(2);
    clade_context *ctx = nullptr;
    clade_tensor *x = nullptr, *w = nullptr;
    clade_status st = clade_context_create(&ctx, nullptr);
    if (st == CLADE_OK)
        st = clade_tensor_from_host(&x, ctx, CLADE_F32, CLADE_SHAPE(2, 2), x_values);
    if (st == CLADE_OK)
        st = clade_tensor_from_host(&w, ctx, CLADE_F32, CLADE_SHAPE(2, 1), w_values);
    if (st == CLADE_OK)
        st = gradient(ctx, x, w, grad);
    if (st == CLADE_OK)
        std::printf("gradient: %g %g\n", grad[0], grad[1]);
    else
        std::fprintf(stderr, "%s\n", clade_last_error()->message);
    clade_tensor_free(&x);
    clade_tensor_free(&w);
    clade_context_free(&ctx);
    return st == CLADE_OK ? 0 : 1;
}
