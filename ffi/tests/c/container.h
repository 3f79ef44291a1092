/* Processes that stand for containers, and what iproute2 sees of them. */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* A process with nothing but a network namespace of its own. */
static inline pid_t start_container(void)
{
    int ready[2];
    char byte = 0;
    pid_t pid;
    CHECK(pipe(ready) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || unshare(CLONE_NEWNET) != 0 || write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    CHECK(close(ready[1]) == 0 && read(ready[0], &byte, 1) == 1 && close(ready[0]) == 0);
    return pid;
}

static inline void end_container(pid_t pid)
{
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* What a command prints; it must succeed. Lasts until the next one. */
static inline const char *said(const char *format, ...)
{
    static char output[16384];
    char command[1024];
    size_t length;
    va_list arguments;
    FILE *pipe;
    va_start(arguments, format);
    CHECK(vsnprintf(command, sizeof command, format, arguments) < (int)sizeof command);
    va_end(arguments);
    fflush(NULL);
    pipe = popen(command, "r");
    CHECK(pipe != NULL);
    length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    if (pclose(pipe) != 0)
        FAIL("%s: %s", command, output);
    return output;
}

/* The same, inside of a container. */
#define INSIDE "nsenter --net=/proc/%ld/ns/net "

#endif
