/* What the generated walk through the header calls: it says what is wrong and goes on, so that one run tells
 * everything. */
#ifndef WALKER_H
#define WALKER_H

#include <netns.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What an output holds before the call, and after one that failed. */
#define UNTOUCHED ((uintptr_t)0x5e475e47)
/* And each byte of one that is a struct. */
#define UNWRITTEN 0x5e

static unsigned long calls, failures;

/* The call that is being made. */
static const char *function_, *what_;
static char namespace_[64];

/* Text that no name may be. */
static const char NOT_UTF8[] = "a\xff\xfe";
static const char EMPTY[] = "";
static char *huge;

static void wrong(const char *format, const char *detail)
{
    failures++;
    fprintf(stderr, "%s, %s: ", function_, what_);
    fprintf(stderr, format, detail);
    fputc('\n', stderr);
}

static void read_namespace(char *at, size_t size)
{
    ssize_t length = readlink("/proc/thread-self/ns/net", at, size - 1);
    at[length < 0 ? 0 : length] = '\0';
}

/* Of structs whose last word is a number. */
static int is_written(const void *output, size_t size)
{
    uint64_t last, unwritten;
    memcpy(&last, (const char *)output + size - sizeof last, sizeof last);
    memset(&unwritten, UNWRITTEN, sizeof unwritten);
    return last != unwritten;
}

static void before(const char *function, const char *what)
{
    function_ = function;
    what_ = what;
    calls++;
    read_namespace(namespace_, sizeof namespace_);
}

static void after(void)
{
    char now[sizeof namespace_];
    read_namespace(now, sizeof now);
    if (strcmp(now, namespace_) != 0)
        wrong("the thread is in another namespace afterwards: %s", now);
}

/* It went well, and there is no error. */
static void must_succeed(int32_t status, netns_error *error)
{
    int is_set = (uintptr_t)error != UNTOUCHED;
    after();
    if (status != NETNS_STATUS_OK)
        wrong("it failed: %s", is_set && error != NULL ? netns_error_message(error) : "without an error");
    else if (is_set)
        wrong("it succeeded and wrote %s", "an error");
    if (is_set)
        netns_error_free(error);
}

/* It went well or not, but neither crashed nor panicked. */
static void must_be_clean(int32_t status, netns_error *error)
{
    int is_set = (uintptr_t)error != UNTOUCHED;
    after();
    if (status == NETNS_STATUS_PANIC)
        wrong("it panicked: %s", is_set ? netns_error_message(error) : "");
    if ((status == NETNS_STATUS_OK) == is_set)
        wrong("status and error do not agree: %s", netns_status_name(status));
    if (is_set)
        netns_error_free(error);
}

/* The argument was refused, by its name where there is one. */
static void must_be_refused(int32_t status, netns_error *error, const char *name)
{
    int is_set = (uintptr_t)error != UNTOUCHED;
    after();
    if (status != NETNS_STATUS_BAD_REQUEST)
        wrong("it is not refused as BAD_REQUEST but %s", netns_status_name(status));
    if (status != NETNS_STATUS_OK && !is_set)
        wrong("it failed without %s", "an error");
    if (is_set && netns_error_kind(error) != status)
        wrong("the error is of another kind: %s", netns_status_name(netns_error_kind(error)));
    if (is_set && name != NULL && strstr(netns_error_message(error), name) == NULL)
        wrong("the argument is not named: %s", netns_error_message(error));
    if (is_set)
        netns_error_free(error);
}

#endif
