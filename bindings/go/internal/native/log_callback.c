#include "_cgo_export.h"
#include "log_callback.h"

/* A cgo.Handle is a small number, which Go must not take for an address: it crosses as one. */

static void hear(void *user, int32_t level, const char *target, const char *message)
{
    netnsGoLog((uintptr_t)user, level, (char *)target, (char *)message);
}

static void release(void *user)
{
    netnsGoLogRelease((uintptr_t)user);
}

int32_t netns_go_log_set(int32_t max_level, uintptr_t user, netns_error **ret_error)
{
    return netns_log_set(max_level, hear, (void *)user, release, ret_error);
}
