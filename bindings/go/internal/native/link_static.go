//go:build netns_static

package native

// #cgo pkg-config: --static libnetns
// #cgo LDFLAGS: -l:libnetns.a -lgcc_eh -lm -Wl,--as-needed
import "C"
