/**
 * @file netns.h
 * @brief Container networking at the kernel's price.
 *
 * The rules, kept by everything in this header:
 *
 * Results. A function that can fail returns an int32_t: 0, or a negative netns_status, whose numbers
 * are never used for anything else. Its last parameter is `netns_error **ret_error`: where that is not
 * NULL, a failure puts an error object there, which the caller frees with netns_error_free. Nothing is
 * kept by thread. Functions that cannot fail return what they are asked for, and NULL or 0 when they
 * are asked of NULL.
 *
 * Outputs are called `ret_something`, are written on success alone, and must not be NULL where their
 * comment does not say so.
 *
 * Arguments that must not be NULL and are end in NETNS_STATUS_BAD_REQUEST; those that may be NULL say
 * so. Unknown numbers and unknown flags are refused in the same way.
 *
 * Strings that go in are UTF-8 and end with a NUL; the library copies what it keeps. Strings that come
 * out belong to the object that they were read from and last as long as it does.
 *
 * Structs begin with `size_t size`, which the caller sets to the sizeof of the struct, and grow at the
 * end alone: what is 0 means what it meant before the struct grew. A struct that is shorter than the
 * library's counts as filled up with zeroes; one that is longer is refused unless the rest is zeroes.
 * So a program should clear a struct before it fills it in. Arrays of structs are arrays of pointers.
 * Structs that come out are read-only, and as long as their size says.
 *
 * Objects are freed by the function that has their name and `_free`, once; NULL is fine. A controller
 * is closed by netns_controller_close. The order does not matter: an object keeps what it needs.
 *
 * Threads. A `const` pointer may be used by many threads at once, another by one at a time. No call
 * leaves the calling thread in another namespace. The host of an object is the network namespace of
 * the thread that made it.
 *
 * Callbacks are called from any thread and may call the library, where their comment does not forbid
 * it. They must return: no exception and no longjmp may leave them.
 *
 * Fork. A child that was forked can make objects of its own; those that it inherits answer
 * NETNS_STATUS_FORBIDDEN, and may be freed.
 *
 * A panic of the library, which is a mistake in it, becomes NETNS_STATUS_PANIC.
 */

#ifndef NETNS_H
#define NETNS_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of the header, to compare with netns_version_number: 0x00MMmmpp.
 */
#define NETNS_VERSION 256

/**
 * What a function that can fail returns: 0, or one of the negative numbers here. A number is never used for
 * anything else later; a later version may add others.
 */
typedef enum netns_status {
    /**
     * It succeeded.
     */
    NETNS_STATUS_OK = 0,
    /**
     * The object, its name or its address is already there.
     */
    NETNS_STATUS_ALREADY_EXISTS = -1,
    /**
     * An argument cannot be right, whatever the state of the host.
     */
    NETNS_STATUS_BAD_REQUEST = -2,
    /**
     * The object is in use, or kept changing while it was read.
     */
    NETNS_STATUS_BUSY = -3,
    /**
     * The request is valid but not allowed on this object.
     */
    NETNS_STATUS_FORBIDDEN = -4,
    /**
     * The object is not there (any more).
     */
    NETNS_STATUS_NOT_FOUND = -5,
    /**
     * The driver does not offer the operation.
     */
    NETNS_STATUS_NOT_IMPLEMENTED = -6,
    /**
     * The process lacks a privilege that the operation needs, or the filesystem is read-only.
     */
    NETNS_STATUS_PERMISSION_DENIED = -7,
    /**
     * A limit was reached: ports of a bridge, addresses of a subnet, descriptors, memory, the room on a disk.
     */
    NETNS_STATUS_RESOURCE_EXHAUSTED = -8,
    /**
     * The kernel, or a driver, refused for a reason that has no number of its own; see netns_error_errno.
     */
    NETNS_STATUS_SYSTEM = -9,
    /**
     * This kernel, or this build of it, does not have the feature.
     */
    NETNS_STATUS_UNSUPPORTED = -10,
    /**
     * A mistake in the library was caught. What it was doing may be half done; the process can go on.
     */
    NETNS_STATUS_PANIC = -11,
} netns_status;

/**
 * How important a message of the log is.
 */
