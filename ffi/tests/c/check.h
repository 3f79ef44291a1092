/* What every test in C says when something is not as it should be. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include <netns.h>

/* Ends the program, with the place and the reason. */
#define FAIL(...)                                              \
    do {                                                       \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);        \
        fprintf(stderr, __VA_ARGS__);                          \
        fputc('\n', stderr);                                   \
        exit(1);                                               \
    } while (0)

#define CHECK(condition)                                       \
    do {                                                       \
        if (!(condition))                                      \
            FAIL("not so: %s", #condition);                    \
    } while (0)

/* A call that must succeed; `error` is the netns_error * that it may fill in. */
#define OK(call)                                               \
    do {                                                       \
        int32_t status_ = (call);                              \
        if (status_ != 0)                                      \
            FAIL("%s: %s: %s", #call, netns_status_name(status_), \
                 error != NULL ? netns_error_message(error) : "(no error)"); \
    } while (0)

/* A call that must fail in this way; frees the error. */
#define REFUSED(call, expected)                                \
    do {                                                       \
        int32_t status_ = (call);                              \
        if (status_ != (expected))                             \
            FAIL("%s: %s in place of %s: %s", #call, netns_status_name(status_), #expected, \
                 error != NULL ? netns_error_message(error) : "(no error)"); \
        CHECK(error != NULL && netns_error_kind(error) == status_); \
        netns_error_free(error);                               \
        error = NULL;                                          \
    } while (0)

#endif
