//go:build netns_static

package native

// #cgo pkg-config: --static libnetns
// #cgo LDFLAGS: -Wl,-Bstatic -lnetns -Wl,-Bdynamic -lgcc_s -lm
import "C"