typedef enum netns_log_level {
    /**
     * Nothing at all, for netns_log_set.
     */
    NETNS_LOG_LEVEL_OFF = 0,
    /**
     * Something was given up.
     */
    NETNS_LOG_LEVEL_ERROR = 1,
    /**
     * Something is not as it should be, and was worked around.
     */
    NETNS_LOG_LEVEL_WARN = 2,
    /**
     * What was found and put right.
     */
    NETNS_LOG_LEVEL_INFO = 3,
    /**
     * For those who look for a mistake.
     */
    NETNS_LOG_LEVEL_DEBUG = 4,
} netns_log_level;

/**
 * What went wrong: operation, object and cause in words, and numbers to branch on. It never changes, and
 * any thread may read it. The functions that read it take NULL, too, and then return NULL or 0.
 */
typedef struct netns_error netns_error;

/**
 * Hears a message of the log: its netns_log_level, the part of the library that it is from, its text. Both
 * strings last until the callback returns. It is called from any thread, several at once.
 */
typedef void (*netns_log_callback)(void *user,
                                   int32_t level,
                                   const char *target,
                                   const char *message);

/**
 * Is called once when the library needs a callback's `user` no more, from any thread.
 */
typedef void (*netns_release_callback)(void *user);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a status without its prefix: "BUSY". "UNKNOWN" for a number that is none. It lasts as long as
 * the program.
 */
const char *netns_status_name(int32_t status);

/**
 * Makes an error, for a callback to hand to the library by its `ret_error`.
 *
 * @param status     what kind of failure it is; a number that is none counts as NETNS_STATUS_SYSTEM
 * @param operation  what was attempted, a verb phrase: "create link"; may be NULL
 * @param subject    the object that it was attempted on; may be NULL
 * @param cause      what is wrong, or what to do about it; may be NULL
 * @param number     the system's error number, 0 when there is none; `status` is then taken from `status`
 *                   all the same
 * @return the error, never NULL. The library frees it when it was handed over, else netns_error_free does.
 */
struct netns_error *netns_error_new(int32_t status,
                                    const char *operation,
                                    const char *subject,
                                    const char *cause,
                                    int32_t number);

/**
 * What kind of failure it is: a negative netns_status, the one that the call returned.
 */
int32_t netns_error_kind(const struct netns_error *error);

/**
 * The whole error for people: "operation subject: cause", with the kernel's own words where there are any,
 * and what could not be undone. Lasts as long as the error.
 */
const char *netns_error_message(const struct netns_error *error);

/**
 * What was attempted, a verb phrase: "create link". Lasts as long as the error.
 */
const char *netns_error_operation(const struct netns_error *error);

/**
 * The object that it was attempted on. Lasts as long as the error.
 */
const char *netns_error_subject(const struct netns_error *error);

/**
 * The system's error number (errno(3)), 0 when there is none.
 */
int32_t netns_error_errno(const struct netns_error *error);

/**
 * The kernel's own words from its extended acknowledgement, NULL when there are none. Lasts as long as the
 * error.
 */
const char *netns_error_kernel_message(const struct netns_error *error);

/**
 * How many things could not be undone on the way back; 0 when the state is as it was before the call.
 */
size_t netns_error_rollback_count(const struct netns_error *error);

/**
 * Why one of them could not be undone, NULL beyond their number. Lasts as long as the error that it is of,
 * and is not freed.
 */
const struct netns_error *netns_error_rollback(const struct netns_error *error,
                                               size_t index);

/**
 * Frees an error; NULL is fine.
 */
void netns_error_free(struct netns_error *error);

/**
 * Has `callback` hear what the library logs, in the whole process, instead of the one before. Without this
 * the library writes nothing anywhere. What the callback itself makes the library log is not heard.
 *
 * @param max_level  a netns_log_level: the least important messages that are wanted
 * @param callback   hears them; NULL for nobody
 * @param user       is handed to the callback as it is
 * @param release    is told when `user` is needed no more: after another call of this function, when the
 *                   last callback has returned; may be NULL. Not called when this function fails
 */
int32_t netns_log_set(int32_t max_level,
                      netns_log_callback callback,
                      void *user,
                      netns_release_callback release,
                      struct netns_error **ret_error);

/**
 * The version of the library that was loaded: "0.1.0". It lasts as long as the program.
 */
const char *netns_version(void);

/**
 * The version of the library that was loaded, as a number that grows: major << 16 | minor << 8 | patch. The
 * header's own is NETNS_VERSION.
 */
uint32_t netns_version_number(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NETNS_H */
