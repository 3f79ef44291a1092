/* What every test in C says when something is not as it should be. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Whether `text` has `part` in it. */
#define SAYS(text, part)                                                   \
    do {                                                                   \
        const char *said_ = (text);                                        \
        if (said_ == NULL || strstr(said_, (part)) == NULL)                \
            FAIL("no \"%s\" in: %s", (part), said_ == NULL ? "(NULL)" : said_); \
    } while (0)

/* Whether a string is as it should be; NULL is as good as any other value. */
#define SAME(text, expected)                                               \
    do {                                                                   \
        const char *said_ = (text), *wanted_ = (expected);                 \
        if (said_ != wanted_ && (said_ == NULL || wanted_ == NULL || strcmp(said_, wanted_) != 0)) \
            FAIL("%s is %s, not %s", #text, said_ == NULL ? "NULL" : said_, \
                 wanted_ == NULL ? "NULL" : wanted_);                      \
    } while (0)

/* A call that must fail in this way, with these words in its message; frees the error. */
#define REFUSED_WITH(call, expected, words)                    \
    do {                                                       \
        int32_t status_ = (call);                              \
        if (status_ != (expected))                             \
            FAIL("%s: %s in place of %s: %s", #call, netns_status_name(status_), #expected, \
                 error != NULL ? netns_error_message(error) : "(no error)"); \
        CHECK(error != NULL && netns_error_kind(error) == status_); \
        SAYS(netns_error_message(error), (words));             \
        netns_error_free(error);                               \
        error = NULL;                                          \
    } while (0)

#define REFUSED(call, expected) REFUSED_WITH(call, expected, "")

#endif
