package native

import (
	"runtime"
	"sync"
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// Handle is an object of the library. Nil and the zero value are closed ones. One that nobody refers to any more closes
// itself.
type Handle struct {
	object *object
}

// object is what a Handle is of. It does not refer to the Handle.
type object struct {
	what string
	free func(unsafe.Pointer)
	wake func(unsafe.Pointer) // ends the waiting of the calls that are inside; may be nil

	mu      sync.Mutex
	pointer unsafe.Pointer // nil when it was freed
	users   int
	closed  bool
}

// newHandle is an object that free frees. What it is called, "sandbox", is for errors.
func newHandle(what string, pointer unsafe.Pointer, free func(unsafe.Pointer)) *Handle {
	return newWaiting(what, pointer, free, nil)
}

// newWaiting is an object whose calls may wait, until wake is called.
func newWaiting(what string, pointer unsafe.Pointer, free, wake func(unsafe.Pointer)) *Handle {
	handle := &Handle{&object{what: what, free: free, wake: wake, pointer: pointer}}
	runtime.AddCleanup(handle, (*object).close, handle.object)
	return handle
}

// hold is the object, which stays until release, or an error of operation.
func (h *Handle) hold(operation string) (unsafe.Pointer, error) {
	if h == nil || h.object == nil {
		return nil, errdefs.Closed(operation, "object")
	}
	// It must not close itself before the call is counted.
	defer runtime.KeepAlive(h)
	return h.object.hold(operation)
}

// Close frees the object when no call is inside of it any more. It may be called again, and from everywhere.
func (h *Handle) Close() {
	if h != nil && h.object != nil {
		h.object.close()
	}
}

func (o *object) hold(operation string) (unsafe.Pointer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errdefs.Closed(operation, o.what)
	}
	o.users++
	return o.pointer, nil
}

func (o *object) release() {
	o.mu.Lock()
	o.users--
	unused := o.takeUnused()
	o.mu.Unlock()
	o.dispose(unused)
}

func (o *object) close() {
	o.wakeAll()
	o.mu.Lock()
	o.closed = true
	unused := o.takeUnused()
	o.mu.Unlock()
	o.dispose(unused)
}

func (o *object) wakeAll() {
	if o.wake == nil {
		return
	}
	pointer, err := o.hold("close")
	if err != nil {
		return
	}
	defer o.release()
	o.wake(pointer)
}

// takeUnused is what is to be freed by now, once.
func (o *object) takeUnused() unsafe.Pointer {
	if !o.closed || o.users > 0 {
		return nil
	}
	unused := o.pointer
	o.pointer = nil
	return unused
}

// dispose frees it with no lock held: that may wait for callbacks, which may come here again.
func (o *object) dispose(unused unsafe.Pointer) {
	if unused != nil {
		o.free(unused)
	}
}
