#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/cli.h"
#include "bench_peer.h"

extern char **environ;

struct torch_peer {
    pid_t pid;
    FILE *to, *from;
    char work[64];
    char name[96];
};

/* Thread settings to try: which is fastest differs between builds of PyTorch, by a factor of four.
 * %d: the number of processors. */
static const struct {
    const char *name, *torch_threads, *environment;
} settings[] = {
    {"1 thread, %d for BLAS", "1", "OPENBLAS_NUM_THREADS=%d"},
    {"%d threads, passive wait", "%d", "OMP_WAIT_POLICY=passive"},
    {"%d threads, 1 for BLAS", "%d", "OPENBLAS_NUM_THREADS=1"},
    {"default threads", "0", NULL},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void with_processors(char *out, size_t size, const char *text)
{
    const char *at = strstr(text, "%d");
    if (at)
        snprintf(out, size, "%.*s%ld%s", (int)(at - text), text, sysconf(_SC_NPROCESSORS_ONLN),
                 at + 2);
    else
        snprintf(out, size, "%s", text);
}

/* Beside the source where that is there, else where it was installed. */
static const char *script(void)
{
    static const char *const places[] = {CLADE_BENCH_SOURCE_DIR "/torch_peer.py",
                                         CLADE_BENCH_DATA_DIR "/torch_peer.py"};
    for (int i = 0; i < 2; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    cli_fail("the peer script is neither %s nor %s", places[0], places[1]);
    return NULL;
}

/* The environment with one entry more, or with that one changed; the caller frees the array. */
static char **environment_with(const char *entry)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **out = malloc((count + 2) * sizeof *out);
    if (!out)
        return NULL;
    size_t key = entry ? strcspn(entry, "=") + 1 : 0;
    for (size_t i = 0; i < count; i++)
        if (!entry || strncmp(environ[i], entry, key) != 0)
            out[kept++] = environ[i];
    if (entry)
        out[kept++] = (char *)entry;
    out[kept] = NULL;
    return out;
}

/* Runs argv[0] with its standard input and output as *to and *from. */
static bool spawn(torch_peer *p, char *const *argv, char *const *environment)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    bool ok = pipe(in) == 0 && pipe(out) == 0 && posix_spawn_file_actions_init(&actions) == 0;
    if (ok) {
        int fault = 0;
        fault |= posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        fault |= posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        /* Another child that held our ends would keep this one from seeing the end of its input. */
        fault |= fcntl(in[1], F_SETFD, FD_CLOEXEC) | fcntl(out[0], F_SETFD, FD_CLOEXEC);
        ok = !fault && posix_spawnp(&p->pid, argv[0], &actions, NULL, argv, environment) == 0;
        posix_spawn_file_actions_destroy(&actions);
    }
    if (in[0] >= 0)
        close(in[0]);
    if (out[1] >= 0)
        close(out[1]);
    p->to = ok ? fdopen(in[1], "w") : NULL;
    p->from = ok ? fdopen(out[0], "r") : NULL;
    if (!p->to && in[1] >= 0)
        close(in[1]);
    if (!p->from && out[0] >= 0)
        close(out[0]);
    return p->to && p->from;
}

void torch_close(torch_peer **peer)
{
    torch_peer *p = *peer;
    if (!p)
        return;
    if (p->to)
        fclose(p->to); /* the script ends when its input does */
    if (p->from)
        fclose(p->from);
    if (p->pid > 0)
        waitpid(p->pid, NULL, 0);
    free(p);
    *peer = NULL;
}

/* A child that has imported torch; *version: "PyTorch 2.1". NULL where it cannot. */
static torch_peer *start(const bench *b, const char *python, int setting, const char *work)
{
    char threads[16], entry[64] = "", version[64];
    with_processors(threads, sizeof threads, settings[setting].torch_threads);
    if (settings[setting].environment)
        with_processors(entry, sizeof entry, settings[setting].environment);
    const char *path = script();
    torch_peer *p = calloc(1, sizeof *p);
    char **environment = environment_with(entry[0] ? entry : NULL);
    char *argv[] = {(char *)python,     (char *)path, threads, b->o->quick ? "2048" : "60000",
                    (char *)b->o->data, NULL};
    bool ok = path && p && environment && spawn(p, argv, environment) &&
              fgets(version, sizeof version, p->from) &&
              sscanf(version, "torch %63s", version) == 1;
    free(environment);
    if (!ok) {
        if (p)
            torch_close(&p);
        return NULL;
    }
    char how[40];
    with_processors(how, sizeof how, settings[setting].name);
    snprintf(p->work, sizeof p->work, "%s", work);
    snprintf(p->name, sizeof p->name, "PyTorch %.24s, %s", version, how);
    return p;
}

/* The Python to use, found once; NULL after a line on stderr. */
static const char *find_python(const bench *b)
{
    static const char *found;
    const char *const candidates[] = {b->o->python ? b->o->python : "python3",
                                      b->o->python ? NULL : "/usr/bin/python3"};
    for (int i = 0; i < 2 && !found && candidates[i]; i++) {
        torch_peer *p = start(b, candidates[i], SETTINGS - 1, "");
        if (!p)
            continue;
        torch_close(&p);
        found = candidates[i];
        cli_note("PyTorch: %s runs %s", found, script());
    }
    if (!found && b->o->python)
        cli_fail("--python: %s cannot import torch", b->o->python);
    else if (!found)
        cli_fail("--vs torch: neither python3 nor /usr/bin/python3 can import torch; --python "
                 "names one that can");
    return found;
}

double torch_block(void *peer, int64_t count)
{
    torch_peer *p = peer;
    char line[128];
    double seconds;
    fprintf(p->to, "%s %lld\n", p->work, (long long)count);
    if (fflush(p->to) == 0 && fgets(line, sizeof line, p->from) &&
        sscanf(line, "%lf", &seconds) == 1)
        return seconds;
    cli_fail("the PyTorch process failed at '%s'", p->work);
    return NAN;
}

const char *torch_name(const torch_peer *peer)
{
    return peer->name;
}

/* Seconds per repetition, after a warm-up. */
static double trial(const bench *b, torch_peer *p)
{
    int64_t count = 1;
    double seconds = torch_block(p, 3);
    if (isnan(seconds))
        return NAN;
    while ((seconds = torch_block(p, count)) < b->o->block_seconds)
        count *= 2;
    return seconds / (double)count;
}

int torch_open(torch_peer **out, const bench *b, const char *work)
{
    *out = NULL;
    if (b->o->vs != VS_TORCH)
        return EXIT_OK;
    signal(SIGPIPE, SIG_IGN); /* a child that ended is a failed write */
    const char *python = find_python(b);
    double best = INFINITY;
    for (int i = b->o->quick ? SETTINGS - 1 : 0; i < SETTINGS && python; i++) {
        torch_peer *p = start(b, python, i, work);
        double seconds = p ? trial(b, p) : NAN;
        if (seconds < best) {
            torch_peer *slower = *out;
            best = seconds;
            *out = p;
            p = slower;
        }
        torch_close(&p);
    }
    return *out ? EXIT_OK : EXIT_FAILED;
}
