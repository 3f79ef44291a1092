// Package libnetwork has the shapes of libnetwork's first design (seed 002): networks that containers link to, and network
// namespaces that the links move into. What they do is done by package netns, whose Network.Connect gives a container the
// same in a fraction of the time.
//
//	// Create a network for containers to join.
//	network, err := libnetwork.NewNetwork("simplebridge", "demo", &libnetwork.Options{})
//	if err != nil {
//		return err
//	}
//
//	// For a new container: create network namespace (providing the path).
//	networkPath := "/var/lib/docker/.../4d23e"
//	networkNamespace, err := libnetwork.NewNetworkNamespace(networkPath)
//	if err != nil {
//		return err
//	}
//
//	// For each new container: allocate IP and interfaces. The returned network
//	// settings will be used for container infos (inspect and such), as well as
//	// iptables rules for port publishing.
//	interfaces, err := network.Link(containerID)
//	if err != nil {
//		return err
//	}
//
//	// Add interfaces to the namespace.
//	for _, device := range interfaces {
//		if err := networkNamespace.AddInterface(device); err != nil {
//			return err
//		}
//	}
//
// The seed's comment leaves out the network's name, and calls the device "interface", which is a keyword of Go.
//
// Networks are kept by a controller, and namespaces by the kernel: both stay when the program ends. netns.Controller's
// RemoveNetwork and netns.RemoveSandboxIn take them away.
package libnetwork

import (
	"fmt"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
)

// Network represents a logical connectivity zone that containers may ulteriorly join using the Link method. A Network is
// managed by a specific driver.
type Network interface {
	// Name is a user chosen name for this network.
	Name() string
	// Type is the type of network, which corresponds to its managing driver.
	Type() string
	// Link creates a new link to this network, symbolically identified by the specified unique name: two devices in the
	// host with addresses, of which the interface is the one that is ready to move.
	Link(name string) ([]*Interface, error)
}

// Namespace represents a network namespace, mounted on a specific path. It holds a list of interfaces, and more can be
// added dynamically.
type Namespace interface {
	// Path is where the network namespace is mounted.
	Path() string
	// Interfaces is what was added with AddInterface, by any process; not the loopback interface. It is nil where the
	// namespace is gone.
	Interfaces() []*Interface
	// AddInterface moves an existing interface to this namespace. It is renamed from SrcName to DstName as it moves, and
	// configured. After an error it is where it was, as it was.
	AddInterface(*Interface) error
}

// DriverParams is options that are specific to a driver: nil, Options or *Options.
type DriverParams any

// Options is what a network is to be besides its type and name, and where it is kept. The zero value is the default.
type Options struct {
	// Controller says where the network is kept.
	Controller netns.Options
	// Network is what it is to be. Type and name are those of NewNetwork.
	Network netns.NetworkConfig
}

// driverOf is the drivers by the names that they once had.
var driverOf = map[string]string{"simplebridge": "bridge"}

// NewNetwork creates a new network of the specified networkType: "simplebridge", or what netns.NetworkConfig has. It fails
// as [netns.Open] and [netns.Controller.CreateNetwork] do.
func NewNetwork(networkType, name string, options DriverParams) (Network, error) {
	chosen, err := optionsOf(options)
	if err != nil {
		return nil, err
	}
	if driver, is := driverOf[networkType]; is {
		networkType = driver
	}
	if networkType == "" {
		return nil, errdefs.New(errdefs.ErrBadRequest, "create network", name, "it has no type")
	}
	controller, err := netns.Open(chosen.Controller)
	if err != nil {
		return nil, err
	}
	defer controller.Close()
	chosen.Network.Name, chosen.Network.Type = name, networkType
	made, err := controller.CreateNetwork(chosen.Network)
	if err != nil {
		return nil, err
	}
	return network{made, networkType}, nil
}

func optionsOf(params DriverParams) (Options, error) {
	switch options := params.(type) {
	case nil:
		return Options{}, nil
	case Options:
		return options, nil
	case *Options:
		if options == nil {
			return Options{}, nil
		}
		return *options, nil
	}
	return Options{}, errdefs.New(errdefs.ErrBadRequest, "use", fmt.Sprintf("%T", params), "options are *libnetwork.Options")
}

// network is a Network.
type network struct {
	*netns.Network
	networkType string
}

func (n network) Type() string { return n.networkType }

func (n network) Link(name string) ([]*Interface, error) {
	endpoint, err := n.Network.Link(netns.EndpointConfig{Name: name})
	if err != nil {
		return nil, err
	}
	return []*Interface{interfaceOf(*endpoint.Interface)}, nil
}

// NewNetworkNamespace creates a new network namespace mounted on the specified path, which is absolute. It fails as
// [netns.CreateSandboxIn] does.
func NewNetworkNamespace(path string) (Namespace, error) {
	directory, name, err := argument.Key("create namespace", path)
	if err != nil {
		return nil, err
	}
	made, err := netns.CreateSandboxIn(directory, name)
	if err != nil {
		return nil, err
	}
	return namespace{made}, nil
}

// namespace is a Namespace.
type namespace struct {
	sandbox *netns.Sandbox
}

func (n namespace) Path() string { return n.sandbox.Key() }

func (n namespace) Interfaces() []*Interface {
	interfaces, err := n.sandbox.Interfaces()
	if err != nil {
		return nil
	}
	var of []*Interface
	for _, own := range interfaces {
		of = append(of, interfaceOf(own))
	}
	return of
}

func (n namespace) AddInterface(device *Interface) error {
	own, err := device.netns()
	if err != nil {
		return err
	}
	_, err = n.sandbox.AddInterface(own)
	return err
}
