/* `clade tune`. */
#ifndef CLADE_TUNE_COMMAND_H
#define CLADE_TUNE_COMMAND_H

/* argv[0] is "tune". Returns the exit code. */
int tune_command(int argc, char **argv);

#endif
