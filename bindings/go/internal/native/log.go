package native

// #include "program.h"
import "C"

import "runtime"

// SetLog is netns_log_set.
func SetLog(level int32, hear func(level int32, target, message string)) error {
	token := keep(hear)
	err := run("set log", func(c *call) C.int32_t {
		return C.netns_go_log_set(C.int32_t(level), C.uintptr_t(token), &c.raised)
	})
	if err != nil {
		drop(token)
	}
	return err
}

// ClearLog is netns_log_set for nobody.
func ClearLog() error {
	return run("set log", func(c *call) C.int32_t {
		return C.netns_log_set(C.NETNS_LOG_LEVEL_OFF, nil, nil, nil, &c.raised)
	})
}

//export netnsGoLog
func netnsGoLog(token C.uintptr_t, level C.int32_t, target, message *C.char) {
	// As in run, for the library's own threads.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	hear, ok := kept(uintptr(token)).(func(level int32, target, message string))
	if !ok {
		return
	}
	// There is nobody to tell of a panic.
	attempt(func() error {
		hear(int32(level), C.GoString(target), C.GoString(message))
		return nil
	}, "call the handler of the log")
}
