package native

// #include <stdint.h>
import "C"

import (
	"sync"
	"unsafe"
)

// tokens is what C has of Go's: the values are kept here until C gives the numbers back.
var tokens = struct {
	sync.RWMutex
	last   uintptr
	values map[uintptr]any
}{values: map[uintptr]any{}}

// keep is the number by which C knows a value until drop.
func keep(value any) uintptr {
	tokens.Lock()
	defer tokens.Unlock()
	tokens.last++
	tokens.values[tokens.last] = value
	return tokens.last
}

// kept is the value of a number, or nil.
func kept(token uintptr) any {
	tokens.RLock()
	defer tokens.RUnlock()
	return tokens.values[token]
}

func drop(token uintptr) {
	tokens.Lock()
	defer tokens.Unlock()
	delete(tokens.values, token)
}

// Kept is how many values C has.
func Kept() int {
	tokens.RLock()
	defer tokens.RUnlock()
	return len(tokens.values)
}

// setUser writes a number where C has a pointer. It is no address, so Go must not see it as one.
func setUser(user *unsafe.Pointer, token uintptr) {
	*(*uintptr)(unsafe.Pointer(user)) = token
}

//export netnsGoRelease
func netnsGoRelease(token C.uintptr_t) {
	drop(uintptr(token))
}
