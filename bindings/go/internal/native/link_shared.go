//go:build !netns_static

package native

// #cgo pkg-config: libnetns
import "C"
