package native

// #include "callback.h"
//
// static int32_t log_set(int32_t level, uintptr_t user, netns_error **ret_error)
// {
//     return netns_log_set(level, netns_go_log, netns_go_user(user), netns_go_release, ret_error);
// }
import "C"

import "runtime/cgo"

// SetLog is netns_log_set.
func SetLog(level int32, hear func(level int32, target, message string)) error {
	user := cgo.NewHandle(hear)
	err := run("set log", func(c *call) C.int32_t {
		return C.log_set(C.int32_t(level), C.uintptr_t(user), &c.raised)
	})
	if err != nil {
		user.Delete()
	}
	return err
}

// ClearLog is netns_log_set for nobody.
func ClearLog() error {
	return run("set log", func(c *call) C.int32_t {
		return C.netns_log_set(C.NETNS_LOG_LEVEL_OFF, nil, nil, nil, &c.raised)
	})
}
