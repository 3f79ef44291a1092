// Package sandbox has the shapes of libnetwork's package of this name (seed 000): a sandbox is a network namespace that
// is mounted at its key. What they do is done by package netns.
package sandbox

import (
	"net"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/internal/argument"
)

// Info represents all possible information that the driver wants to place in the sandbox, which includes interfaces and
// gateways.
type Info struct {
	Interfaces []*Interface
	// Gateway is the IPv4 gateway for the sandbox.
	Gateway net.IP
	// GatewayIPv6 is the IPv6 gateway for the sandbox.
	GatewayIPv6 net.IP
}

// Interface represents the settings and identity of a network device.
type Interface struct {
	// SrcName is the name of the interface in the origin network namespace.
	SrcName string
	// DstName is the name that is assigned to the interface as it moves inside; empty for "eth" and the lowest number
	// that is free.
	DstName string
	// Address is the IPv4 address for the interface; nil for none.
	Address *net.IPNet
	// AddressIPv6 is the IPv6 address for the interface; nil for none, and then it has no IPv6 at all.
	AddressIPv6 *net.IPNet
}

// Sandbox represents a network sandbox, identified by a specific key. It holds a list of interfaces, routes etc, and more
// can be added dynamically. Its methods may be called by any number of goroutines at once.
type Sandbox interface {
	// Key is the path where the network namespace is mounted.
	Key() string
	// Interfaces is what was added with AddInterface, or by a join, by any process; not the loopback interface. It is nil
	// where the sandbox is gone.
	Interfaces() []*Interface
	// AddInterface moves an existing interface to this sandbox. It is renamed from SrcName to DstName as it moves, and
	// configured. After an error it is where it was, as it was.
	AddInterface(*Interface) error
	// RemoveInterface moves an interface out of the sandbox, back to its original name. One that is gone is no error.
	RemoveInterface(*Interface) error
	// SetGateway sets the default IPv4 gateway for the sandbox; an empty one changes nothing.
	SetGateway(gw net.IP) error
	// SetGatewayIPv6 sets the default IPv6 gateway for the sandbox; an empty one changes nothing.
	SetGatewayIPv6(gw net.IP) error
	// Destroy destroys the sandbox. Repeated calls succeed.
	Destroy() error
}

// GenerateKey generates a sandbox key based on the passed container id: the path of its first 12 bytes in /run/netns. It
// is empty where the id is no name; [netns.GenerateKey] says why.
func GenerateKey(containerID string) string {
	key, err := netns.GenerateKey(containerID)
	if err != nil {
		return ""
	}
	return key
}

// NewSandbox makes a sandbox that is mounted at the key, an absolute path. It fails as [netns.CreateSandboxIn] does. The
// handle is let go of when nobody refers to it any more; the sandbox stays until Destroy.
func NewSandbox(key string) (Sandbox, error) {
	directory, name, err := argument.Key("create sandbox", key)
	if err != nil {
		return nil, err
	}
	return of(netns.CreateSandboxIn(directory, name))
}

// OpenSandbox opens the sandbox that this or another process made at the key. It fails as [netns.OpenSandboxIn] does.
func OpenSandbox(key string) (Sandbox, error) {
	return of(open(key))
}

// GetInfo is all that the sandbox at the key holds.
func GetInfo(key string) (*Info, error) {
	opened, err := open(key)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Info()
	if err != nil {
		return nil, err
	}
	return &Info{
		Interfaces:  interfacesOf(info.Interfaces),
		Gateway:     info.Gateway.AsSlice(),
		GatewayIPv6: info.GatewayIPv6.AsSlice(),
	}, nil
}

func open(key string) (*netns.Sandbox, error) {
	directory, name, err := argument.Key("open sandbox", key)
	if err != nil {
		return nil, err
	}
	return netns.OpenSandboxIn(directory, name)
}

// sandbox is a Sandbox.
type sandbox struct {
	*netns.Sandbox
}

func of(made *netns.Sandbox, err error) (Sandbox, error) {
	if err != nil {
		return nil, err
	}
	return sandbox{made}, nil
}

func (s sandbox) Interfaces() []*Interface {
	interfaces, err := s.Sandbox.Interfaces()
	if err != nil {
		return nil
	}
	return interfacesOf(interfaces)
}

func (s sandbox) AddInterface(device *Interface) error {
	own, err := device.netns()
	if err != nil {
		return err
	}
	_, err = s.Sandbox.AddInterface(own)
	return err
}

func (s sandbox) RemoveInterface(device *Interface) error {
	own, err := device.netns()
	if err != nil {
		return err
	}
	return s.Sandbox.RemoveInterface(own)
}

func (s sandbox) SetGateway(gw net.IP) error {
	gateway, err := addr(gw)
	if err != nil {
		return err
	}
	return s.Sandbox.SetGateway(gateway)
}

func (s sandbox) SetGatewayIPv6(gw net.IP) error {
	gateway, err := addr(gw)
	if err != nil {
		return err
	}
	return s.Sandbox.SetGatewayIPv6(gateway)
}
