#include "plan/plan.h"

#include "base/shape.h"

#include <inttypes.h>
#include <stdio.h>

/* "add_bias+relu" */
static void stage_names(char *text, size_t size, const clade_elementwise_call *call)
{
    size_t used = 0;
    text[0] = '\0';
    for (int s = 0; s < call->stages && used < size; s++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", s ? "+" : "",
                                 call->stage[s].expression.name);
}

static void describe(char *line, size_t size, const clade_command *command)
{
    char names[256];
    const clade_gemm *g = &command->as.gemm.gemm;
    switch (command->kind) {
    case CLADE_COMMAND_LAUNCH:
        snprintf(line, size, "kernel %s", clade_kernel_name(command->as.launch.kernel));
        break;
    case CLADE_COMMAND_ELEMENTWISE:
        stage_names(names, sizeof names, command->as.elementwise);
        snprintf(line, size, "%s %s", names, clade_shape_str(&command->as.elementwise->shape).s);
        break;
    case CLADE_COMMAND_GEMM:
        names[0] = '\0';
        if (command->as.gemm.epilogue)
            stage_names(names, sizeof names, command->as.gemm.epilogue);
        snprintf(line, size,
                 "gemm%s%s [%" PRId64 ",%" PRId64 "] x [%" PRId64 ",%" PRId64 "] x %" PRId64,
                 names[0] ? "+" : "", names, g->m, g->k, g->k, g->n, g->batch);
        break;
    case CLADE_COMMAND_COPY:
        snprintf(line, size, "copy %zu bytes", command->as.copy.bytes);
        break;
    case CLADE_COMMAND_FILL:
        snprintf(line, size, "fill %zu bytes", command->as.fill.bytes);
        break;
    }
}

void clade_plan_log(const clade_recording *recording)
{
    for (size_t i = 0; i < recording->count; i++) {
        char line[384];
        describe(line, sizeof line, &recording->commands[i]);
        clade_runtime_log(recording->rt, CLADE_LOG_DEBUG, "plan %3zu  %s", i, line);
    }
}
