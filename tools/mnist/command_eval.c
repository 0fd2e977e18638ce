#include "commands.h"

#include <stdio.h>

#include "../common/cli.h"
#include "report.h"

static int eval_in(const session *s, const options *o)
{
    evaluation e;
    evaluator tester;
    clade_status status = evaluator_create(&tester, s->ctx, &s->model, o->eager);
    if (status == CLADE_OK)
        status = evaluate(&e, &tester, &s->test);
    evaluator_free(&tester);
    if (status != CLADE_OK)
        return cli_fail_library();
    if (o->quiet)
        printf("test accuracy: %.2f %%\n", e.accuracy);
    else
        printf("test loss %.4f, test accuracy %.2f %% on %s\n", e.loss, e.accuracy, s->mnist->name);
    return o->json ? report_write_eval(s, &e, o->json) : EXIT_OK;
}

int command_eval(const options *o)
{
    if (report_check_path(o->json) != EXIT_OK)
        return EXIT_FAILED;
    session s;
    int code = session_open(&s, o);
    if (code == EXIT_OK)
        code = eval_in(&s, o);
    session_close(&s);
    return code;
}
