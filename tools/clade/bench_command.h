/* `clade bench`. */
#ifndef CLADE_BENCH_COMMAND_H
#define CLADE_BENCH_COMMAND_H

/* argv[0] is "bench". Returns the exit code. */
int bench_command(int argc, char **argv);

#endif
