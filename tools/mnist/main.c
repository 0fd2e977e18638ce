#include "../common/cli.h"
#include "../common/devices.h"
#include "commands.h"

static int run(const options *o)
{
    if (o->list_devices)
        return devices_print(o->device, false);
    switch (o->command) {
    case COMMAND_TRAIN:
        return command_train(o);
    case COMMAND_EVAL:
        return command_eval(o);
    case COMMAND_PREDICT:
        return command_predict(o);
    }
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    cli_init("clade-mnist");
    options o;
    int code = options_parse(&o, argc, argv);
    if (code < 0)
        code = run(&o);
    int closed = cli_close_stdout();
    return code == EXIT_OK ? closed : code;
}
