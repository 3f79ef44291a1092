/* What C calls of the program's: a cgo.Handle as the `user` of a callback, and the functions that take it. */
#include <netns.h>

void *netns_go_user(uintptr_t handle);
void netns_go_release(void *user);
void netns_go_log(void *user, int32_t level, const char *target, const char *message);
