package native

// #include <stdlib.h>
import "C"

import (
	"strings"
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// arena is C's memory for the arguments of one call.
type arena struct {
	operation string
	blocks    []unsafe.Pointer
	err       error
}

// newArena is memory for the arguments of operation, a verb phrase. Its free must be deferred.
func newArena(operation string) *arena {
	return &arena{operation: operation}
}

func (a *arena) free() {
	for _, block := range a.blocks {
		C.free(block)
	}
	a.blocks = nil
}

// text is a string, which is refused where it has a NUL: C would not see what is behind it.
func (a *arena) text(text string) *C.char {
	if strings.IndexByte(text, 0) >= 0 {
		if a.err == nil {
			a.err = errdefs.New(errdefs.ErrBadRequest, a.operation, "text", "it has a NUL")
		}
		return nil
	}
	copied := C.CString(text)
	a.blocks = append(a.blocks, unsafe.Pointer(copied))
	return copied
}

// optional is a string, or NULL for an empty one.
func (a *arena) optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return a.text(text)
}

// texts is an array of strings, or NULL for none, and how many.
func (a *arena) texts(texts []string) (**C.char, C.size_t) {
	return list(a, texts, a.text)
}

// list is an array of what each makes of the values, or NULL for none, and how many.
func list[T, R any](a *arena, values []T, each func(T) R) (*R, C.size_t) {
	if len(values) == 0 {
		return nil, 0
	}
	array := allocate[R](a, len(values))
	for i, value := range values {
		array[i] = each(value)
	}
	return &array[0], C.size_t(len(values))
}

// one is cleared memory for a value of C.
func one[T any](a *arena) *T {
	return &allocate[T](a, 1)[0]
}

// allocate is cleared memory for count values of C.
func allocate[T any](a *arena, count int) []T {
	var value T
	block := C.calloc(C.size_t(count), C.size_t(unsafe.Sizeof(value)))
	a.blocks = append(a.blocks, block)
	return unsafe.Slice((*T)(block), count)
}
