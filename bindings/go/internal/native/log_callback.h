/* What hears the log: its `user` is a cgo.Handle. */
#include <netns.h>

int32_t netns_go_log_set(int32_t max_level, uintptr_t user, netns_error **ret_error);
