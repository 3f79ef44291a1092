package native

import (
	"sync"
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// Handle is an object of the library. Nil and the zero value are closed ones.
type Handle struct {
	what string
	free func(unsafe.Pointer)

	mu      sync.Mutex
	pointer unsafe.Pointer // nil when it was freed
	users   int
	closed  bool
}

// newHandle is an object that free frees. What it is called, "sandbox", is for errors.
func newHandle(what string, pointer unsafe.Pointer, free func(unsafe.Pointer)) *Handle {
	return &Handle{what: what, pointer: pointer, free: free}
}

// hold is the object, which stays until release, or an error of operation.
func (h *Handle) hold(operation string) (unsafe.Pointer, error) {
	if h == nil {
		return nil, errdefs.Closed(operation, "object")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.pointer == nil {
		return nil, errdefs.Closed(operation, h.what)
	}
	h.users++
	return h.pointer, nil
}

func (h *Handle) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users--
	h.freeUnused()
}

// Close frees the object when no call is inside of it any more. It may be called again, and from everywhere.
func (h *Handle) Close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.freeUnused()
}

func (h *Handle) freeUnused() {
	if !h.closed || h.users > 0 || h.pointer == nil {
		return
	}
	h.free(h.pointer)
	h.pointer = nil
}
