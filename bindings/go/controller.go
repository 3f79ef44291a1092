package netns

import "libnetns.dev/go/netns/internal/native"

// Controller is the store of networks, endpoints and sandboxes of a host, and what is done with them. It may be used by
// many goroutines at once.
type Controller struct {
	handle *native.Handle
}

// Options says where a controller keeps what it knows. What is empty is the library's default.
type Options struct {
	// NetworksDir is the directory of network definitions, /etc/libnetns/networks by default.
	NetworksDir string
	// RunDir is the directory of what lasts until the next boot, /run/libnetns by default.
	RunDir string
	// SandboxDir is the directory of sandboxes, /run/netns by default.
	SandboxDir string
}

// Open opens the store, and makes it where there is none. The host is the network namespace of the calling thread.
func Open(options Options) (*Controller, error) {
	handle, err := native.OpenController(native.ControllerOptions{
		NetworksDir: options.NetworksDir,
		RunDir:      options.RunDir,
		SandboxDir:  options.SandboxDir,
	})
	if err != nil {
		return nil, err
	}
	return &Controller{handle: handle}, nil
}

// Close lets go of the store. What was made stays. It may be called again.
func (c *Controller) Close() error {
	if c != nil {
		c.handle.Close()
	}
	return nil
}
