package native

// #include "log_callback.h"
import "C"

import "runtime/cgo"

// SetLog is netns_log_set.
func SetLog(level int32, hear func(level int32, target, message string)) error {
	user := cgo.NewHandle(hear)
	err := run("set log", func(c *call) C.int32_t {
		return C.netns_go_log_set(C.int32_t(level), C.uintptr_t(user), &c.raised)
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
