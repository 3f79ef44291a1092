// Package netns is container networking at the kernel's price: network namespaces, links, bridges, addresses, firewall
// and counters, without a daemon and without calling ip.
package netns

import "libnetns.dev/go/netns/internal/native"

// Version is that of the C library that the program runs with.
func Version() string {
	return native.Version()
}
