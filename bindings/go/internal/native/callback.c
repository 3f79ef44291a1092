#include "callback.h"
#include "_cgo_export.h"

/* A cgo.Handle is a small number, which must not be seen as a pointer where Go looks at it. */
void *netns_go_user(uintptr_t handle)
{
    return (void *)handle;
}

void netns_go_release(void *user)
{
    goRelease((uintptr_t)user);
}

void netns_go_log(void *user, int32_t level, const char *target, const char *message)
{
    goLog((uintptr_t)user, level, (char *)target, (char *)message);
}
