package native

// #include <netns.h>
import "C"

import (
	"runtime"
	"unsafe"
)

// call is a call of the library: the objects that it is inside of, its arguments, its error.
type call struct {
	*arena
	held   []*object
	raised *C.netns_error
}

// object is what the handle is of. Where that is closed, or nil, the call's err says so.
func (c *call) object(handle *Handle) unsafe.Pointer {
	pointer, err := handle.hold(c.operation)
	if err != nil {
		c.refuse(err)
		return nil
	}
	c.held = append(c.held, handle.object)
	return pointer
}

func (c *call) refuse(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *call) end() {
	c.free()
	for _, object := range c.held {
		object.release()
	}
}

// run calls a function of the library that answers nothing but whether it could. inside gets ready what the function
// takes and calls it, but not where the call has an err by then: its status does not count then.
//
// The library may go into another namespace, and call the program back from there. Of a thread that a goroutine is
// locked to the runtime makes no others, which would be there, too, and stay.
func run(operation string, inside func(c *call) C.int32_t) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := &call{arena: newArena(operation)}
	defer c.end()
	status := inside(c)
	if c.err != nil {
		C.netns_error_free(c.raised)
		return c.err
	}
	return failure(status, c.raised)
}

// ask calls a function of the library that answers something, as run does; take makes it Go's.
func ask[T, R any](operation string, take func(T) R, inside func(c *call, ret *T) C.int32_t) (R, error) {
	ret := new(T)
	if err := run(operation, func(c *call) C.int32_t { return inside(c, ret) }); err != nil {
		var nothing R
		return nothing, err
	}
	return take(*ret), nil
}

func flag(on bool, bit C.uint64_t) C.uint64_t {
	if on {
		return bit
	}
	return 0
}
