module libnetns.dev/go/netns/benches

go 1.24

require (
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	libnetns.dev/go/netns v0.0.0
)

require golang.org/x/sys v0.10.0 // indirect

replace libnetns.dev/go/netns => ../../bindings/go
