package native

// #include <netns.h>
import "C"

import "runtime/cgo"

//export netnsGoLog
func netnsGoLog(user C.uintptr_t, level C.int32_t, target, message *C.char) {
	// There is nobody to tell of a panic here.
	defer func() { _ = recover() }()
	hear := cgo.Handle(user).Value().(func(level int32, target, message string))
	hear(int32(level), C.GoString(target), C.GoString(message))
}

//export netnsGoLogRelease
func netnsGoLogRelease(user C.uintptr_t) {
	cgo.Handle(user).Delete()
}
