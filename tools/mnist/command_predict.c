#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"
#include "dataset.h"
#include "draw.h"
#include "model.h"
#include "picture.h"
#include "session.h"

/* The side of the square pictures that the network takes. */
static int picture_side(int64_t *side, const layout *l, const char *path)
{
    *side = l->rows;
    if (l->rows != l->cols)
        return cli_fail("%s: weights for pictures of %" PRId64 "x%" PRId64 ", which are not square",
                        path, l->cols, l->rows);
    return EXIT_OK;
}

/* The probability of each class, to host memory. Blocks. */
static clade_status probabilities(float *out, clade_context *ctx, const model *m,
                                  clade_tensor *image)
{
    clade_status status = clade_scope_begin(ctx);
    if (status != CLADE_OK)
        return status;
    int64_t classes = m->layout.size[m->layout.count];
    clade_tensor *p = clade_softmax(model_logits(m, dataset_normalised(image)), 1);
    status =
        p ? clade_tensor_read(p, out, (size_t)classes * sizeof *out) : clade_last_error()->status;
    clade_status ended = clade_scope_end(ctx);
    return status == CLADE_OK ? ended : status;
}

static void print_prediction(const options *o, const picture *p, const float *probability,
                             int64_t classes)
{
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++)
        best = probability[c] > probability[best] ? c : best;
    if (o->quiet) {
        printf("%" PRId64 "\n", best);
        return;
    }
    draw_picture(p);
    printf("class: %" PRId64 "\n", best);
    for (int64_t c = 0; c < classes; c++)
        printf("%3" PRId64 "  %6.2f %%%s\n", c, 100 * (double)probability[c],
               c == best ? "  <-" : "");
}

static int predict_in(const options *o, clade_context *ctx, const model *m, const picture *p)
{
    int64_t classes = m->layout.size[m->layout.count];
    clade_tensor *image = NULL;
    float *probability = malloc((size_t)classes * sizeof *probability);
    if (!probability)
        return cli_fail("out of memory");
    clade_status status = clade_params_load(m->params, o->load);
    if (status == CLADE_OK)
        status = clade_tensor_from_host(&image, ctx, CLADE_U8,
                                        CLADE_SHAPE(1, m->layout.rows * m->layout.cols), p->pixels);
    if (status == CLADE_OK)
        status = probabilities(probability, ctx, m, image);
    if (status == CLADE_OK)
        print_prediction(o, p, probability, classes);
    clade_tensor_free(&image);
    free(probability);
    return status == CLADE_OK ? EXIT_OK : cli_fail_library();
}

/* The picture as the network takes it; says what was done to it. */
static int prepare(picture *p, const options *o, int64_t side)
{
    int code = picture_load(p, o->picture, o->index);
    if (code != EXIT_OK)
        return code;
    int64_t rows = p->rows, cols = p->cols;
    bool inverted = picture_dark_background(p);
    if (!picture_fit(p, side))
        return cli_fail("%s: out of memory", o->picture);
    if (inverted && !o->quiet)
        printf("picture: dark on light, inverted\n");
    if ((rows != side || cols != side) && !o->quiet)
        printf("picture: %" PRId64 "x%" PRId64 ", fitted into %" PRId64 "x%" PRId64 "\n", cols,
               rows, side, side);
    return EXIT_OK;
}

static int predict_on_device(const options *o, const layout *l, const picture *p)
{
    clade_context *ctx = session_device(o);
    if (!ctx)
        return EXIT_FAILED;
    model m;
    int code =
        model_create(&m, ctx, l) == CLADE_OK ? predict_in(o, ctx, &m, p) : cli_fail_library();
    model_free(&m);
    clade_context_free(&ctx);
    return code;
}

int command_predict(const options *o)
{
    layout l;
    int64_t side;
    picture p = {0};
    int code = layout_of_file(&l, o->load);
    if (code == EXIT_OK)
        code = picture_side(&side, &l, o->load);
    if (code == EXIT_OK)
        code = prepare(&p, o, side);
    if (code == EXIT_OK)
        code = predict_on_device(o, &l, &p);
    picture_free(&p);
    return code;
}
