// Package native is all of libnetns.dev/go/netns that is cgo: netns.h with Go's types. It translates and does nothing
// else; what callers see is the packages above it.
//
// An object of the library is a Handle. A call that takes one holds it: what is closed while a call is inside is freed
// when the last call is out. Arguments are copied to an arena, which refuses what C cannot say. Functions of the library
// are called through run and ask, which see to both.
package native

// #include <netns.h>
import "C"

// Version is the library's, as "0.1.0".
func Version() string {
	return C.GoString(C.netns_version())
}

// VersionNumber is the library's: major, minor and patch, a byte each.
func VersionNumber() uint32 {
	return uint32(C.netns_version_number())
}
